"""Text to whole numbers: exact, ASCII digits only, and -1 for what is no such quantity."""

import re
from datetime import date
from fractions import Fraction
from functools import lru_cache

from multihome.units.money import Rounding, divide
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND

WRONG = -1
"""Stands for a text that says no quantity; every quantity here is 0 or more."""

_DIGITS_MAX = 18
_DECIMAL = re.compile(r"([0-9]{1,18})(?:\.([0-9]{0,24}))?(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?(?:Z|\+00:00)?", re.ASCII)
_ELAPSED = re.compile(r"(?:(?:([0-9]{1,6})-)?([0-9]{1,2}):)?([0-9]{1,3}):([0-5][0-9])(?:\.[0-9]{1,6})?", re.ASCII)
_DATE_CHARS = len("2026-01-31")
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def whole(text: str) -> int:
    """A whole number in ASCII digits, without sign."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else WRONG


def scaled(text: str, per_unit: int) -> int:
    """A decimal number times `per_unit`, rounded once, half to even: `scaled("0.0125", 1_000)` is 12."""
    matched = _DECIMAL.fullmatch(text)
    if matched is None:
        return WRONG
    units, parts, exponent = matched.groups()
    if exponent is None and not (parts or "").strip("0"):
        return int(units) * per_unit
    exact = Fraction(text) * per_unit
    return divide(exact.numerator, exact.denominator, Rounding.HALF_EVEN)


def instant_ms(text: str) -> int:
    """Milliseconds since 1970 of `2026-01-31 12:00:00` or `2026-01-31T12:00:00.5`, cut to the millisecond.

    Logs write local time without a zone, and only differences count in a simulation: what has none is read as UTC.
    """
    if text[_DATE_CHARS : _DATE_CHARS + 1] not in {" ", "T"}:
        return WRONG
    day_ms = _day_ms(text[:_DATE_CHARS])
    clock = _CLOCK.fullmatch(text, _DATE_CHARS + 1)
    if day_ms < 0 or clock is None:
        return WRONG
    hours, minutes, seconds, fraction = clock.groups()
    cut_ms = int(fraction[:3].ljust(3, "0")) if fraction else 0
    return day_ms + int(hours) * MS_PER_HOUR + int(minutes) * MS_PER_MINUTE + int(seconds) * MS_PER_SECOND + cut_ms


def elapsed_ms(text: str) -> int:
    """Milliseconds of Slurm's `[DD-[HH:]]MM:SS`, fractions of a second cut off."""
    matched = _ELAPSED.fullmatch(text)
    if matched is None:
        return WRONG
    days, hours, minutes, seconds = (int(part or 0) for part in matched.groups())
    return days * MS_PER_DAY + hours * MS_PER_HOUR + minutes * MS_PER_MINUTE + seconds * MS_PER_SECOND


# A log of thirty years has as many days.
@lru_cache(maxsize=12_000)
def _day_ms(text: str) -> int:
    try:
        day = date.fromisoformat(text).toordinal() - _EPOCH_DAY
    except ValueError:
        return WRONG
    return day * MS_PER_DAY if day >= 0 and text.isascii() else WRONG
