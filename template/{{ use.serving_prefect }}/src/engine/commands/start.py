"""How predictions get out: in batches, on a schedule. The seam that `up` ends in."""

from engine.batch import results, runner, work
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.core.terminal import say


def check(settings: Settings) -> None:
    """Refuse at once what would fail after the work: an output that cannot be written."""
    Storage(settings.output).check()


def up(settings: Settings, once: bool) -> int:
    """Score what the settings name, show the first predictions and how to go on.

    A batch always ends, so `once` changes nothing.
    """
    del once
    for source in results.files(settings, []):
        job, done = work.score(settings, source, runner.score)
        say(f"\n{results.summary(job, done)}\n\n{results.first(job)}\n")
        print(f"again, or for a file of your own: python3 run.py batch {source}")
    print("every day, until Ctrl-C: python3 run.py schedule")
    return 0
