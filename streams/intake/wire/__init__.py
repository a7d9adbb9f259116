"""Encodings: bytes of JSON, Avro and Protobuf, and the registry of their schemas."""
