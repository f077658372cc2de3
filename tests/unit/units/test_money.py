"""Rounding and money against exact fractions."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.units.money import Rounding, charge_micro_usd, divide, format_chip_hours, format_usd, share_bps
from multihome.units.time import MS_PER_HOUR

NUMBERS = st.integers(-(10**30), 10**30)
POSITIVE = st.integers(1, 10**12)

# Python rounds a fraction half to even: an oracle that shares no line with `divide`.
ORACLE = {Rounding.HALF_EVEN: round, Rounding.DOWN: floor, Rounding.UP: ceil}


@given(NUMBERS, POSITIVE, st.sampled_from(Rounding))
def test_a_quotient_is_the_rounded_fraction(numerator: int, denominator: int, rounding: Rounding) -> None:
    assert divide(numerator, denominator, rounding) == ORACLE[rounding](Fraction(numerator, denominator))


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_a_half_goes_to_the_even_neighbour(whole: int, half: int) -> None:
    assert divide((2 * whole + 1) * half, 2 * half, Rounding.HALF_EVEN) == whole + whole % 2


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_denominator_is_positive(denominator: int) -> None:
    with pytest.raises(AssertionError):
        divide(1, denominator, Rounding.DOWN)


@given(st.integers(0, 10**20), st.integers(0, 10**9), st.sampled_from(Rounding))
def test_a_charge_is_rounded_once(chip_ms: int, rate: int, rounding: Rounding) -> None:
    exact = Fraction(chip_ms, MS_PER_HOUR) * rate
    assert charge_micro_usd(chip_ms, rate, rounding) == ORACLE[rounding](exact)


def test_a_charge_does_not_overflow() -> None:
    # 1,400 chips for thirty days at 2.60 no longer fit 64 bits before the division.
    assert charge_micro_usd(1_400 * 30 * 24 * MS_PER_HOUR, 2_600_000, Rounding.HALF_EVEN) == 1_400 * 720 * 2_600_000


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_share_is_in_basis_points(part: int, whole: int) -> None:
    assert share_bps(part, whole) == (round(Fraction(part, whole) * 10_000) if whole else 0)


@pytest.mark.parametrize(
    ("micro_usd", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (1_234_500_000, "$1,234.50"),
        (-1_500_000, "-$1.50"),
        (-1, "-$0.000001"),
        (999_999, "$0.999999"),
    ],
)
def test_money_as_people_read_it(micro_usd: int, text: str) -> None:
    assert format_usd(micro_usd) == text


@given(st.integers(-(10**18), 10**18))
def test_money_reads_back_to_the_micro_unit(micro_usd: int) -> None:
    assert Decimal(format_usd(micro_usd).replace("$", "").replace(",", "")) * 10**6 == micro_usd


@given(st.integers(0, 10**18))
def test_chip_hours_are_cut_to_three_decimals(chip_ms: int) -> None:
    assert Decimal(format_chip_hours(chip_ms).replace(",", "")) * 1_000 == floor(Fraction(chip_ms * 1_000, MS_PER_HOUR))
