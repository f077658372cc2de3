"""The table of run phases says what the controller does, no more and no less."""

from collections.abc import Callable

import pytest

from multihome.controller.apply import apply
from multihome.controller.decide import decide
from multihome.domain import commands as cmd
from multihome.domain import events as ev
from multihome.domain.ids import RunId
from multihome.domain.run_phases import FIRST, TRANSITIONS, Gone
from multihome.domain.runs import Fenced, Intended, Inventory, Phase, Progress, ReportState, Running, Stopping, Unknown
from tests.builders import ALPHA, training
from tests.control import Control, installed

PHASE_EVENTS = {event for _, event in TRANSITIONS} | {FIRST[0]}
Pair = tuple[type[Phase], type[ev.Event]]


def intended() -> tuple[Control, RunId]:
    control = installed()
    workload_id = control.submit(training("t", run_ms_max=1_000))
    control.place()
    return control, control.run_of(workload_id).id


def unknown(absences: int = 0) -> tuple[Control, RunId]:
    control, run_id = intended()
    control.tell(cmd.LaunchUnclear(run_id=run_id, error="no answer"))
    for _ in range(absences):
        control.hear()
    return control, run_id


def unknown_for_long() -> tuple[Control, RunId]:
    control, run_id = unknown(absences=2)
    control.wait(60_000)
    return control, run_id


def just_running() -> tuple[Control, RunId]:
    control, run_id = intended()
    return control, control.started(run_id)


def running() -> tuple[Control, RunId]:
    control, run_id = just_running()
    # For a moment after its start a run need not be mentioned.
    control.wait(10_000)
    return control, run_id


def stopping() -> tuple[Control, RunId]:
    control, run_id = running()
    control.do(cmd.Cancel(workload="t", actor="a", why="w"))
    return control, run_id


def stopping_before_it_started() -> tuple[Control, RunId]:
    control, run_id = intended()
    control.do(cmd.Cancel(workload="t", actor="a", why="w"))
    return control, run_id


def fenced() -> tuple[Control, RunId]:
    control, run_id = running()
    control.do(cmd.DeclareLost(provider_id=ALPHA, actor="a", why="w"))
    return control, run_id


def fenced_for_long() -> tuple[Control, RunId]:
    control, run_id = fenced()
    control.hear()
    control.hear()
    control.wait(60_000)
    return control, run_id


def unknown_and_cancelled() -> tuple[Control, RunId]:
    control, run_id = stopping()
    control.hear()
    return control, run_id


def fenced_then_stopping() -> tuple[Control, RunId]:
    control, run_id = fenced()
    control.hear(control.report(run_id))
    return control, run_id


SITUATIONS: list[Callable[[], tuple[Control, RunId]]] = [
    intended,
    unknown,
    unknown_for_long,
    just_running,
    running,
    stopping,
    stopping_before_it_started,
    fenced,
    fenced_for_long,
    unknown_and_cancelled,
    fenced_then_stopping,
]


def inputs(control: Control, run_id: RunId) -> list[cmd.Input]:
    """Every kind of input, aimed at the run."""

    def heard(*states: tuple[ReportState, bool]) -> cmd.Input:
        reports = tuple(
            control.report(run_id, state, ready=ready, exit_code=0 if state is ReportState.ENDED else None)
            for state, ready in states
        )
        return cmd.EngineAnswered(inventory=Inventory(provider_id=ALPHA, reports=reports))

    def asked(command: cmd.Command) -> cmd.Input:
        return cmd.Request(key="k", body_sha256="b", minted_id="m", actor="a", command=command)

    progressed = control.report(run_id, progress=Progress(step=2, checkpoint_step=1))
    return [
        heard(),
        heard((ReportState.STARTING, False)),
        heard((ReportState.RUNNING, False)),
        heard((ReportState.RUNNING, True)),
        heard((ReportState.ENDED, False)),
        cmd.EngineAnswered(inventory=Inventory(provider_id=ALPHA, reports=(progressed,))),
        cmd.EngineSilent(provider_id=ALPHA, error="e"),
        cmd.LaunchAnswered(run_id=run_id),
        cmd.LaunchRefused(run_id=run_id, error="e"),
        cmd.LaunchUnclear(run_id=run_id, error="e"),
        cmd.Recovered(),
        cmd.Tick(),
        cmd.PlaceDue(),
        asked(cmd.Cancel(workload="t", actor="a", why="w")),
        asked(cmd.Drain(target=ALPHA, actor="a", why="w")),
        asked(cmd.DeclareLost(provider_id=ALPHA, actor="a", why="w")),
        asked(cmd.Restore(provider_id=ALPHA, actor="a", why="w")),
    ]


def observed() -> dict[Pair, type[Phase | Gone]]:
    """Every transition that any input brings about in any situation, now and after a long time."""
    found: dict[Pair, type[Phase | Gone]] = {}
    for make in SITUATIONS:
        control, run_id = make()
        for index in range(len(inputs(control, run_id))):
            for wait_ms in (0, 60_000):
                control, run_id = make()
                control.wait(wait_ms)
                for event in decide(control.state, inputs(control, run_id)[index], control.now).events:
                    before = control.state.runs.get(run_id)
                    phase = type(before.phase) if before else None
                    apply(control.state, event, control.now)
                    after = control.state.runs.get(run_id)
                    if phase is None or getattr(event, "run_id", None) != run_id:
                        assert after is None or type(after.phase) is phase, "an event of another run changed this one"
                    elif type(event) in PHASE_EVENTS:
                        found[phase, type(event)] = type(after.phase) if after else Gone
                    else:
                        assert after is not None
                        assert type(after.phase) is phase, f"{type(event).__name__} changed the phase"
    return found


def test_the_controller_makes_these_transitions_and_no_others() -> None:
    assert observed() == TRANSITIONS


def test_a_run_begins_as_the_table_says() -> None:
    control, run_id = intended()
    assert control.events(FIRST[0])[-1].run_id == run_id  # pyright: ignore[reportAttributeAccessIssue] -- it is RunIntended
    assert type(control.state.runs[run_id].phase) is FIRST[1]


def test_every_phase_stands_in_the_table() -> None:
    phases = {Intended, Unknown, Running, Stopping, Fenced}
    assert {phase for phase, _ in TRANSITIONS} == phases
    assert set(TRANSITIONS.values()) == phases - {Intended} | {Gone}


@pytest.mark.parametrize("phase", [Intended, Unknown, Running, Stopping, Fenced], ids=lambda phase: phase.__name__)
def test_every_phase_can_end(phase: type[Phase]) -> None:
    assert TRANSITIONS[phase, ev.RunEnded] is Gone
