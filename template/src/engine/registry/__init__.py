"""Versions of the model, the bundles they are, and the runs they came from."""
