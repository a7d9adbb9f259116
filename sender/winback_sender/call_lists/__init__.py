"""Call lists for staff: what is on them, and what staff write back."""
