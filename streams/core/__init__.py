"""The pure core: state and input make state and effects; no clock, no chance, no IO, no log."""
