"""What people look at: a read model in SQLite, fed from the topics, and the pages on it."""
