"""The app that runs the model in a browser: what goes into it, and that it says the same."""
