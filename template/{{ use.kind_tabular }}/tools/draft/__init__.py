"""From a table nobody has described to a first contract."""
