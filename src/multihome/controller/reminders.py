"""Tells people of deadlines when they come near, once each: what `status` shows, webhooks are told.

Time passes every quarter of a second, and dates change seldom. So the deadlines are read when the first of them comes
near, or when something was recorded that may have moved one; each reading is journalled with the instant until which
nothing more comes near. That needs no clock of its own, costs a comparison between readings, and a control plane that
was down, or whose scenario clock leapt, goes on from where it had read.
"""

from collections.abc import Iterator

from multihome.controller.deadlines import ALARM_LEAD_DAYS, Deadline, to_act
from multihome.controller.state import State
from multihome.domain import events as ev
from multihome.domain.contracts import Contract, Suspension, Waiver
from multihome.domain.notifications import Webhook
from multihome.domain.procurement import Offer
from multihome.domain.supply import Delivery
from multihome.units.time import MS_PER_DAY, Now, format_moment

LEAD_MS = ALARM_LEAD_DAYS * MS_PER_DAY
"""How long before a deadline people are told of it: when `status` begins to show it."""
READ_AHEAD_DAYS = 366
"""How far each reading looks beyond what is near already; the next one comes by then at the latest."""

_DATED_DOCUMENTS = Contract | Waiver | Suspension | Offer | Delivery | Webhook
_DATED_EVENTS = (
    ev.ClockDeclared,
    ev.NoticeServed,
    ev.NoticeAnswered,
    ev.AwardMade,
    ev.TrancheMoved,
    ev.TerminationGiven,
    ev.ProviderRestored,
)


def deadlines_near(state: State, now: Now) -> Iterator[ev.Event]:
    """Deadlines that have come near since the last reading, and until when there will be none; nothing if too soon.

    What fell due while nobody read is told too. Where nobody is to be told, nothing is read.
    """
    at_ms = now.contract_ms
    if at_ms < state.deadlines_due_ms or not state.webhooks:
        return
    next_ms = at_ms + READ_AHEAD_DAYS * MS_PER_DAY
    for deadline in to_act(state, state.deadlines_due_ms, next_ms + LEAD_MS):
        if deadline.at_ms > at_ms + LEAD_MS:
            next_ms = min(next_ms, deadline.at_ms - LEAD_MS)
        elif deadline.id not in state.deadlines_told:
            yield _near(deadline, at_ms)
    yield ev.DeadlinesRead(next_ms=next_ms)


def note_dates(state: State, event: ev.Event, at: Now) -> None:
    """After an event was folded in: have the deadlines read anew where it may have moved one.

    Whoever begins to be told is told what is near then, and nothing of the time before.
    """
    if isinstance(event, ev.DocumentRecorded):
        if not isinstance(event.document, _DATED_DOCUMENTS):
            return
    elif not isinstance(event, _DATED_EVENTS):
        return
    is_first = (
        isinstance(event, ev.DocumentRecorded) and isinstance(event.document, Webhook) and len(state.webhooks) == 1
    )
    contract_ms = at.contract_ms if not isinstance(event, ev.ClockDeclared) else event.start_ms
    is_reset = is_first or isinstance(event, ev.ClockDeclared)
    state.deadlines_due_ms = contract_ms if is_reset else min(state.deadlines_due_ms, contract_ms)


def _near(deadline: Deadline, at_ms: int) -> ev.DeadlineNear:
    when = "was due on" if deadline.at_ms < at_ms else "on"
    subject = "/".join(part for part in (deadline.contract, deadline.clause) if part) or deadline.of
    return ev.DeadlineNear(
        id=deadline.id,
        subject=subject,
        due_ms=deadline.at_ms,
        text=f"{when} {format_moment(deadline.at_ms)}, {subject}: {deadline.text}",
    )
