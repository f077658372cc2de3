"""Cancelled work: in every phase of its run, until the last of it is gone."""

from multihome.controller.reconcile import (
    STOP_GRACE_MS,
    STOP_REPEAT_MS,
)
from multihome.domain.commands import LaunchAnswered, LaunchRefused, LaunchUnclear
from multihome.domain.effects import StopRun
from multihome.domain.events import (
    ChipTimeMetered,
    RunEnded,
    RunStarted,
    RunStopAsked,
    WorkloadEnded,
)
from multihome.domain.runs import Outcome, ReportState, StopCause, Stopping, Unknown
from multihome.units.time import MS_PER_HOUR
from tests.builders import service, training
from tests.control import Control, installed, of_kind
from tests.lives import absences, begin, cancel

ENDED = ReportState.ENDED


def assert_over(control: Control) -> None:
    """Cancelled work ends at the next look, as stopped."""
    ended = of_kind(control.tick(), WorkloadEnded)
    assert [(event.outcome, event.text) for event in ended] == [(Outcome.STOPPED, "cancelled")]
    assert (control.state.workloads, control.state.runs, control.state.waiting) == ({}, {}, {})
    assert (control.state.cancelling, control.state.backing_off) == ({}, {})
    control.wait(MS_PER_HOUR)
    assert control.place().events == ()


def test_a_run_that_was_stopped_before_its_start_was_confirmed_is_metered_from_then_on() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    run_id = control.run_of(workload_id).id
    cancel(control, workload_id)
    assert of_kind(control.tell(LaunchAnswered(run_id=run_id)), RunStarted)
    control.wait(3_000)
    ended = control.hear_ended(run_id, 143)
    assert [event.chip_ms for event in of_kind(ended, ChipTimeMetered)] == [8 * 3_000]


def test_cancel_while_it_waits() -> None:
    control = installed()
    cancel(control, control.submit(training()))
    assert control.state.waiting == {}
    assert_over(control)


def test_cancel_before_the_engine_answered_adopts_a_late_success_and_stops_it() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    run = control.run_of(workload_id)
    cancel(control, workload_id)
    assert isinstance(run.phase, Stopping)
    assert any(isinstance(effect, StopRun) for effect in control.effects)
    assert control.tick().events == ()
    control.tell(LaunchAnswered(run_id=run.id))
    control.wait(STOP_GRACE_MS + STOP_REPEAT_MS)
    assert of_kind(control.hear(control.report(run.id)), RunStopAsked)
    control.hear_ended(run.id, 143)
    assert_over(control)


def test_cancel_before_a_refusal() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    run_id = control.run_of(workload_id).id
    cancel(control, workload_id)
    decision = control.tell(LaunchRefused(run_id=run_id, error="tombstone"))
    assert [type(event) for event in decision.events] == [RunEnded]
    assert_over(control)


def test_cancel_while_unknown() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    control.tell(LaunchUnclear(run_id=control.run_of(workload_id).id, error="timeout"))
    cancel(control, workload_id)
    absences(control, 10_000)
    assert_over(control)


def test_cancel_while_it_runs_keeps_its_chips_until_the_engine_confirms() -> None:
    control, run_id, workload_id = begin(training(num_nodes=2))
    cancel(control, workload_id)
    cancel(control, workload_id)
    assert len(control.events(RunStopAsked)) == 1
    control.hear(control.report(run_id))
    assert len(control.events(RunStopAsked)) == 1
    control.wait(STOP_GRACE_MS + STOP_REPEAT_MS)
    control.hear(control.report(run_id))
    assert len(control.events(RunStopAsked)) == 2
    assert control.tick().events == ()
    assert control.state.runs[run_id].allocation.chips == 16
    decision = control.hear_ended(run_id, 0)
    assert of_kind(decision, ChipTimeMetered)[0].chip_ms == 16 * (STOP_GRACE_MS + STOP_REPEAT_MS)
    assert_over(control)


def test_cancel_while_it_pauses_after_a_failure() -> None:
    control, run_id, workload_id = begin(training())
    control.hear_ended(run_id, 1)
    assert control.state.backing_off
    cancel(control, workload_id)
    assert_over(control)


def test_cancel_of_a_service_waits_for_its_last_replica() -> None:
    control = installed()
    workload_id = control.submit(service(replicas=3))
    control.place()
    runs = [control.started(control.run_of(workload_id, unit).id) for unit in range(2)]
    cancel(control, workload_id)
    control.hear_ended(runs[0], 143)
    assert control.tick().events == ()
    control.hear_ended(runs[1], 143)
    third = control.run_of(workload_id, 2).id
    control.tell(LaunchRefused(run_id=third, error="tombstone"))
    assert_over(control)


def test_a_stop_outlasts_an_absence() -> None:
    control, run_id, workload_id = begin(training())
    cancel(control, workload_id)
    control.hear()
    assert isinstance(control.state.runs[run_id].phase, Unknown)
    (again,) = of_kind(control.hear(control.report(run_id)), RunStopAsked)
    assert again.cause is StopCause.CANCELLED
