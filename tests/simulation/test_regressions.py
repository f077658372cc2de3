"""Bugs that simulation found, each with its seed and, since a seed's story changes with the dice, told once more."""

import pytest

from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.domain import commands as cmd
from multihome.domain import events as ev
from multihome.domain.ids import RunId
from multihome.domain.runs import Outcome, Progress, ReportState, Running, StopCause, Stopping
from multihome.runtime.loop import Runtime
from multihome.simulator.clock import SimClock
from multihome.simulator.driver import simulate
from multihome.views.audit import audit
from tests.builders import ALPHA, START_MS, training
from tests.control import Control, installed, of_kind

HOUR_MS = 3_600_000
SEEDS = [
    # A repeat of a command that coincided with a jump of the clock was recorded again, and forgot the first answer.
    63,
    181,
    # A run asked to stop, then left out of one report, counted as a success when it ended.
    168,
    173,
    # Three quick absences after a long silence freed the chips of a run that was alive.
    5244,
    642,
    772,
]


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_that_broke_an_invariant_once(seed: int) -> None:
    assert simulate(seed, days=3).violations == ()


def asked_to_stop_and_out_of_sight() -> tuple[Control, RunId]:
    control = installed()
    run_id = control.running(training("t"))
    control.do(cmd.Drain(target=ALPHA, actor="a", why="w"))
    control.hear()
    return control, run_id


def test_a_run_that_was_asked_to_stop_and_left_out_of_a_report_is_no_success_when_it_ends() -> None:
    control, run_id = asked_to_stop_and_out_of_sight()
    decision = control.hear_ended(run_id, exit_code=0)
    assert of_kind(decision, ev.RunEnded)[0].outcome is Outcome.STOPPED
    assert of_kind(decision, ev.WorkloadEnded) == []


def test_a_run_that_was_asked_to_stop_is_asked_again_when_it_comes_back_into_sight() -> None:
    control, run_id = asked_to_stop_and_out_of_sight()
    decision = control.hear(control.report(run_id))
    assert of_kind(decision, ev.RunStopAsked)[0].cause is StopCause.DRAINED
    assert isinstance(control.state.runs[run_id].phase, Stopping)


def test_a_report_that_is_out_of_date_does_not_take_progress_back() -> None:
    control = installed()
    run_id = control.running(training("t"))
    for step in (7, 3):
        progress = Progress(step=step, checkpoint_step=step)
        control.hear(control.report(run_id, ReportState.RUNNING, progress=progress))
    assert control.state.runs[run_id].progress == Progress(step=7, checkpoint_step=7)
    assert isinstance(control.state.runs[run_id].phase, Running)


def test_a_repeat_of_a_command_while_the_clock_jumps_is_recorded_once() -> None:
    clock, disk = SimClock(START_MS), MemoryDisk()
    runtime = Runtime(MemoryJournal(disk), clock)
    command = cmd.Request(
        key="k", body_sha256="b", minted_id="m", actor="a", command=cmd.Install(installation_id="here")
    )
    other = cmd.Request(key="k", body_sha256="c", minted_id="n", actor="a", command=cmd.DeclareClock(start_ms=0))
    first = runtime.decide([command])
    runtime.commit(first)
    for skew_ms, message in ((HOUR_MS, other), (0, cmd.Tick()), (HOUR_MS, command)):
        clock.skew_ms = skew_ms
        batch = runtime.decide([message])
        runtime.commit(batch)
    assert batch.answers == first.answers
    assert runtime.state.answers["k"].answer == first.answers[0]
    assert Runtime(MemoryJournal(disk), clock).state == runtime.state
    assert audit(disk.rows).holds


def absent(control: Control, times: int) -> list[ev.RunEnded]:
    """The engine answers so many times without a mention, a second apart; the ends that this led to."""
    ended: list[ev.RunEnded] = []
    for _ in range(times):
        control.wait(1_000)
        ended.extend(of_kind(control.hear(), ev.RunEnded))
    return ended


def test_the_time_of_a_silence_does_not_count_towards_an_absence() -> None:
    for fenced in (False, True):
        control = installed()
        workload_id = control.submit(training("t"))
        control.place()
        run_id = control.run_of(workload_id).id
        control.tell(cmd.LaunchUnclear(run_id=run_id, error="no answer"))
        if fenced:
            control.do(cmd.DeclareLost(provider_id=ALPHA, actor="a", why="w"))
        control.wait(HOUR_MS)
        assert absent(control, 4) == []
        assert len(absent(control, 10)) == 1


def test_a_leap_of_the_clock_at_a_restart_does_not_count_towards_an_absence() -> None:
    control = installed()
    run_id = control.running(training("t"))
    absent(control, 3)
    control.wait(HOUR_MS)
    control.tell(cmd.Recovered())
    assert absent(control, 4) == []
    assert [ended.run_id for ended in absent(control, 10)] == [run_id]
