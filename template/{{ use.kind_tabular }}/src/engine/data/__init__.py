"""Rows: read, typed, checked, split."""
