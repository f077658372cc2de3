"""What deciding yields."""

import msgspec

from multihome.domain.commands import Accepted
from multihome.domain.effects import Effect
from multihome.domain.events import Event
from multihome.domain.refusals import Refusal


class Decision(msgspec.Struct, frozen=True):
    """Events that happen, effects beyond those that the events imply, and an answer where one is waited for."""

    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    answer: Accepted | Refusal | None = None


NOTHING = Decision()
