"""Equity: milestones, and the price in effect."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.equity import effective_rate_micro_usd, on_loss, vested_micro_usd
from tests.money_builders import HOUR_MS, USD, equity


@pytest.mark.parametrize(("chips", "vested"), [(0, 0), (7, 0), (8, 10), (15, 10), (16, 35), (99, 35)])
def test_milestones_vest_with_the_chips_that_reach_them(chips: int, vested: int) -> None:
    assert vested_micro_usd(equity((16, 25), (8, 10)), chips) == vested


def test_the_value_is_spread_over_the_chip_hours() -> None:
    assert effective_rate_micro_usd(2 * USD, 50 * USD, 100 * HOUR_MS) == 3 * USD // 2
    assert effective_rate_micro_usd(2 * USD, 500 * USD, 100 * HOUR_MS) == -3 * USD
    assert effective_rate_micro_usd(2 * USD, 50 * USD, 0) == 2 * USD
    assert effective_rate_micro_usd(2 * USD, 1, 1) == 2 * USD - HOUR_MS


@given(st.integers(0, 10**8), st.integers(0, 10**15), st.integers(1, 10**16))
def test_the_price_is_rounded_half_to_even(rate: int, vested: int, chip_ms: int) -> None:
    exact = rate - Fraction(vested) / Fraction(chip_ms, HOUR_MS)
    assert effective_rate_micro_usd(rate, vested, chip_ms) == round(exact)


def test_a_loss_takes_nothing_back() -> None:
    assert on_loss(equity((8, USD), (16, USD)))[1].startswith("milestones worth $2.00 count")
