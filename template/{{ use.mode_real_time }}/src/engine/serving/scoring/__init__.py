"""From rows to scores: together with others, on the event loop or in a thread."""
