"""Spark, as far as a batch needs it."""
