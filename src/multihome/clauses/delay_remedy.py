"""Delay remedy: after the grace a discount accrues for each day late, up to a cap; dates shift with the delivery."""

import msgspec

from multihome.domain.clause_terms import DelayRemedy
from multihome.units.time import MS_PER_DAY


class Delay(msgspec.Struct, frozen=True):
    """How late a delivery was, in whole days begun, and the discount it earned in basis points of the rate."""

    late_days: int
    grace_days: int
    discount_bps: int
    capped: bool


def delay(terms: DelayRemedy, promised_ms: int, accepted_ms: int) -> Delay:
    """The remedy for capacity promised at one instant and accepted at another; nothing when it was in time."""
    late_days = max(0, -(-(accepted_ms - promised_ms) // MS_PER_DAY))
    counted = max(0, late_days - terms.grace_days)
    uncapped = counted * terms.discount_bps_per_day
    return Delay(
        late_days=late_days,
        grace_days=terms.grace_days,
        discount_bps=min(uncapped, terms.cap_bps),
        capped=uncapped > terms.cap_bps,
    )


def on_loss(terms: DelayRemedy) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return "not_a_delay", f"capacity that was accepted and is lost is no late delivery (grace {terms.grace_days} days)"
