"""Proposing how a foreign topic is understood, from a sample of its records."""
