"""python3 run.py new DESTINATION: `copier copy` of this checkout, with a conversation of our own.

The questions are those of copier.yml, read by Copier; what was answered goes to Copier as --data.
"""

from extensions.new.refusals import refusal

__all__ = ["refusal"]
