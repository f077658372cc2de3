"""What leaves memory when it is over: rows of the store's history table, one per event that people ask about later."""

import msgspec

from multihome.domain import events as ev
from multihome.domain.ids import RunId, WorkloadId
from multihome.ports.journal import HistoryRow
from multihome.units.time import Now


class HistoryEntry(msgspec.Struct, frozen=True):
    """An event with its instant."""

    at: Now
    event: ev.Event


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(HistoryEntry)

WORKLOAD = "workload"
DECISION = "decision"
RUN = "run"
USAGE = "usage"
CONSEQUENCE = "consequence"
FACT = "fact"
NOTIFICATION = "notification"

_KINDS: dict[type[ev.Event], str] = {
    ev.WorkloadSubmitted: WORKLOAD,
    ev.WorkloadCancelled: WORKLOAD,
    ev.WorkloadEnded: WORKLOAD,
    ev.RuleOverridden: WORKLOAD,
    ev.RunIntended: DECISION,
    ev.RunStarted: RUN,
    ev.RunReady: RUN,
    ev.RunStopAsked: RUN,
    ev.RunBecameUnknown: RUN,
    ev.RunFenced: RUN,
    ev.RunEnded: RUN,
    ev.WorkLost: RUN,
    ev.ChipTimeMetered: USAGE,
    ev.ClauseConsequence: CONSEQUENCE,
    ev.CreditDue: CONSEQUENCE,
    ev.CreditClaimed: CONSEQUENCE,
    ev.PeriodSettled: CONSEQUENCE,
    ev.DeadlineNear: CONSEQUENCE,
    ev.NotificationDelivered: NOTIFICATION,
    ev.NotificationGivenUp: NOTIFICATION,
    ev.NoticeServed: FACT,
    ev.NoticeAnswered: FACT,
    ev.AwardMade: FACT,
    ev.TrancheMoved: FACT,
    ev.BreachTold: FACT,
    ev.BreachCured: FACT,
    ev.TerminationGiven: FACT,
    ev.DocumentRecorded: FACT,
    ev.ClockDeclared: FACT,
    ev.PolicySet: FACT,
    ev.ProviderSilent: FACT,
    ev.ProviderAnswers: FACT,
    ev.ProviderLost: FACT,
    ev.ProviderRestored: FACT,
    ev.TargetDrained: FACT,
    ev.TargetUndrained: FACT,
    ev.OrphanSeen: FACT,
    ev.ClockJumped: FACT,
}


def history_row(seq: int, event: ev.Event, at: Now) -> HistoryRow | None:
    """The row an event leaves, or None where it leaves none."""
    kind = _KINDS.get(type(event))
    if kind is None:
        return None
    run_id: RunId | None = getattr(event, "run_id", None)
    workload_id: WorkloadId | None = getattr(event, "workload_id", None)
    if workload_id is None and run_id is not None:
        workload_id = workload_of(run_id)
    return HistoryRow(
        seq=seq,
        kind=kind,
        key=run_id or workload_id or "",
        workload=workload_id or "",
        body=_ENCODER.encode(HistoryEntry(at, event)),
    )


def read_row(row: HistoryRow) -> HistoryEntry:
    """The event of a row, with its instant."""
    return _DECODER.decode(row.body)


def workload_of(run_id: RunId) -> WorkloadId:
    """The workload that a run belongs to: its id begins with it."""
    return WorkloadId(run_id.rsplit(".", 2)[0])
