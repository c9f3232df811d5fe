"""What the engine takes from `app`."""
