"""Prefect, as far as a batch needs it."""
