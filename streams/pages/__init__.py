"""Pages that need nothing else: one file each, with its style, pictures and numbers."""
