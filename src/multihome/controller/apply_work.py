"""Folds what happens to workloads, their units and runs. Decides nothing."""

from multihome.controller import pacing
from multihome.controller.classes import class_of, spec_sha256
from multihome.controller.endings import PROGRAM_FAULTS, ran_long
from multihome.controller.occupancy import disown, enter, hold, let_go
from multihome.controller.state import (
    AppliedWorkload,
    Fold,
    RunState,
    State,
    UnitState,
    WorkloadState,
    applied_name,
    model_name,
    unit_key,
)
from multihome.domain import events as ev
from multihome.domain.commands import OverrideRule
from multihome.domain.runs import AttemptEnd, Fenced, Intended, Outcome, Running, Stopping, Unknown
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import Now


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
    run.paced = None


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
    pacing.pace(run, event.progress, at)
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


# The keys guarantee each function the event it takes; a checker cannot see that.
WORK_FOLDS: dict[type[ev.Event], Fold] = {
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
    ev.ThroughputLearned: pacing.throughput_learned,
    ev.RunStopAsked: _stop_asked,
    ev.RunFenced: _fenced,
    ev.RunEnded: _run_ended,
    ev.UnitBackedOff: _backed_off,
}
"""What folds each event of a workload or a run."""
