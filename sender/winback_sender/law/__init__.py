"""What providers and countries allow, as data."""
