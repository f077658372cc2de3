"""Days, months and business days as a contract counts them: in a named zone, with a list of holidays.

Zone rules come from the `tzdata` package that the lock pins, so that a deadline is the same on every machine.
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import msgspec

from multihome.units.time import (
    FOREVER_MS,
    MS_PER_DAY,
    MS_PER_MINUTE,
    Interval,
    datetime_of,
    format_instant,
    instant_of,
)

MINUTES_PER_DAY = 1_440
SEARCH_DAYS = 3_700
"""A window of business days ends within ten years, or its list of holidays makes no sense."""
_SATURDAY = 5
_STEP_MINUTES = 15


class DayCount(StrEnum):
    """Which days a window counts."""

    CALENDAR = "calendar"
    BUSINESS = "business"
    """Monday to Friday, without the holidays of the contract's calendar."""


class Period(StrEnum):
    """Over what a commitment is settled: a calendar month, quarter or year of the contract's zone."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


class Calendar(msgspec.Struct, frozen=True):
    """Where a contract's days begin and end, and which are no business days (ISO dates, in any order)."""

    zone: str = "UTC"
    holidays: tuple[str, ...] = ()


class MissingLocalTime(msgspec.Struct, frozen=True):
    """A local time that does not exist: the clocks of the zone leap over it."""

    local: str
    zone: str


@lru_cache(maxsize=1_024)
def zone_info(name: str) -> ZoneInfo:
    """The rules of a zone by its IANA name.

    Raises:
        ValueError: no such zone.
    """
    parts = name.split("/")
    if not all(part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in parts):
        msg = f"{name!r} is no time zone"
        raise ValueError(msg)
    try:
        with resources.files("tzdata.zoneinfo").joinpath(*parts).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except OSError as error:
        msg = f"{name!r} is no time zone; expected a name like Europe/London or America/New_York"
        raise ValueError(msg) from error


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """The names of all zones there are."""
    return tuple(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def local_date(at_ms: int, zone: str) -> date:
    """The local date of an instant."""
    return datetime_of(at_ms).astimezone(zone_info(zone)).date()


def local_instant(day: date, minute: int, zone: str) -> int | MissingLocalTime:
    """The instant of a minute of a local day (1,440 is the end of it); of a time that comes twice, the later.

    A local time that the clocks leap over has no instant.
    """
    if minute == MINUTES_PER_DAY:
        day, minute = day + timedelta(days=1), 0
    naive = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001 -- its zone comes next
    moment = naive.replace(tzinfo=zone_info(zone), fold=1)
    back = moment.astimezone(UTC).astimezone(zone_info(zone)).replace(tzinfo=None)
    if back != naive:
        return MissingLocalTime(naive.isoformat(sep=" ", timespec="minutes"), zone)
    return instant_of(moment.astimezone(UTC))


def window_end(
    from_ms: int, days: int, count: DayCount, closes_minute: int, calendar: Calendar
) -> int | MissingLocalTime:
    """When a window closes that opens with an act at `from_ms`.

    The act's own local day is not counted; the window runs to the minute named of its last day, which for business days
    is a business day. The interval is half-open: an answer at the returned instant is too late.
    """
    day = local_date(from_ms, calendar.zone)
    if count is DayCount.CALENDAR:
        return local_instant(day + timedelta(days=days), closes_minute, calendar.zone)
    left = days
    for _ in range(SEARCH_DAYS):
        if left == 0 and is_business_day(day, calendar):
            return local_instant(day, closes_minute, calendar.zone)
        day += timedelta(days=1)
        left -= left > 0 and is_business_day(day, calendar)
    msg = f"no {days} business days within {SEARCH_DAYS} days"
    raise ValueError(msg)


def last_opening_day(end_ms: int, days: int, count: DayCount, closes_minute: int, calendar: Calendar) -> date:
    """The last local day on which a window can open that closes by an instant: the inverse of `window_end`."""
    business = count is DayCount.BUSINESS
    day = local_date(end_ms, calendar.zone)
    while True:
        closes_ms = local_instant(day, closes_minute, calendar.zone)
        in_time = isinstance(closes_ms, int) and closes_ms <= end_ms
        if in_time and (not business or is_business_day(day, calendar)):
            break
        day -= timedelta(days=1)
    if not business:
        return day - timedelta(days=days)
    left = days
    while left:
        left -= is_business_day(day, calendar)
        day -= timedelta(days=1)
    return day


def is_business_day(day: date, calendar: Calendar) -> bool:
    """Say whether a local day is one on which business is done."""
    return day.weekday() < _SATURDAY and day.isoformat() not in calendar.holidays


@lru_cache(maxsize=4_096)
def period_interval(at_ms: int, period: Period, zone: str) -> Interval:
    """The calendar period of a zone that holds an instant.

    Where midnight of the first day is leapt over, the period begins with the first instant of that day.
    """
    months = _MONTHS[period]
    day = local_date(at_ms, zone)
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    ahead = first.month - 1 + months
    following = date(first.year + ahead // 12, ahead % 12 + 1, 1)
    return Interval(day_begins(first, zone), day_begins(following, zone))


def period_name(at_ms: int, period: Period, zone: str) -> str:
    """What people call the period of a zone that holds an instant: `2025-06`, `2025-Q2`, `2025`."""
    day = local_date(at_ms, zone)
    match period:
        case Period.MONTH:
            return f"{day.year}-{day.month:02d}"
        case Period.QUARTER:
            return f"{day.year}-Q{(day.month + 2) // 3}"
        case Period.YEAR:
            return str(day.year)


def later_days(at_ms: int, days: int, zone: str) -> int:
    """The same local time so many days later; where it is leapt over, as much later as the clocks leap."""
    moment = datetime_of(at_ms).astimezone(zone_info(zone))
    return instant_of((moment + timedelta(days=days)).astimezone(UTC))


@lru_cache(maxsize=4_096)
def day_begins(day: date, zone: str) -> int:
    """The first moment of a local day: midnight, the earlier of two, or the first moment after clocks leap over it.

    Raises:
        ValueError: the zone leapt over the whole day.
        OverflowError: the moment lies outside the years 1 to 9999 of UTC.
    """
    for minute in range(0, MINUTES_PER_DAY, _STEP_MINUTES):
        instant = local_instant(day, minute, zone)
        if isinstance(instant, int):
            instant -= _later_fold(day, minute, zone)
            return _leap_end(instant, day, zone) if minute else instant
    msg = f"{day} has no moment in the zone {zone}: its clocks leapt over that day"
    raise ValueError(msg)


def begins_day(at_ms: int, zone: str) -> bool:
    """Say whether an instant is the first moment of a local day."""
    try:
        return day_begins(local_date(at_ms, zone), zone) == at_ms
    except OverflowError:
        # A local time before the year 1 or after 9999 has no date.
        return False


def format_local_date(at_ms: int, zone: str) -> str:
    """The date of an instant in a zone, `2025-06-01`; the named end of time as `open`."""
    return "open" if at_ms >= FOREVER_MS else local_date(at_ms, zone).isoformat()


def format_local_moment(at_ms: int, zone: str) -> str:
    """The local date of an instant that begins one, and the instant of UTC to the minute of any other."""
    whole = at_ms >= FOREVER_MS or begins_day(at_ms, zone)
    return format_local_date(at_ms, zone) if whole else format_instant(at_ms)


def _leap_end(later_ms: int, day: date, zone: str) -> int:
    """The first moment of a day whose midnight is leapt over, no more than a step before an instant of that day."""
    before_ms = later_ms - _STEP_MINUTES * MS_PER_MINUTE
    while later_ms - before_ms > 1:
        middle_ms = (before_ms + later_ms) // 2
        if local_date(middle_ms, zone) == day:
            later_ms = middle_ms
        else:
            before_ms = middle_ms
    return later_ms


def _later_fold(day: date, minute: int, zone: str) -> int:
    """By how much the later of a doubled local time is behind the first; a day begins with the first."""
    naive = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001 -- see `local_instant`
    first = naive.replace(tzinfo=zone_info(zone), fold=0).astimezone(UTC)
    second = naive.replace(tzinfo=zone_info(zone), fold=1).astimezone(UTC)
    return max(0, instant_of(second) - instant_of(first))


def days_between(start_ms: int, end_ms: int, zone: str) -> int:
    """Days of a zone begun between two instants; 0 where the second is not after the first.

    A day lasts until the same local time of the next, so that it has 23 or 25 hours where the clocks change.
    """
    if end_ms <= start_ms:
        return 0
    # Clocks never change by a day: so many days of 24 hours are the answer, one more or one less.
    days = max(0, (end_ms - start_ms) // MS_PER_DAY - 1)
    while later_days(start_ms, days, zone) < end_ms:
        days += 1
    return days
