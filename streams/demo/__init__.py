"""A year of real purchases in a hundred seconds, and a worker killed on the way."""
