"""Files that people write: read strictly, with the line and column of everything that is wrong."""
