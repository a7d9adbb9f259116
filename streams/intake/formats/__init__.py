"""Formats: what a record of each says, in the terms of no format."""
