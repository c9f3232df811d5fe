"""The parts of `infer`: from a table nobody has described to a first contract."""
