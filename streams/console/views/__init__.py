"""What each page asks of the read model: one module a page, typed rows, no words."""
