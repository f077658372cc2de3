"""Take-or-pay against the formula of the contract, written once more in exact fractions."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.book import take_or_pay_of
from multihome.clauses.take_or_pay import burn_down, on_loss
from multihome.units.time import Interval
from tests.builders import contract, day, delay_remedy, take_or_pay

CHIP_MS = st.integers(0, 10**16)
SHARES = st.integers(0, 10_000)


@given(SHARES, CHIP_MS, CHIP_MS, st.integers(0, 10**8))
def test_the_sums_of_a_month(share_bps: int, delivered: int, taken: int, rate: int) -> None:
    sums = burn_down(take_or_pay(share_bps=share_bps), delivered, taken, rate)
    owed = floor(Fraction(share_bps, 10_000) * delivered)
    lacking = max(0, owed - taken)
    assert (sums.contracted_chip_ms, sums.owed_chip_ms, sums.taken_chip_ms) == (delivered, owed, taken)
    assert sums.deficiency_chip_ms == lacking
    assert sums.deficiency_micro_usd == round(Fraction(lacking * rate, 3_600_000))


def test_whoever_takes_what_is_owed_pays_for_nothing_else() -> None:
    hours = 720 * 64 * 3_600_000
    assert burn_down(take_or_pay(share_bps=8_000), hours, hours * 8 // 10, 2_000_000).deficiency_micro_usd == 0
    sums = burn_down(take_or_pay(share_bps=8_000), hours, hours // 2, 2_000_000)
    assert sums.deficiency_micro_usd == 720 * 64 * 3 * 2_000_000 // 10


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
