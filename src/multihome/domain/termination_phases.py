"""How a contract comes to its end before its time: one table, from which the documentation's diagram is drawn.

Decides nothing. `ENDED` comes with time: the notice has run out.
"""

from enum import StrEnum

from multihome.domain.events import BreachCured, BreachTold, Event, TerminationGiven


class TerminationPhase(StrEnum):
    """Where a contract stands between its signature and an end before its time."""

    IN_FORCE = "in_force"
    CURING = "curing"
    NOTICE_GIVEN = "notice_given"
    ENDED = "ended"


_P = TerminationPhase

TRANSITIONS: dict[tuple[TerminationPhase, type[Event]], TerminationPhase] = {
    (_P.IN_FORCE, BreachTold): _P.CURING,
    (_P.IN_FORCE, TerminationGiven): _P.NOTICE_GIVEN,
    (_P.CURING, BreachCured): _P.IN_FORCE,
    (_P.CURING, TerminationGiven): _P.NOTICE_GIVEN,
}
"""What follows in a phase from an event. A pair that is missing is refused."""
