"""Price tiers: graduated and for all units, with an index, below the first tier, and the true-up."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.price_tiers import TierUse, index_factor_bps, tiered_micro_usd, true_up
from multihome.domain.clause_terms import IndexStep, TierMode
from tests.builders import day
from tests.money_builders import HOUR_MS, USD, price_tiers

BASE = 4 * USD


def use(hours: int, at_day: int = 0) -> TierUse:
    return TierUse(day(at_day), hours * HOUR_MS, BASE)


@pytest.mark.parametrize(
    ("hours", "graduated", "all_units"),
    [
        (0, 0, 0),
        (99, 198, 198),
        (100, 200, 150),
        (101, 201.5, 151.5),
        (1_000, 1_550, 1_000),
        (1_200, 1_750, 1_200),
    ],
)
def test_a_tier_is_reached_with_its_first_chip_hour(hours: int, graduated: float, all_units: float) -> None:
    assert tiered_micro_usd(price_tiers(), (use(hours),)) == graduated * USD
    assert tiered_micro_usd(price_tiers(mode=TierMode.ALL_UNITS), (use(hours),)) == all_units * USD


def test_below_the_first_tier_the_base_rate_stays() -> None:
    terms = price_tiers((100, USD))
    assert tiered_micro_usd(terms, (use(60), use(60))) == (100 * 4 + 20) * USD
    late = price_tiers((100, USD), mode=TierMode.ALL_UNITS)
    assert tiered_micro_usd(late, (use(60), use(39))) == 99 * 4 * USD
    assert tiered_micro_usd(late, (use(60), use(60))) == 120 * USD
    assert tiered_micro_usd(price_tiers(tiers=()), (use(10),)) == 40 * USD


def test_tiers_may_be_written_in_any_order() -> None:
    assert tiered_micro_usd(price_tiers((100, USD), (0, 2 * USD)), (use(110),)) == 210 * USD
    assert tiered_micro_usd(price_tiers((100, USD), (0, 2 * USD), mode=TierMode.ALL_UNITS), (use(110),)) == 110 * USD


def test_the_index_moves_the_rates_of_tiers_and_no_base_rate() -> None:
    index = (IndexStep(from_ms=day(20), factor_bps=12_000), IndexStep(from_ms=day(10), factor_bps=9_000))
    terms = price_tiers((0, USD), index=index)
    assert [index_factor_bps(terms, at) for at in (day(10) - 1, day(10), day(20) - 1, day(20), day(90))] == [
        10_000,
        9_000,
        9_000,
        12_000,
        12_000,
    ]
    uses = (use(10, 0), use(10, 10), use(10, 20))
    assert tiered_micro_usd(terms, uses) == (10 + 9 + 12) * USD
    assert tiered_micro_usd(price_tiers((0, USD), index=index, mode=TierMode.ALL_UNITS), uses) == 31 * USD
    assert tiered_micro_usd(price_tiers((100, USD), index=index), uses) == 120 * USD


def test_the_true_up_is_what_the_tiers_add_or_take_away() -> None:
    settled = true_up(price_tiers(), (use(1_000),), 4_000 * USD)
    assert (settled.tiered_micro_usd, settled.charged_micro_usd) == (1_550 * USD, 4_000 * USD)
    assert settled.due_micro_usd == -2_450 * USD


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10**7)), max_size=4, unique_by=lambda pair: pair[0]),
    st.lists(st.integers(0, 30 * HOUR_MS), max_size=6),
    st.sampled_from(TierMode),
)
def test_a_period_is_one_line_rounded_once(tiers: list[tuple[int, int]], chip_ms: list[int], mode: TierMode) -> None:
    terms = price_tiers(*tiers, mode=mode) if tiers else price_tiers(tiers=(), mode=mode)
    total, exact = sum(chip_ms), Fraction(0)
    marks = sorted(tiers)
    if mode is TierMode.ALL_UNITS:
        rate = ([BASE] + [rate for start, rate in marks if start * HOUR_MS <= total])[-1]
        exact = Fraction(total * rate, HOUR_MS)
    else:
        places = sorted({0, total, *(start * HOUR_MS for start, _ in marks if start * HOUR_MS < total)})
        for low, high in pairwise(places):
            rate = ([BASE] + [rate for start, rate in marks if start * HOUR_MS <= low])[-1]
            exact += Fraction((high - low) * rate, HOUR_MS)
    uses = tuple(TierUse(day(0), part, BASE) for part in chip_ms)
    assert tiered_micro_usd(terms, uses) == round(exact)
