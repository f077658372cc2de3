"""What people look at: every figure is checked against the facts it must follow from."""

from fractions import Fraction

import msgspec

from multihome.controller.classes import class_of
from multihome.domain import placements as pl
from multihome.domain.clause_terms import ClauseRef, Scope, Use
from multihome.domain.commands import (
    AdvanceClock,
    Apply,
    Cancel,
    DeclareClock,
    DeclareLost,
    Document,
    Install,
    Override,
    OverrideRule,
)
from multihome.domain.contracts import Award
from multihome.domain.ids import (
    AcceleratorName,
    ContractId,
    PoolId,
    ProviderId,
    RunId,
    TenantId,
    TrancheId,
    WaiverId,
    WorkloadId,
)
from multihome.domain.refusals import RefusalCode
from multihome.domain.runs import Progress
from multihome.domain.workloads import Checkpointing, Infra, WorkloadKind
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR
from multihome.views.explain import explain
from multihome.views.history import HistoryEntry, history_row, read_row
from multihome.views.preview import preview
from multihome.views.report import report
from multihome.views.status import status, workload_rows
from multihome.views.timeline import timeline_svg
from multihome.views.words import describe, evidence_text
from tests.builders import (
    ALPHA,
    BETA,
    RATE,
    START_MS,
    contract,
    day,
    delivery,
    exclusivity,
    service,
    take_or_pay,
    training,
    tranche,
    waiver,
    world,
)
from tests.builders import first_refusal as first_refusal_terms
from tests.control import Control, installed


def at(provider: str) -> Infra:
    return Infra(provider=provider)


def history(control: Control) -> list[HistoryEntry]:
    """What the store's history table would give back, in order, through the same rows."""
    rows = (history_row(seq, event, step.at) for seq, step in enumerate(control.steps, 1) for event in step.events)
    return [read_row(row) for row in rows if row is not None]


def scenario(*documents: Document) -> Control:
    control = Control()
    control.do(Install(installation_id="test"))
    control.do(DeclareClock(start_ms=START_MS))
    control.do(Apply(documents=(*world(), *documents), workloads=()))
    return control


def advance(control: Control, to_ms: int) -> None:
    control.do(AdvanceClock(to_ms=to_ms))
    control.wait(1_000)
    control.tick()


def test_status_counts_what_is_delivered_used_and_held() -> None:
    control = installed()
    control.running(training())
    control.submit(training("second", infra=at("alpha")))
    before = status(control.state, control.now)
    assert {row.id: (row.delivered_chips, row.used_chips, row.held_chips) for row in before.providers} == {
        ALPHA: (32, 8, 0),
        BETA: (32, 0, 0),
    }
    assert before.alarms == ()
    control.do(DeclareLost(provider_id=ALPHA, actor="ann", why="fire"))
    after = status(control.state, control.now)
    alpha = after.providers[0]
    assert (alpha.openness, alpha.used_chips, alpha.held_chips) == ("lost", 0, 8)
    assert {(alarm.code, alarm.subject) for alarm in after.alarms} == {
        ("provider_lost", ALPHA),
        ("run_fenced", "w-m3.0.1"),
    }
    assert after.workload_states == {"waiting": 2}


def test_status_shows_the_largest_gang_that_still_fits_a_pool() -> None:
    control = installed()
    control.running(training())
    pools = {pool.id: pool for pool in status(control.state, control.now).pools}
    assert (pools[PoolId("alpha/main")].used_chips, pools[PoolId("alpha/main")].largest_free_chips) == (8, 16)


def test_a_late_tranche_is_an_alarm_until_it_is_accepted() -> None:
    late = tranche("alpha-1", "t2", promised_ms=day(3))
    control = scenario(contract(tranches=(tranche(), late)))
    assert not [alarm for alarm in status(control.state, control.now).alarms if alarm.code == "delivery_late"]
    advance(control, day(4))
    alarms = status(control.state, control.now).alarms
    assert [(alarm.code, alarm.subject) for alarm in alarms] == [("delivery_late", "alpha-1/t2")]
    control.do(Apply(documents=(delivery("D-9", "alpha-1/t2", effective_ms=day(4)),), workloads=()))
    assert status(control.state, control.now).alarms == ()


def test_rows_show_the_least_advanced_unit_and_why_it_waits() -> None:
    control = installed()
    control.submit(service(replicas=9))
    control.place()
    (row,) = workload_rows(control.state, control.state.workloads.values(), control.now)
    assert (row.state, row.units_up, row.units, row.chips) == ("waiting", 0, 9, 64)
    assert row.waits_for == "alpha/main: needs 8 chips in one domain, largest free 0"


def test_explanation_of_a_running_and_of_an_ended_workload() -> None:
    control = installed()
    run_id = control.running(training())
    workload_id = WorkloadId("w-m3")
    live = explain(control.state, history(control), workload_id, control.now)
    assert live is not None
    assert live.outcome == ""
    assert live.units[0].sentences == (
        "Basis: guaranteed.",
        "Price: $2.50 per chip-hour (rate of tranche alpha-1/t1).",
        "Award: no clause bound its award.",
        "Beat beta/main at $2.50 per chip-hour (rate of tranche beta-1/t1).",
    )
    control.hear_ended(run_id, 0)
    ended = explain(
        control.state, [e for e in history(control) if _workload(e) == workload_id], workload_id, control.now
    )
    assert ended is not None
    assert ended.outcome == "succeeded: finished"
    assert [line.text for line in ended.story] == [
        "submitted for lab/red",
        f"unit 0 placed in alpha/main (8 H100-SXM-80GB, guaranteed, tranche alpha-1/t1) as run {run_id}",
        f"run {run_id} started",
        f"run {run_id} ended succeeded, exit code 0",
        "ended succeeded: finished",
    ]


def _workload(entry: HistoryEntry) -> str:
    event = entry.event
    return getattr(event, "workload_id", "") or getattr(event, "run_id", "").rsplit(".", 2)[0]


def test_nothing_is_explained_of_a_workload_that_never_was() -> None:
    control = installed()
    assert explain(control.state, [], WorkloadId("w-none"), control.now) is None


def test_explanation_of_a_waiting_one_has_todays_figures() -> None:
    control = installed()
    control.submit(training("big", num_nodes=2, infra=at("beta")))
    control.submit(training("bigger", num_nodes=2, infra=at("beta")))
    waiting = control.submit(training("third", num_nodes=2, infra=at("beta")))
    control.place()
    told = explain(control.state, history(control), waiting, control.now)
    assert told is not None
    assert told.waits_because == ("beta/main: needs 16 chips in one domain, largest free 0",)
    assert told.blockers == (pl.NotEnoughChips(pool_id=PoolId("beta/main"), chips=16, largest_free_chips=0),)


def test_preview_says_what_a_submit_does_and_changes_nothing() -> None:
    control = installed()
    before = msgspec.json.encode(control.state)
    seen = preview(control.state, service(replicas=9), control.now)
    assert msgspec.json.encode(control.state) == before
    assert (len(seen.placed), seen.waiting_units, seen.refusal) == (8, 1, None)
    workload_id = control.submit(service(replicas=9))
    control.place()
    real = [control.run_of(workload_id, unit.unit).allocation for unit in seen.placed]
    assert [unit.allocation for unit in seen.placed] == real


def test_what_no_placement_looks_at_is_said() -> None:
    control = installed()
    sized = training(node_cpus_milli=8_500, node_memory_bytes=64 * 2**30)
    told = (
        "Asked for 8.5 CPUs and 64 GiB of memory on each node: not scheduled by Multihome, the engine's node decides.",
    )
    assert preview(control.state, sized, control.now).notes == told
    workload_id = control.submit(sized)
    control.place()
    found = explain(control.state, [], workload_id, control.now)
    assert found is not None
    assert found.notes == told
    # Only one of the two, and none.
    (memory,) = preview(control.state, training(node_memory_bytes=2**30), control.now).notes
    assert memory.startswith("Asked for 1 GiB of memory on each node")
    assert preview(control.state, training(), control.now).notes == ()
    # Nor does it change what is placed with what.
    assert control.state.workloads[workload_id].class_id == class_of(training(), training().priority, "")


def test_preview_of_what_would_be_refused() -> None:
    control = installed()
    seen = preview(control.state, training(num_nodes=9), control.now)
    assert seen.refusal is not None
    assert seen.refusal.code is RefusalCode.GANG_TOO_LARGE


def test_report_agrees_with_an_independent_sum_to_the_micro_unit() -> None:
    odd_rate = 2_333_333
    control = scenario(contract(tranches=(tranche(rate_micro_usd_per_chip_hour=odd_rate),)))
    first = control.running(training("a", infra=at("alpha")))
    control.running(service("b", replicas=1, tenant_id=TenantId("lab/blue"), infra=at("beta")))
    advance(control, START_MS + 3 * MS_PER_HOUR + 1)
    control.hear_ended(first, 0)
    advance(control, START_MS + 7 * MS_PER_HOUR)
    told = report(control.state, history(control), control.now)
    a_chip_ms, b_chip_ms = 8 * (3 * MS_PER_HOUR + 1), 8 * 7 * MS_PER_HOUR
    a_cost = round(Fraction(a_chip_ms * odd_rate, MS_PER_HOUR))
    b_cost = round(Fraction(b_chip_ms * RATE, MS_PER_HOUR))
    assert [(line.name, line.chip_ms, line.amount_micro_usd) for line in told.by_provider] == [
        ("alpha", a_chip_ms, a_cost),
        ("beta", b_chip_ms, b_cost),
    ]
    for lines in (told.by_provider, told.by_contract, told.by_tenant, told.by_workload):
        assert sum(line.amount_micro_usd for line in lines) == told.total.amount_micro_usd == a_cost + b_cost
        assert sum(line.chip_ms for line in lines) == told.total.chip_ms
    assert told.imbalance_micro == {}
    assert [(line.name, line.outcome) for line in told.runs] == [("a", "succeeded"), ("b", "live")]


def test_report_burns_a_commitment_down_and_stops_owing_while_the_provider_is_lost() -> None:
    control = scenario(contract(clauses=(take_or_pay(share_bps=9_000),)))
    control.running(training(infra=at("alpha")))
    advance(control, day(2))
    control.do(DeclareLost(provider_id=ALPHA, actor="ann", why="fire"))
    advance(control, day(4))
    (line,) = report(control.state, history(control), control.now).burn_down
    # What was lost comes off in full, and not by the share: 0.9 × 4 days − 2 days.
    assert (line.contracted_chip_ms, line.under_delivered_chip_ms) == (32 * 4 * MS_PER_DAY, 32 * 2 * MS_PER_DAY)
    assert line.owed_chip_ms == 32 * MS_PER_DAY * 16 // 10
    assert line.taken_chip_ms == 8 * 2 * MS_PER_DAY
    lacking = 32 * MS_PER_DAY * 16 // 10 - 8 * 2 * MS_PER_DAY
    assert line.deficiency_chip_ms == lacking
    assert line.deficiency_micro_usd == round(Fraction(lacking * RATE, MS_PER_HOUR))


def test_what_was_taken_adds_up_over_months_while_a_run_lives_across_their_end() -> None:
    control = scenario(contract(clauses=(take_or_pay(),)))
    control.running(training(infra=at("alpha")))
    # No tick in between: nothing is metered yet when the report is asked for.
    control.do(AdvanceClock(to_ms=day(40)))
    told = report(control.state, history(control), control.now)
    assert [line.taken_chip_ms for line in told.burn_down] == [8 * 31 * MS_PER_DAY, 8 * 9 * MS_PER_DAY]
    assert sum(line.taken_chip_ms for line in told.burn_down) == told.total.chip_ms
    advance(control, day(41))
    told = report(control.state, history(control), control.now)
    assert [line.taken_chip_ms for line in told.burn_down] == [8 * 31 * MS_PER_DAY, 8 * 10 * MS_PER_DAY]


def test_report_of_a_loss_has_concentration_consequences_and_work_lost() -> None:
    control = scenario(contract(clauses=(take_or_pay(),)))
    spec = training("t", checkpointing=Checkpointing(interval_steps=10), infra=at(""))
    run_id = control.running(spec)
    control.running(training("u", infra=at("beta")))
    control.hear(control.report(run_id, progress=Progress(step=27, checkpoint_step=20)))
    control.do(DeclareLost(provider_id=ALPHA, actor="ann", why="fire"))
    control.place()
    again = control.run_of(WorkloadId(run_id.split(".")[0]))
    control.started(again.id)
    control.hear(
        control.report(again.id, progress=Progress(step=21, checkpoint_step=20, resumed_from_step=20)), provider_id=BETA
    )
    told = report(control.state, history(control), control.now)
    before, now = told.concentration
    assert (before.chips, before.concentration.hhi, before.concentration.largest_share_bps) == (
        {ALPHA: 8, BETA: 8},
        5_000,
        5_000,
    )
    assert (now.chips, now.concentration.hhi) == ({BETA: 16}, 10_000)
    assert [
        (line.name, line.steps, line.resumed_from_step, line.checkpoint_interval_steps) for line in told.lost_work
    ] == [("t", 7, 20, 10)]
    assert [(line.clause, line.code) for line in told.consequences] == [("alpha-1/top", "owed_suspended")]
    assert [(line.name, line.outcome) for line in told.runs] == [("t", "fenced"), ("u", "live"), ("t", "live")]


def test_report_bills_a_late_tranche_from_its_accepted_date() -> None:
    late = tranche("alpha-1", "t2", promised_ms=day(1))
    control = scenario(contract(tranches=(tranche(), late)))
    for number in range(4):
        control.running(training(f"filler-{number}", infra=at("alpha")))
    control.do(Apply(documents=(delivery("D-9", "alpha-1/t2", effective_ms=day(5), domains=1),), workloads=()))
    workload_id = control.submit(training(infra=at("alpha")))
    advance(control, day(5) - 1)
    control.place()
    assert control.workload(workload_id).units[0].run_id is None
    advance(control, day(5))
    control.place()
    control.started(control.run_of(workload_id).id)
    advance(control, day(6))
    lines = report(control.state, history(control), control.now).deliveries
    (line,) = [line for line in lines if line.tranche_id == "alpha-1/t2"]
    assert (line.accepted_ms, line.first_billed_ms, line.domains, line.domains_accepted) == (day(5), day(5), 2, 1)


def test_report_shows_the_evidence_of_every_placement_on_capacity_in_scope() -> None:
    held = contract("beta", clauses=(first_refusal_terms(),))
    award = Award(awarded_ms=day(20), waiver_ids=(WaiverId("W-1"),))
    bought = contract(tranches=(tranche(award=award),))
    control = scenario(held, bought, waiver("beta-1"))
    advance(control, day(21))
    control.running(training(infra=at("alpha")))
    (line,) = report(control.state, history(control), control.now).evidence
    assert line.in_scope
    assert line.evidence.clause == ClauseRef(ContractId("beta-1"), "rofr")
    assert (line.evidence.code, line.evidence.waiver_id, line.evidence.notice_sha256) == ("waiver", "W-1", "ab" * 32)


def test_the_timeline_has_a_bar_for_every_run_that_started() -> None:
    control = scenario()
    run_id = control.running(training("<odd> & name"))
    advance(control, day(3))
    control.do(Cancel(workload=str(WorkloadId(run_id.split(".")[0])), actor="ann", why="done"))
    control.submit(training("never"))
    picture = timeline_svg(report(control.state, history(control), control.now))
    assert picture.count("<rect") == 2
    assert "&lt;odd&gt; &amp; name" in picture
    assert "<odd>" not in picture


def test_an_override_is_told_with_who_and_why() -> None:
    control = installed()
    workload_id = control.submit(training())
    control.do(Override(workload=workload_id, rule=OverrideRule.QUOTA, actor="ann", why="launch day"))
    told = explain(control.state, history(control), workload_id, control.now)
    assert told is not None
    assert told.story[-1].text == "quota set aside by ann: launch day"


def test_an_override_of_a_priority_tells_what_it_was_and_what_it_became() -> None:
    control = installed()
    workload_id = control.submit(training(priority=7))
    for priority in (50, -3):
        command = Override(
            workload=workload_id, rule=OverrideRule.PRIORITY, priority=priority, actor="ops", why=f"to {priority}"
        )
        before = control.workload(workload_id).priority
        assert control.do(command).changes == (f"priority {before} -> {priority}",)
    told = explain(control.state, history(control), workload_id, control.now)
    assert told is not None
    assert [line.text for line in told.story[-2:]] == [
        "priority 7 -> 50 by ops: to 50",
        "priority 50 -> -3 by ops: to -3",
    ]
    quota = Override(workload=workload_id, rule=OverrideRule.QUOTA, actor="ann", why="launch day")
    assert control.do(quota).changes == ("quota set aside",)


def test_every_reason_has_a_sentence_that_names_its_pool_or_clause() -> None:
    pool_id, clause = PoolId("p/x"), ClauseRef(ContractId("c"), "k")
    h100 = AcceleratorName("H100")
    reasons: dict[pl.Blocker, str] = {
        pl.GangLargerThanDomain(pool_id=pool_id, chips=64, nodes=8, largest_domain_chips=32): "64 chips on 8 nodes",
        pl.NotEnoughChips(pool_id=pool_id, chips=64, largest_free_chips=32): "largest free 32",
        pl.ServedLater(order="fifo", objective="jct"): "the policy fifo, after jct, serves others first",
        pl.NotDelivered(pool_id=pool_id, tranche_id=TrancheId("c/t"), promised_ms=day(0)): "2026-01-01",
        pl.CapacityEnded(pool_id=pool_id, tranche_id=TrancheId("c/t"), ended_ms=day(0)): "ended on 2026-01-01",
        pl.ForbiddenByClause(
            pool_id=pool_id, clause=clause, holder_id=ProviderId("h"), until_ms=day(1)
        ): "c/k binds it to h",
        pl.AwardNotPermitted(
            pool_id=pool_id, tranche_id=TrancheId("c/t"), clause=clause, missing="no notice", earliest_ms=day(3)
        ): "no notice; one could be permitted from 2026-01-04 00:00Z",
        pl.OutsideUse(
            pool_id=pool_id, tranche_id=TrancheId("c/t"), use=Use(workload_kinds=(WorkloadKind.TRAINING,))
        ): "c/t is meant for training only",
        pl.NotQualified(pool_id=pool_id, accelerator=h100): "not qualified on H100",
        pl.OverQuota(
            pool_id=pool_id,
            tenant_id=TenantId("lab"),
            quota_id="q",
            nominal_chips=8,
            used_chips=7,
            asked_chips=3,
            borrowable_chips=1,
        ): "quota q of lab is 8 chips, 7 used, 3 asked, 1 to borrow",
        pl.ProviderClosed(
            pool_id=pool_id, provider_id=ProviderId("p"), state="lost", actor="ann", why="fire"
        ): "by ann (fire)",
        pl.OutsideJurisdiction(pool_id=pool_id, jurisdiction="US", allowed=("EU",)): "allowed are EU",
        pl.ReclaimPending(pool_id=pool_id, chips=8, run_ids=(RunId("r"),)): "on their way back from r",
        pl.NoPool(accelerators=(h100,), infra="p/east"): "no pool has H100 in p/east",
    }
    assert {type(reason) for reason in reasons} == set(pl.Blocker.__args__)
    for reason, words in reasons.items():
        assert words in describe(reason)


def test_evidence_in_words() -> None:
    assert evidence_text(pl.Evidence(code="not_new")) == "no new capacity: first refusal does not bind it"


def test_exclusivity_keeps_a_service_waiting_and_says_so() -> None:
    scope = Scope(workload_kinds=(WorkloadKind.INFERENCE,), products=("api",))
    control = installed(contract("beta", clauses=(exclusivity(scope=scope),)))
    workload_id = control.submit(service("api", replicas=9, product="api"))
    control.place()
    told = explain(control.state, history(control), workload_id, control.now)
    assert told is not None
    assert told.waits_because == (
        "beta/main: needs 8 chips in one domain, largest free 0",
        "alpha/main: clause beta-1/only binds it to beta until 2027-01-01",
    )
