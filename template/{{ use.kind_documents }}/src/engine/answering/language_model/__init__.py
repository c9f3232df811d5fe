"""The language model: where it is asked, and how a question becomes a call."""
