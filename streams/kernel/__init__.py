"""The calm path of a whole chunk in C; each part of it has a twin in Python."""
