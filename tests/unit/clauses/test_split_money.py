"""Money in two columns equals the exact fraction, in 64 bits up to the bounds and in Python's integers beyond."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.split_money import (
    CHIP_MS_MAX,
    GAP_MICRO_MAX,
    RATE_MICRO_MAX,
    Column,
    Split,
    charge,
    is_less,
    larger,
    minus,
    nothing_like,
    per_chip_hour,
    plus,
    where,
)
from multihome.units.time import MS_PER_HOUR

BOUND = 2**61
WIDTHS = pytest.mark.parametrize("width", [np.int64, object])
# The edges of an hour, where whole and parts change over, are as likely as anything else.
AMOUNTS = st.integers(-BOUND * MS_PER_HOUR, BOUND * MS_PER_HOUR) | st.integers(-2 * MS_PER_HOUR, 2 * MS_PER_HOUR)
CHIP_MS = st.integers(0, CHIP_MS_MAX) | st.integers(0, 2 * MS_PER_HOUR) | st.just(CHIP_MS_MAX)
RATES = st.integers(0, RATE_MICRO_MAX) | st.just(RATE_MICRO_MAX)


def column(values: Sequence[int], width: type = np.int64) -> Column:
    return np.array(values, dtype=width)


def split(amounts: Sequence[int], width: type = np.int64) -> Split:
    """Amounts in 1/3,600,000 of a micro-unit, as columns."""
    pairs = [divmod(amount, MS_PER_HOUR) for amount in amounts]
    return Split(column([whole for whole, _ in pairs], width), column([parts for _, parts in pairs], width))


def amounts(money: Split) -> list[int]:
    """Columns as amounts in 1/3,600,000 of a micro-unit; what is left over is always less than a micro-unit."""
    assert all(0 <= parts < MS_PER_HOUR for parts in money.parts.tolist())
    return [
        whole * MS_PER_HOUR + parts for whole, parts in zip(money.whole.tolist(), money.parts.tolist(), strict=True)
    ]


def test_the_bounds_are_what_they_are_said_to_be() -> None:
    million_chips_for_416_days = 1_000_000 * 416 * 24 * MS_PER_HOUR
    assert million_chips_for_416_days < CHIP_MS_MAX < million_chips_for_416_days * 417 // 416
    assert 134_000_000 < RATE_MICRO_MAX < 135_000_000
    assert CHIP_MS_MAX * RATE_MICRO_MAX // MS_PER_HOUR < 2**61
    assert 2.3 * 10**18 < GAP_MICRO_MAX < 2.31 * 10**18


@WIDTHS
@given(st.lists(st.tuples(CHIP_MS, RATES), min_size=1, max_size=4))
def test_a_charge_is_exact(width: type, cases: list[tuple[int, int]]) -> None:
    chip_ms, rates = zip(*cases, strict=True)
    found = charge(column(chip_ms, width), column(rates, width))
    assert amounts(found) == [of * rate for of, rate in cases]


def test_three_hours_and_a_half_at_one_dollar() -> None:
    found = charge(column([7 * MS_PER_HOUR // 2, 1]), column([1_000_001, 7]))
    assert (found.whole.tolist(), found.parts.tolist()) == ([3_500_003, 0], [MS_PER_HOUR // 2, 7])


@WIDTHS
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=4))
def test_sums_differences_and_comparisons_are_those_of_the_amounts(width: type, cases: list[tuple[int, int]]) -> None:
    one, other = (split(side, width) for side in zip(*cases, strict=True))
    assert amounts(plus(one, other)) == [mine + yours for mine, yours in cases]
    assert amounts(minus(one, other)) == [mine - yours for mine, yours in cases]
    assert amounts(larger(one, other)) == [max(mine, yours) for mine, yours in cases]
    assert is_less(one, other).tolist() == [mine < yours for mine, yours in cases]


@WIDTHS
def test_comparison_looks_at_parts_only_where_the_whole_is_equal(width: type) -> None:
    less = [MS_PER_HOUR * 2 + 1, MS_PER_HOUR * 2 + 1, MS_PER_HOUR * 2 + 1, MS_PER_HOUR + 9, MS_PER_HOUR * 3]
    more = [MS_PER_HOUR * 2 + 2, MS_PER_HOUR * 2 + 1, MS_PER_HOUR * 2, MS_PER_HOUR * 2, MS_PER_HOUR * 2 + 9]
    found = is_less(split(less, width), split(more, width))
    assert found.dtype == np.bool_
    assert found.tolist() == [True, False, False, True, False]


def test_rows_are_chosen_one_by_one() -> None:
    chosen = where(np.array([True, False]), split([1, MS_PER_HOUR + 2]), split([3, MS_PER_HOUR * 4 + 5]))
    assert amounts(chosen) == [1, MS_PER_HOUR * 4 + 5]


@WIDTHS
def test_nothing_has_as_many_rows_of_the_same_width(width: type) -> None:
    nothing = nothing_like(column([5, -7, 0], width))
    assert amounts(nothing) == [0, 0, 0]
    assert nothing.whole.dtype == nothing.parts.dtype == np.dtype(width)


# --- A rate ---


def rounded(amount: int, chip_ms: int) -> int:
    """Micro-units per chip-hour by the whole fraction; `round` of a fraction goes half to even."""
    return round(Fraction(amount, chip_ms))


@WIDTHS
@given(st.lists(st.tuples(CHIP_MS.map(lambda ms: max(ms, 1)), RATES, st.integers(-3, 3)), min_size=1, max_size=4))
def test_the_rate_of_a_charge_is_its_rate_again(width: type, cases: list[tuple[int, int, int]]) -> None:
    paid = [chip_ms * rate + off for chip_ms, rate, off in cases]
    chip_ms = [of for of, _, _ in cases]
    found = per_chip_hour(split(paid, width), column(chip_ms, width))
    assert found.tolist() == [rounded(amount, of) for amount, of in zip(paid, chip_ms, strict=True)]


@WIDTHS
@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(1, 50)), min_size=1, max_size=4))
def test_a_rate_is_rounded_half_to_even_whatever_its_sign(width: type, cases: list[tuple[int, int]]) -> None:
    found = per_chip_hour(
        split([amount for amount, _ in cases], width), column([chip_ms for _, chip_ms in cases], width)
    )
    assert found.tolist() == [rounded(amount, chip_ms) for amount, chip_ms in cases]


@pytest.mark.parametrize(
    ("amount", "chip_ms", "rate"),
    [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (4, 3, 1), (5, 3, 2), (7, 1, 7), (0, 9, 0)],
)
def test_halves_go_to_the_even_neighbour(amount: int, chip_ms: int, rate: int) -> None:
    assert per_chip_hour(split([amount]), column([chip_ms])).tolist() == [rate]


def test_the_long_division_passes_no_bound() -> None:
    # The largest remainder that there is: one less than the largest block.
    amount = (CHIP_MS_MAX - 1) * MS_PER_HOUR + MS_PER_HOUR - 1
    assert per_chip_hour(split([amount]), column([CHIP_MS_MAX])).tolist() == [rounded(amount, CHIP_MS_MAX)]
