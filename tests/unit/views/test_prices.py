"""What one more chip-hour costs where, and what commitments counted: the same interval in both."""

from io import StringIO

from rich.console import Console

from multihome.cli import tables
from multihome.domain.clause_terms import ClauseRef, Equity, Milestone, Scope, TierMode
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock, Document, Install
from multihome.domain.events import ChipTimeMetered
from multihome.domain.ids import ContractId
from multihome.domain.workloads import Infra, WorkloadKind
from multihome.units.calendar import Calendar, Period
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval
from multihome.views.explain import explain
from multihome.views.history import HistoryEntry
from multihome.views.preview import preview
from multihome.views.report import report
from tests.builders import RATE, START_MS, YEAR, contract, day, exclusivity, take_or_pay, training, world
from tests.control import Control
from tests.money_builders import price_tiers


def scenario(*documents: Document, start_ms: int = START_MS) -> Control:
    control = Control()
    control.do(Install(installation_id="test"))
    control.do(DeclareClock(start_ms=start_ms))
    control.do(Apply(documents=(*world(), *documents), workloads=()))
    return control


def advance(control: Control, to_ms: int) -> None:
    control.do(AdvanceClock(to_ms=to_ms))
    control.wait(1_000)
    control.tick()


def history(control: Control) -> list[HistoryEntry]:
    return [HistoryEntry(step.at, event) for step in control.steps for event in step.events]


def at(provider_id: str) -> Infra:
    return Infra(provider=provider_id)


def test_what_was_delivered_before_the_journal_began_lacks_nothing() -> None:
    control = scenario(contract(clauses=(take_or_pay(share_bps=10_000),)), start_ms=day(20))
    advance(control, day(22))
    (line,) = report(control.state, history(control), control.now).burn_down
    assert (line.period, line.counted) == ("2026-01", Interval(day(20), day(31)))
    assert line.owed_chip_ms == line.deficiency_chip_ms == 32 * 2 * MS_PER_DAY


def test_a_quarter_of_the_contracts_zone_is_burnt_down_as_one_and_metered_by_its_months() -> None:
    terms = take_or_pay(period=Period.QUARTER)
    control = scenario(contract(clauses=(terms,), calendar=Calendar(zone="America/New_York")))
    control.running(training(infra=at("alpha")))
    advance(control, day(100))
    told = report(control.state, history(control), control.now)
    # The first five hours of January in London are the last of December in New York.
    assert [line.period for line in told.burn_down] == ["2025-Q4", "2026-Q1", "2026-Q2"]
    assert next(line.taken_chip_ms for line in told.burn_down) == 8 * 5 * MS_PER_HOUR
    assert sum(line.taken_chip_ms for line in told.burn_down) == told.total.chip_ms
    records = control.events(ChipTimeMetered)
    assert [record.interval.start_ms for record in records[1:]] == [record.month_start_ms for record in records[1:]]
    assert records[1].month_start_ms == day(0) + 5 * MS_PER_HOUR


def test_alternatives_name_the_clause_that_set_or_forbids_each_price() -> None:
    scope = Scope(workload_kinds=(WorkloadKind.TRAINING,))
    owner = contract(clauses=(take_or_pay(share_bps=10_000), exclusivity(scope=scope)))
    control = scenario(owner, contract("beta"))
    first, second = preview(control.state, training(), control.now).prices
    assert (first.pool_id, first.micro_usd_per_chip_hour, first.clause) == (
        "alpha/main",
        0,
        ClauseRef(ContractId("alpha-1"), "top"),
    )
    assert second.is_forbidden
    assert (second.pool_id, second.micro_usd_per_chip_hour, second.clause) == (
        "beta/main",
        None,
        ClauseRef(ContractId("alpha-1"), "only"),
    )
    workload_id = control.submit(training())
    told = explain(control.state, [], workload_id, control.now)
    assert told is not None
    assert told.prices == (first, second)
    console = Console(width=80, file=StringIO())
    console.print(tables.foreseen(preview(control.state, training(), control.now)))
    shown = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert max(map(len, shown.splitlines())) <= 80
    assert "forbidden" in shown
    assert "alpha-1/only" in shown


def test_vested_equity_shows_in_the_effective_price_and_moves_nothing() -> None:
    milestone = Milestone(chips_accepted=1, value_micro_usd=32 * 365 * 24 * RATE // 2)
    equity = Equity(id="warrants", interval=YEAR, milestones=(milestone,), source="test")
    control = scenario(contract("beta", clauses=(equity,)))
    first, second = preview(control.state, training(), control.now).prices
    assert (first.pool_id, first.effective_micro_usd_per_chip_hour) == ("alpha/main", RATE)
    assert (second.micro_usd_per_chip_hour, second.effective_micro_usd_per_chip_hour) == (RATE, RATE // 2)


def rule_of(control: Control) -> tuple[int | None, str]:
    """What a gang of eight chips would cost at alpha, and why, as `explain` tells it."""
    workload_id = control.submit(training(infra=at("alpha")))
    told = explain(control.state, history(control), workload_id, control.now)
    assert told is not None
    [row] = [row for row in told.prices if row.pool_id == "alpha/main"]
    return row.micro_usd_per_chip_hour, row.rule


def test_a_price_below_zero_says_why_with_its_figures() -> None:
    """What is taken would be owed at 2.50, and the tiers charge 2 for it: each chip-hour used saves 0.50."""
    tiers = price_tiers((0, 2_000_000))
    control = scenario(contract(clauses=(take_or_pay(share_bps=10_000), tiers)))
    price, rule = rule_of(control)
    assert price == 2_000_000 - RATE == -500_000
    assert rule == (
        "paid for until 2026-01-31 whether used or not; below zero since a chip-hour used is charged $2.00 by "
        "alpha-1/tiers, and takes $2.50 off the deficiency"
    )


def test_a_tier_for_everything_that_is_reached_is_told_too() -> None:
    """5,952 chip-hours of January at 1 instead of none; 5,000 of them before the tier was reached would cost 2."""
    tiers = price_tiers((0, 3_000_000), (10_000, 1_000_000), mode=TierMode.ALL_UNITS)
    control = scenario(contract(clauses=(tiers,)))
    control.running(training(infra=at("alpha")))
    price, rule = rule_of(control)
    # 8 chips for 31 days are 5,952 chip-hours: 11,904 at 1 USD, where 5,952 would have cost 17,856.
    assert price == (11_904 - 17_856) * 1_000_000 // 5_952 == -1_000_000
    assert rule.endswith(
        "; below zero since a tier is reached whose lower rate is for all of the volume, which saves $1.00"
    )


def test_a_price_that_is_not_below_zero_says_nothing_of_it() -> None:
    for clauses in ((), (take_or_pay(),), (price_tiers((0, RATE)), take_or_pay())):
        price, rule = rule_of(scenario(contract(clauses=clauses)))
        assert price is not None
        assert price >= 0
        assert "below zero" not in rule
