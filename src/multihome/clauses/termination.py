"""Termination: for a named cause after a cure period, or for convenience at a share of what is still to be paid.

What is left of a prepayment comes back as its own clause says: see `prepayment.refund_micro_usd`.
"""

from collections.abc import Sequence

import msgspec

from multihome.domain.clause_terms import Termination
from multihome.units.calendar import Calendar, MissingLocalTime, later_days, window_end
from multihome.units.money import WHOLE_BPS, Rounding, divide
from multihome.units.time import FOREVER_MS, MS_PER_HOUR


class StillToPay(msgspec.Struct, frozen=True):
    """Chip-milliseconds of a tranche that are still to be paid for, and its rate."""

    chip_ms: int
    rate_micro_usd_per_chip_hour: int


class NoConvenience(msgspec.Struct, frozen=True):
    """The contract cannot be ended for convenience at that instant; from when it can (`FOREVER_MS`: never)."""

    opens_ms: int


class CauseNotNamed(msgspec.Struct, frozen=True):
    """The clause does not name such a cause; those it does."""

    causes: tuple[str, ...]


def notice_ends_ms(terms: Termination, calendar: Calendar, given_ms: int) -> int | MissingLocalTime:
    """When a notice given at an instant has run out and the contract ends."""
    notice = terms.notice
    return window_end(given_ms, notice.days, notice.count, notice.closes_minute, calendar)


def cured_until_ms(terms: Termination, cause: str, calendar: Calendar, told_ms: int) -> int | CauseNotNamed:
    """Until when a breach that the other party was told of may be cured; from then on notice for cause may be given."""
    if cause not in terms.causes:
        return CauseNotNamed(terms.causes)
    return later_days(told_ms, terms.cure_days, calendar.zone)


def fee_share_bps(terms: Termination, effective_ms: int) -> int | NoConvenience:
    """The share due when the contract ends for convenience at an instant."""
    newest = max(
        (step for step in terms.fees if step.from_ms <= effective_ms), key=lambda step: step.from_ms, default=None
    )
    if newest is None:
        return NoConvenience(min((step.from_ms for step in terms.fees), default=FOREVER_MS))
    return newest.share_bps


def fee_micro_usd(terms: Termination, effective_ms: int, remaining: Sequence[StillToPay]) -> int | NoConvenience:
    """What ending for convenience at an instant costs: one line, rounded half to even."""
    share_bps = fee_share_bps(terms, effective_ms)
    if isinstance(share_bps, NoConvenience):
        return share_bps
    weighted = sum(part.chip_ms * part.rate_micro_usd_per_chip_hour for part in remaining)
    return divide(weighted * share_bps, MS_PER_HOUR * WHOLE_BPS, Rounding.HALF_EVEN)


def on_loss(terms: Termination) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    causes = ", ".join(terms.causes) or "none"
    return "may_be_cause", f"a loss ends nothing by itself; causes named: {causes}; cure period {terms.cure_days} days"
