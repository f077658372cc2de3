"""What follows when a run is over: chip time, work lost, another attempt or the end of its workload.

A stop that we asked for is named by its cause. What the engine saw of it (a signal, an exit code) is our own doing, so
it is kept on record and never held against the restart policy.
"""

from collections.abc import Iterator

from multihome.clauses.book import find_tranche
from multihome.controller.state import RunState, State, WorkloadState
from multihome.domain.events import ChipTimeMetered, Event, RunEnded, UnitBackedOff, WorkloadEnded
from multihome.domain.runs import Outcome, StopCause
from multihome.ledger.usage import meter
from multihome.units.time import Interval, Now, format_duration

PROGRAM_FAULTS = frozenset({StopCause.STALLED, StopCause.TOO_LONG})
"""Stops that the program itself is the reason for."""


def end_run(state: State, run: RunState, exit_code: int | None, outcome: Outcome, text: str, now: Now) -> list[Event]:
    """The events of a run's certain end, in order: usage first, so that nothing is freed unmetered.

    `text` is what its engine says of the end.
    """
    events: list[Event] = [*meter_run(state, run, now.contract_ms)]
    workload = state.workloads.get(run.workload_id)
    if outcome is Outcome.STOPPED and run.stop_cause is not None:
        text = stop_text(workload, run.stop_cause)
    events.append(RunEnded(run_id=run.id, outcome=outcome, exit_code=exit_code, text=text))
    if workload is None or run.replaced or workload.cancelled:
        return events
    if outcome is Outcome.SUCCEEDED:
        if all(unit.done for index, unit in enumerate(workload.units) if index != run.unit):
            events.append(WorkloadEnded(workload_id=workload.id, outcome=outcome, text="finished"))
    elif _counts_as_failure(run, outcome):
        events.extend(_after_failure(workload, run, exit_code, outcome, text, now))
    return events


def meter_run(state: State, run: RunState, until_ms: int) -> Iterator[ChipTimeMetered]:
    """Usage of a run that is not metered yet; none for one that never started or was fenced and metered before."""
    workload = state.workloads.get(run.workload_id)
    if run.started is None or run.replaced or workload is None:
        return
    found = find_tranche(state.book(), run.allocation.tranche_id)
    assert found is not None, "a run's tranche is on record"
    used = Interval(run.metered_until_ms, until_ms)
    yield from meter(run.id, run.workload_id, workload.spec.tenant_id, run.allocation, *found, used)


def ran_long(workload: WorkloadState, run: RunState, now: Now) -> bool:
    """Whether a run was up for longer than the longest pause: whatever ended it, the pauses begin anew."""
    started = run.started
    return started is not None and now.process_ms - started.process_ms >= workload.spec.restart.backoff_ms_max


def outcome_of(workload: WorkloadState | None, run: RunState, exit_code: int | None) -> Outcome:
    """What an exit means: one that was asked for is a stop, and a replica that ends by itself has failed its duty."""
    if run.stop_cause is not None:
        return Outcome.STOPPED
    if exit_code == 0 and (workload is None or workload.spec.service is None):
        return Outcome.SUCCEEDED
    return Outcome.FAILED


def stop_text(workload: WorkloadState | None, cause: StopCause) -> str:
    """Why we asked for an end, in words; the limit that was reached is the workload's own."""
    if workload is not None and cause is StopCause.STALLED:
        return f"stalled for {format_duration(workload.spec.stall_ms)}"
    if workload is not None and cause is StopCause.TOO_LONG:
        return f"ran longer than {format_duration(workload.spec.run_ms_max)}"
    return cause.value.replace("_", " ")


def _counts_as_failure(run: RunState, outcome: Outcome) -> bool:
    """A stop for someone else's sake is no failure of the program."""
    if run.stop_cause is not None:
        return run.stop_cause in PROGRAM_FAULTS
    return outcome is not Outcome.STOPPED


def _after_failure(
    workload: WorkloadState, run: RunState, exit_code: int | None, outcome: Outcome, text: str, now: Now
) -> Iterator[Event]:
    policy = workload.spec.restart
    failures = workload.units[run.unit].failures
    too_long = run.stop_cause is StopCause.TOO_LONG
    # A service is kept up whatever its replicas do, and what the program did not cause (an engine that lost it, or
    # never started it) is always tried again.
    always = workload.spec.service is not None or outcome in {Outcome.NEVER_STARTED, Outcome.VANISHED}
    # Exit codes are how a program says what may be repeated. One that we stopped said nothing: who sets a limit for
    # stalls wants another attempt, whatever signal the stop took.
    matches = run.stop_cause is not None or not policy.exit_codes or exit_code in policy.exit_codes
    if too_long and not always:
        yield WorkloadEnded(workload_id=workload.id, outcome=Outcome.FAILED, text=text)
        return
    if not always and not (matches and failures < policy.restarts_max):
        reason = text or f"exit code {exit_code}"
        used = f"{failures} of {policy.restarts_max} restarts used"
        codes = ", ".join(str(code) for code in policy.exit_codes)
        why = used if matches else f"tried again is exit code {codes} only"
        yield WorkloadEnded(workload_id=workload.id, outcome=Outcome.FAILED, text=f"{reason}; {why}")
        return
    pauses = 0 if ran_long(workload, run, now) else workload.units[run.unit].pauses
    pause_ms = min(policy.backoff_ms * 2 ** min(pauses, 20), policy.backoff_ms_max)
    yield UnitBackedOff(workload_id=workload.id, unit=run.unit, until_process_ms=now.process_ms + pause_ms)
