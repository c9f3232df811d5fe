"""Predictions by a function of AWS Lambda; `handler.handle` is what the platform calls."""
