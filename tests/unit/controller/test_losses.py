"""A provider that is lost, restored or drained, and what becomes of its runs and its chips."""

from typing import Any

import pytest

from multihome.domain.commands import (
    Cancel,
    DeclareLost,
    Drain,
    EngineSilent,
    Override,
    OverrideRule,
    Recovered,
    Restore,
    Undrain,
)
from multihome.domain.effects import FenceRun, StopRun
from multihome.domain.events import (
    ChipTimeMetered,
    ClauseConsequence,
    ProviderRestored,
    RunEnded,
    RunFenced,
    RunIntended,
    RunStopAsked,
    WorkloadEnded,
    WorkLost,
)
from multihome.domain.ids import Generation, RunId, WorkloadId
from multihome.domain.placements import Basis, NotEnoughChips, OverQuota, ProviderClosed
from multihome.domain.runs import Fenced, Outcome, Progress, ReportState, StopCause, Stopping
from multihome.domain.workloads import Infra, WorkloadSpec
from multihome.units.time import MS_PER_HOUR, Interval
from tests.builders import (
    ALPHA,
    BETA,
    BLUE,
    RED,
    contract,
    delay_remedy,
    exclusivity,
    first_refusal,
    pool,
    quota,
    service,
    take_or_pay,
    tenant,
    training,
)
from tests.control import Control, installed, of_kind

ADA: dict[str, Any] = {"actor": "ada", "why": "fire"}


def lose(control: Control) -> None:
    control.do(DeclareLost(provider_id=ALPHA, **ADA))


def on_alpha() -> tuple[Control, RunId, WorkloadId]:
    """A gang that fills a domain of alpha."""
    control = installed()
    run_id = control.running(training(num_nodes=2))
    return control, run_id, control.state.runs[run_id].workload_id


def test_a_loss_fences_meters_and_kills_nothing() -> None:
    control, run_id, workload_id = on_alpha()
    control.hear(control.report(run_id, progress=Progress(step=9, checkpoint_step=5)))
    control.wait(MS_PER_HOUR)
    lose(control)
    run = control.state.runs[run_id]
    assert isinstance(run.phase, Fenced)
    assert [event.chip_ms for event in control.events(ChipTimeMetered)] == [16 * MS_PER_HOUR]
    assert control.effects[-1] == FenceRun(
        checkpoint_key=workload_id, generation=Generation(2), avoid_provider_id=ALPHA
    )
    assert not any(isinstance(effect, StopRun) for effect in control.effects)
    control.place()
    again = control.run_of(workload_id)
    assert (again.id, again.allocation.provider_id) == (f"{workload_id}.0.2", BETA)
    control.started(again.id)
    resumed = control.hear(
        control.report(again.id, progress=Progress(step=6, checkpoint_step=5, resumed_from_step=5)), provider_id=BETA
    )
    assert [event.steps for event in of_kind(resumed, WorkLost)] == [4]


def test_the_chips_of_a_lost_provider_are_not_free_and_nothing_is_admitted() -> None:
    control, _, _ = on_alpha()
    lose(control)
    waiting = control.submit(training("other", infra=Infra(provider="alpha")))
    control.place()
    blocker = control.state.class_blockers[control.workload(waiting).class_id][0]
    assert blocker == ProviderClosed(pool_id=pool().id, provider_id=ALPHA, state="lost", actor="ada", why="fire")


def test_a_returning_run_is_stopped_and_its_chips_count_until_it_is_gone() -> None:
    control, old, workload_id = on_alpha()
    lose(control)
    control.place()
    new = control.started(control.run_of(workload_id).id)
    control.do(Restore(provider_id=ALPHA, **ADA))
    wide = control.submit(training("wide", num_nodes=2, infra=Infra(provider="alpha")))
    tall = control.submit(training("tall", num_nodes=2, infra=Infra(provider="alpha")))
    control.place()
    assert control.run_of(wide).allocation.domain_id == "alpha-1/t1#1"
    (blocker,) = control.state.class_blockers[control.workload(tall).class_id]
    assert isinstance(blocker, NotEnoughChips)
    decision = control.hear(control.report(old), control.report(control.run_of(wide).id))
    assert [(event.run_id, event.cause) for event in of_kind(decision, RunStopAsked)] == [(old, StopCause.FENCED)]
    assert isinstance(control.state.runs[old].phase, Stopping)
    control.place()
    assert control.workload(tall).units[0].run_id is None
    metered = len(control.events(ChipTimeMetered))
    ended = control.hear_ended(old, 0)
    assert next(type(event) for event in ended.events if not isinstance(event, ChipTimeMetered)) is RunEnded
    assert len(control.events(ChipTimeMetered)) == metered
    assert control.run_of(workload_id).id == new
    control.place()
    assert control.run_of(tall).allocation.domain_id == "alpha-1/t1#0"


def test_a_fenced_run_that_is_only_starting_is_stopped_too() -> None:
    control, old, _ = on_alpha()
    lose(control)
    decision = control.hear(control.report(old, ReportState.STARTING))
    assert [event.cause for event in of_kind(decision, RunStopAsked)] == [StopCause.FENCED]


def test_a_fenced_run_that_is_never_seen_again_is_gone_after_a_while() -> None:
    control, old, _ = on_alpha()
    lose(control)
    for _ in range(3):
        assert old in control.state.runs
        control.wait(10_000)
        control.hear()
    assert old not in control.state.runs
    assert control.events(RunEnded)[-1].outcome is Outcome.VANISHED


def test_a_lost_provider_that_reports_stays_lost() -> None:
    control, old, _ = on_alpha()
    lose(control)
    control.tell(EngineSilent(provider_id=ALPHA, error="no answer"))
    control.hear(control.report(old))
    assert control.state.provider_state(ALPHA).openness == "lost"
    control.do(Restore(provider_id=ALPHA, **ADA))
    assert control.events(ProviderRestored)
    (outage,) = control.state.provider_state(ALPHA).outages
    assert outage == Interval(control.now.contract_ms, control.now.contract_ms)


def test_an_end_that_was_only_late_does_not_finish_the_workload_twice() -> None:
    control, old, workload_id = on_alpha()
    lose(control)
    decision = control.hear(control.report(old, ReportState.ENDED, exit_code=0))
    assert not of_kind(decision, WorkloadEnded)
    assert workload_id in control.state.workloads
    control.place()
    assert control.run_of(workload_id).generation == 2


def test_a_loss_before_the_launch_was_answered() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.place()
    lose(control)
    assert control.events(ChipTimeMetered) == []
    control.place()
    assert control.run_of(workload_id).allocation.provider_id == BETA


def test_a_loss_ends_a_cancelled_workload() -> None:
    control, _, workload_id = on_alpha()
    control.do(Cancel(workload=workload_id, **ADA))
    lose(control)
    assert [event.outcome for event in of_kind(control.tick(), WorkloadEnded)] == [Outcome.STOPPED]


def test_after_a_restart_fences_are_raised_again() -> None:
    control, _, workload_id = on_alpha()
    lose(control)
    (effect,) = control.tell(Recovered()).effects
    assert effect == FenceRun(checkpoint_key=workload_id, generation=Generation(2), avoid_provider_id=ALPHA)


def test_every_clause_in_force_says_what_the_loss_means() -> None:
    beta = contract("beta", clauses=[first_refusal(), take_or_pay()])
    ended = take_or_pay("old", interval=Interval(contract().interval.start_ms, contract().interval.start_ms + 1))
    control = installed(contract(clauses=[exclusivity(), first_refusal(), take_or_pay(), delay_remedy(), ended]), beta)
    control.wait(MS_PER_HOUR)
    lose(control)
    said = {
        (event.clause.contract_id, event.clause.clause_id): event.code for event in control.events(ClauseConsequence)
    }
    assert said == {
        ("alpha-1", "only"): "waits_for_holder",
        ("alpha-1", "rofr"): "no_emergency_exemption",
        ("alpha-1", "top"): "owed_suspended",
        ("alpha-1", "late"): "not_a_delay",
        ("beta-1", "rofr"): "no_emergency_exemption",
    }


@pytest.mark.parametrize("target", ["alpha", "alpha/main"])
def test_a_drain_moves_what_runs_and_admits_nothing(target: str) -> None:
    control, run_id, workload_id = on_alpha()
    answer = control.do(Drain(target=target, **ADA))
    assert answer.changes == ("1 runs asked to stop and move",)
    control.do(Drain(target=target, **ADA))
    assert [event.cause for event in control.events(RunStopAsked)] == [StopCause.DRAINED]
    decision = control.hear_ended(run_id, 143)
    assert of_kind(decision, RunEnded)[0].outcome is Outcome.STOPPED
    assert not of_kind(decision, WorkloadEnded)
    control.place()
    assert control.run_of(workload_id).allocation.provider_id == BETA
    assert control.workload(workload_id).units[0].failures == 0
    control.do(Undrain(target=target, **ADA))
    other = control.submit(training("other"))
    control.place()
    assert control.run_of(other).allocation.provider_id == ALPHA


def test_a_stop_for_any_reason_outlasts_an_absence() -> None:
    control, run_id, _ = on_alpha()
    control.do(Drain(target="alpha", **ADA))
    control.hear()
    (again,) = of_kind(control.hear(control.report(run_id)), RunStopAsked)
    assert again.cause is StopCause.DRAINED


def test_what_is_fenced_uses_nobody_s_quota() -> None:
    control = quotas(16, 0)
    workload_id = control.submit(training(num_nodes=2))
    control.place()
    control.started(control.run_of(workload_id).id)
    lose(control)
    control.place()
    assert control.run_of(workload_id).allocation.provider_id == BETA


def test_a_drain_of_one_pool_leaves_the_others() -> None:
    control, _, _ = on_alpha()
    control.do(Drain(target="beta/main", **ADA))
    assert control.events(RunStopAsked) == []


def quotas(red: int, blue: int) -> Control:
    return installed(
        tenant("lab/red", quota(red, lend_chips=99)), tenant("lab/blue", quota(blue, borrow_chips=99, notice_ms=30_000))
    )


def gang_of(tenant_id: object, name: str) -> WorkloadSpec:
    return training(name, tenant_id=tenant_id, num_nodes=2, infra=Infra(provider="alpha"))


def test_a_reclaim_gives_notice_stops_and_hands_over() -> None:
    control = quotas(32, 0)
    borrowed = [control.running(gang_of(BLUE, f"b{number}")) for number in range(2)]
    assert {control.state.runs[run_id].reason.basis for run_id in borrowed} == {Basis.BORROWED}
    needs = control.submit(gang_of(RED, "needs"))
    decision = control.place()
    (stop,) = of_kind(decision, RunStopAsked)
    assert (stop.cause, stop.grace_ms) == (StopCause.RECLAIMED, 40_000)
    assert not of_kind(control.place(), RunStopAsked)
    victim = control.state.runs[stop.run_id].workload_id
    control.hear_ended(stop.run_id, 143)
    control.place()
    assert control.run_of(needs).reason.basis is Basis.GUARANTEED
    assert control.workload(victim).units[0].run_id is None
    assert control.workload(victim).units[0].failures == 0


def test_a_person_may_set_quota_and_priority_aside() -> None:
    control = quotas(0, 32)
    workload_id = control.submit(training())
    control.place()
    class_id = control.workload(workload_id).class_id
    assert isinstance(control.state.class_blockers[class_id][0], OverQuota)
    control.do(Override(workload="train", rule=OverrideRule.PRIORITY, priority=7, **ADA))
    assert control.workload(workload_id).priority == 7
    assert control.workload(workload_id).class_id != class_id
    assert class_id not in control.state.class_blockers
    control.do(Override(workload=workload_id, rule=OverrideRule.QUOTA, **ADA))
    assert of_kind(control.place(), RunIntended)
    assert control.run_of(workload_id).reason.overridden_by == "ada: fire"


def test_a_service_moves_replica_by_replica() -> None:
    control = installed()
    workload_id = control.submit(service(replicas=2, num_nodes=2))
    control.place()
    for unit in range(2):
        control.started(control.run_of(workload_id, unit).id)
    lose(control)
    assert len(control.events(RunFenced)) == 2
    control.place()
    assert {control.run_of(workload_id, unit).allocation.provider_id for unit in range(2)} == {BETA}
    keys = [effect.checkpoint_key for effect in control.effects if isinstance(effect, FenceRun)]
    assert keys == [f"{workload_id}.0", f"{workload_id}.1"]
