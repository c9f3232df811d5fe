"""The parts of `monitor`: what was predicted, against what was expected."""
