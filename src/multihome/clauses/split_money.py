"""Money in columns of 64 bits: whole micro-units, and what is left over in parts of 1/3,600,000 of one.

Chip-milliseconds × micro-units an hour would overflow: hours and the milliseconds beyond them are multiplied apart, and
nothing is rounded before `per_chip_hour` rounds once. A column of Python's own integers (`object`) takes the same road
without a bound. Knows no clause.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.units.time import MS_PER_HOUR

Column = NDArray[Any]
"""Whole numbers: `int64`, or Python's own where a bound below is passed."""

CHIP_MS_MAX = 2**55
"""Chip-milliseconds a 64-bit column may hold: a million chips for 416 days."""
RATE_MICRO_MAX = 2**27
"""Micro-units per chip-hour a 64-bit column may hold: 134 dollars. 2^55 ÷ 3,600,000 × 2^27 is under 2^61."""
GAP_MICRO_MAX = 2**61
"""Micro-units of a shortfall a 64-bit column may hold: 2.3 million million dollars."""
_HOUR_FACTORS = (160, 150, 150)
"""Their product is 3,600,000, and a remainder below 2^55 times the largest of them stays under 2^63."""


class Split(msgspec.Struct, frozen=True):
    """Money as `whole + parts / 3,600,000` micro-units, with `0 <= parts < 3,600,000`."""

    whole: Column
    parts: Column


def charge(chip_ms: Column, rate_micro_per_chip_hour: Column) -> Split:
    """What so much chip time costs at an hourly rate, exactly."""
    hours, rest_ms = chip_ms // MS_PER_HOUR, chip_ms % MS_PER_HOUR
    return _carried(hours * rate_micro_per_chip_hour, rest_ms * rate_micro_per_chip_hour)


def plus(one: Split, other: Split) -> Split:
    """The sum."""
    return _carried(one.whole + other.whole, one.parts + other.parts)


def minus(one: Split, other: Split) -> Split:
    """The difference."""
    return _carried(one.whole - other.whole, one.parts - other.parts)


def where(test: Column, one: Split, other: Split) -> Split:
    """`one` in the rows where the test holds, `other` elsewhere."""
    return Split(np.where(test, one.whole, other.whole), np.where(test, one.parts, other.parts))


def is_less(one: Split, other: Split) -> Column:
    """Say row by row whether `one` is the smaller."""
    smaller = (one.whole < other.whole) | ((one.whole == other.whole) & (one.parts < other.parts))
    return smaller.astype(np.bool_)


def larger(one: Split, other: Split) -> Split:
    """The larger of the two, row by row."""
    return where(is_less(one, other), other, one)


def nothing_like(column: Column) -> Split:
    """No money, in as many rows."""
    zero = column * 0
    return Split(zero, zero)


def per_chip_hour(money: Split, chip_ms: Column) -> Column:
    """`money ÷ chip time` in micro-units per chip-hour, rounded half to even; the chip time is positive.

    A long division: the quotient and its remainder are multiplied up to the hour factor by factor, so that no number on
    the way is larger than the remainder times 160.
    """
    quotient, rest = money.whole // chip_ms, money.whole % chip_ms
    for factor in _HOUR_FACTORS:
        raised = rest * factor
        quotient, rest = quotient * factor + raised // chip_ms, raised % chip_ms
    raised = rest + money.parts
    quotient, rest = quotient + raised // chip_ms, raised % chip_ms
    twice = rest * 2
    up = (twice > chip_ms) | ((twice == chip_ms) & (quotient % 2 == 1))
    return quotient + np.where(up.astype(np.bool_), 1, 0)


def _carried(whole: Column, parts: Column) -> Split:
    return Split(whole + parts // MS_PER_HOUR, parts % MS_PER_HOUR)
