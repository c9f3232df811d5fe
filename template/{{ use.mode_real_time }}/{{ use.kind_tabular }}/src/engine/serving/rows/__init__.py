"""Rows of a table over HTTP: requests, schemas, counts."""
