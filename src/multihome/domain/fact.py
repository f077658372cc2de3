"""The base of every frozen record."""

import msgspec


class Fact(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A frozen record, tagged with its type's name in the journal; subclasses take keyword fields only."""
