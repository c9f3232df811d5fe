"""Who hears that another version is the champion: the tracker and the model card."""

import sys
from contextlib import suppress

from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.registry import runs
from engine.registry.registry import Registry
from engine.tracking import backend


def announce(config: Settings, registry: Registry) -> None:
    """Tell the tracker and the model card; a server's image has the packages of neither."""
    backend.mirror(config, registry.state())
    with suppress(ImportError):
        from engine.training.card import write_card

        version, bundle = registry.load()
        try:
            write_card(bundle, runs.load(registry.storage, bundle.manifest.run_id), version)
        except RunError as error:
            print(f"MODEL_CARD.md was left as it was: {error}", file=sys.stderr)
