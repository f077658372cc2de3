"""The life of a run: from its intent to its certain end, with everything that may go wrong in between."""

import pytest

from multihome.controller.reconcile import (
    ABSENCES_MIN,
    MENTION_MS,
    PROGRESS_EVERY_MS,
    STOP_GRACE_MS,
    token_of,
)
from multihome.domain.commands import EngineSilent, LaunchAnswered, LaunchRefused, LaunchUnclear, Recovered
from multihome.domain.effects import ForgetRun, StartRun, StopRun
from multihome.domain.events import (
    ChipTimeMetered,
    OrphanSeen,
    ProviderAnswers,
    ProviderSilent,
    RunAbsent,
    RunBecameUnknown,
    RunEnded,
    RunIntended,
    RunProgressed,
    RunReady,
    RunStarted,
    RunStopAsked,
    UnitBackedOff,
    WorkloadEnded,
    WorkLost,
)
from multihome.domain.ids import RunId
from multihome.domain.placements import ProviderClosed
from multihome.domain.runs import Intended, Outcome, Progress, ReportState, Running, Unknown
from multihome.domain.workloads import Checkpointing
from multihome.units.time import MS_PER_HOUR
from tests.builders import ALPHA, H100, day, service, training
from tests.control import installed, of_kind
from tests.lives import absences, begin, cancel, next_run, policy

ENDED = ReportState.ENDED


def test_intended_started_progressing_ended() -> None:
    control = installed()
    workload_id = control.submit(training(checkpointing=Checkpointing(interval_steps=10), envs={"A": "b"}))
    decision = control.place()
    (intended,) = of_kind(decision, RunIntended)
    assert intended.run_id == f"{workload_id}.0.1"
    (start,) = [effect for effect in control.effects if isinstance(effect, StartRun)]
    intent = start.intent
    assert (intent.token, intent.accelerator) == (token_of("test", intended.run_id), H100)
    assert (intent.checkpoint_key, intent.checkpoint_interval_steps, intent.envs) == (workload_id, 10, {"A": "b"})
    run = control.run_of(workload_id)
    assert isinstance(run.phase, Intended)

    control.wait(500)
    control.started(run.id)
    assert isinstance(run.phase, Running)
    control.wait(1_000)
    control.hear(control.report(run.id, progress=Progress(step=5)))
    assert run.progress == Progress(step=5)
    control.wait(9_000)
    done = control.hear(control.report(run.id, ENDED, exit_code=0, progress=Progress(step=9)))
    assert [type(event) for event in done.events] == [RunProgressed, ChipTimeMetered, RunEnded, WorkloadEnded]
    (usage,) = of_kind(done, ChipTimeMetered)
    assert usage.chip_ms == 8 * 10_000
    assert of_kind(done, WorkloadEnded)[0].outcome is Outcome.SUCCEEDED
    assert (control.state.runs, control.state.workloads, control.state.waiting) == ({}, {}, {})


def test_a_report_may_come_before_the_answer() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    run = control.run_of(workload_id)
    assert control.hear(control.report(run.id, ReportState.STARTING)).events == ()
    assert of_kind(control.hear(control.report(run.id)), RunStarted)
    assert control.tell(LaunchAnswered(run_id=run.id)).events == ()


def test_the_same_report_twice_changes_nothing_twice() -> None:
    control, run_id, _ = begin(service(replicas=1))
    ready = control.report(run_id, ready=True, endpoint="127.0.0.1:80", progress=Progress(step=1))
    assert of_kind(control.hear(ready), RunReady)
    assert control.hear(ready).events == ()
    run = control.state.runs[run_id]
    assert isinstance(run.phase, Running)
    assert (run.phase.ready, run.phase.endpoint) == (True, "127.0.0.1:80")
    control.hear(control.report(run_id, ENDED, exit_code=1))
    (forget,) = control.hear(control.report(run_id, ENDED, exit_code=1)).effects
    assert forget == ForgetRun(provider_id=ALPHA, run_id=run_id)


def test_progress_is_kept_at_checkpoints_and_otherwise_now_and_then() -> None:
    control, run_id, _ = begin(training())

    def kept(step: int, checkpoint: int, after_ms: int) -> bool:
        control.wait(after_ms)
        return bool(
            control.hear(control.report(run_id, progress=Progress(step=step, checkpoint_step=checkpoint))).events
        )

    assert kept(1, 0, 0)
    assert not kept(2, 0, PROGRESS_EVERY_MS - 1)
    assert kept(3, 0, 1)
    assert kept(4, 4, 1)
    assert not kept(3, 4, PROGRESS_EVERY_MS)


def test_a_failure_is_repeated_after_a_pause_that_doubles_up_to_its_cap() -> None:
    control, run_id, workload_id = begin(training(restart=policy(5, 1_000, 3_000)))
    pauses: list[int] = []
    for attempt in range(5):
        decision = control.hear_ended(run_id, 1)
        (pause,) = of_kind(decision, UnitBackedOff)
        pauses.append(pause.until_process_ms - control.process_ms)
        control.process_ms = pause.until_process_ms - 1
        assert not of_kind(control.place(), RunIntended)
        control.wait(1)
        assert of_kind(control.place(), RunIntended)
        run_id = control.started(control.run_of(workload_id).id)
        assert run_id == f"{workload_id}.0.{attempt + 2}"
    assert pauses == [1_000, 2_000, 3_000, 3_000, 3_000]
    (end,) = of_kind(control.hear_ended(run_id, 1), WorkloadEnded)
    assert end.outcome is Outcome.FAILED
    assert end.text == "exit code 1; 5 of 5 restarts used"
    assert control.state.backing_off == {}


@pytest.mark.parametrize(("exit_code", "repeated"), [(137, True), (1, False), (0, None)])
def test_only_the_exit_codes_of_the_policy_are_repeated(exit_code: int, *, repeated: bool | None) -> None:
    control, run_id, _ = begin(training(restart=policy(codes=(137, 143))))
    decision = control.hear_ended(run_id, exit_code)
    assert bool(of_kind(decision, UnitBackedOff)) is bool(repeated)
    ends = [(event.outcome, event.text) for event in of_kind(decision, WorkloadEnded)]
    failed = (Outcome.FAILED, "exit code 1; tried again is exit code 137, 143 only")
    assert ends == ([] if repeated else [(Outcome.SUCCEEDED, "finished") if repeated is None else failed])


@pytest.mark.parametrize("exit_code", [0, 1, 137])
def test_a_replica_that_ends_is_started_again_whatever_it_says(exit_code: int) -> None:
    control = installed()
    workload_id = control.submit(service(restart=policy(0, codes=(9,))))
    control.place()
    first, second = (control.started(control.run_of(workload_id, unit).id) for unit in range(2))
    decision = control.hear_ended(first, exit_code)
    assert of_kind(decision, RunEnded)[0].outcome is Outcome.FAILED
    assert not of_kind(decision, WorkloadEnded)
    assert next_run(control, workload_id) == f"{workload_id}.0.2"
    assert control.run_of(workload_id, 1).id == second


def test_what_an_engine_did_takes_no_restart_from_the_program() -> None:
    control, run_id, workload_id = begin(training(restart=policy(1)))
    for _ in range(3):
        for _ in range(ABSENCES_MIN + 1):
            control.wait(10_000)
            control.hear()
        assert control.events(RunEnded)[-1].outcome is Outcome.VANISHED
        run_id = next_run(control, workload_id)
    assert of_kind(control.hear_ended(run_id, 1), UnitBackedOff)
    run_id = next_run(control, workload_id)
    (end,) = of_kind(control.hear_ended(run_id, 1), WorkloadEnded)
    assert end.text == "exit code 1; 1 of 1 restarts used"


def test_a_refused_launch_is_tried_again() -> None:
    control = installed()
    workload_id = control.submit(training(restart=policy(0)))
    control.place()
    decision = control.tell(LaunchRefused(run_id=control.run_of(workload_id).id, error="no room"))
    assert [type(event) for event in decision.events] == [RunEnded, UnitBackedOff]
    assert of_kind(decision, RunEnded)[0].outcome is Outcome.NEVER_STARTED
    assert next_run(control, workload_id) == f"{workload_id}.0.2"


def test_answers_for_runs_that_are_over_mean_nothing() -> None:
    control, run_id, _ = begin(training())
    assert control.tell(LaunchRefused(run_id=run_id, error="late")).events == ()
    assert control.tell(LaunchUnclear(run_id=run_id, error="late")).events == ()
    control.hear_ended(run_id, 0)
    for late in (
        LaunchAnswered(run_id=run_id),
        LaunchRefused(run_id=run_id, error=""),
        LaunchUnclear(run_id=run_id, error=""),
    ):
        assert control.tell(late).events == ()


def test_an_unclear_launch_is_unknown_and_not_repeated() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    run = control.run_of(workload_id)
    control.tell(LaunchUnclear(run_id=run.id, error="timeout"))
    assert isinstance(run.phase, Unknown)
    control.wait(MS_PER_HOUR)
    assert control.place().events == ()
    assert of_kind(control.hear(control.report(run.id)), RunStarted)


def test_a_look_that_began_before_a_launch_came_back_says_nothing_of_it() -> None:
    control, _, _ = begin(training())
    assert control.hear().events == ()
    control.wait(MENTION_MS)
    assert of_kind(control.hear(), RunBecameUnknown)


def test_somebody_elses_run_under_our_name_is_not_ours() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    run_id = control.run_of(workload_id).id
    heard = control.hear(control.report(run_id, token="forged"))
    assert of_kind(heard, OrphanSeen)
    assert not of_kind(heard, RunStarted)


def test_pauses_begin_anew_after_a_long_run() -> None:
    nine = policy(restarts=9)
    control, run_id, workload_id = begin(training(restart=nine))
    for expected_ms in (1_000, 2_000):
        (pause,) = of_kind(control.hear_ended(run_id, 1), UnitBackedOff)
        assert pause.until_process_ms - control.process_ms == expected_ms
        control.wait(expected_ms)
        control.place()
        run_id = control.started(control.run_of(workload_id).id)
    control.wait(60_000)
    (pause,) = of_kind(control.hear_ended(run_id, 1), UnitBackedOff)
    assert pause.until_process_ms - control.process_ms == 1_000


def test_absence_takes_three_observations_and_the_declared_delay() -> None:
    control, _, _ = begin(training())
    control.wait(MENTION_MS)
    assert absences(control, 10_000) == [
        [RunBecameUnknown],
        [RunAbsent],
        [RunAbsent],
        [ChipTimeMetered, RunEnded, UnitBackedOff],
    ]
    assert control.events(RunEnded)[0].outcome is Outcome.VANISHED

    control, _, _ = begin(training())
    control.wait(MENTION_MS)
    seen = absences(control, 1_000)
    assert seen[:3] == [[RunBecameUnknown], [RunAbsent], [RunAbsent]]
    assert all(events == [] for events in seen[3:-1])
    # The provider's delay of ten seconds runs from the first absence that is counted.
    assert len(seen) == 12


def test_one_that_was_never_confirmed_has_never_started() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    control.tell(LaunchUnclear(run_id=control.run_of(workload_id).id, error="timeout"))
    absences(control, 10_000)
    assert control.events(RunEnded)[0].outcome is Outcome.NEVER_STARTED
    assert control.events(ChipTimeMetered) == []


def test_a_mention_starts_the_count_of_absences_anew() -> None:
    control, run_id, _ = begin(training())
    for _ in range(ABSENCES_MIN):
        control.wait(60_000)
        control.hear()
    control.hear(control.report(run_id))
    assert isinstance(control.state.runs[run_id].phase, Running)
    assert len(absences(control, 10_000)) == ABSENCES_MIN + 1


def test_a_silent_engine_says_nothing_about_its_runs() -> None:
    control, run_id, _ = begin(training(stall_ms=60_000))
    assert of_kind(control.tell(EngineSilent(provider_id=ALPHA, error="no answer")), ProviderSilent)
    assert control.tell(EngineSilent(provider_id=ALPHA, error="no answer")).events == ()
    control.wait(10 * MS_PER_HOUR)
    assert control.tick().events == ()
    assert isinstance(control.state.runs[run_id].phase, Running)
    other = control.submit(training("other"))
    control.place()
    assert control.run_of(other).allocation.provider_id == "beta"
    assert isinstance(control.run_of(other).reason.ruled_out[0], ProviderClosed)
    answered = control.hear(control.report(run_id, progress=Progress(step=7)))
    assert [type(event) for event in answered.events] == [ProviderAnswers, RunProgressed]
    assert control.tick().events == ()


def test_a_late_success_after_never_started_is_stopped() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    old = control.run_of(workload_id).id
    control.tell(LaunchUnclear(run_id=old, error="timeout"))
    absences(control, 10_000)
    new = next_run(control, workload_id)
    decision = control.hear(control.report(old), control.report(new))
    assert of_kind(decision, OrphanSeen) == [OrphanSeen(provider_id=ALPHA, name=old)]
    stop = StopRun(provider_id=ALPHA, run_id=old, generation=control.report(old).generation, grace_ms=STOP_GRACE_MS)
    assert decision.effects == (stop,)
    again = control.hear(control.report(old), control.report(new))
    assert (again.events, again.effects) == ((), (stop,))
    assert control.hear(control.report(old, ENDED, exit_code=143), control.report(new)).effects == (
        ForgetRun(provider_id=ALPHA, run_id=old),
    )
    assert list(control.state.runs) == [new]


def test_what_carries_no_token_of_ours_is_left_alone_and_named_once() -> None:
    control, run_id, _ = begin(training())
    stranger = control.report(RunId("w-other.0.1"), token="theirs")
    decision = control.hear(control.report(run_id), stranger, foreign=("job-17",))
    assert {event.name for event in of_kind(decision, OrphanSeen)} == {"w-other.0.1", "job-17"}
    assert decision.effects == ()
    again = control.hear(control.report(run_id), stranger, foreign=("job-17",))
    assert (again.events, again.effects) == ((), ())


def test_a_new_attempt_says_what_work_was_lost() -> None:
    control, run_id, workload_id = begin(training())
    control.hear(control.report(run_id, progress=Progress(step=130, checkpoint_step=100)))
    control.hear_ended(run_id, 137, Progress(step=150, checkpoint_step=100))
    assert control.workload(workload_id).units[0].progress == Progress(step=150, checkpoint_step=100)
    again = next_run(control, workload_id)
    decision = control.hear(
        control.report(again, progress=Progress(step=101, checkpoint_step=100, resumed_from_step=100))
    )
    assert of_kind(decision, WorkLost) == [
        WorkLost(run_id=again, workload_id=workload_id, steps=50, resumed_from_step=100)
    ]


def test_a_service_reads_the_model_that_its_organisation_trains() -> None:
    control, _, trained = begin(training("model"))
    workload_id = control.submit(service(replicas=1, model_from="model"))
    control.place()
    intents = [effect.intent for effect in control.effects if isinstance(effect, StartRun)]
    assert intents[-1].workload_id == workload_id
    assert intents[-1].model_key == trained
    assert intents[-1].checkpoint_key == f"{workload_id}.0"
    assert intents[0].model_key == ""


def test_after_a_restart_nothing_is_taken_for_granted() -> None:
    control, running, _ = begin(training("runs", stall_ms=60_000))
    intended = control.submit(training("intended"))
    stopping = control.submit(training("stops"))
    control.place()
    control.started(control.run_of(stopping).id)
    cancel(control, stopping)
    control.wait(5 * MS_PER_HOUR)
    decision = control.tell(Recovered())
    assert {event.run_id for event in of_kind(decision, RunBecameUnknown)} == {control.run_of(intended).id}
    assert [effect.run_id for effect in decision.effects if isinstance(effect, StopRun)] == [
        control.run_of(stopping).id
    ]
    # While the control plane was away, nobody could show progress.
    assert not of_kind(control.tick(), RunStopAsked)
    control.hear(control.report(running, progress=Progress(step=1)))
    assert control.state.provider_state(ALPHA).openness == "answering"
    assert not of_kind(control.tick(), RunStopAsked)


def test_a_restart_of_an_idle_installation_has_no_consequences() -> None:
    assert installed().tell(Recovered()).events == ()


def test_chip_time_counts_from_the_engine_s_word_to_the_certain_end() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    control.wait(MS_PER_HOUR)
    run_id = control.started(control.run_of(workload_id).id)
    started_ms = control.process_ms
    control.wait(MS_PER_HOUR)
    (usage,) = of_kind(control.hear_ended(run_id, 0), ChipTimeMetered)
    assert (usage.interval.start_ms, usage.interval.end_ms) == (started_ms, started_ms + MS_PER_HOUR)
    assert started_ms > day(0)
