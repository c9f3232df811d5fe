"""The settings that come with the kind of problem. Every kind offers KindSettings."""

import msgspec


class KindSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a model over a table can be told."""

    lookup_ms: float = 100.0
    """Looking up features may take so long before the model is asked; else the fallback answers."""
