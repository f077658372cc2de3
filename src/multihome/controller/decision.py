"""What deciding yields."""

from collections.abc import Iterable

import msgspec

from multihome.domain.commands import Accepted
from multihome.domain.effects import Effect
from multihome.domain.events import Event
from multihome.domain.refusals import Problem, Refusal, RefusalCode


class Decision(msgspec.Struct, frozen=True):
    """Events that happen, effects beyond those that the events imply, and an answer where one is waited for."""

    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    answer: Accepted | Refusal | None = None


NOTHING = Decision()


def accepted(*events: Event, answer: Accepted | None = None) -> Decision:
    """A yes, and what happens because of it."""
    return Decision(events=events, answer=answer or Accepted())


def refused(problems: Iterable[Refusal]) -> Decision:
    """The refusal that comes first in the documented order, with the other problems."""
    order = list(RefusalCode)
    first, *rest = sorted(problems, key=lambda problem: order.index(problem.code))
    others = tuple(Problem(other.code, other.subject, other.text, other.accepted) for other in rest)
    return Decision(answer=msgspec.structs.replace(first, others=others))


def needs_person(actor: str, why: str) -> Refusal | None:
    """The refusal of a decision that nobody stands behind."""
    if actor and why:
        return None
    return Refusal(RefusalCode.NEEDS_PERSON, "actor and why", "a person must stand behind this: say who and why")
