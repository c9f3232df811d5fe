"""Yours: what is particular to this system."""
