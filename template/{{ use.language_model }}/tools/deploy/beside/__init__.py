"""What runs beside the server: each module here that has `checks()` adds to `deploy --check`."""
