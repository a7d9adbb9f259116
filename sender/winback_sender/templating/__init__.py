"""Templates: files, book and schema."""
