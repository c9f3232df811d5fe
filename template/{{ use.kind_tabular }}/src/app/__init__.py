"""Yours: what is particular to this system. README.md says what each file decides."""
