"""Minimum commitment: whole and partial periods, steps within one, what is late, and the shortfall."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.minimum_commitment import minimum_micro_usd, on_loss, settle_minimum, within
from multihome.domain.clause_terms import AmountStep
from multihome.units.time import MS_PER_DAY, Interval
from tests.builders import YEAR, day
from tests.money_builders import USD, minimum_commitment

JANUARY = Interval(day(0), day(31))
FEBRUARY = Interval(day(31), day(59))


def test_a_whole_period_owes_the_amount_of_its_step() -> None:
    terms = minimum_commitment((0, 310 * USD), (31, 560 * USD))
    assert minimum_micro_usd(terms, JANUARY) == 310 * USD
    assert minimum_micro_usd(terms, FEBRUARY) == 560 * USD


def test_steps_count_in_any_order_and_from_their_instant_on() -> None:
    terms = minimum_commitment((10, 620 * USD), (0, 310 * USD))
    assert minimum_micro_usd(terms, JANUARY) == 310 * USD * 10 // 31 + 620 * USD * 21 // 31


def test_before_the_first_step_nothing_is_owed() -> None:
    assert minimum_micro_usd(minimum_commitment((30, 310 * USD)), JANUARY) == 10 * USD
    assert minimum_micro_usd(minimum_commitment(steps=()), JANUARY) == 0


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (Interval(day(10), YEAR.end_ms), 210 * USD),
        (Interval(day(0) - 5, day(10)), 100 * USD),
        (Interval(day(10), day(11)), 10 * USD),
        (Interval(day(31), YEAR.end_ms), 0),
        (Interval(day(40), day(50)), 0),
    ],
)
def test_a_partial_period_owes_its_part(interval: Interval, expected: int) -> None:
    assert minimum_micro_usd(minimum_commitment((0, 310 * USD), interval=interval), JANUARY) == expected


@given(st.integers(1, 31 * MS_PER_DAY - 1), st.integers(1, 10**15), st.integers(0, 10**15))
def test_parts_are_weighed_by_the_millisecond_and_rounded_once(cut_ms: int, first: int, second: int) -> None:
    steps = tuple(
        AmountStep(from_ms=at, amount_micro_usd=amount) for at, amount in ((day(0), first), (day(0) + cut_ms, second))
    )
    days = 31 * MS_PER_DAY
    exact = Fraction(first * cut_ms + second * (days - cut_ms), days)
    assert minimum_micro_usd(minimum_commitment(steps=steps), JANUARY) == round(exact)


def test_what_is_short_is_charged_and_what_was_late_is_not_owed() -> None:
    terms = minimum_commitment((0, 310 * USD))
    settled = settle_minimum(terms, JANUARY, 200 * USD, 0)
    assert (settled.minimum_micro_usd, settled.spent_micro_usd) == (310 * USD, 200 * USD)
    assert settled.shortfall_micro_usd == 110 * USD
    assert settle_minimum(terms, JANUARY, 200 * USD, 100 * USD).shortfall_micro_usd == 10 * USD
    assert settle_minimum(terms, JANUARY, 200 * USD, 111 * USD).shortfall_micro_usd == 0
    late = settle_minimum(terms, JANUARY, 0, 311 * USD)
    assert (late.minimum_micro_usd, late.shortfall_micro_usd) == (0, 0)
    assert settle_minimum(terms, JANUARY, 310 * USD - 1, 0).shortfall_micro_usd == 1


def test_money_is_owed_whoever_is_lost() -> None:
    code, text = on_loss(minimum_commitment((0, USD), (31, 3 * USD), (59, 2 * USD)))
    assert (code, "up to $3.00 a month" in text) == ("minimum_stands", True)
    assert "up to $0.00 a" in on_loss(minimum_commitment(steps=()))[1]


def test_of_a_part_that_counts_the_part_is_owed_and_no_more() -> None:
    terms = minimum_commitment((0, 310 * USD))
    part = within(terms, Interval(day(21), day(41)))
    assert minimum_micro_usd(part, JANUARY) == 100 * USD
    assert within(part, terms.interval) == terms
