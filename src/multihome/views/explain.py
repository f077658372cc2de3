"""The whole story of a workload: why it runs where it does, or why it waits, and what happened on the way."""

from collections.abc import Iterable, Iterator

import msgspec

from multihome.controller.rounds import explain_waiting
from multihome.controller.state import State, WorkloadState
from multihome.domain import events as ev
from multihome.domain.commands import OverrideRule
from multihome.domain.ids import RunId, TenantId, WorkloadId
from multihome.domain.placements import Blocker, PlacementReason
from multihome.units.time import Now, format_duration
from multihome.views.history import HistoryEntry
from multihome.views.prices import PriceRow, price_rows
from multihome.views.status import UnitRow, unit_rows, waits_because
from multihome.views.throughputs import ThroughputRow, throughput_rows
from multihome.views.words import reason_sentences, unplaced_by


class UnitExplanation(msgspec.Struct, frozen=True):
    """One gang: the reason of its placement as data and in sentences."""

    row: UnitRow
    reason: PlacementReason | None
    sentences: tuple[str, ...]


class StoryLine(msgspec.Struct, frozen=True):
    """Something that happened, in contract time and in real time."""

    contract_ms: int
    process_ms: int
    text: str


class Explanation(msgspec.Struct, frozen=True):
    """A workload's present, with reasons, and its past. `outcome` is set once it has ended, and ends the prices."""

    workload_id: WorkloadId
    name: str
    tenant_id: TenantId
    outcome: str
    units: tuple[UnitExplanation, ...]
    blockers: tuple[Blocker, ...]
    waits_because: tuple[str, ...]
    prices: tuple[PriceRow, ...]
    story: tuple[StoryLine, ...]
    notes: tuple[str, ...] = ()
    """What was asked for and is not placed by, in sentences."""
    throughputs: tuple[ThroughputRow, ...] = ()
    """How fast it is taken to run on what it accepts."""


def explain(state: State, entries: Iterable[HistoryEntry], workload_id: WorkloadId, now: Now) -> Explanation | None:
    """Explain a workload, live or ended, from the state and its history; None when neither knows it."""
    past = list(entries)
    submitted = next((entry.event for entry in past if isinstance(entry.event, ev.WorkloadSubmitted)), None)
    workload = state.workloads.get(workload_id)
    if workload is None and submitted is None:
        return None
    spec = workload.spec if workload is not None else submitted.spec if submitted is not None else None
    assert spec is not None, "a workload that is known was submitted"
    rows = unit_rows(state, workload, now) if workload else ()
    blockers = _blockers(state, workload, rows, now)
    ended = next((entry.event for entry in past if isinstance(entry.event, ev.WorkloadEnded)), None)
    return Explanation(
        workload_id=workload_id,
        name=spec.name,
        tenant_id=spec.tenant_id,
        outcome=f"{ended.outcome.value}: {ended.text}" if ended else "",
        units=tuple(_unit_explained(state, row) for row in rows),
        blockers=blockers,
        notes=unplaced_by(spec),
        waits_because=waits_because(workload, rows, blockers) if workload else (),
        story=tuple(_story(past)),
        prices=price_rows(state, spec, now) if workload else (),
        throughputs=throughput_rows(state, spec) if workload else (),
    )


def _blockers(state: State, workload: WorkloadState | None, rows: tuple[UnitRow, ...], now: Now) -> tuple[Blocker, ...]:
    """Today's figures where a unit waits; the journalled reasons where a round would place it any moment."""
    if workload is None or not any(row.state == "waiting" for row in rows):
        return ()
    return explain_waiting(state, workload.class_id, now) or state.class_blockers.get(workload.class_id, ())


def _unit_explained(state: State, row: UnitRow) -> UnitExplanation:
    run = state.runs.get(row.run_id) if row.run_id is not None else None
    reason = run.reason if run else None
    sentences = (*reason_sentences(reason), *_followed(state, reason)) if reason else ()
    return UnitExplanation(row, reason, sentences)


def _followed(state: State, reason: PlacementReason) -> Iterator[str]:
    """What followed from the award of the capacity that a unit runs on."""
    award = state.awards.get(reason.evidence.award_id) if reason.evidence.award_id is not None else None
    for text in award.consequences if award else ():
        yield f"what followed from award {reason.evidence.award_id}: {text}"


def _story(past: Iterable[HistoryEntry]) -> Iterator[StoryLine]:
    """What happened, a line an event. An event says what a priority became; what it was, those before it say."""
    priority = 0
    for entry in past:
        event = entry.event
        text = story_text(event)
        if isinstance(event, ev.WorkloadSubmitted):
            priority = event.spec.priority
        elif isinstance(event, ev.RuleOverridden) and event.rule == OverrideRule.PRIORITY:
            text = f"priority {priority} -> {event.priority} by {event.actor}: {event.why}"
            priority = event.priority
        yield StoryLine(entry.at.contract_ms, entry.at.process_ms, text)


def story_text(event: ev.Event) -> str:  # noqa: C901, PLR0911, PLR0912 -- one sentence an event, nothing is nested
    """An event in one sentence."""
    match event:
        case ev.WorkloadSubmitted():
            return f"submitted for {event.spec.tenant_id}"
        case ev.RunIntended():
            allocation = event.allocation
            return (
                f"{_unit(event.run_id)} placed in {allocation.pool_id} ({allocation.chips} {allocation.accelerator}, "
                f"{event.reason.basis.value}, tranche {allocation.tranche_id}) as run {event.run_id}"
            )
        case ev.RunStarted():
            return f"run {event.run_id} started"
        case ev.RunReady():
            return f"run {event.run_id} answers at {event.endpoint}"
        case ev.RunBecameUnknown():
            return f"run {event.run_id} is unknown: {event.why}"
        case ev.RunFenced():
            return f"run {event.run_id} fenced: its provider was declared lost, its checkpoint writes no longer count"
        case ev.RunStopAsked():
            grace = format_duration(event.grace_ms)
            return f"run {event.run_id} asked to stop ({event.cause.value.replace('_', ' ')}, {grace} of grace)"
        case ev.RunEnded():
            code = "" if event.exit_code is None else f", exit code {event.exit_code}"
            text = f": {event.text}" if event.text else ""
            return f"run {event.run_id} ended {event.outcome.value.replace('_', ' ')}{code}{text}"
        case ev.WorkLost():
            return f"run {event.run_id} resumed from step {event.resumed_from_step}; {event.steps} steps done again"
        case ev.WorkloadCancelled():
            return f"cancelled by {event.actor}: {event.why}"
        case ev.RuleOverridden():
            return f"{event.rule} set aside by {event.actor}: {event.why}"
        case ev.WorkloadEnded():
            return f"ended {event.outcome.value}: {event.text}"
        case ev.ChipTimeMetered():
            return f"metered {event.chip_ms} chip-ms of run {event.run_id} on {event.tranche_id}"
        case _:
            return type(event).__name__


def _unit(run_id: RunId) -> str:
    return f"unit {run_id.rsplit('.', 2)[1]}"
