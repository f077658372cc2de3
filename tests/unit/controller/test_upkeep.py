"""What time alone brings about: stalls, maximum run times, the end of capacity, and meters at the end of a month."""

import pytest

from multihome.controller.reconcile import STOP_GRACE_MS
from multihome.controller.upkeep import CAPACITY_END_NOTICE_MS
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock, Document, Drain
from multihome.domain.events import (
    ChipTimeMetered,
    ClauseConsequence,
    DocumentRecorded,
    RunEnded,
    RunIntended,
    RunStopAsked,
    UnitBackedOff,
    WorkloadEnded,
)
from multihome.domain.placements import NotDelivered
from multihome.domain.runs import Outcome, Progress, ReportState, StopCause
from multihome.domain.workloads import Infra, RestartPolicy
from multihome.ledger.charges import charge_lines
from multihome.units.time import MS_PER_HOUR, Interval, month_interval, parse_instant
from tests.builders import (
    RATE,
    contract,
    day,
    delay_remedy,
    delivery,
    service,
    take_or_pay,
    tenant,
    training,
    tranche,
    world,
)
from tests.control import Control, installed, of_kind


def stops(control: Control) -> list[tuple[StopCause, int]]:
    return [(event.cause, event.grace_ms) for event in of_kind(control.tick(), RunStopAsked)]


def test_a_program_without_progress_is_stalled_and_that_is_its_own_fault() -> None:
    control = installed()
    run_id = control.running(
        training(stall_ms=60_000, restart=RestartPolicy(restarts_max=1, backoff_ms=1, backoff_ms_max=1))
    )
    workload_id = control.state.runs[run_id].workload_id
    control.wait(59_999)
    assert stops(control) == []
    control.hear(control.report(run_id, progress=Progress(step=1)))
    control.wait(59_999)
    assert stops(control) == []
    control.wait(1)
    assert stops(control) == [(StopCause.STALLED, STOP_GRACE_MS)]
    assert stops(control) == []
    decision = control.hear_ended(run_id, 143)
    assert of_kind(decision, UnitBackedOff)
    assert control.workload(workload_id).units[0].failures == 1
    control.wait(1)
    control.place()
    again = control.started(control.run_of(workload_id).id)
    control.wait(60_000)
    control.tick()
    assert [event.outcome for event in of_kind(control.hear_ended(again, 143), WorkloadEnded)] == [Outcome.FAILED]


def test_a_stop_is_named_by_its_cause_and_not_by_the_signal_it_took() -> None:
    control = installed()
    run_id = control.running(training(stall_ms=600_000))
    control.wait(600_000)
    control.tick()
    ended = control.report(run_id, ReportState.ENDED, exit_code=143, detail="rank 0 was killed by signal 15")
    (end,) = of_kind(control.hear(ended), RunEnded)
    assert (end.outcome, end.exit_code, end.text) == (Outcome.STOPPED, 143, "stalled for 10m")


@pytest.mark.parametrize("codes", [(), (1, 137), (143,)])
@pytest.mark.parametrize("exit_code", [0, 1, 143])
def test_a_stall_is_repeated_whatever_the_exit_codes_say_and_counts(codes: tuple[int, ...], exit_code: int) -> None:
    control = installed()
    policy = RestartPolicy(restarts_max=1, backoff_ms=1, backoff_ms_max=1, exit_codes=codes)
    run_id = control.running(training(stall_ms=60_000, restart=policy))
    workload_id = control.state.runs[run_id].workload_id
    control.wait(60_000)
    control.tick()
    decision = control.hear_ended(run_id, exit_code)
    assert of_kind(decision, UnitBackedOff)
    assert not of_kind(decision, WorkloadEnded)
    control.wait(1)
    control.place()
    again = control.started(control.run_of(workload_id).id)
    control.wait(60_000)
    control.tick()
    (end,) = of_kind(control.hear_ended(again, exit_code), WorkloadEnded)
    assert end.text == "stalled for 1m; 1 of 1 restarts used"


def test_a_stop_for_someone_else_takes_no_restart_and_makes_no_pause() -> None:
    control = installed()
    run_id = control.running(training(restart=RestartPolicy(restarts_max=0, backoff_ms=1, backoff_ms_max=1)))
    workload_id = control.state.runs[run_id].workload_id
    control.do(Drain(target="alpha", actor="ann", why="works"))
    decision = control.hear_ended(run_id, 143)
    assert [event.text for event in of_kind(decision, RunEnded)] == ["drained"]
    assert not of_kind(decision, UnitBackedOff)
    assert control.workload(workload_id).units[0].failures == 0


def test_a_training_past_its_maximum_has_failed() -> None:
    control = installed()
    run_id = control.running(training(run_ms_max=MS_PER_HOUR))
    control.wait(MS_PER_HOUR - 1)
    assert stops(control) == []
    control.wait(1)
    assert stops(control) == [(StopCause.TOO_LONG, STOP_GRACE_MS)]
    (end,) = of_kind(control.hear_ended(run_id, 143), WorkloadEnded)
    assert (end.outcome, end.text) == (Outcome.FAILED, "ran longer than 1h")


def test_a_replica_past_its_maximum_is_renewed() -> None:
    control = installed()
    workload_id = control.submit(service(replicas=1, run_ms_max=MS_PER_HOUR))
    control.place()
    run_id = control.started(control.run_of(workload_id).id)
    control.wait(MS_PER_HOUR)
    assert stops(control) == [(StopCause.TOO_LONG, STOP_GRACE_MS)]
    assert not of_kind(control.hear_ended(run_id, 143), WorkloadEnded)
    control.wait(MS_PER_HOUR)
    assert of_kind(control.place(), RunIntended)


def on_scenario_clock(*more: Document) -> Control:
    control = Control()
    control.do(DeclareClock(start_ms=day(0)))
    control.do(Apply(documents=(*world(), *more), workloads=()))
    return control


def test_usage_is_metered_at_the_end_of_a_month_while_it_runs() -> None:
    control = on_scenario_clock()
    run_id = control.running(training())
    february, march = parse_instant("2026-02-01"), parse_instant("2026-03-01")
    control.do(AdvanceClock(to_ms=february - 1))
    assert control.tick().events == ()
    control.do(AdvanceClock(to_ms=february + 5))
    (january,) = of_kind(control.tick(), ChipTimeMetered)
    assert january.interval == month_interval(day(0))
    assert control.tick().events == ()
    control.do(AdvanceClock(to_ms=march + 7))
    control.tick()
    control.hear_ended(run_id, 0)
    records = control.events(ChipTimeMetered)
    assert [record.interval for record in records] == [
        month_interval(day(0)),
        month_interval(february),
        Interval(march, march + 7),
    ]
    lines = charge_lines(records)
    assert sum(line.chip_ms for line in lines) == 8 * (march + 7 - day(0))
    assert lines[0].amount_micro_usd == 8 * 31 * 24 * RATE


def test_a_clock_that_leaps_over_months_is_metered_month_by_month() -> None:
    control = on_scenario_clock()
    control.running(training())
    control.do(AdvanceClock(to_ms=parse_instant("2026-04-15")))
    records = of_kind(control.tick(), ChipTimeMetered)
    assert [record.interval.end_ms for record in records] == [parse_instant(f"2026-0{month}-01") for month in (2, 3, 4)]


def test_work_leaves_capacity_that_ends() -> None:
    control = on_scenario_clock(contract(tranches=[tranche(ends_ms=day(20))]))
    run_id = control.running(training())
    workload_id = control.state.runs[run_id].workload_id
    control.do(AdvanceClock(to_ms=day(20) - 1))
    assert stops(control) == []
    control.do(AdvanceClock(to_ms=day(20)))
    assert stops(control) == [(StopCause.CAPACITY_ENDED, CAPACITY_END_NOTICE_MS + STOP_GRACE_MS)]
    control.hear_ended(run_id, 143)
    control.place()
    assert control.run_of(workload_id).allocation.provider_id == "beta"


def test_capacity_is_not_there_before_its_accepted_date() -> None:
    control = on_scenario_clock(contract(tranches=[tranche(), tranche(name="t2", promised_ms=day(5))]))
    full = [control.submit(training(f"f{number}", num_nodes=2, infra=Infra(provider="alpha"))) for number in range(3)]
    control.place()
    waiting = control.workload(full[2])
    assert control.state.class_blockers[waiting.class_id][-1] == NotDelivered(
        pool_id=tranche().pool_id, tranche_id=tranche(name="t2").id, promised_ms=day(5)
    )
    control.do(AdvanceClock(to_ms=day(5)))
    assert not of_kind(control.place(), RunIntended)
    control.do(Apply(documents=(delivery("D-9", "alpha-1/t2", domains=1, effective_ms=day(8)),), workloads=()))
    assert not of_kind(control.place(), RunIntended)
    control.do(AdvanceClock(to_ms=day(8) - 1))
    assert not of_kind(control.place(), RunIntended)
    control.do(AdvanceClock(to_ms=day(8)))
    (intended,) = of_kind(control.place(), RunIntended)
    assert intended.allocation.domain_id == "alpha-1/t2#0"


def test_a_late_delivery_says_what_it_earns_under_the_version_in_force_when_it_was_due() -> None:
    versions = [
        delay_remedy(interval=Interval(day(0), day(10))),
        delay_remedy(interval=Interval(day(10), day(365)), discount_bps_per_day=400),
    ]
    owner = contract(clauses=[*versions, take_or_pay()], tranches=[tranche(), tranche(name="t2", promised_ms=day(5))])
    control = installed(owner)
    control.do(Apply(documents=(delivery("D-8", "alpha-1/t2", domains=1, effective_ms=day(8)),), workloads=()))
    control.do(Apply(documents=(delivery("D-9", "alpha-1/t2", domains=1, effective_ms=day(14)),), workloads=()))
    control.wait(day(15) - day(0))
    control.tick()
    said = [(event.code, event.text) for event in control.events(ClauseConsequence) if "t2" in event.text]
    assert [code for code, _ in said] == ["within_grace", "remedy_accrued"]
    assert "9 days late, 5 of grace, 2 % of a thirty days' fee is due, $576.00;" in said[1][1]


def test_to_apply_twice_changes_nothing() -> None:
    control = installed()
    everything = Apply(documents=world(), workloads=(training(), service()))
    first = control.do(everything)
    assert first.changes == ("+ workload lab/red/train", "+ workload lab/red/serve")
    again = control.do(everything)
    assert again.workload_ids == first.workload_ids
    assert again.changes == ()
    assert control.steps[-1].events == ()
    control.place()
    assert control.do(everything).changes == ()


def test_a_changed_document_is_recorded_alone() -> None:
    control = installed()
    answer = control.do(Apply(documents=(*world(), tenant("lab/red/team")), workloads=()))
    assert answer.changes == ("+ tenant lab/red/team",)
    assert len(of_kind_last(control)) == 1


def of_kind_last(control: Control) -> list[DocumentRecorded]:
    return [event for event in control.steps[-1].events if isinstance(event, DocumentRecorded)]


def test_an_applied_workload_that_is_over_may_be_described_anew() -> None:
    control = installed()
    (first,) = control.do(Apply(documents=(), workloads=(training(),))).workload_ids
    control.place()
    run_id = control.started(control.run_of(first).id)
    control.hear_ended(run_id, 0)
    assert control.do(Apply(documents=(), workloads=(training(),))).workload_ids == (first,)
    (second,) = control.do(Apply(documents=(), workloads=(training(num_nodes=2),))).workload_ids
    assert second != first
    assert second in control.state.workloads


def test_prepaid_chips_are_used_first_and_run_down() -> None:
    control = installed(contract("beta", clauses=[take_or_pay(share_bps=5_000)]))
    sellers = []
    for number in range(4):
        run_id = control.running(training(f"w{number}"))
        run = control.state.runs[run_id]
        sellers.append((run.allocation.provider_id, run.reason.price.micro_usd_per_chip_hour))
    assert sellers == [("beta", 0), ("beta", 0), ("alpha", RATE), ("alpha", RATE)]
