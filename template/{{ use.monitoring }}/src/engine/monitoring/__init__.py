"""What was predicted, against what was expected."""
