"""Stand-ins for providers: they behave, and misbehave, as the documents say."""
