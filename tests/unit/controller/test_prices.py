"""What a lot's price rests on: clauses in force, balances, forecasts, and the time in which they count."""

import msgspec

from multihome.clauses.book import MissingPermission
from multihome.clauses.price_columns import Standing
from multihome.controller.commitments import Forecast, running_on
from multihome.controller.prices import standings, vested_micro_usd_per_chip_hour
from multihome.controller.rounds import forecast_snapshot
from multihome.controller.state import State
from multihome.domain.balances import MakeUpLot
from multihome.domain.clause_terms import (
    AmountStep,
    ClauseRef,
    Equity,
    IndexStep,
    Milestone,
    MinimumCommitment,
    PriceTiers,
    Termination,
    Tier,
    TierMode,
    Window,
)
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock
from multihome.domain.contracts import Contract, Suspension, Tranche
from multihome.domain.events import PeriodSettled
from multihome.domain.ids import ContractId, RunId, TrancheId
from multihome.domain.placements import CapacityEnded, Evidence
from multihome.domain.procurement import TerminationGround, TerminationRecord
from multihome.scheduling.place import place
from multihome.units.calendar import Calendar, Period
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval
from tests.builders import KINDS, RATE, YEAR, contract, day, delivery, take_or_pay, training, tranche, world
from tests.control import Control

BETA_1 = ContractId("beta-1")
T1 = TrancheId("beta-1/t1")
DAY_32 = 32 * MS_PER_DAY
"""Chip-milliseconds of 32 chips in a day."""


def beta(*clauses: object, **more: object) -> Contract:
    return contract("beta", clauses=clauses, **more)  # pyright: ignore[reportArgumentType]


def on_clock(owner: Contract, start_ms: int = day(0)) -> Control:
    """A journal that begins at an instant of contract time; 32 chips of beta were accepted on the first of January."""
    control = Control()
    control.do(DeclareClock(start_ms=start_ms))
    documents = [owner if getattr(one, "id", "") == BETA_1 else one for one in world()]
    control.do(Apply(documents=tuple(documents), workloads=()))
    return control


def nothing_runs(contract: Contract, part: Tranche, interval: Interval) -> int:
    del contract, part, interval
    return 0


def standing_of(state: State, at_ms: int, forecast: Forecast = nothing_runs) -> Standing:
    owner = state.contracts[BETA_1]
    permitted: dict[TrancheId, Evidence | MissingPermission] = {
        one.id: Evidence(code="no_clause") for one in owner.tranches
    }
    return standings(state, owner, permitted, at_ms, forecast)[T1]


def left(state: State, at_ms: int, forecast: Forecast = nothing_runs) -> int:
    found = standing_of(state, at_ms, forecast).owed
    assert found is not None
    return found.left_chip_ms


def test_an_annual_commitment_is_not_burnt_on_anything_in_january() -> None:
    """Half of 32 chips is owed over the year: two gangs of eight that run on will take it, and a third one pays."""
    control = on_clock(beta(take_or_pay(share_bps=5_000, period=Period.YEAR)))
    prices: list[tuple[str, int]] = []
    run_id = RunId("")
    for number in range(3):
        run_id = control.running(training(f"w{number}"))
        run = control.state.runs[run_id]
        prices.append((run.allocation.provider_id, run.reason.price.micro_usd_per_chip_hour))
    assert prices == [("beta", 0), ("beta", 0), ("alpha", RATE)]
    assert control.state.runs[run_id].reason.beaten[0].price.micro_usd_per_chip_hour == RATE


def test_a_forecast_that_takes_all_that_is_owed_leaves_nothing_free() -> None:
    control = on_clock(beta(take_or_pay(share_bps=5_000, period=Period.YEAR)))
    owed = DAY_32 * 365 // 2
    control.submit(training())
    for expected, seller in ((0, "beta"), (owed - 8 * MS_PER_DAY, "beta"), (owed, "alpha")):
        view = forecast_snapshot(control.state, control.now, lambda *_, amount=expected: amount)
        (placed,) = place(view, KINDS, control.now).placed
        assert placed.allocation.provider_id == seller
    whole_year = 8 * MS_PER_DAY * 365
    view = forecast_snapshot(control.state, control.now, lambda *_: owed - whole_year // 4)
    (placed,) = place(view, KINDS, control.now).placed
    assert placed.reason.price.micro_usd_per_chip_hour == RATE * 3 // 4
    assert placed.reason.price.rule == "25 % of it paid for until 2026-12-31 whether used or not"


def test_a_short_run_costs_nothing_while_a_deficiency_remains_and_is_forecast_to_end() -> None:
    control = on_clock(beta(take_or_pay(share_bps=5_000, period=Period.YEAR)))
    for number in range(4):
        run_id = control.running(training(f"w{number}", run_ms_max=MS_PER_HOUR))
        assert control.state.runs[run_id].reason.price.micro_usd_per_chip_hour == 0
    owner = control.state.contracts[BETA_1]
    forecast = running_on(control.state, control.now)
    assert forecast(owner, owner.tranches[0], YEAR) == 4 * 8 * MS_PER_HOUR


def test_what_was_delivered_before_the_journal_began_is_not_owed() -> None:
    control = on_clock(beta(take_or_pay(share_bps=5_000)), start_ms=day(21))
    assert left(control.state, day(21)) == DAY_32 * 10 // 2
    control = on_clock(beta(take_or_pay(share_bps=5_000, interval=Interval(day(26), day(100)))), start_ms=day(21))
    assert standing_of(control.state, day(21)).owed is None
    assert standing_of(control.state, day(21)).interval.end_ms == day(26)
    assert left(control.state, day(26)) == DAY_32 * 5 // 2


def test_a_suspension_is_not_owed_once_however_often_it_is_declared() -> None:
    control = on_clock(beta(take_or_pay(share_bps=10_000)))
    for name, first, last in (("S-1", 5, 8), ("S-2", 7, 10)):
        span = Interval(day(first), day(last))
        control.state.suspensions[name] = Suspension(
            id=name, contract_id=BETA_1, interval=span, ground="flood", source="test"
        )
    assert left(control.state, day(0)) == DAY_32 * 26


def test_balances_of_the_period_before_count() -> None:
    clause = ClauseRef(BETA_1, "top")
    terms = take_or_pay(share_bps=5_000, make_up_periods=1, carry_forward_bps=1_000)
    control = on_clock(beta(terms))
    january = Interval(day(0), day(31))
    owed = DAY_32 * 28 // 2
    lots = (MakeUpLot(chip_ms=70, periods_left=1), MakeUpLot(chip_ms=7, periods_left=2))
    settled = PeriodSettled(clause=clause, tranche_id=T1, period=january, make_up=lots, due_micro_usd=0, text="")
    control.state.settled[f"beta-1/top@{T1}"] = settled
    assert left(control.state, day(31)) == owed + 77
    assert left(control.state, day(60)) == DAY_32 * 31 // 2
    carried = PeriodSettled(
        clause=clause, tranche_id=T1, period=january, carried_chip_ms=DAY_32, due_micro_usd=0, text=""
    )
    control.state.settled[f"beta-1/top@{T1}"] = carried
    assert left(control.state, day(31)) == owed - DAY_32
    huge = PeriodSettled(clause=clause, tranche_id=T1, period=january, carried_chip_ms=owed, due_micro_usd=0, text="")
    control.state.settled[f"beta-1/top@{T1}"] = huge
    assert left(control.state, day(31)) == owed - owed // 10


def test_periods_are_those_of_the_contracts_zone() -> None:
    control = on_clock(beta(take_or_pay(share_bps=10_000), calendar=Calendar(zone="America/New_York")))
    assert left(control.state, day(0)) == 32 * 5 * MS_PER_HOUR
    assert left(control.state, day(1)) == DAY_32 * 31
    assert standing_of(control.state, day(1)).interval.end_ms == day(31) + 5 * MS_PER_HOUR


def test_tiers_carry_the_index_and_count_the_tranches_they_name() -> None:
    tiers = PriceTiers(
        id="tiers",
        interval=YEAR,
        period=Period.YEAR,
        mode=TierMode.GRADUATED,
        tiers=(
            Tier(from_chip_hours=0, rate_micro_usd_per_chip_hour=2_000_001),
            Tier(from_chip_hours=100, rate_micro_usd_per_chip_hour=1_000_000),
        ),
        tranches=("t1",),
        index=(IndexStep(from_ms=day(10), factor_bps=11_000), IndexStep(from_ms=day(20), factor_bps=15_000)),
        source="test",
    )
    parts = (tranche("beta-1", pool_id="beta/main"), tranche("beta-1", "t2", pool_id="beta/main"))
    control = on_clock(beta(tiers, tranches=parts))

    def forecast(_owner: Contract, part: Tranche, _interval: Interval) -> int:
        return {"t1": 7, "t2": 1_000}[part.id.rpartition("/")[2]] * MS_PER_HOUR

    def rates(at_ms: int) -> tuple[tuple[int, int], ...]:
        found = standing_of(control.state, at_ms, forecast).tiered
        assert found is not None
        assert found.volume_chip_ms == 7 * MS_PER_HOUR
        return found.tiers

    assert rates(day(0)) == ((0, 2_000_001), (100 * MS_PER_HOUR, 1_000_000))
    assert rates(day(10)) == ((0, 2_200_001), (100 * MS_PER_HOUR, 1_100_000))
    # 3,000,001.5 is rounded to the even neighbour.
    assert rates(day(20)) == ((0, 3_000_002), (100 * MS_PER_HOUR, 1_500_000))
    assert standing_of(control.state, day(0)).interval.end_ms == day(10)


def test_a_minimum_counts_the_part_of_its_period_that_the_journal_saw() -> None:
    terms = MinimumCommitment(
        id="minimum",
        interval=YEAR,
        period=Period.QUARTER,
        steps=(
            AmountStep(from_ms=day(0), amount_micro_usd=90_000_000),
            AmountStep(from_ms=day(90), amount_micro_usd=1),
        ),
        source="test",
    )

    def gap(start_ms: int, at_ms: int, forecast: Forecast) -> int:
        found = standing_of(on_clock(beta(terms), start_ms).state, at_ms, forecast).minimum
        assert found is not None
        return found.gap

    assert gap(day(0), day(0), nothing_runs) == 90_000_000 * MS_PER_HOUR
    assert gap(day(30), day(30), nothing_runs) == 60_000_000 * MS_PER_HOUR
    assert gap(day(0), day(90), nothing_runs) == MS_PER_HOUR
    assert gap(day(0), day(0), lambda *_: MS_PER_HOUR) == (90_000_000 - RATE) * MS_PER_HOUR


def test_a_contract_that_was_ended_has_no_price_and_places_nothing() -> None:
    notice = Termination(id="exit", interval=YEAR, notice=Window(days=30), source="test")
    control = on_clock(beta(notice))
    control.state.terminations[BETA_1] = TerminationRecord(
        contract_id=BETA_1,
        ground=TerminationGround.CONVENIENCE,
        cause="",
        given_ms=day(5),
        effective_ms=day(40),
        fee_micro_usd=0,
        refund_micro_usd=0,
        actor="ada",
        why="test",
    )
    assert standing_of(control.state, day(39)).forbidden is None
    assert standing_of(control.state, day(39)).interval.end_ms == day(40)
    assert standing_of(control.state, day(41)).forbidden == ClauseRef(BETA_1, "exit")
    control.do(AdvanceClock(to_ms=day(41)))
    control.submit(training("late"))
    view = forecast_snapshot(control.state, control.now, nothing_runs)
    (placed,) = place(view, KINDS, control.now).placed
    assert (
        CapacityEnded(pool_id=view.lots[1].pool.id, tranche_id=T1, ended_ms=day(40), clause=ClauseRef(BETA_1, "exit"))
        in placed.reason.ruled_out
    )


def test_the_contracts_own_term_ends_its_price() -> None:
    control = on_clock(beta())
    shorter = msgspec.structs.replace(control.state.contracts[BETA_1], interval=Interval(day(0), day(60)))
    control.state.contracts[BETA_1] = shorter
    assert standing_of(control.state, day(59)).interval.end_ms == day(60)
    assert standing_of(control.state, day(60)).forbidden == ClauseRef(BETA_1, "term")


def test_equity_that_has_vested_is_spread_over_what_was_ordered() -> None:
    milestones = (
        Milestone(chips_accepted=32, value_micro_usd=32 * 365 * 24 * 5),
        Milestone(chips_accepted=33, value_micro_usd=10**12),
    )
    equity = Equity(id="warrants", interval=YEAR, milestones=milestones, source="test")
    control = on_clock(beta(equity))
    assert vested_micro_usd_per_chip_hour(control.state, control.state.contracts[BETA_1]) == 5
    assert vested_micro_usd_per_chip_hour(control.state, control.state.contracts[ContractId("alpha-1")]) == 0
    control.state.deliveries["D-9"] = delivery("D-9", T1, domains=1)
    assert vested_micro_usd_per_chip_hour(control.state, control.state.contracts[BETA_1]) > 5
