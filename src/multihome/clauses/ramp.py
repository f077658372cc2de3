"""Ramp: how many chips of a tranche are contracted, as steps over time that never go down.

Where the ramp is in force the lesser of what it says and what was delivered is contracted; elsewhere all that was
delivered.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from multihome.domain.clause_terms import ChipStep, Ramp
from multihome.units.time import Interval


def chips_at(steps: Iterable[ChipStep], at_ms: int) -> int:
    """The chips of the newest step at an instant; none before the first."""
    newest = max((step for step in steps if step.from_ms <= at_ms), key=lambda step: step.from_ms, default=None)
    return newest.chips if newest else 0


def contracted_chips(terms: Ramp, delivered_chips: int, at_ms: int) -> int:
    """How many of the delivered chips are contracted at an instant."""
    if not terms.interval.contains(at_ms):
        return delivered_chips
    return min(delivered_chips, chips_at(terms.steps, at_ms))


def contracted_steps(terms: Ramp, delivered: Sequence[ChipStep]) -> tuple[ChipStep, ...]:
    """The chips contracted as steps over time, given the chips delivered as such."""
    moments = {terms.interval.start_ms, terms.interval.end_ms}
    moments |= {step.from_ms for step in (*terms.steps, *delivered)}
    return tuple(
        ChipStep(from_ms=at_ms, chips=contracted_chips(terms, chips_at(delivered, at_ms), at_ms))
        for at_ms in sorted(moments)
    )


def contracted_chip_ms(terms: Ramp, delivered: Sequence[ChipStep], interval: Interval) -> int:
    """Chip-milliseconds contracted in an interval, given the chips delivered as steps over time."""
    return chip_ms_in(contracted_steps(terms, delivered), interval)


def chip_ms_in(steps: Sequence[ChipStep], interval: Interval) -> int:
    """Chip-milliseconds that chips given as steps over time make in an interval."""
    moments = {interval.start_ms, interval.end_ms, *(step.from_ms for step in steps)}
    inside = sorted(moment for moment in moments if interval.start_ms <= moment <= interval.end_ms)
    return sum((end_ms - start_ms) * chips_at(steps, start_ms) for start_ms, end_ms in pairwise(inside))


def first_step_down(terms: Ramp) -> ChipStep | None:
    """The first step with fewer chips than the one before it, or fewer than none; None where there is none."""
    before = 0
    for step in sorted(terms.steps, key=lambda step: step.from_ms):
        if step.chips < before:
            return step
        before = step.chips
    return None


def on_loss(terms: Ramp) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return "ramp_stands", f"the steps of tranche {terms.tranche} keep their dates; what is not delivered is not owed"
