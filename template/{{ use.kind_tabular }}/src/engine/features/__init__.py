"""Rows to what a model takes."""
