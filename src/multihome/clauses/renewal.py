"""Renewal: whether the contract goes on after its end, for how long, at which rate, and until when one may speak."""

from datetime import date, timedelta

from multihome.domain.clause_terms import Renewal, RenewalMode
from multihome.units.calendar import (
    MINUTES_PER_DAY,
    SEARCH_DAYS,
    Calendar,
    MissingLocalTime,
    later_days,
    local_date,
    local_instant,
    window_end,
)
from multihome.units.money import Rounding, share_of
from multihome.units.time import FOREVER_MS

_NOON_MINUTE = 720


def speak_until_ms(terms: Renewal, calendar: Calendar, ends_ms: int) -> int | MissingLocalTime:
    """The end of the last day on which notice may be given, so that its window closes by the contract's end.

    The interval is half-open: at the returned instant it is too late.
    """
    day = local_date(ends_ms, calendar.zone)
    for _ in range(SEARCH_DAYS):
        closes_ms = _closes_ms(terms, calendar, day)
        if isinstance(closes_ms, MissingLocalTime):
            return closes_ms
        if closes_ms <= ends_ms:
            return local_instant(day, MINUTES_PER_DAY, calendar.zone)
        day -= timedelta(days=1)
    msg = f"no notice of {terms.notice.days} days fits before the contract's end"
    raise ValueError(msg)


def _closes_ms(terms: Renewal, calendar: Calendar, day: date) -> int | MissingLocalTime:
    """When the window of a notice closes that is given on a local day; of a day that has no noon, never."""
    notice = terms.notice
    noon = local_instant(day, _NOON_MINUTE, calendar.zone)
    if isinstance(noon, MissingLocalTime):
        return FOREVER_MS
    return window_end(noon, notice.days, notice.count, notice.closes_minute, calendar)


def renews(terms: Renewal, spoken_ms: int, until_ms: int) -> bool:
    """Say whether the contract goes on, given when somebody spoke (`FOREVER_MS`: nobody) and until when one could.

    An automatic renewal is spoken against, the other kind is asked for.
    """
    in_time = spoken_ms < until_ms
    return in_time is (terms.mode is RenewalMode.ON_NOTICE)


def renewed_end_ms(terms: Renewal, calendar: Calendar, ends_ms: int) -> int:
    """The end of a contract that was renewed once: so many days of its calendar later."""
    return later_days(ends_ms, terms.term_days, calendar.zone)


def renewed_rate_micro_usd(terms: Renewal, rate_micro_usd_per_chip_hour: int) -> int:
    """The rate per chip-hour after a renewal, rounded half to even."""
    return share_of(rate_micro_usd_per_chip_hour, terms.rate_factor_bps, Rounding.HALF_EVEN)


def on_loss(terms: Renewal) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return (
        "renewal_stands",
        f"renewal is {terms.mode.value.replace('_', ' ')} as before, and its last day does not move",
    )
