"""What was asked and answered, against what was asked before, and what people thought of it."""
