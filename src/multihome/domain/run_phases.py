"""Which event leads a run from which phase to which: one table, from which the documentation's diagram is drawn.

Decides nothing. `controller.apply` does the folding and `controller.decide` the choosing; a test holds both against
this table, in both directions, so that a transition cannot exist without standing here.
"""

from multihome.domain.events import (
    Event,
    RunAbsent,
    RunBecameUnknown,
    RunEnded,
    RunFenced,
    RunIntended,
    RunReady,
    RunStarted,
    RunStopAsked,
)
from multihome.domain.runs import Fenced, Intended, Phase, Running, Stopping, Unknown


class Gone:
    """Not a phase: the run has left memory, its chips are free, and its history tells of it."""


FIRST: tuple[type[Event], type[Phase]] = (RunIntended, Intended)
"""The event by which a run comes to be, and the phase it is in then."""

TRANSITIONS: dict[tuple[type[Phase], type[Event]], type[Phase] | type[Gone]] = {
    (Intended, RunStarted): Running,
    (Intended, RunBecameUnknown): Unknown,
    (Intended, RunStopAsked): Stopping,
    (Intended, RunFenced): Fenced,
    (Intended, RunEnded): Gone,
    (Unknown, RunStarted): Running,
    (Unknown, RunAbsent): Unknown,
    (Unknown, RunBecameUnknown): Unknown,
    (Unknown, RunStopAsked): Stopping,
    (Unknown, RunFenced): Fenced,
    (Unknown, RunEnded): Gone,
    (Running, RunReady): Running,
    (Running, RunBecameUnknown): Unknown,
    (Running, RunStopAsked): Stopping,
    (Running, RunFenced): Fenced,
    (Running, RunEnded): Gone,
    (Stopping, RunStarted): Stopping,
    (Stopping, RunStopAsked): Stopping,
    (Stopping, RunBecameUnknown): Unknown,
    (Stopping, RunFenced): Fenced,
    (Stopping, RunEnded): Gone,
    (Fenced, RunAbsent): Fenced,
    (Fenced, RunBecameUnknown): Fenced,
    (Fenced, RunStopAsked): Stopping,
    (Fenced, RunEnded): Gone,
}
"""What follows in a phase from an event. A pair that is missing never comes about; events that are not named here
(progress, usage, work lost) leave the phase as it is."""
