"""Everything that learns; knows nothing of Kafka, cases or touches."""
