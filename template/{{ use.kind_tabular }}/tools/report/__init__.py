"""The data on one HTML page."""
