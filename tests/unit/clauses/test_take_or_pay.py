"""Take-or-pay against the formula of the contract, written once more in exact fractions."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.book import take_or_pay_of
from multihome.clauses.take_or_pay import NOTHING_CARRIED, PeriodUse, on_loss, settle
from multihome.domain.balances import MakeUpLot, TakeOrPayBalance
from multihome.units.time import Interval
from tests.builders import contract, day, delay_remedy, take_or_pay
from tests.money_builders import HOUR_MS

CHIP_MS = st.integers(0, 10**16)
SHARES = st.integers(0, 10_000)


@given(SHARES, CHIP_MS, CHIP_MS, st.integers(0, 10**8))
def test_the_sums_of_a_month(share_bps: int, delivered: int, taken: int, rate: int) -> None:
    sums = settle(take_or_pay(share_bps=share_bps), used(delivered, taken), NOTHING_CARRIED, rate)
    owed = floor(Fraction(share_bps, 10_000) * delivered)
    lacking = max(0, owed - taken)
    assert (sums.owed_chip_ms, sums.taken_chip_ms) == (owed, taken)
    assert sums.deficiency_chip_ms == lacking
    assert sums.deficiency_micro_usd == round(Fraction(lacking * rate, 3_600_000))


def test_whoever_takes_what_is_owed_pays_for_nothing_else() -> None:
    hours = 720 * 64 * 3_600_000
    terms = take_or_pay(share_bps=8_000)
    assert settle(terms, used(hours, hours * 8 // 10), NOTHING_CARRIED, 2_000_000).due_micro_usd == 0
    sums = settle(terms, used(hours, hours // 2), NOTHING_CARRIED, 2_000_000)
    assert sums.deficiency_micro_usd == 720 * 64 * 3 * 2_000_000 // 10


def lots(*pairs: tuple[int, int]) -> tuple[MakeUpLot, ...]:
    return tuple(MakeUpLot(chip_ms=chip_ms, periods_left=left) for chip_ms, left in pairs)


def used(contracted: int, taken: int, **more: int) -> PeriodUse:
    return PeriodUse(contracted_chip_ms=contracted, taken_chip_ms=taken, **more)


def balance(carried: int = 0, *pairs: tuple[int, int]) -> TakeOrPayBalance:
    return TakeOrPayBalance(make_up=lots(*pairs), carried_chip_ms=carried)


def test_under_delivery_and_force_majeure_come_off_in_full() -> None:
    use = used(1_000, 100, under_delivered_chip_ms=150, force_majeure_chip_ms=250)
    settled = settle(take_or_pay(share_bps=8_000), use, balance(), HOUR_MS)
    assert (settled.owed_chip_ms, settled.deficiency_chip_ms, settled.due_micro_usd) == (400, 300, 300)
    use = used(1_000, 100, under_delivered_chip_ms=500, force_majeure_chip_ms=301)
    settled = settle(take_or_pay(share_bps=8_000), use, balance(), HOUR_MS)
    assert (settled.owed_chip_ms, settled.deficiency_chip_ms, settled.taken_chip_ms) == (0, 0, 100)


def test_the_oldest_make_up_is_drawn_first_and_not_charged_again() -> None:
    terms = take_or_pay(share_bps=5_000, make_up_periods=3)
    settled = settle(terms, used(1_000, 650), balance(0, (100, 1), (80, 2), (70, 3)), HOUR_MS)
    assert (settled.owed_chip_ms, settled.made_up_chip_ms, settled.deficiency_chip_ms) == (500, 150, 0)
    assert (settled.deficiency_micro_usd, settled.made_up_micro_usd, settled.due_micro_usd) == (0, 150, -150)
    assert settled.balance == balance(0, (30, 1), (70, 2))


def test_what_was_not_made_up_in_its_periods_is_gone() -> None:
    terms = take_or_pay(share_bps=5_000, make_up_periods=2)
    first = settle(terms, used(1_000, 400), balance(), HOUR_MS)
    assert (first.deficiency_micro_usd, first.balance) == (100, balance(0, (100, 2)))
    second = settle(terms, used(1_000, 500), first.balance, HOUR_MS)
    assert second.balance == balance(0, (100, 1))
    third = settle(terms, used(1_000, 490), second.balance, HOUR_MS)
    assert third.balance == balance(0, (10, 2))
    assert settle(take_or_pay(share_bps=5_000), used(1_000, 400), balance(), HOUR_MS).balance == balance()


def test_what_is_beyond_make_up_is_carried_forward_once_and_capped() -> None:
    terms = take_or_pay(share_bps=5_000, make_up_periods=1, carry_forward_bps=1_000)
    settled = settle(terms, used(1_000, 700), balance(0, (40, 1)), HOUR_MS)
    assert (settled.made_up_chip_ms, settled.balance) == (40, balance(160))
    following = settle(terms, used(1_000, 450), settled.balance, HOUR_MS)
    assert (following.carry_used_chip_ms, following.owed_chip_ms) == (50, 450)
    assert (following.deficiency_chip_ms, following.balance) == (0, balance())
    small = settle(terms, used(1_000, 500), balance(20), HOUR_MS)
    assert (small.carry_used_chip_ms, small.owed_chip_ms, small.balance) == (20, 480, balance(20))


def test_without_carry_forward_nothing_is_carried() -> None:
    settled = settle(take_or_pay(share_bps=5_000), used(1_000, 700), balance(300), HOUR_MS)
    assert (settled.owed_chip_ms, settled.carry_used_chip_ms, settled.balance) == (500, 0, balance())
    least = settle(take_or_pay(share_bps=5_000, carry_forward_bps=1), used(20_000, 10_700), balance(300), HOUR_MS)
    assert (least.carry_used_chip_ms, least.balance.carried_chip_ms) == (1, 701)


@given(
    SHARES,
    SHARES,
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=8),
)
def test_nothing_is_paid_for_twice_and_nothing_is_made_up_that_was_not_paid(
    share_bps: int, carry_bps: int, make_up_periods: int, uses: list[tuple[int, int]]
) -> None:
    terms = take_or_pay(share_bps=share_bps, carry_forward_bps=carry_bps, make_up_periods=make_up_periods)
    before, lacked, made_up = balance(), 0, 0
    for contracted, taken in uses:
        settled = settle(terms, used(contracted, taken), before, HOUR_MS)
        assert settled.deficiency_chip_ms == 0 or settled.made_up_chip_ms == 0
        assert settled.carry_used_chip_ms <= before.carried_chip_ms
        assert len(settled.balance.make_up) <= make_up_periods
        assert all(lot.chip_ms > 0 and 1 <= lot.periods_left <= make_up_periods for lot in settled.balance.make_up)
        lacked, made_up = lacked + settled.deficiency_chip_ms, made_up + settled.made_up_chip_ms
        before = settled.balance
    assert made_up + sum(lot.chip_ms for lot in before.make_up) <= lacked


def test_sums_beyond_64_bits_are_exact() -> None:
    chip_ms, rate = 10**6 * 366 * 24 * HOUR_MS, 10**8
    assert chip_ms * rate > 2**64
    settled = settle(take_or_pay(share_bps=10_000), used(chip_ms, 1), balance(), rate)
    assert settled.deficiency_micro_usd == round(Fraction((chip_ms - 1) * rate, HOUR_MS))


def test_the_clause_in_force_is_the_one_of_the_day() -> None:
    first = take_or_pay(share_bps=5_000, interval=Interval(day(0), day(100)))
    second = take_or_pay(share_bps=9_000, interval=Interval(day(100), day(200)))
    terms = contract(clauses=[delay_remedy(), first, second])
    assert take_or_pay_of(terms, day(100) - 1) == first
    assert take_or_pay_of(terms, day(100)) == second
    assert take_or_pay_of(terms, day(200)) is None


def test_what_is_lost_is_not_owed() -> None:
    assert on_loss(take_or_pay(share_bps=8_050)) == (
        "owed_suspended",
        "chip-hours not delivered from now on are not owed (share 80.5 %)",
    )
