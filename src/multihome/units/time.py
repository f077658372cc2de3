"""Instants, durations and half-open intervals, in whole milliseconds of UTC."""

import re
from datetime import UTC, date, datetime, timedelta

import msgspec

MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60 * MS_PER_SECOND
MS_PER_HOUR = 60 * MS_PER_MINUTE
MS_PER_DAY = 24 * MS_PER_HOUR
FOREVER_MS = 253_402_300_799_000
"""The last second of the year 9999: an end that nobody has named."""

DATE_CHARACTERS = len("2026-01-31")
"""What is so long, and an instant, is a date."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION_PART = re.compile(r"(\d+)(ms|s|m|h|d|w)")
_DURATION_UNITS_MS = {
    "ms": 1,
    "s": MS_PER_SECOND,
    "m": MS_PER_MINUTE,
    "h": MS_PER_HOUR,
    "d": MS_PER_DAY,
    "w": 7 * MS_PER_DAY,
}


class Interval(msgspec.Struct, frozen=True):
    """The instants `start_ms <= t < end_ms`."""

    start_ms: int
    end_ms: int

    def contains(self, at_ms: int) -> bool:
        """Say whether `at_ms` lies inside."""
        return self.start_ms <= at_ms < self.end_ms

    def overlap_ms(self, other: "Interval") -> int:
        """Milliseconds that both intervals share, never negative."""
        return max(0, min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms))


class Now(msgspec.Struct, frozen=True):
    """The two times every decision is given.

    `contract_ms` dates contracts and accounting (UTC; it stands still on a scenario clock between advances).
    `process_ms` measures processes, back-off and leases: it never goes back, whatever the wall clock does.
    """

    contract_ms: int
    process_ms: int


def parse_instant(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 date or instant; a date is its first moment in UTC.

    Raises:
        ValueError: the text is no ISO date, or carries a time without a zone.
    """
    if len(text) == DATE_CHARACTERS:
        return instant_of(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC))
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"{text!r} has a time but no zone; write it with Z or an offset"
        raise ValueError(msg)
    return instant_of(moment)


def instant_of(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime, exactly (no float)."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def datetime_of(at_ms: int) -> datetime:
    """The UTC datetime of an instant."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def format_instant(at_ms: int) -> str:
    """An instant as people read it: `2025-06-01 14:30Z`; the named end of time as `open`."""
    if at_ms >= FOREVER_MS:
        return "open"
    return datetime_of(at_ms).strftime("%Y-%m-%d %H:%MZ")


def format_clock(at_ms: int) -> str:
    """The time of day of an instant, to the second: `14:30:05Z`."""
    return datetime_of(at_ms).strftime("%H:%M:%SZ")


def format_date(at_ms: int) -> str:
    """The UTC date of an instant, `2025-06-01`; the named end of time as `open`."""
    return "open" if at_ms >= FOREVER_MS else datetime_of(at_ms).strftime("%Y-%m-%d")


def format_moment(at_ms: int) -> str:
    """The UTC date of an instant that begins one, and the instant to the minute of any other."""
    return format_instant(at_ms) if at_ms % MS_PER_DAY else format_date(at_ms)


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `90s`, `10m`, `1h30m`, `2d`.

    Raises:
        ValueError: the text is not a sequence of whole numbers with units ms, s, m, h, d, w.
    """
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        msg = f"{text!r} is no duration; write it like 90s, 10m, 1h30m or 2d"
        raise ValueError(msg)
    return sum(int(number) * _DURATION_UNITS_MS[unit] for number, unit in parts)


def format_duration(duration_ms: int) -> str:
    """A duration in its two largest units, `2d 4h`, `1.5s` below a minute."""
    if duration_ms < MS_PER_MINUTE:
        return f"{duration_ms / MS_PER_SECOND:g}s"
    parts: list[str] = []
    rest = duration_ms
    for unit, size in (("d", MS_PER_DAY), ("h", MS_PER_HOUR), ("m", MS_PER_MINUTE), ("s", MS_PER_SECOND)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def day_start(at_ms: int) -> int:
    """The first moment of the UTC day that holds `at_ms`."""
    return at_ms - at_ms % MS_PER_DAY


def month_interval(at_ms: int) -> Interval:
    """The UTC calendar month that holds `at_ms`."""
    moment = datetime_of(at_ms)
    start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    end = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
    return Interval(instant_of(start), instant_of(end))
