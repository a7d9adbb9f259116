"""Worlds with known truth: users, weather and senders around the pure core, and a referee."""
