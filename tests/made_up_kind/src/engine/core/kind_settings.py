"""The settings of this kind: none."""

import msgspec


class KindSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing beside what a server asks of every kind."""

    lookup_ms: float = 100.0
    """What is looked up may take so long; here nothing is."""
