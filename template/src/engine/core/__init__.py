"""What every stage stands on: errors, settings, storage, and what is taken from `app`."""
