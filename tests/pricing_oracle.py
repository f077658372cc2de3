"""The marginal price by another road: the whole bill in exact fractions, with the block and without it."""

from fractions import Fraction

from multihome.clauses.price_columns import Standing
from multihome.domain.clause_terms import TierMode
from multihome.units.time import MS_PER_HOUR


def tier_charge(row: Standing, volume_chip_ms: int) -> Fraction:
    """What a volume is charged under the row's tiers."""
    assert row.tiered is not None
    rates = {0: row.rate, **dict(row.tiered.tiers)}
    steps = sorted(rates)
    if row.tiered.mode is TierMode.ALL_UNITS:
        reached = max(step for step in steps if step <= volume_chip_ms)
        return Fraction(volume_chip_ms * rates[reached], MS_PER_HOUR)
    return sum(
        (
            Fraction((min(end, volume_chip_ms) - step) * rates[step], MS_PER_HOUR)
            for step, end in zip(steps, [*steps[1:], volume_chip_ms + 1], strict=True)
            if volume_chip_ms > step
        ),
        Fraction(0),
    )


def bill(row: Standing, more_chip_ms: int) -> Fraction:
    """Everything that is due for the row's periods, apart from what does not depend on the block."""
    rate = Fraction(row.rate, MS_PER_HOUR)
    total = tier_charge(row, row.tiered.volume_chip_ms + more_chip_ms) if row.tiered else more_chip_ms * rate
    if row.owed:
        total += max(0, row.owed.left_chip_ms - more_chip_ms) * rate
    if row.minimum:
        base = bill(Standing(**{**_fields(row), "minimum": None}), 0)
        total = max(total, base + Fraction(row.minimum.gap, MS_PER_HOUR))
    return total


def price_of(row: Standing, chips: int, start_ms: int, end_ms: int) -> int:
    """Micro-units per chip-hour of a block, rounded half to even (`round` of a fraction is)."""
    chip_ms = chips * max(1, min(end_ms, row.interval.end_ms) - start_ms)
    grown = bill(row, chip_ms) - bill(row, 0)
    if row.resale_rate:
        free = min(chip_ms, max(0, row.owed.left_chip_ms)) if row.owed else 0
        resale = Fraction(row.resale_rate, MS_PER_HOUR)
        grown = chip_ms * resale + max(Fraction(0), grown - (chip_ms - free) * resale)
    return round(grown * MS_PER_HOUR / chip_ms)


def _fields(row: Standing) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
