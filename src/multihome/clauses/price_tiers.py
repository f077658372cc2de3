"""Price tiers: rates by volume in a period, graduated or for all units, moved by a dated index if there is one.

Usage is charged at its base rate while the period lasts; true-up = charge by tiers − charges already made. What lies
below the first tier keeps its base rate. The whole period is one line and is rounded once, half to even.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from multihome.domain.clause_terms import PriceTiers, Tier, TierMode
from multihome.units.money import WHOLE_BPS, Rounding, divide
from multihome.units.time import MS_PER_HOUR, Interval


class TierUse(msgspec.Struct, frozen=True):
    """Chip-milliseconds taken from an instant on, within one step of the index, and the rate they were charged at."""

    from_ms: int
    chip_ms: int
    base_rate_micro_usd_per_chip_hour: int


class TrueUp(msgspec.Struct, frozen=True):
    """A period's charge by tiers, what was charged before, and the difference, in micro-units."""

    tiered_micro_usd: int
    charged_micro_usd: int

    @property
    def due_micro_usd(self) -> int:
        """What is charged at the period's end; negative where charges come down."""
        return self.tiered_micro_usd - self.charged_micro_usd


def index_factor_bps(terms: PriceTiers, at_ms: int) -> int:
    """Where the index stands at an instant, in basis points of its value at signature."""
    newest = max((step for step in terms.index if step.from_ms <= at_ms), key=lambda step: step.from_ms, default=None)
    return newest.factor_bps if newest else WHOLE_BPS


def true_up(terms: PriceTiers, uses: Sequence[TierUse], charged_micro_usd: int) -> TrueUp:
    """Settle a period given its usage in the order in which it was taken, and the lines already charged for it."""
    return TrueUp(tiered_micro_usd(terms, uses), charged_micro_usd)


def tiered_micro_usd(terms: PriceTiers, uses: Sequence[TierUse]) -> int:
    """What a period's usage costs by its tiers."""
    bands = _bands(terms, sum(use.chip_ms for use in uses))
    weighted = before = 0
    for use in uses:
        part = Interval(before, before + use.chip_ms)
        weighted += sum(part.overlap_ms(within) * _rate(terms, tier, use) for within, tier in bands)
        before = part.end_ms
    return divide(weighted, MS_PER_HOUR * WHOLE_BPS, Rounding.HALF_EVEN)


def _bands(terms: PriceTiers, total_chip_ms: int) -> list[tuple[Interval, Tier | None]]:
    """Which part of a period's chip-milliseconds, counted from its first one, each tier prices; None: its base rate."""
    starts = [
        (tier.from_chip_hours * MS_PER_HOUR, tier)
        for tier in sorted(terms.tiers, key=lambda tier: tier.from_chip_hours)
    ]
    reached = [(from_chip_ms, tier) for from_chip_ms, tier in starts if from_chip_ms <= total_chip_ms]
    if terms.mode is TierMode.ALL_UNITS:
        return [(Interval(0, total_chip_ms), reached[-1][1] if reached else None)]
    bounds = [0, *(from_chip_ms for from_chip_ms, _ in reached), total_chip_ms]
    tiers = [None, *(tier for _, tier in reached)]
    return [(Interval(*span), tier) for span, tier in zip(pairwise(bounds), tiers, strict=True)]


def _rate(terms: PriceTiers, tier: Tier | None, use: TierUse) -> int:
    """The rate of a tier, moved by the index, or the base rate where no tier is reached; in micro-units × bps."""
    if tier is None:
        return use.base_rate_micro_usd_per_chip_hour * WHOLE_BPS
    return tier.rate_micro_usd_per_chip_hour * index_factor_bps(terms, use.from_ms)


def on_loss(terms: PriceTiers) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return "tiers_stand", f"the volume that reaches a tier in a {terms.period.value} counts what was taken, and no more"
