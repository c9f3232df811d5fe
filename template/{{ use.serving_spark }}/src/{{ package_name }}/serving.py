"""How predictions get out: in batches, by Spark. The seam that `up` ends in."""

from . import batch
from .scoring import engine, work
from .settings import Settings


def up(settings: Settings, once: bool) -> int:
    """Score what the settings name, show the first predictions and how to go on.

    A batch always ends, so `once` changes nothing.
    """
    del once
    for source in batch.files(settings, []):
        job, done = work.score(settings, source, engine.score)
        print(f"\n{batch.summary(job, done)}\n\n{batch.first(job)}\n")
        print(f"again, or for a file of your own: python run.py batch {source}")
    return 0
