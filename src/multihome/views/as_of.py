"""What was on record at an instant: the fold of what the history has until then, and of nothing that came later.

The answer is a state of documents and of what was noticed, answered, awarded, delivered, settled, told, ended and lost;
it knows no workloads and no runs.
"""

from collections.abc import Iterable

from multihome.controller.apply import apply
from multihome.controller.state import State
from multihome.domain import events as ev
from multihome.views.history import HistoryEntry

FOLDED: tuple[type[ev.Event], ...] = (
    ev.ClockDeclared,
    ev.DocumentRecorded,
    ev.NoticeServed,
    ev.NoticeAnswered,
    ev.AwardMade,
    ev.TrancheMoved,
    ev.BreachTold,
    ev.BreachCured,
    ev.TerminationGiven,
    ev.CreditDue,
    ev.CreditClaimed,
    ev.PeriodSettled,
    ev.ProviderLost,
    ev.ProviderRestored,
)
"""Events that a view as of an instant is made from."""


def state_as_of(entries: Iterable[HistoryEntry], at_ms: int) -> State:
    """What was recorded by an instant of contract time, `at_ms` included. `entries` stand in the order of the journal.

    Where a scenario clock was declared, all that came before it counts as recorded when it began: those entries carry
    the wall's time, which says nothing about the scenario's.
    """
    kept = [entry for entry in entries if isinstance(entry.event, FOLDED)]
    declared = [index for index, entry in enumerate(kept) if isinstance(entry.event, ev.ClockDeclared)]
    first = declared[-1] if declared else 0
    state = State()
    for index, entry in enumerate(kept):
        before_the_clock = index < first and _start_ms(kept[first].event) <= at_ms
        if before_the_clock or (index >= first and entry.at.contract_ms <= at_ms):
            apply(state, entry.event, entry.at)
            state.last = entry.at
    return state


def _start_ms(event: ev.Event) -> int:
    assert isinstance(event, ev.ClockDeclared), "the first entry that counts by itself declares the clock"
    return event.start_ms
