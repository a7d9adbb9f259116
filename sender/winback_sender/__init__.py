"""The kit for those who send the touches."""
