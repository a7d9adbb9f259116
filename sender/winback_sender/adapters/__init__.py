"""Adapters: one provider each."""
