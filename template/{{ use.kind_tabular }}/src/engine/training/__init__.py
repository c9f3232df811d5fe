"""From rows to a model that was measured and held against its gates."""
