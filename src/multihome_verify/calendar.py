"""Windows and waivers in local days of a named zone, computed from the zone's offsets alone.

A second road to the same instants as the control plane's: it asks a zone only for its offset at an instant of UTC, and
searches the instant whose local time is the one wanted. Zone rules come from the `tzdata` package, so that a verdict
does not hang on the machine.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

MS_PER_DAY = 86_400_000
_MS_PER_MINUTE = 60_000
_SEARCH_DAYS_MAX = 3_700
_SATURDAY = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)


@lru_cache(maxsize=1_024)
def zone_of(name: str) -> ZoneInfo:
    """The rules of a zone.

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
        msg = f"{name!r} is no time zone"
        raise ValueError(msg) from error


def offset_ms(at_ms: int, zone: str) -> int:
    """By how much local time is ahead of UTC at an instant.

    Raises:
        ValueError, OverflowError: no such zone, or no such instant.
    """
    local = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone_of(zone))
    return (local.utcoffset() or timedelta()) // timedelta(milliseconds=1)


def instants(local_ms: int, zone: str) -> list[int]:
    """The instants that show a local time (milliseconds since 1970 by the local clock): one, two, or none."""
    offsets = {offset_ms(local_ms - MS_PER_DAY, zone), offset_ms(local_ms + MS_PER_DAY, zone)}
    return sorted(local_ms - offset for offset in offsets if offset_ms(local_ms - offset, zone) == offset)


def window_closes_ms(
    served_ms: int, days: int, *, business: bool, closes_minute: int, zone: str, holidays: frozenset[str]
) -> int | None:
    """When a window closes that opens with an act; an answer at that instant is too late. None: no such local time.

    The act's own local day is not counted. The window runs to the minute named of its last day, which for business
    days is neither Saturday nor Sunday nor a holiday. Of a local time that comes twice it is the later.
    """
    day = (served_ms + offset_ms(served_ms, zone)) // MS_PER_DAY
    if not business:
        day += days
    else:
        counted, first = 0, day
        while counted < days or not _is_business(day, holidays):
            day += 1
            counted += _is_business(day, holidays)
            if day - first > _SEARCH_DAYS_MAX:
                msg = f"no {days} business days within {_SEARCH_DAYS_MAX} days"
                raise ValueError(msg)
    found = instants(day * MS_PER_DAY + closes_minute * _MS_PER_MINUTE, zone)
    return found[-1] if found else None


def same_time_later_ms(at_ms: int, days: int, zone: str) -> int:
    """The same local time so many days later: the first where it comes twice; leapt over, as much later as the leap."""
    local_ms = at_ms + offset_ms(at_ms, zone) + days * MS_PER_DAY
    found = instants(local_ms, zone)
    return found[0] if found else local_ms - offset_ms(local_ms - MS_PER_DAY, zone)


def _is_business(day: int, holidays: frozenset[str]) -> bool:
    there = _EPOCH_DAY + timedelta(days=day)
    return there.weekday() < _SATURDAY and there.isoformat() not in holidays
