"""What a round of a workload is worth, in micro-USD: its value per hour, how fast it runs there, how urgent it is.

Whole numbers throughout. Knows no lot and no price but the dearest that a default value has to exceed.
"""

import msgspec

from multihome.domain.valuation import PRIORITY_MIN, Valuation
from multihome.domain.workloads import WorkloadSpec
from multihome.scheduling.options.throughput import MICRO
from multihome.units.money import WHOLE_BPS, Rounding, divide, share_of
from multihome.units.time import MS_PER_HOUR

COLUMN_MICRO_USD_MAX = 2**53 - 1
"""The most that an amount may be where the core keeps it in columns: every whole number to here is exact there."""


class HourlyValue(msgspec.Struct, frozen=True):
    """What an hour on the reference cell is worth in micro-USD, and who says so."""

    micro_usd_per_hour: int
    words: str


def hourly_value(
    spec: WorkloadSpec, priority: int, dearest_micro_usd_per_hour: int, valuation: Valuation
) -> HourlyValue:
    """The stated value; without one a multiple of the dearest cost of an hour's work, which grows with priority.

    default = dearest × (markup + per step × (priority − lowest)). `dearest` is the greatest cost of what the reference
    does in an hour, so that on every option the value exceeds the cost by the markup.
    """
    if spec.value_micro_usd_per_hour:
        return HourlyValue(spec.value_micro_usd_per_hour, "stated by the workload")
    share_bps = valuation.value_markup_bps + valuation.value_per_priority_bps * (priority - PRIORITY_MIN)
    amount = share_of(dearest_micro_usd_per_hour, share_bps, Rounding.UP)
    words = f"not stated: {share_bps / 100:g} % of its dearest option's cost, at priority {priority}"
    return HourlyValue(amount, words)


def dearest_work(gang_micro_usd_per_hour: int, relative_ppm: int) -> int:
    """What it costs in one place to do what the reference does in an hour, in micro-USD, rounded up."""
    return divide(gang_micro_usd_per_hour * MICRO, relative_ppm, Rounding.UP)


def ageing_bps(waited_ms: int, valuation: Valuation) -> int:
    """By how much waiting raises the value, in basis points, rounded down and never above the valuation's most."""
    grown = divide(max(0, waited_ms) * valuation.ageing_bps_per_hour, MS_PER_HOUR, Rounding.DOWN)
    return min(valuation.ageing_bps_max, grown)


def urgency_bps(waited_ms: int, needed_bps: int, valuation: Valuation) -> int:
    """The factor on the value, in basis points: a whole, what waiting adds, and what the deadline adds.

    The deadline adds its most times the share of the time left that the work needs (`needed_bps`; 0 without a
    deadline), cut at a whole: what is late already is no less urgent, and no more.
    """
    pressed = share_of(valuation.deadline_bps_max, min(WHOLE_BPS, max(0, needed_bps)), Rounding.HALF_EVEN)
    return WHOLE_BPS + ageing_bps(waited_ms, valuation) + pressed


def value_per_round(micro_usd_per_hour: int, relative_ppm: int, urgency: int, round_ms: int) -> int:
    """Value per hour × relative throughput × urgency × length of a round, in micro-USD, rounded once, half to even.

    Cut at COLUMN_MICRO_USD_MAX.
    """
    exact = micro_usd_per_hour * relative_ppm * urgency * round_ms
    return within_column(divide(exact, MICRO * WHOLE_BPS * MS_PER_HOUR, Rounding.HALF_EVEN))


def cost_per_round(gang_micro_usd_per_hour: int, round_ms: int) -> int:
    """What a gang costs for a round, in micro-USD, half to even, cut at COLUMN_MICRO_USD_MAX."""
    return within_column(divide(gang_micro_usd_per_hour * round_ms, MS_PER_HOUR, Rounding.HALF_EVEN))


def within_column(micro_usd: int) -> int:
    """The amount, or the most that a column holds."""
    return min(micro_usd, COLUMN_MICRO_USD_MAX)
