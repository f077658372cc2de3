"""Instants, durations and months in whole milliseconds."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.units.time import (
    FOREVER_MS,
    MS_PER_DAY,
    MS_PER_HOUR,
    MS_PER_MINUTE,
    Interval,
    datetime_of,
    day_start,
    format_date,
    format_duration,
    format_instant,
    instant_of,
    month_interval,
    parse_duration,
    parse_instant,
)

INSTANTS = st.integers(0, FOREVER_MS - 63 * MS_PER_DAY)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
BOUNDS = st.integers(-1_000, 1_000)
INTERVALS = st.builds(Interval, BOUNDS, BOUNDS)


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("90s", 90_000),
        ("10m", 600_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("1w", 604_800_000),
        ("250ms", 250),
        ("1d2h3m4s5ms", 93_784_005),
        ("0s", 0),
    ],
)
def test_durations_as_people_write_them(text: str, duration_ms: int) -> None:
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize("text", ["", "10", "m", "1.5h", "-1h", "1h 30m", "h1", "1y", "1H", "1h30", " 1h", "1h\n"])
def test_what_is_no_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration; write it like 90s, 10m, 1h30m or 2d"):
        parse_duration(text)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d", "w"])), min_size=1))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    sizes = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
    text = "".join(f"{count}{unit}" for count, unit in parts)
    assert parse_duration(text) == sum(count * sizes[unit] for count, unit in parts)


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0, "0s"),
        (1_500, "1.5s"),
        (59_999, "59.999s"),
        (60_000, "1m"),
        (61_000, "1m 1s"),
        (MS_PER_HOUR, "1h"),
        (2 * MS_PER_DAY + 4 * MS_PER_HOUR + 5 * MS_PER_MINUTE, "2d 4h"),
        (MS_PER_DAY + 5 * MS_PER_MINUTE, "1d 5m"),
    ],
)
def test_durations_as_people_read_them(duration_ms: int, text: str) -> None:
    assert format_duration(duration_ms) == text


@given(st.integers(MS_PER_MINUTE, 10_000 * MS_PER_DAY))
def test_a_duration_read_back_is_cut_by_less_than_its_second_unit(duration_ms: int) -> None:
    back_ms = parse_duration(format_duration(duration_ms).replace(" ", ""))
    assert back_ms <= duration_ms
    assert duration_ms - back_ms < (MS_PER_HOUR if duration_ms >= MS_PER_DAY else MS_PER_MINUTE)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:30Z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:15+02:00", datetime(2026, 3, 1, 10, 30, 15, tzinfo=UTC)),
        ("2026-03-01T00:00:00.123-05:00", datetime(2026, 3, 1, 5, 0, 0, 123_000, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_instants_are_counted_in_utc(text: str, moment: datetime) -> None:
    assert datetime_of(parse_instant(text)) == moment


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has a time but no zone; write it with Z or an offset"):
        parse_instant("2026-03-01T12:30:00")


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-30", "2026-13-01", "01.03.2026"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.compile("isoformat|format|day|month", re.IGNORECASE)):
        parse_instant(text)


@given(INSTANTS)
def test_an_instant_survives_the_way_there_and_back(at_ms: int) -> None:
    assert instant_of(datetime_of(at_ms)) == at_ms
    assert parse_instant(datetime_of(at_ms).isoformat()) == at_ms


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_zone(moment: datetime, offset_minutes: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=offset_minutes)))
    assert instant_of(elsewhere) == instant_of(moment)


def test_an_instant_is_exact_where_a_float_is_not() -> None:
    moment = datetime(9998, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert instant_of(moment) % 1_000 == 999
    assert instant_of(moment + timedelta(microseconds=999)) == instant_of(moment)


def test_the_named_end_of_time_is_open() -> None:
    assert format_instant(FOREVER_MS) == format_date(FOREVER_MS) == "open"
    assert format_instant(parse_instant("2026-03-01T12:30:59Z")) == "2026-03-01 12:30Z"
    assert format_date(parse_instant("2026-03-01T23:59:59Z")) == "2026-03-01"


@given(INSTANTS)
def test_a_month_holds_its_instants_and_borders_the_next(at_ms: int) -> None:
    month = month_interval(at_ms)
    assert month.contains(at_ms)
    start, last = datetime_of(month.start_ms), datetime_of(month.end_ms - 1)
    assert (start.day, start.hour, start.minute, start.second, start.microsecond) == (1, 0, 0, 0, 0)
    assert (start.year, start.month) == (last.year, last.month)
    assert month_interval(month.end_ms).start_ms == month.end_ms
    assert month_interval(month.end_ms - 1) == month


@given(INSTANTS)
def test_a_day_begins_at_midnight(at_ms: int) -> None:
    midnight = datetime_of(at_ms).replace(hour=0, minute=0, second=0, microsecond=0)
    assert day_start(at_ms) == instant_of(midnight)


@given(INTERVALS, INTERVALS)
def test_an_overlap_is_what_both_contain(one: Interval, other: Interval) -> None:
    shared = sum(one.contains(at_ms) and other.contains(at_ms) for at_ms in range(-1_000, 1_001))
    assert one.overlap_ms(other) == other.overlap_ms(one) == shared
