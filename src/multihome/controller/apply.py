"""Folds events into the state. Decides nothing: what an event says has happened.

Live, in a replay and in a simulation the same fold runs, and the same events give the same state.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from multihome.clauses.periods import metered_stretch
from multihome.clauses.standing import as_it_stands
from multihome.controller import outbox, policies
from multihome.controller.classes import class_of, spec_sha256
from multihome.controller.endings import PROGRAM_FAULTS, ran_long
from multihome.controller.event_kinds import OF_WORK
from multihome.controller.occupancy import disown, enter, hold, let_go
from multihome.controller.reminders import note_dates
from multihome.controller.state import (
    ANSWERS_MAX,
    AppliedWorkload,
    DrainState,
    DueLine,
    KeptAnswer,
    Openness,
    ProviderState,
    RunState,
    State,
    UnitState,
    WorkloadState,
    applied_name,
    model_name,
    place_of,
    settled_key,
    taken_key,
    unit_key,
)
from multihome.domain import events as ev
from multihome.domain.commands import Accepted, OverrideRule
from multihome.domain.contracts import Contract
from multihome.domain.ids import ContractId, ProviderId
from multihome.domain.procurement import Need
from multihome.domain.refusals import Refusal
from multihome.domain.runs import AttemptEnd, Fenced, Intended, Outcome, Running, Stopping, Unknown
from multihome.domain.supply import Delivery
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import FOREVER_MS, Interval, Now


def apply(state: State, event: ev.Event, at: Now) -> None:
    """Change the state by one event that happened at an instant."""
    kind = type(event)
    _FOLDS[kind](state, event, at)
    if kind not in OF_WORK:
        state.facts_version += 1
        note_dates(state, event, at)


def keep_answer(state: State, key: str, body_sha256: str, answer: Accepted | Refusal) -> None:
    """Remember what a command was answered, so that a repeat of its key gets the same."""
    state.answers[key] = KeptAnswer(body_sha256, answer)
    if len(state.answers) > ANSWERS_MAX:
        del state.answers[next(iter(state.answers))]


def touch(state: State, at: Now) -> None:
    """Note the instant of the record that was folded last, and of the first one."""
    state.last = at
    if state.began_ms is None:
        state.began_ms = at.contract_ms


def _installed(state: State, event: ev.Installed, at: Now) -> None:
    del at
    state.installation_id = event.installation_id


def _clock_declared(state: State, event: ev.ClockDeclared, at: Now) -> None:
    del at
    state.scenario_start_ms = event.start_ms
    state.scenario_ms = event.start_ms
    state.began_ms = event.start_ms


def _clock_advanced(state: State, event: ev.ClockAdvanced, at: Now) -> None:
    del at
    state.scenario_ms = event.to_ms


def _document(state: State, event: ev.DocumentRecorded, at: Now) -> None:
    document = event.document
    table, key = place_of(state, document)
    table[key] = document
    if isinstance(document, Need):
        state.needs_since.setdefault(document.id, at.contract_ms)
    elif isinstance(document, Contract):
        _restate(state, document.id)
    elif isinstance(document, Delivery):
        _restate(state, ContractId(document.tranche_id.rpartition("/")[0]))


def _submitted(state: State, event: ev.WorkloadSubmitted, at: Now) -> None:
    spec = event.spec
    workload = WorkloadState(
        id=event.workload_id,
        spec=spec,
        class_id=class_of(spec, spec.priority, ""),
        submitted=at,
        units=[UnitState() for _ in range(spec.units)],
        priority=spec.priority,
    )
    state.workloads[workload.id] = workload
    if spec.kind is WorkloadKind.TRAINING:
        state.models[model_name(spec.tenant_id, spec.name)] = workload.id
    if event.applied:
        name = applied_name(spec.tenant_id, spec.name)
        state.applied[name] = AppliedWorkload(workload.id, spec_sha256(spec))
    for unit in range(spec.units):
        _enqueue(state, workload, unit)


def _class_waits(state: State, event: ev.ClassWaits, at: Now) -> None:
    del at
    if event.blockers:
        state.class_blockers[event.class_id] = event.blockers
    else:
        state.class_blockers.pop(event.class_id, None)


def _cancelled(state: State, event: ev.WorkloadCancelled, at: Now) -> None:
    del at
    workload = state.workloads[event.workload_id]
    workload.cancelled = True
    state.cancelling[workload.id] = None
    for unit in range(len(workload.units)):
        _dequeue(state, workload, unit)
        state.backing_off.pop(unit_key(workload.id, unit), None)


def _workload_ended(state: State, event: ev.WorkloadEnded, at: Now) -> None:
    del at
    workload = state.workloads[event.workload_id]
    for unit_state in workload.units:
        if unit_state.run_id is not None:
            disown(state, state.runs[unit_state.run_id])
    del state.workloads[event.workload_id]
    state.cancelling.pop(workload.id, None)
    for unit in range(len(workload.units)):
        _dequeue(state, workload, unit)
        state.backing_off.pop(unit_key(workload.id, unit), None)


def _overridden(state: State, event: ev.RuleOverridden, at: Now) -> None:
    del at
    workload = state.workloads[event.workload_id]
    waiting = [unit for unit in range(len(workload.units)) if _dequeue(state, workload, unit)]
    if event.rule == OverrideRule.QUOTA:
        workload.quota_overridden_by = f"{event.actor}: {event.why}"
    else:
        workload.priority = event.priority
    workload.class_id = class_of(workload.spec, workload.priority, workload.quota_overridden_by)
    for unit in waiting:
        _enqueue(state, workload, unit)


def _intended(state: State, event: ev.RunIntended, at: Now) -> None:
    workload = state.workloads[event.workload_id]
    unit = workload.units[event.unit]
    unit.generation = event.generation
    unit.run_id = event.run_id
    _dequeue(state, workload, event.unit)
    state.backing_off.pop(unit_key(workload.id, event.unit), None)
    state.runs[event.run_id] = RunState(
        id=event.run_id,
        workload_id=event.workload_id,
        unit=event.unit,
        generation=event.generation,
        allocation=event.allocation,
        reason=event.reason,
        phase=Intended(),
        intended=at,
    )
    hold(state, state.runs[event.run_id])


def _started(state: State, event: ev.RunStarted, at: Now) -> None:
    run = state.runs[event.run_id]
    if run.started is None:
        run.started = at
        run.metered_until_ms = at.contract_ms
        run.moved_process_ms = at.process_ms
    if not isinstance(run.phase, Stopping | Fenced):
        enter(state, run, Running(ready=False, endpoint=""))


def _became_unknown(state: State, event: ev.RunBecameUnknown, at: Now) -> None:
    run = state.runs[event.run_id]
    kind = Fenced if isinstance(run.phase, Fenced) else Unknown
    enter(state, run, kind(since_process_ms=at.process_ms, absences=0))


def _absent(state: State, event: ev.RunAbsent, at: Now) -> None:
    run = state.runs[event.run_id]
    if isinstance(run.phase, Unknown | Fenced):
        # The delay runs from the first observation on: what passed before it was silence, and shows nothing.
        since_ms = run.phase.since_process_ms if run.phase.absences else at.process_ms
        run.phase = type(run.phase)(since_ms, run.phase.absences + 1)


def _ready(state: State, event: ev.RunReady, at: Now) -> None:
    del at
    run = state.runs[event.run_id]
    if isinstance(run.phase, Running):
        run.phase = Running(ready=True, endpoint=event.endpoint)


def _progressed(state: State, event: ev.RunProgressed, at: Now) -> None:
    run = state.runs[event.run_id]
    run.progress = event.progress
    run.moved_process_ms = at.process_ms
    workload = state.workloads.get(run.workload_id)
    if workload is None:
        return
    unit = workload.units[run.unit]
    successor = state.runs.get(unit.run_id) if unit.run_id is not None else None
    if unit.run_id == run.id or successor is None or successor.progress is None:
        unit.progress = event.progress


def _stop_asked(state: State, event: ev.RunStopAsked, at: Now) -> None:
    del at
    run = state.runs[event.run_id]
    enter(state, run, Stopping(event.cause, event.deadline_process_ms))
    run.stop_cause = event.cause


def _fenced(state: State, event: ev.RunFenced, at: Now) -> None:
    run = state.runs[event.run_id]
    enter(state, run, Fenced(since_process_ms=at.process_ms, absences=0))
    disown(state, run)
    run.replaced = True
    _release_unit(state, run)


def _run_ended(state: State, event: ev.RunEnded, at: Now) -> None:
    run = state.runs.pop(event.run_id)
    let_go(state, run)
    workload = state.workloads.get(run.workload_id)
    if workload is not None and not run.replaced:
        unit = workload.units[run.unit]
        unit.done = event.outcome is Outcome.SUCCEEDED
        unit.failures += event.outcome is Outcome.FAILED or run.stop_cause in PROGRAM_FAULTS
        unit.last_end = AttemptEnd(
            generation=run.generation,
            outcome=event.outcome,
            exit_code=event.exit_code,
            text=event.text,
            stop_cause=run.stop_cause,
        )
        if ran_long(workload, run, at):
            unit.pauses = 0
    _release_unit(state, run)


def _backed_off(state: State, event: ev.UnitBackedOff, at: Now) -> None:
    del at
    state.workloads[event.workload_id].units[event.unit].pauses += 1
    state.backing_off[unit_key(event.workload_id, event.unit)] = event.until_process_ms


def _provider_silent(state: State, event: ev.ProviderSilent, at: Now) -> None:
    del at
    _provider(state, event.provider_id).openness = Openness.SILENT
    _provider(state, event.provider_id).why = event.error


def _provider_answers(state: State, event: ev.ProviderAnswers, at: Now) -> None:
    del at
    _provider(state, event.provider_id).openness = Openness.ANSWERING


def _provider_lost(state: State, event: ev.ProviderLost, at: Now) -> None:
    provider = _provider(state, event.provider_id)
    provider.openness = Openness.LOST
    provider.actor, provider.why = event.actor, event.why
    provider.outages.append(Interval(at.contract_ms, FOREVER_MS))


def _provider_restored(state: State, event: ev.ProviderRestored, at: Now) -> None:
    provider = _provider(state, event.provider_id)
    provider.openness = Openness.ANSWERING
    provider.actor, provider.why = event.actor, event.why
    provider.outages[-1] = Interval(provider.outages[-1].start_ms, at.contract_ms)


def _drained(state: State, event: ev.TargetDrained, at: Now) -> None:
    del at
    state.drains[event.target] = DrainState(event.actor, event.why)


def _undrained(state: State, event: ev.TargetUndrained, at: Now) -> None:
    del at
    state.drains.pop(event.target, None)


def _notice_served(state: State, event: ev.NoticeServed, at: Now) -> None:
    del at
    state.notices[event.notice.id] = event.notice


def _notice_answered(state: State, event: ev.NoticeAnswered, at: Now) -> None:
    del at
    state.notice_answers[event.answer.notice_id] = event.answer


def _award_made(state: State, event: ev.AwardMade, at: Now) -> None:
    del at
    state.awards[event.award.id] = event.award


def _tranche_moved(state: State, event: ev.TrancheMoved, at: Now) -> None:
    del at
    state.tranche_moves.setdefault(event.tranche_id, []).append(event)
    _restate(state, ContractId(event.tranche_id.rpartition("/")[0]))


def _credit_due(state: State, event: ev.CreditDue, at: Now) -> None:
    del at
    before = state.credits_due.get(event.tranche_id)
    if before is not None:
        amount = before.amount_micro_usd + event.amount_micro_usd
        event = msgspec.structs.replace(event, amount_micro_usd=amount, text=f"{before.text}; {event.text}")
    state.credits_due[event.tranche_id] = event


def _credit_claimed(state: State, event: ev.CreditClaimed, at: Now) -> None:
    del at
    state.credits_due.pop(event.tranche_id, None)


def _period_settled(state: State, event: ev.PeriodSettled, at: Now) -> None:
    del at
    state.settled[settled_key(event.clause, event.tranche_id)] = event
    line = DueLine(event.clause.clause_id, event.period.end_ms, event.due_micro_usd)
    state.due_lines.setdefault(event.clause.contract_id, []).append(line)


def _breach_told(state: State, event: ev.BreachTold, at: Now) -> None:
    del at
    state.breaches[event.breach.contract_id] = event.breach


def _breach_cured(state: State, event: ev.BreachCured, at: Now) -> None:
    del at
    state.breaches.pop(event.contract_id, None)


def _termination_given(state: State, event: ev.TerminationGiven, at: Now) -> None:
    del at
    state.terminations[event.termination.contract_id] = event.termination
    _restate(state, event.termination.contract_id)


def _deadline_near(state: State, event: ev.DeadlineNear, at: Now) -> None:
    del at
    state.deadlines_told[event.id] = None


def _deadlines_read(state: State, event: ev.DeadlinesRead, at: Now) -> None:
    del at
    state.deadlines_due_ms = event.next_ms


def _metered(state: State, event: ev.ChipTimeMetered, at: Now) -> None:
    del at
    stretch = metered_stretch(state.contracts[ContractId(event.tranche_id.rpartition("/")[0])], event.interval.start_ms)
    key = taken_key(event.tranche_id, stretch.start_ms)
    state.taken_chip_ms[key] = state.taken_chip_ms.get(key, 0) + event.chip_ms
    state.charged[key] = state.charged.get(key, 0) + event.chip_ms * event.rate_micro_usd_per_chip_hour
    run = state.runs.get(event.run_id)
    if run is not None:
        run.metered_until_ms = event.interval.end_ms


def _orphan(state: State, event: ev.OrphanSeen, at: Now) -> None:
    del at
    state.orphans[event.name] = event.provider_id


def _nothing(state: State, event: ev.Event, at: Now) -> None:
    """For events that only the record is for."""
    del state, event, at


def _restate(state: State, contract_id: ContractId) -> None:
    """A contract changed, or something happened to it: work out anew how it stands."""
    document = state.contract_documents.get(contract_id)
    if document is not None:
        termination = state.terminations.get(contract_id)
        state.contracts[contract_id] = as_it_stands(
            document, state.deliveries.values(), state.tranche_moves, termination
        )


def _provider(state: State, provider_id: ProviderId) -> ProviderState:
    return state.provider_states.setdefault(provider_id, ProviderState(outages=[]))


def _enqueue(state: State, workload: WorkloadState, unit: int) -> None:
    state.waiting.setdefault(workload.class_id, {})[unit_key(workload.id, unit)] = None


def _dequeue(state: State, workload: WorkloadState, unit: int) -> bool:
    members = state.waiting.get(workload.class_id)
    key = unit_key(workload.id, unit)
    state.planned.pop(key, None)
    if members is None or key not in members:
        return False
    del members[key]
    if not members:
        del state.waiting[workload.class_id]
        state.class_blockers.pop(workload.class_id, None)
    return True


def _release_unit(state: State, run: RunState) -> None:
    """The unit has no live run any more: it waits again unless it is done with."""
    workload = state.workloads.get(run.workload_id)
    if workload is None or workload.units[run.unit].run_id != run.id:
        return
    unit = workload.units[run.unit]
    unit.run_id = None
    if not workload.cancelled and not unit.done:
        _enqueue(state, workload, run.unit)


# The table's keys guarantee each function the event it takes; a checker cannot see that.
_FOLDS: dict[type[ev.Event], Callable[[State, Any, Now], None]] = {
    ev.Installed: _installed,
    ev.ClockDeclared: _clock_declared,
    ev.ClockAdvanced: _clock_advanced,
    ev.DocumentRecorded: _document,
    ev.WorkloadSubmitted: _submitted,
    ev.ClassWaits: _class_waits,
    ev.WorkloadCancelled: _cancelled,
    ev.WorkloadEnded: _workload_ended,
    ev.RuleOverridden: _overridden,
    ev.RunIntended: _intended,
    ev.RunStarted: _started,
    ev.RunBecameUnknown: _became_unknown,
    ev.RunAbsent: _absent,
    ev.RunReady: _ready,
    ev.RunProgressed: _progressed,
    ev.RunStopAsked: _stop_asked,
    ev.RunFenced: _fenced,
    ev.RunEnded: _run_ended,
    ev.UnitBackedOff: _backed_off,
    ev.WorkLost: _nothing,
    ev.ProviderSilent: _provider_silent,
    ev.ProviderAnswers: _provider_answers,
    ev.ProviderLost: _provider_lost,
    ev.ProviderRestored: _provider_restored,
    ev.TargetDrained: _drained,
    ev.TargetUndrained: _undrained,
    ev.ClauseConsequence: _nothing,
    ev.NoticeServed: _notice_served,
    ev.NoticeAnswered: _notice_answered,
    ev.AwardMade: _award_made,
    ev.TrancheMoved: _tranche_moved,
    ev.CreditDue: _credit_due,
    ev.CreditClaimed: _credit_claimed,
    ev.PeriodSettled: _period_settled,
    ev.BreachTold: _breach_told,
    ev.BreachCured: _breach_cured,
    ev.TerminationGiven: _termination_given,
    ev.DeadlineNear: _deadline_near,
    ev.DeadlinesRead: _deadlines_read,
    ev.NotificationSent: outbox.notification_sent,
    ev.NotificationDelivered: outbox.notification_delivered,
    ev.NotificationFailed: outbox.notification_failed,
    ev.NotificationGivenUp: outbox.notification_given_up,
    ev.ChipTimeMetered: _metered,
    ev.OrphanSeen: _orphan,
    ev.ClockJumped: _nothing,
    ev.CommandRefused: _nothing,
    ev.PolicySet: policies.policy_set,
    ev.RoundPlanned: policies.round_planned,
}
