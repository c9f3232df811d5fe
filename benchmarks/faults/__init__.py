"""Faults of `run.py benchmark reliability`: what is done to a rendered repository, and counted."""
