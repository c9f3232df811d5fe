"""Where runs are recorded for people to compare."""
