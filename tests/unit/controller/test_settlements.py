"""Ended periods are settled in order, once, and only when everything is metered; what follows stands on them."""

import pytest

from multihome.controller.settlements import settlements
from multihome.domain.balances import MakeUpLot
from multihome.domain.clause_terms import ChipStep, ClauseTerms, IndexStep
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock, DeclareLost, Install, MoveTranche, Restore
from multihome.domain.contracts import Contract, Suspension
from multihome.domain.events import ChipTimeMetered, PeriodSettled
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TrancheStep
from multihome.domain.refusals import RefusalCode
from multihome.domain.workloads import Infra
from multihome.units.calendar import Calendar, Period
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval
from tests.builders import ALPHA, RATE, YEAR, contract, day, delivery, take_or_pay, training, tranche, world
from tests.control import Control, replayed
from tests.money_builders import USD, minimum_commitment, price_tiers, ramp

T1 = TrancheId("alpha-1/t1")
ALPHA_1 = ContractId("alpha-1")
CHIPS = 32
DAYS_OF_8 = 8 * MS_PER_DAY
FEBRUARY = day(31)
MARCH = day(59)


def on_clock(owner: Contract, start_ms: int = day(0)) -> Control:
    """A journal that begins at an instant; 32 chips of alpha were accepted on the first of January."""
    control = Control()
    control.do(Install(installation_id="test"))
    control.do(DeclareClock(start_ms=start_ms))
    documents = [owner if getattr(one, "id", "") == owner.id else one for one in world()]
    control.do(Apply(documents=tuple(documents), workloads=()))
    return control


def alpha(*clauses: ClauseTerms, **more: object) -> Contract:
    return contract("alpha", clauses=clauses, **more)  # pyright: ignore[reportArgumentType]


def advance(control: Control, to_ms: int, ticks: int = 2) -> None:
    control.do(AdvanceClock(to_ms=to_ms))
    for _ in range(ticks):
        control.wait(1_000)
        control.tick()


def run_on_alpha(control: Control) -> None:
    control.running(training(infra=Infra(provider="alpha")))


def test_a_month_is_settled_once_when_it_has_ended() -> None:
    control = on_clock(alpha(take_or_pay(share_bps=5_000)))
    run_on_alpha(control)
    advance(control, FEBRUARY - 1)
    assert control.events(PeriodSettled) == []
    advance(control, FEBRUARY, ticks=5)
    [settled] = control.events(PeriodSettled)
    assert (settled.tranche_id, settled.period) == (T1, Interval(day(0), FEBRUARY))
    contracted = CHIPS * 31 * MS_PER_DAY
    assert (settled.contracted_chip_ms, settled.owed_chip_ms) == (contracted, contracted // 2)
    assert settled.taken_chip_ms == 31 * DAYS_OF_8
    assert settled.deficiency_chip_ms == contracted // 2 - 31 * DAYS_OF_8
    assert settled.due_micro_usd == 31 * 24 * 8 * RATE
    assert settled.text == (
        "alpha-1/top, 2026-01, tranche alpha-1/t1: 11,904.000 chip-hours owed of 23,808.000 chip-hours contracted, "
        "5,952.000 chip-hours taken, 5,952.000 chip-hours lacking, $14,880.00 due"
    )
    assert replayed(control) == control.state


def test_nothing_is_settled_while_a_run_is_not_metered_to_the_end() -> None:
    control = on_clock(alpha(take_or_pay()))
    run_on_alpha(control)
    control.do(AdvanceClock(to_ms=day(40)))
    assert list(settlements(control.state, control.now)) == []
    control.tick()
    assert control.events(PeriodSettled) == []
    assert control.events(ChipTimeMetered)
    control.tick()
    assert len(control.events(PeriodSettled)) == 1


def test_a_clock_that_leaps_settles_every_period_in_order_with_its_balance() -> None:
    terms = take_or_pay(share_bps=5_000, make_up_periods=2)
    leaping, walking = on_clock(alpha(terms)), on_clock(alpha(terms))
    for control in (leaping, walking):
        run_on_alpha(control)
    for at_ms in (day(31), day(59), day(90)):
        advance(walking, at_ms)
    advance(leaping, day(90))
    assert leaping.events(PeriodSettled) == walking.events(PeriodSettled)
    assert [one.period for one in leaping.events(PeriodSettled)] == [
        Interval(day(0), day(31)),
        Interval(day(31), day(59)),
        Interval(day(59), day(90)),
    ]
    lots = leaping.events(PeriodSettled)[-1].make_up
    assert lots == (
        MakeUpLot(chip_ms=28 * DAYS_OF_8, periods_left=1),
        MakeUpLot(chip_ms=31 * DAYS_OF_8, periods_left=2),
    )


def test_a_clause_that_ends_within_a_month_settles_the_part_in_force() -> None:
    first = take_or_pay(share_bps=5_000, interval=Interval(day(0), day(10)))
    second = take_or_pay(share_bps=10_000, interval=Interval(day(10), YEAR.end_ms))
    control = on_clock(alpha(first, second))
    advance(control, day(10))
    [settled] = control.events(PeriodSettled)
    assert (settled.period, settled.owed_chip_ms) == (Interval(day(0), day(10)), CHIPS * 5 * MS_PER_DAY)
    assert "(from 2026-01-01, before 2026-01-11)" in settled.text
    advance(control, FEBRUARY)
    settled = control.events(PeriodSettled)[-1]
    assert (settled.period, settled.owed_chip_ms) == (Interval(day(10), FEBRUARY), CHIPS * 21 * MS_PER_DAY)


def test_nothing_before_the_journal_or_the_first_acceptance_is_counted() -> None:
    control = on_clock(alpha(take_or_pay(share_bps=10_000)), start_ms=day(21))
    advance(control, FEBRUARY)
    assert control.events(PeriodSettled)[0].owed_chip_ms == CHIPS * 10 * MS_PER_DAY
    part = tranche(), tranche(name="t2")
    control = on_clock(alpha(take_or_pay(share_bps=10_000), tranches=part))
    control.do(Apply(documents=(delivery("D-9", "alpha-1/t2", effective_ms=day(30)),), workloads=()))
    advance(control, FEBRUARY)
    assert [one.owed_chip_ms for one in control.events(PeriodSettled)] == [
        CHIPS * 31 * MS_PER_DAY,
        CHIPS * MS_PER_DAY,
    ]


def test_outages_and_suspensions_come_off_in_full_and_once() -> None:
    """Lost from day 5 to 8, suspended from day 7 to 10: three days of the one, two of the other."""
    control = on_clock(alpha(take_or_pay(share_bps=5_000)))
    advance(control, day(5))
    control.do(DeclareLost(provider_id=ALPHA, actor="ann", why="fire"))
    advance(control, day(8))
    control.do(Restore(provider_id=ALPHA, actor="ann", why="back"))
    span = Interval(day(7), day(10))
    flood = Suspension(id="S-1", contract_id=ALPHA_1, interval=span, ground="flood", source="test")
    control.do(Apply(documents=(flood,), workloads=()))
    advance(control, FEBRUARY)
    [settled] = control.events(PeriodSettled)
    a_day = CHIPS * MS_PER_DAY
    assert (settled.under_delivered_chip_ms, settled.force_majeure_chip_ms) == (3 * a_day, 2 * a_day)
    assert settled.owed_chip_ms == 31 * a_day // 2 - 5 * a_day


def test_a_ramp_lowers_what_is_contracted() -> None:
    steps = (ChipStep(from_ms=day(0), chips=8), ChipStep(from_ms=day(21), chips=CHIPS))
    control = on_clock(alpha(take_or_pay(share_bps=10_000), ramp(steps=steps)))
    advance(control, FEBRUARY)
    [settled] = control.events(PeriodSettled)
    assert settled.contracted_chip_ms == 21 * DAYS_OF_8 + 10 * CHIPS * MS_PER_DAY


def test_a_minimum_is_settled_after_what_the_others_made_due() -> None:
    """Deficiency 14,880 USD and 14,880 USD of usage; a minimum of 31,000 USD lacks 1,240."""
    control = on_clock(alpha(take_or_pay(share_bps=5_000), minimum_commitment((0, 31_000 * USD))))
    run_on_alpha(control)
    advance(control, FEBRUARY)
    top, spend = control.events(PeriodSettled)
    assert (top.due_micro_usd, spend.tranche_id) == (14_880 * USD, "")
    assert (spend.owed_micro_usd, spend.spent_micro_usd) == (31_000 * USD, 29_760 * USD)
    assert spend.due_micro_usd == 1_240 * USD


def test_a_minimum_over_a_quarter_counts_what_its_months_made_due() -> None:
    quarter = minimum_commitment((0, 100_000 * USD), period=Period.QUARTER)
    control = on_clock(alpha(take_or_pay(share_bps=5_000), quarter))
    advance(control, FEBRUARY)
    advance(control, MARCH)
    advance(control, day(90))
    *months, spend = control.events(PeriodSettled)
    assert len(months) == 3
    assert spend.spent_micro_usd == sum(month.due_micro_usd for month in months) == 90 * 24 * 16 * RATE
    assert spend.due_micro_usd == 13_600 * USD


def test_late_capacity_lowers_a_minimum_by_what_it_would_have_cost() -> None:
    late = tranche(name="t2", promised_ms=day(21))
    control = on_clock(alpha(minimum_commitment((0, 100_000 * USD)), tranches=(tranche(), late)))
    advance(control, FEBRUARY)
    [spend] = control.events(PeriodSettled)
    assert spend.suspended_micro_usd == CHIPS * 10 * 24 * RATE
    assert spend.owed_micro_usd == 100_000 * USD - spend.suspended_micro_usd


def test_tiers_are_trued_up_and_cut_at_the_index() -> None:
    """8 chips: 5,760 chip-hours in 30 days at 2 USD, then 192 at 2 USD and a tenth; 2.50 USD were charged for each."""
    terms = price_tiers((0, 2 * USD), index=(IndexStep(from_ms=day(30), factor_bps=11_000),))
    control = on_clock(alpha(terms))
    run_on_alpha(control)
    advance(control, FEBRUARY)
    [settled] = control.events(PeriodSettled)
    assert settled.taken_chip_ms == 31 * DAYS_OF_8
    assert settled.spent_micro_usd == 31 * 192 * RATE
    assert settled.owed_micro_usd == 5_760 * 2 * USD + 192 * 22 * USD // 10
    assert settled.due_micro_usd == settled.owed_micro_usd - settled.spent_micro_usd < 0


def test_tiers_count_the_tranches_they_name() -> None:
    terms = price_tiers((0, USD), tranches=("t2",))
    control = on_clock(alpha(terms, tranches=(tranche(), tranche(name="t2"))))
    run_on_alpha(control)
    advance(control, FEBRUARY)
    [settled] = control.events(PeriodSettled)
    assert (settled.taken_chip_ms, settled.due_micro_usd) == (0, 0)


def test_periods_are_those_of_the_contracts_zone() -> None:
    control = on_clock(alpha(take_or_pay(), calendar=Calendar(zone="America/New_York")))
    advance(control, FEBRUARY)
    [first] = control.events(PeriodSettled)
    assert first.period == Interval(day(0), day(0) + 5 * MS_PER_HOUR)
    advance(control, FEBRUARY + 5 * MS_PER_HOUR)
    assert control.events(PeriodSettled)[-1].period.end_ms == FEBRUARY + 5 * MS_PER_HOUR


def test_a_tranche_that_has_ended_is_not_settled_on() -> None:
    control = on_clock(alpha(take_or_pay(share_bps=10_000), tranches=(tranche(ends_ms=day(40)),)))
    advance(control, day(200))
    assert [one.owed_chip_ms for one in control.events(PeriodSettled)] == [
        CHIPS * 31 * MS_PER_DAY,
        CHIPS * 9 * MS_PER_DAY,
    ]


def test_capacity_can_no_longer_come_or_go_in_a_settled_month() -> None:
    owner = alpha(take_or_pay(), tranches=(tranche(domains=3), tranche(name="t2")))
    control = on_clock(owner)
    advance(control, day(40))
    back_dated = delivery("D-9", "alpha-1/t1", domains=1, effective_ms=day(30))
    refusal = control.refused(Apply(documents=(back_dated,), workloads=()))
    assert (refusal.code, refusal.accepted) == (RefusalCode.SETTLED, "2026-02-01 or later")
    accepted = MoveTranche(
        tranche_id=T1, step=TrancheStep.ACCEPTED, effective_ms=day(30), domains=1, actor="ann", why="late paper"
    )
    assert control.refused(accepted).code is RefusalCode.SETTLED
    control.do(Apply(documents=(delivery("D-9", "alpha-1/t1", domains=1, effective_ms=day(31)),), workloads=()))
    # The other tranche was never counted: its first acceptance may be recorded late, and is settled then.
    control.do(Apply(documents=(delivery("D-10", "alpha-1/t2", effective_ms=day(30)),), workloads=()))
    control.tick()
    assert [one.tranche_id for one in control.events(PeriodSettled)] == [T1, "alpha-1/t2"]


@pytest.mark.parametrize("clauses", [(take_or_pay(),), (take_or_pay(share_bps=5_000), take_or_pay(id="x"))])
def test_terms_of_a_month_that_was_really_settled_are_not_rewritten(clauses: tuple[ClauseTerms, ...]) -> None:
    control = on_clock(alpha(take_or_pay(share_bps=5_000)))
    advance(control, FEBRUARY)
    refusal = control.refused(Apply(documents=(alpha(*clauses),), workloads=()))
    assert refusal.code is RefusalCode.SETTLED
