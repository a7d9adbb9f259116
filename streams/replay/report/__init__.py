"""The report of a back-test: what was said then, held beside what became of it."""
