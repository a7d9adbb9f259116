"""What other people's topics carry: formats, encodings, and the mapping to our own events."""
