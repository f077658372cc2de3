"""Days of a contract's calendar by another road than `units.calendar`: walked one at a time."""

from datetime import UTC, date, datetime, timedelta

from multihome.domain.clause_terms import Window
from multihome.units.calendar import Calendar, DayCount, zone_info

_SATURDAY = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local(at_ms: int, zone: str) -> datetime:
    """An instant by a zone's clocks."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone_info(zone))


def instant(day: date, minute: int, zone: str) -> int:
    """The instant of a minute of a local day, the later one of two, in zones that leap over no minute asked for."""
    moment = datetime(day.year, day.month, day.day, tzinfo=zone_info(zone), fold=1) + timedelta(minutes=minute)
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def month_ends(start_ms: int, until_ms: int, months: int, zone: str) -> list[tuple[int, int]]:
    """Periods of so many months that touch the time from one instant to another."""
    first = local(start_ms, zone).date().replace(day=1)
    while (first.month - 1) % months:
        first = (first - timedelta(days=1)).replace(day=1)
    found: list[tuple[int, int]] = []
    while instant(first, 0, zone) < until_ms:
        following = first
        for _ in range(months):
            following = (following + timedelta(days=32)).replace(day=1)
        found.append((instant(first, 0, zone), instant(following, 0, zone)))
        first = following
    return found


def _is_business(day: date, calendar: Calendar) -> bool:
    return day.weekday() < _SATURDAY and str(day) not in calendar.holidays


def closes(day: date, window: Window, calendar: Calendar) -> int:
    """When a window closes that opens on a local day, counted on the fingers."""
    counted = 0
    while counted < window.days:
        day += timedelta(days=1)
        counted += 1 if window.count is DayCount.CALENDAR or _is_business(day, calendar) else 0
    while window.count is DayCount.BUSINESS and not _is_business(day, calendar):
        day += timedelta(days=1)
    return instant(day, window.closes_minute, calendar.zone)


def days_on(at_ms: int, days: int, zone: str) -> int:
    """The same local time so many days on."""
    before = local(at_ms, zone)
    wall = before.replace(tzinfo=None) + timedelta(days=days)
    moved = wall.replace(tzinfo=zone_info(zone), fold=before.fold)
    return (moved.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
