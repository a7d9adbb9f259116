"""Faust and Kafka: transport, assignment, durable state, ticks, metrics."""
