"""The commands of ``winback sender``; each is imported when it runs."""
