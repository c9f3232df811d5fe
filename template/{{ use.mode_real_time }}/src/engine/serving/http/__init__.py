"""The server: paths, bodies, replies, counters."""
