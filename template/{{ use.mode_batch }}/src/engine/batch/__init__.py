"""A table scored in parts: what is finished stays finished, whatever happens."""
