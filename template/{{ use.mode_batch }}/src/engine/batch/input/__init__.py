"""The file to be scored: opened, divided into parts, read as batches of rows."""
