"""Contact addresses: asked for when a touch is sent, and never in Kafka."""
