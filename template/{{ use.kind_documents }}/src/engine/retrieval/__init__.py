"""From documents to passages, and from a question to those that may answer it."""
