"""The settings of this kind: none."""

import msgspec


class KindSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing."""
