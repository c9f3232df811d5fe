"""The verbs of run.py: what each says and asks; the work is done in the stages."""
