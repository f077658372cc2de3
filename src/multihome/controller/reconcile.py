"""Holds what engines report against what is wanted, level by level; a report that comes twice changes nothing twice.

Absence is not death: a run that is no longer mentioned is UNKNOWN, and counts as gone only after several observations
over its provider's declared delay.
"""

import hashlib
from collections.abc import Iterator

from multihome.controller.decision import NOTHING, Decision
from multihome.controller.endings import end_run, outcome_of
from multihome.controller.pacing import learned
from multihome.controller.state import Openness, RunState, State
from multihome.domain.commands import (
    EngineAnswered,
    EngineSilent,
    EngineTold,
    LaunchAnswered,
    LaunchRefused,
    LaunchUnclear,
)
from multihome.domain.effects import Effect, FenceRun, ForgetRun, StopRun
from multihome.domain.events import (
    Event,
    OrphanSeen,
    ProviderAnswers,
    ProviderSilent,
    RunAbsent,
    RunBecameUnknown,
    RunProgressed,
    RunReady,
    RunStarted,
    RunStopAsked,
    WorkLost,
)
from multihome.domain.ids import ProviderId, RunId
from multihome.domain.runs import (
    Fenced,
    Intended,
    Outcome,
    Progress,
    ReportState,
    Running,
    RunReport,
    StopCause,
    Stopping,
    Unknown,
)
from multihome.units.time import MS_PER_SECOND, Now

ABSENCES_MIN = 3
"""Observations without a mention before a run may count as gone."""
MENTION_MS = 2 * MS_PER_SECOND
"""How long after its start a run need not be mentioned: a look that began before it may end after it."""
STOP_GRACE_MS = 10 * MS_PER_SECOND
STOP_REPEAT_MS = 5 * MS_PER_SECOND
"""How long after its deadline a stop that shows no effect is asked again."""
PROGRESS_EVERY_MS = 5 * MS_PER_SECOND
"""Progress between checkpoints is journalled at most this often, and four times within the time that is a stall."""


def token_of(installation_id: str, run_id: RunId) -> str:
    """The mark by which a run is known to be ours."""
    return hashlib.sha256(f"{installation_id}:{run_id}".encode()).hexdigest()[:32]


def engine_answered(state: State, message: EngineAnswered, now: Now) -> Decision:
    """Take in everything an engine reports."""
    inventory = message.inventory
    events: list[Event] = []
    effects: list[Effect] = []
    if state.provider_state(inventory.provider_id).openness is Openness.SILENT:
        events.append(ProviderAnswers(provider_id=inventory.provider_id))
    reports = {report.run_id: report for report in inventory.reports}
    for run in state.runs.values():
        if run.allocation.provider_id != inventory.provider_id:
            continue
        report = reports.get(run.id)
        if report is not None and run.started is None and report.token != token_of(state.installation_id, run.id):
            # Somebody else's thing under our name: ours is not there, and theirs is told of below.
            report = None
        else:
            reports.pop(run.id, None)
        events.extend(_absent(state, run, now) if report is None else _reported(state, run, report, now))
    for report in reports.values():
        events.extend(_unexpected(state, inventory.provider_id, report, effects))
    events.extend(
        OrphanSeen(provider_id=inventory.provider_id, name=name)
        for name in inventory.foreign
        if name not in state.orphans
    )
    return Decision(events=tuple(events), effects=tuple(effects))


def engine_told(state: State, message: EngineTold, now: Now) -> Decision:
    """Take in what an engine told of some runs; it may forget those that have ended.

    What is told of no run of ours is left to the next full report, which says the same.
    """
    events: list[Event] = []
    effects: list[Effect] = []
    for report in message.reports:
        run = state.runs.get(report.run_id)
        if run is None or run.allocation.provider_id != message.provider_id:
            continue
        if run.started is None and report.token != token_of(state.installation_id, run.id):
            continue
        events.extend(_reported(state, run, report, now))
        if report.state is ReportState.ENDED:
            effects.append(ForgetRun(provider_id=message.provider_id, run_id=run.id))
    return Decision(events=tuple(events), effects=tuple(effects))


def engine_silent(state: State, message: EngineSilent, now: Now) -> Decision:
    """Note that an engine does not answer; nothing of its runs is concluded from that."""
    del now
    if state.provider_state(message.provider_id).openness is not Openness.ANSWERING:
        return NOTHING
    return Decision(events=(ProviderSilent(provider_id=message.provider_id, error=message.error),))


def launch_answered(state: State, message: LaunchAnswered, now: Now) -> Decision:
    """The engine has the run."""
    run = state.runs.get(message.run_id)
    if run is None or run.started is not None or not isinstance(run.phase, Intended | Unknown | Stopping):
        return NOTHING
    started = RunStarted(run_id=run.id)
    if run.stop_cause is not None and not isinstance(run.phase, Stopping):
        return Decision(events=(started, stop_event(run, run.stop_cause, now)))
    return Decision(events=(started,))


def launch_refused(state: State, message: LaunchRefused, now: Now) -> Decision:
    """Nothing was started, for certain."""
    run = state.runs.get(message.run_id)
    if run is None or run.started is not None:
        return NOTHING
    return Decision(events=tuple(end_run(state, run, None, Outcome.NEVER_STARTED, message.error, now)))


def launch_unclear(state: State, message: LaunchUnclear, now: Now) -> Decision:
    """The run may exist: it is UNKNOWN until the engine is asked again, and is not launched again."""
    del now
    run = state.runs.get(message.run_id)
    if run is None or not isinstance(run.phase, Intended):
        return NOTHING
    return Decision(events=(RunBecameUnknown(run_id=run.id, why=message.error),))


def recovered(state: State, now: Now) -> Decision:
    """After a restart: what was intended may or may not have been asked for; what was to be stopped is asked again.

    While we were away nobody listened: providers where something runs count as silent until they are heard again, so
    that no run is taken for stalled because of us. Absences are counted anew: the process clock may have leapt, and a
    leap is no time in which anyone observed.
    """
    del now
    events: list[Event] = [
        RunBecameUnknown(run_id=run.id, why="the control plane restarted before the engine had answered")
        for run in state.runs.values()
        if isinstance(run.phase, Intended) or (isinstance(run.phase, Unknown | Fenced) and run.phase.absences)
    ]
    events.extend(
        ProviderSilent(provider_id=provider_id, error="the control plane restarted and has not heard it yet")
        for provider_id in dict.fromkeys(run.allocation.provider_id for run in state.runs.values() if not run.replaced)
        if state.provider_state(provider_id).openness is Openness.ANSWERING
    )
    effects: list[Effect] = []
    for run in state.runs.values():
        if isinstance(run.phase, Stopping):
            effects.append(stop_effect(run, STOP_GRACE_MS))
        if run.replaced:
            effects.append(fence_effect(state, run))
    return Decision(events=tuple(events), effects=tuple(effects))


def stop_effect(run: RunState, grace_ms: int) -> StopRun:
    """What asks the engine to end a run."""
    return StopRun(provider_id=run.allocation.provider_id, run_id=run.id, generation=run.generation, grace_ms=grace_ms)


def stop_event(run: RunState, cause: StopCause, now: Now, notice_ms: int = 0) -> RunStopAsked:
    """Asks a run to end after a notice."""
    grace_ms = notice_ms + STOP_GRACE_MS
    return RunStopAsked(run_id=run.id, cause=cause, grace_ms=grace_ms, deadline_process_ms=now.process_ms + grace_ms)


def fence_effect(state: State, run: RunState) -> FenceRun:
    """What makes a replaced run's checkpoint writes count no longer."""
    return FenceRun(
        checkpoint_key=checkpoint_key(state, run),
        generation=type(run.generation)(run.generation + 1),
        avoid_provider_id=run.allocation.provider_id,
    )


def checkpoint_key(state: State, run: RunState) -> str:
    """The name of the portable checkpoint that a run writes: one a workload, and one a replica of a service."""
    workload = state.workloads.get(run.workload_id)
    if workload is None or workload.spec.service is None:
        return run.workload_id
    return f"{run.workload_id}.{run.unit}"


def _absent(state: State, run: RunState, now: Now) -> Iterator[Event]:
    phase = run.phase
    if isinstance(phase, Intended) or _is_just_up(run, now):
        return
    if isinstance(phase, Running | Stopping):
        yield RunBecameUnknown(run_id=run.id, why="its engine answered without mentioning it")
        return
    delay_ms = state.providers[run.allocation.provider_id].absence_delay_ms
    if phase.absences + 1 < ABSENCES_MIN:
        yield RunAbsent(run_id=run.id)
    elif now.process_ms - phase.since_process_ms >= delay_ms:
        outcome = Outcome.NEVER_STARTED if run.started is None else Outcome.VANISHED
        text = f"not mentioned {ABSENCES_MIN} times over {delay_ms} ms"
        yield from end_run(state, run, None, outcome, text, now)


def _is_just_up(run: RunState, now: Now) -> bool:
    """Whether the inventory may have been taken before the launch had come back."""
    return (
        isinstance(run.phase, Running)
        and run.started is not None
        and now.process_ms - run.started.process_ms < MENTION_MS
    )


def _reported(state: State, run: RunState, report: RunReport, now: Now) -> Iterator[Event]:
    if report.state is ReportState.ENDED:
        if run.started is None:
            yield RunStarted(run_id=run.id)
        yield from _progress(state, run, report.progress, now, is_last=True)
        outcome = outcome_of(state.workloads.get(run.workload_id), run, report.exit_code)
        yield from end_run(state, run, report.exit_code, outcome, report.detail, now)
        return
    workload = state.workloads.get(run.workload_id)
    if run.replaced or workload is None or workload.cancelled:
        yield from _stop_unwanted(run, now)
        return
    if report.state is ReportState.STARTING:
        if isinstance(run.phase, Unknown) and run.phase.absences:
            yield RunBecameUnknown(run_id=run.id, why="its engine is starting it")
        return
    if run.started is None or isinstance(run.phase, Intended | Unknown):
        yield RunStarted(run_id=run.id)
    if isinstance(run.phase, Stopping):
        yield from _repeat_stop(run, run.phase, now)
    elif run.stop_cause is not None:
        yield stop_event(run, run.stop_cause, now)
    elif report.ready and not (isinstance(run.phase, Running) and run.phase.ready):
        yield RunReady(run_id=run.id, endpoint=report.endpoint)
    yield from _progress(state, run, report.progress, now, is_last=False)


def _stop_unwanted(run: RunState, now: Now) -> Iterator[Event]:
    """A run that was replaced or cancelled and turns out to be alive is stopped; its chips count until it is gone."""
    if isinstance(run.phase, Stopping):
        yield from _repeat_stop(run, run.phase, now)
        return
    cause = StopCause.FENCED if run.replaced else StopCause.CANCELLED
    yield stop_event(run, cause, now)


def _repeat_stop(run: RunState, phase: Stopping, now: Now) -> Iterator[Event]:
    if now.process_ms >= phase.deadline_process_ms + STOP_REPEAT_MS:
        yield stop_event(run, phase.cause, now)


def _progress(state: State, run: RunState, progress: Progress | None, now: Now, *, is_last: bool) -> Iterator[Event]:
    if progress is None or progress == run.progress:
        return
    if run.progress is not None and progress.step < run.progress.step:
        # The report is out of date: a run only ever moves on.
        return
    workload = state.workloads.get(run.workload_id)
    if workload is not None:
        unit = workload.units[run.unit]
        if run.progress is None and not run.replaced and unit.progress is not None:
            yield _work_lost(run, unit.progress.step, progress.resumed_from_step)
        successor = state.runs.get(unit.run_id) if unit.run_id is not None else None
        if run.replaced and is_last and successor is not None and successor.progress is not None:
            # What a lost run had really done is known only when its provider answers again.
            yield _work_lost(successor, progress.step, successor.progress.resumed_from_step)
    is_checkpoint = run.progress is None or progress.checkpoint_step != run.progress.checkpoint_step
    stall_ms = workload.spec.stall_ms if workload is not None else 0
    every_ms = min(PROGRESS_EVERY_MS, stall_ms // 4) if stall_ms else PROGRESS_EVERY_MS
    if is_last or is_checkpoint or now.process_ms - run.moved_process_ms >= every_ms:
        yield RunProgressed(run_id=run.id, progress=progress)
        yield from learned(state, run, progress, now)


def _work_lost(run: RunState, reached_step: int, resumed_from_step: int) -> WorkLost:
    return WorkLost(
        run_id=run.id,
        workload_id=run.workload_id,
        steps=max(0, reached_step - resumed_from_step),
        resumed_from_step=resumed_from_step,
    )


def _unexpected(state: State, provider_id: ProviderId, report: RunReport, effects: list[Effect]) -> Iterator[Event]:
    """A run that is over for us: forget it when it ended there too, and stop it when it lives on as a late success."""
    if report.token != token_of(state.installation_id, report.run_id):
        if report.run_id not in state.orphans:
            yield OrphanSeen(provider_id=provider_id, name=report.run_id)
        return
    if report.state is ReportState.ENDED:
        effects.append(ForgetRun(provider_id=provider_id, run_id=report.run_id))
        return
    if report.run_id not in state.orphans:
        yield OrphanSeen(provider_id=provider_id, name=report.run_id)
    effects.append(
        StopRun(provider_id=provider_id, run_id=report.run_id, generation=report.generation, grace_ms=STOP_GRACE_MS)
    )
