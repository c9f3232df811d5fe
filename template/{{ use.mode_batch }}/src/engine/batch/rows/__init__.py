"""Raw rows to what the model takes; bad ones with their reason."""
