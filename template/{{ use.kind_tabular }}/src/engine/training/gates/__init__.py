"""What was measured, held against what the contract asks; for groups of rows, with intervals."""
