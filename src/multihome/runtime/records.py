"""How a step is written in the journal, and read back.

A record is one input with the events it led to. Replay reads only what folding needs.
"""

import msgspec

from multihome.domain.commands import Accepted, Input, Request
from multihome.domain.events import Event
from multihome.domain.refusals import Refusal
from multihome.units.time import Now


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step. `cause` names an input that is no command; commands are kept whole.

    `wall_ms` is what the wall clock showed; `at` is what was decided by.
    """

    at: Now
    wall_ms: int
    cause: str
    events: tuple[Event, ...]
    request: Request | None = None
    accepted: Accepted | None = None
    refused: Refusal | None = None


class Folded(msgspec.Struct, frozen=True):
    """The part of a record that a replay folds."""

    at: Now
    events: tuple[Event, ...]
    request: "Key | None" = None
    accepted: Accepted | None = None
    refused: Refusal | None = None


class Key(msgspec.Struct, frozen=True):
    """The part of a request by which a repeat is recognised."""

    key: str
    body_sha256: str


ENCODER = msgspec.json.Encoder()
RECORDS = msgspec.json.Decoder(Record)
FOLDED = msgspec.json.Decoder(Folded)


def cause_of(message: Input) -> str:
    """What a step is called in the journal."""
    return type(message.command).__name__ if isinstance(message, Request) else type(message).__name__
