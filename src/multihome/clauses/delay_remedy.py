"""Delay remedy: after the grace a discount accrues for each day late, up to a cap; dates shift with the delivery.

discount = share × the late capacity's fee for thirty days = share × chips × 720 h × rate. What is late is not owed.
A delivery that is outstanding is accepted at `FOREVER_MS`.
"""

from enum import StrEnum

import msgspec

from multihome.domain.clause_terms import DelayRemedy
from multihome.units.calendar import Calendar, days_between, later_days
from multihome.units.money import Rounding, share_of
from multihome.units.time import Interval

FEE_HOURS = 720
"""The fee that a discount is a share of is that of thirty days."""


class Delay(msgspec.Struct, frozen=True):
    """How late a delivery was, in whole days begun, and the discount it earned in basis points of the fee."""

    late_days: int
    grace_days: int
    discount_bps: int
    capped: bool


class EndRight(StrEnum):
    """What may be ended because capacity is late."""

    TRANCHE = "tranche"
    ORDER = "order"


def delay(terms: DelayRemedy, promised_ms: int, accepted_ms: int, zone: str) -> Delay:
    """The remedy for capacity promised at one instant and accepted at another; nothing when it was in time.

    Days are those of the contract's zone.
    """
    late_days = days_between(promised_ms, accepted_ms, zone)
    counted = max(0, late_days - terms.grace_days)
    uncapped = counted * terms.discount_bps_per_day
    return Delay(
        late_days=late_days,
        grace_days=terms.grace_days,
        discount_bps=min(uncapped, terms.cap_bps),
        capped=uncapped > terms.cap_bps,
    )


def discount_micro_usd(late: Delay, chips: int, rate_micro_usd_per_chip_hour: int) -> int:
    """What the provider owes for so many chips that were late, one line, rounded half to even."""
    fee = chips * FEE_HOURS * rate_micro_usd_per_chip_hour
    return share_of(fee, late.discount_bps, Rounding.HALF_EVEN)


def shifted_end_ms(terms: DelayRemedy, late: Delay, ends_ms: int, calendar: Calendar) -> int:
    """When a late tranche ends: as many days of the contract's calendar later as it was late, if the clause says so."""
    return later_days(ends_ms, late.late_days, calendar.zone) if terms.shifts_end else ends_ms


def end_rights(terms: DelayRemedy, promised_ms: int, at_ms: int, zone: str) -> tuple[EndRight, ...]:
    """What may be ended at an instant at which capacity is still outstanding; days count from the promise."""
    rights = ((EndRight.TRANCHE, terms.end_tranche_after_days), (EndRight.ORDER, terms.end_order_after_days))
    return tuple(right for right, days in rights if days and at_ms >= right_opens_ms(promised_ms, days, zone))


def right_opens_ms(promised_ms: int, days: int, zone: str) -> int:
    """When a right opens that a clause gives so many days after the promise, if capacity is still outstanding then."""
    return later_days(promised_ms, days, zone)


def suspended_chip_ms(chips: int, promised_ms: int, accepted_ms: int, interval: Interval) -> int:
    """Chip-milliseconds of an interval in which chips were promised and not accepted: nothing of them is owed."""
    return chips * interval.overlap_ms(Interval(promised_ms, accepted_ms))


def on_loss(terms: DelayRemedy) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return "not_a_delay", f"capacity that was accepted and is lost is no late delivery (grace {terms.grace_days} days)"
