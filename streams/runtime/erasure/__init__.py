"""Erasing people: the wish, the tombstones, and the proof that nothing is left."""
