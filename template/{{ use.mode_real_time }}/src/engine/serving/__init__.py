"""Predictions while somebody waits."""
