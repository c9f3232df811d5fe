"""What callers send and get, as types, schemas and counts."""
