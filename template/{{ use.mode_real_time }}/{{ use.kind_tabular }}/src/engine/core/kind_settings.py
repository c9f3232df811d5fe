"""The settings that come with the kind of problem. Every kind offers KindSettings."""

import msgspec


class KindSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A model over a table has none: what it answers stands in its bundle."""
