"""Minimum commitment: so much money a period, in steps; what is short is charged at the period's end.

minimum = Σ amount × milliseconds in force ÷ milliseconds of the whole period − what late capacity would have cost;
shortfall = max(0, minimum − spent). A first or last period that is only partly in the clause's term counts in part.
"""

from collections.abc import Iterator

import msgspec

from multihome.domain.clause_terms import MinimumCommitment
from multihome.units.money import Rounding, divide, format_usd
from multihome.units.time import FOREVER_MS, Interval


class Shortfall(msgspec.Struct, frozen=True):
    """A period's minimum, what was spent of it, and what is short, in micro-units."""

    minimum_micro_usd: int
    spent_micro_usd: int
    shortfall_micro_usd: int


def minimum_micro_usd(terms: MinimumCommitment, period: Interval) -> int:
    """What is to be spent in a whole calendar period: each step by its milliseconds in it, rounded once."""
    weighted = sum(amount * interval.overlap_ms(period) for interval, amount in _in_force(terms))
    return divide(weighted, period.end_ms - period.start_ms, Rounding.HALF_EVEN)


def within(terms: MinimumCommitment, counted: Interval) -> MinimumCommitment:
    """The clause in that part of its term that counts: of a period it asks only for that part."""
    return msgspec.structs.replace(terms, interval=counted)


def settle_minimum(
    terms: MinimumCommitment, period: Interval, spent_micro_usd: int, suspended_micro_usd: int
) -> Shortfall:
    """Settle a whole calendar period; `suspended_micro_usd` is what capacity that was late would have cost in it."""
    minimum = max(0, minimum_micro_usd(terms, period) - suspended_micro_usd)
    return Shortfall(minimum, spent_micro_usd, max(0, minimum - spent_micro_usd))


def _in_force(terms: MinimumCommitment) -> Iterator[tuple[Interval, int]]:
    """Each amount with the interval in which it is the newest step of a clause in force."""
    steps = sorted(terms.steps, key=lambda step: step.from_ms)
    ends = [*(step.from_ms for step in steps[1:]), FOREVER_MS]
    for step, next_ms in zip(steps, ends, strict=False):
        start_ms, end_ms = max(step.from_ms, terms.interval.start_ms), min(next_ms, terms.interval.end_ms)
        yield Interval(start_ms, end_ms), step.amount_micro_usd


def on_loss(terms: MinimumCommitment) -> tuple[str, str]:
    """What the clause makes of its provider's loss: money is owed whoever is lost, unless capacity is late."""
    highest = max((step.amount_micro_usd for step in terms.steps), default=0)
    return (
        "minimum_stands",
        f"the minimum of up to {format_usd(highest)} a {terms.period.value} stands; what is not spent is charged",
    )
