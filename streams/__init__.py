"""Activity in motion: a company's events in, win-back touches out."""
