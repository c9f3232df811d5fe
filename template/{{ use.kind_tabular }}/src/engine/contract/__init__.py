"""The data contract: what a column is, and what follows from it."""
