"""Money in whole micro-units of a currency, and the one place where it is rounded."""

from enum import Enum

from multihome.units.time import MS_PER_HOUR

MICRO_PER_UNIT = 1_000_000
WHOLE_BPS = 10_000
"""A whole in basis points (1/100 of a percent)."""


class Rounding(Enum):
    """How a fraction of a micro-unit becomes whole. Contracts name the rule; the house rounds half to even."""

    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """`numerator / denominator` as a whole number under a named rounding; the denominator is positive."""
    assert denominator > 0, "a rounded quotient needs a positive denominator"
    quotient, remainder = divmod(numerator, denominator)
    if rounding is Rounding.DOWN or remainder == 0:
        return quotient
    if rounding is Rounding.UP:
        return quotient + 1
    assert rounding is Rounding.HALF_EVEN, "a rule of rounding that nobody has written"
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def charge_micro_usd(chip_ms: int, rate_micro_usd_per_chip_hour: int, rounding: Rounding) -> int:
    """What `chip_ms` chip-milliseconds cost at an hourly rate per chip, rounded once."""
    return divide(chip_ms * rate_micro_usd_per_chip_hour, MS_PER_HOUR, rounding)


def share_of(whole: int, bps: int, rounding: Rounding) -> int:
    """So many basis points of a whole, in the whole's unit, rounded once."""
    return divide(whole * bps, WHOLE_BPS, rounding)


def share_bps(part: int, whole: int) -> int:
    """`part / whole` in basis points (1/100 of a percent), half to even; 0 when the whole is 0."""
    return divide(part * WHOLE_BPS, whole, Rounding.HALF_EVEN) if whole else 0


def format_usd(micro_usd: int) -> str:
    """Money to the micro-unit without trailing noise: `$1,234.50`, `$0.000001`."""
    sign = "-" if micro_usd < 0 else ""
    units, micro = divmod(abs(micro_usd), MICRO_PER_UNIT)
    fraction = f"{micro:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}${units:,}.{fraction}"


def format_chip_hours(chip_ms: int) -> str:
    """Chip-hours with three decimals, cut down: `1,234.500`."""
    hours, rest = divmod(chip_ms, MS_PER_HOUR)
    return f"{hours:,}.{rest * 1000 // MS_PER_HOUR:03d}"
