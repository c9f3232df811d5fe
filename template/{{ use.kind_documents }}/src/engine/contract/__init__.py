"""What `contract.toml` says, and what is taken from `src/app`."""
