"""A real Apache Kafka from packages, for development, tests and the demo."""
