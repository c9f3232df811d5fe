"""The parts of `serve`: requests in, predictions out, nothing lost in between."""
