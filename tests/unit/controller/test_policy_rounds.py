"""Rounds under a policy: when they decide, that what moves starts when its chips are free, quotas, and what is kept."""

import msgspec
import pytest

from multihome.controller import apply_work
from multihome.controller.memo import facts_memo
from multihome.controller.occupancy import occupancy, recounted
from multihome.domain.commands import Apply, Drain, EngineTold, SetPolicy, Undrain
from multihome.domain.events import ClassWaits, RoundPlanned, RunIntended, RunProgressed, RunStopAsked
from multihome.domain.placements import ServedLater
from multihome.domain.policy import BY_QUOTA, ROUND_MS_MAX, Knowledge, Objective, Order, PlacementPolicy, Preemption
from multihome.domain.refusals import RefusalCode
from multihome.domain.runs import Outcome, Progress, ReportState, StopCause
from multihome.domain.workloads import Checkpointing, Infra, WorkloadSpec
from tests.builders import ALPHA, BETA, choice, quota, tenant, training
from tests.control import Control, installed, of_kind

KNOWN = PlacementPolicy(
    objective=Objective.COMPLETION, knowledge=Knowledge.KNOWN, preemption=Preemption.ROUNDS, round_ms=60_000
)
FIFO = PlacementPolicy(order=Order.FIFO, preemption=Preemption.NEVER, round_ms=60_000)


def under(policy: PlacementPolicy) -> Control:
    control = installed()
    control.do(SetPolicy(policy=policy, actor="ada", why="a test"))
    return control


def work(name: str, steps: int, nodes: int = 2, **more: object) -> WorkloadSpec:
    """A gang of whole nodes at alpha, one step a second."""
    return training(
        name,
        num_nodes=nodes,
        choices=(choice(throughput_milli=1_000),),
        infra=Infra(provider="alpha"),
        checkpointing=Checkpointing(interval_steps=1),
        steps=steps,
        **more,
    )


def crowded() -> Control:
    """Both domains of alpha taken by long gangs, at a boundary; a short one has come."""
    control = under(KNOWN)
    for name in ("one", "two"):
        control.submit(work(name, 100_000))
    for event in of_kind(control.place(), RunIntended):
        control.started(event.run_id)
    control.wait(60_000)
    control.submit(work("short", 10))
    return control


def test_a_round_decides_at_boundaries_only() -> None:
    control = under(FIFO)
    control.submit(work("one", 10))
    assert of_kind(control.place(), RoundPlanned)[0].next_process_ms == control.process_ms + 60_000
    control.submit(work("two", 10))
    control.wait(59_999)
    assert control.place().events == ()
    control.wait(1)
    assert len(of_kind(control.place(), RunIntended)) == 1


def test_what_is_planned_starts_when_the_chips_are_free_and_not_before() -> None:
    control = crowded()
    decision = control.place()
    (stop,) = of_kind(decision, RunStopAsked)
    assert stop.cause is StopCause.MOVED
    assert of_kind(decision, RunIntended) == []
    (planned,) = of_kind(decision, RoundPlanned)[0].starts
    assert control.place().events == (), "its chips are still held"
    control.hear_ended(stop.run_id, 143)
    (start,) = of_kind(control.place(), RunIntended)
    assert start.workload_id == planned.workload_id
    assert start.allocation.domain_id == planned.domain_id
    assert control.state.planned == {}


def test_a_stop_for_another_s_sake_is_no_failure() -> None:
    control = crowded()
    (stop,) = of_kind(control.place(), RunStopAsked)
    workload_id = control.state.runs[stop.run_id].workload_id
    control.hear_ended(stop.run_id, 143)
    unit = control.workload(workload_id).units[0]
    assert unit.last_end is not None
    assert (unit.failures, unit.last_end.outcome) == (0, Outcome.STOPPED)
    assert control.state.backing_off == {}


def test_a_class_is_told_once_that_others_are_served_first() -> None:
    control = under(FIFO)
    for name in ("one", "two", "three"):
        control.submit(work(name, 10))
    (waits,) = of_kind(control.place(), ClassWaits)
    assert waits.blockers == (ServedLater(order="fifo", objective="value"),)
    control.wait(60_000)
    assert of_kind(control.place(), ClassWaits) == []


@pytest.mark.parametrize("policy", [KNOWN, FIFO, msgspec.structs.replace(FIFO, order=Order.CHEAPEST)])
def test_quotas_bind_under_every_policy(policy: PlacementPolicy) -> None:
    control = under(policy)
    control.do(Apply(documents=(tenant("lab/red", quota(16)),), workloads=()))
    for name in ("one", "two"):
        control.submit(work(name, 10))
    assert len(of_kind(control.place(), RunIntended)) == 1


def test_a_drained_pool_gets_nothing_until_it_is_open() -> None:
    control = under(msgspec.structs.replace(FIFO, round_ms=0))
    control.do(Drain(target="alpha", actor="ada", why="a test"))
    control.submit(work("one", 10))
    assert of_kind(control.place(), RunIntended) == []
    control.do(Undrain(target="alpha", actor="ada", why="a test"))
    control.wait(1)
    assert len(of_kind(control.place(), RunIntended)) == 1


def test_what_rests_on_facts_is_found_once_until_one_changes() -> None:
    control = installed()
    before = facts_memo(control.state, control.now)
    control.submit(work("one", 10))
    control.wait(1_000)
    assert facts_memo(control.state, control.now) is before
    control.do(Drain(target="alpha", actor="ada", why="a test"))
    assert facts_memo(control.state, control.now) is not before


def test_a_policy_needs_a_person_and_limits() -> None:
    control = installed()
    nobody = SetPolicy(policy=FIFO, actor="", why="")
    assert control.refused(nobody).code is RefusalCode.NEEDS_PERSON
    endless = msgspec.structs.replace(FIFO, round_ms=ROUND_MS_MAX + 1)
    assert control.refused(SetPolicy(policy=endless, actor="ada", why="x")).code is RefusalCode.BAD_TERMS
    assert control.do(SetPolicy(policy=BY_QUOTA, actor="ada", why="x")).changes == ()
    assert control.do(SetPolicy(policy=FIFO, actor="ada", why="x")).changes == ("~ policy fifo, value",)


def test_what_an_engine_tells_unasked_says_nothing_of_other_runs() -> None:
    control = under(FIFO)
    for name in ("one", "two"):
        control.submit(work(name, 10))
    first, second = (control.started(event.run_id) for event in of_kind(control.place(), RunIntended))
    control.wait(60_000)
    told = EngineTold(provider_id=ALPHA, reports=(control.report(first, progress=Progress(step=3)),))
    assert [event.run_id for event in of_kind(control.tell(told), RunProgressed)] == [first]
    assert control.tell(msgspec.structs.replace(told, provider_id=BETA)).events == ()
    ended = EngineTold(provider_id=ALPHA, reports=(control.report(second, ReportState.ENDED, exit_code=0),))
    assert len(control.tell(ended).effects) == 1
    assert second not in control.state.runs
    assert first in control.state.runs
    assert control.tell(ended).events == (), "told twice, it changes nothing twice"


def test_a_count_that_forgets_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    control = under(FIFO)
    control.submit(work("one", 10))
    (start,) = of_kind(control.place(), RunIntended)
    control.started(start.run_id)
    assert occupancy(control.state) == recounted(control.state)
    monkeypatch.setattr(apply_work, "let_go", lambda *_: None)
    control.hear_ended(start.run_id, 0)
    assert occupancy(control.state) != recounted(control.state)
