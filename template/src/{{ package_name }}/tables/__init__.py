"""The parts of `data`: columns typed, checked, divided, and searched for leaks."""
