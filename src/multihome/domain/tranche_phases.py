"""How a tranche comes to be capacity, or does not: one table, from which the documentation's diagram is drawn.

Decides nothing. Lateness (in time, grace, remedy) is no phase: it follows from dates, see `clauses.delay_remedy`.
"""

from collections.abc import Iterable
from enum import StrEnum

from multihome.domain.procurement import TrancheStep


class TranchePhase(StrEnum):
    """Where a tranche stands between order and capacity."""

    ORDERED = "ordered"
    CONFIRMED = "confirmed"
    PROVISIONING = "provisioning"
    READY_CLAIMED = "ready_claimed"
    TESTING = "testing"
    PART_ACCEPTED = "part_accepted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ENDED = "ended"


_P, _S = TranchePhase, TrancheStep

OUTSTANDING = (_P.ORDERED, _P.CONFIRMED, _P.PROVISIONING, _P.READY_CLAIMED, _P.TESTING, _P.PART_ACCEPTED, _P.REJECTED)
"""Phases in which something of the tranche is still to be delivered."""

TRANSITIONS: dict[tuple[TranchePhase, TrancheStep], tuple[TranchePhase, ...]] = {
    (_P.ORDERED, _S.CONFIRMED): (_P.CONFIRMED,),
    (_P.CONFIRMED, _S.PROVISIONING): (_P.PROVISIONING,),
    (_P.PROVISIONING, _S.READY_CLAIMED): (_P.READY_CLAIMED,),
    (_P.PART_ACCEPTED, _S.READY_CLAIMED): (_P.READY_CLAIMED,),
    (_P.READY_CLAIMED, _S.TESTING): (_P.TESTING,),
    (_P.TESTING, _S.REJECTED): (_P.REJECTED,),
    (_P.REJECTED, _S.CURED): (_P.READY_CLAIMED,),
    # Acceptance may also be recorded from a document, whatever steps were recorded before it.
    **{(phase, _S.ACCEPTED): (_P.PART_ACCEPTED, _P.ACCEPTED) for phase in OUTSTANDING},
    **{(phase, _S.RESCHEDULED): (phase,) for phase in OUTSTANDING},
    **{(phase, _S.TRANCHE_ENDED): (_P.ENDED,) for phase in OUTSTANDING},
    **{(phase, _S.ORDER_ENDED): (_P.ENDED,) for phase in (*OUTSTANDING, _P.ACCEPTED)},
}
"""What follows in a phase from a step. An acceptance leads to the first phase while domains are outstanding, and to the
second with the last of them. A pair that is missing is refused."""


def phase_after(phase: TranchePhase, step: TrancheStep, *, is_last: bool) -> TranchePhase | None:
    """The phase that a step leads to, None where the step may not come then; `is_last` where nothing is outstanding."""
    found = TRANSITIONS.get((phase, step))
    return found[-1 if is_last else 0] if found else None


def steps_from(phase: TranchePhase) -> tuple[TrancheStep, ...]:
    """The steps that may come in a phase."""
    return tuple(step for before, step in TRANSITIONS if before is phase)


def phase_of(moves: Iterable[tuple[TrancheStep, int]], domains: int) -> TranchePhase:
    """The phase of a tranche of so many domains after steps, each with the domains it accepted.

    What was ended is ended, whatever had come of it by then: as it stands it has no more domains than those.
    """
    steps = list(moves)
    if any(step in {TrancheStep.TRANCHE_ENDED, TrancheStep.ORDER_ENDED} for step, _ in steps):
        return TranchePhase.ENDED
    phase, accepted = TranchePhase.ORDERED, 0
    for step, count in steps:
        accepted += count
        after = phase_after(phase, step, is_last=accepted >= domains)
        assert after is not None, f"{step} was recorded in phase {phase}"
        phase = after
    return phase
