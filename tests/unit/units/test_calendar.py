"""Days as contracts count them: zones, business days, holidays, missing and doubled local times."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.units.calendar import (
    MINUTES_PER_DAY,
    Calendar,
    DayCount,
    MissingLocalTime,
    Period,
    begins_day,
    day_begins,
    days_between,
    format_local_date,
    format_local_moment,
    is_business_day,
    later_days,
    local_date,
    local_instant,
    period_interval,
    window_end,
    zone_info,
)
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, datetime_of, parse_instant

ZONES = ("UTC", "America/New_York", "Europe/London", "Africa/Cairo", "Asia/Kolkata", "Australia/Lord_Howe")
zones = st.sampled_from(ZONES)
instants = st.integers(parse_instant("2015-01-01"), parse_instant("2040-01-01"))
# Clocks that leapt over a midnight, by parts of a minute, to the day before, by half an hour, or over a whole day.
CHANGING = (
    *ZONES,
    "Africa/Monrovia",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/St_Johns",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Pacific/Apia",
    "Pacific/Kwajalein",
)
dates = st.dates(date(2015, 1, 1), date(2040, 1, 1))


def test_a_window_of_calendar_days_leaves_out_the_day_of_the_act_and_ends_with_its_last_day() -> None:
    served = parse_instant("2025-06-02T15:00:00Z")
    end = window_end(served, 10, DayCount.CALENDAR, MINUTES_PER_DAY, Calendar())
    assert end == parse_instant("2025-06-13")


def test_a_window_counts_days_where_the_contract_is() -> None:
    # It is still 1 June in New York, and its days are four hours behind.
    served = parse_instant("2025-06-02T02:00:00Z")
    end = window_end(served, 10, DayCount.CALENDAR, 17 * 60, Calendar(zone="America/New_York"))
    assert end == parse_instant("2025-06-11T17:00:00-04:00")


def test_business_days_skip_weekends_and_holidays() -> None:
    calendar = Calendar(zone="America/New_York", holidays=("2025-07-04",))
    served = parse_instant("2025-07-02T12:00:00-04:00")
    # Thursday the 3rd is day one, Friday is a holiday, Monday the 7th is day two.
    assert window_end(served, 2, DayCount.BUSINESS, 17 * 60, calendar) == parse_instant("2025-07-07T17:00:00-04:00")


def test_no_business_days_at_all_close_on_the_first_business_day() -> None:
    saturday = parse_instant("2025-07-05T12:00:00Z")
    assert window_end(saturday, 0, DayCount.BUSINESS, MINUTES_PER_DAY, Calendar()) == parse_instant("2025-07-08")


def test_a_local_time_that_the_clocks_leap_over_has_no_instant() -> None:
    # Cairo's summer time begins at midnight: 25 April 2025 has no 00:00.
    gap = local_instant(date(2025, 4, 24), MINUTES_PER_DAY, "Africa/Cairo")
    assert gap == MissingLocalTime("2025-04-25 00:00", "Africa/Cairo")
    served = parse_instant("2025-04-14T12:00:00+02:00")
    assert window_end(served, 10, DayCount.CALENDAR, MINUTES_PER_DAY, Calendar(zone="Africa/Cairo")) == gap


def test_of_a_local_time_that_comes_twice_the_later_counts() -> None:
    first = parse_instant("2025-10-26T01:30:00+01:00")
    assert local_instant(date(2025, 10, 26), 90, "Europe/London") == first + MS_PER_HOUR


def test_a_zone_that_is_not_there_is_refused() -> None:
    for name in ("Mars/Olympus", "../../etc/passwd", "", "__init__.py"):
        with pytest.raises(ValueError, match="is no time zone"):
            zone_info(name)


def test_a_month_begins_with_the_first_instant_of_its_first_day() -> None:
    # In Paraguay 1 October 2023 had no midnight: its summer time began then.
    month = period_interval(parse_instant("2023-10-15"), Period.MONTH, "America/Asuncion")
    assert month.start_ms == parse_instant("2023-10-01T01:00:00-03:00")


@given(instants, st.sampled_from(Period), zones)
def test_periods_tile_time(at_ms: int, period: Period, zone: str) -> None:
    here = period_interval(at_ms, period, zone)
    assert here.start_ms <= at_ms < here.end_ms
    assert period_interval(here.end_ms, period, zone).start_ms == here.end_ms
    assert period_interval(here.start_ms - 1, period, zone).end_ms == here.start_ms
    assert local_date(here.start_ms, zone).day == 1


@given(dates, st.integers(0, MINUTES_PER_DAY), zones)
def test_a_local_time_has_the_instant_that_shows_it(day: date, minute: int, zone: str) -> None:
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
    found = local_instant(day, minute, zone)
    if isinstance(found, MissingLocalTime):
        shown = {
            datetime.fromtimestamp(at_s, ZoneInfo(zone)).replace(tzinfo=None)
            for at_s in range(
                int(naive.replace(tzinfo=ZoneInfo(zone)).timestamp()) - 90_000,
                int(naive.replace(tzinfo=ZoneInfo(zone)).timestamp()) + 90_000,
                60,
            )
        }
        assert naive not in shown
    else:
        assert datetime.fromtimestamp(found / 1_000, ZoneInfo(zone)).replace(tzinfo=None) == naive


@given(
    instants,
    st.integers(0, 60),
    st.sampled_from(DayCount),
    zones,
    st.lists(dates.map(date.isoformat), max_size=8).map(tuple),
)
def test_a_window_has_as_many_days_as_it_says(
    from_ms: int, days: int, count: DayCount, zone: str, holidays: tuple[str, ...]
) -> None:
    calendar = Calendar(zone, holidays)
    end = window_end(from_ms, days, count, 12 * 60, calendar)
    if isinstance(end, MissingLocalTime):
        return
    first, last = local_date(from_ms, zone), local_date(end, zone)
    between = [first + timedelta(days=ahead) for ahead in range(1, (last - first).days + 1)]
    if count is DayCount.CALENDAR:
        assert len(between) == days
    elif days:
        assert sum(is_business_day(day, calendar) for day in between) == days
        assert is_business_day(last, calendar)


@given(instants, st.integers(0, 400), zones)
def test_days_later_it_is_the_same_time_of_day(at_ms: int, days: int, zone: str) -> None:
    later = later_days(at_ms, days, zone)
    assert abs(later - at_ms - days * MS_PER_DAY) <= 25 * MS_PER_HOUR
    assert (local_date(later, zone) - local_date(at_ms, zone)).days in {days, days + 1}


def test_days_begun_between_two_instants() -> None:
    start = parse_instant("2025-06-01")
    assert [days_between(start, start + ahead, "UTC") for ahead in (-1, 0, 1, MS_PER_DAY, MS_PER_DAY + 1)] == [
        0,
        0,
        1,
        1,
        2,
    ]


@pytest.mark.parametrize("zone", CHANGING)
def test_a_day_begins_with_the_first_moment_that_exists(zone: str) -> None:
    """The days around each change of its clocks since 1970, against a walk through the minutes."""
    for change_ms in _changes(zone):
        for ahead in (-1, 0, 1):
            day = local_date(change_ms, zone) + timedelta(days=ahead)
            first_ms = _first_of(day, zone)
            if first_ms is None:
                with pytest.raises(ValueError, match="leapt over that day"):
                    day_begins(day, zone)
            else:
                assert day_begins(day, zone) == first_ms, (zone, day)
                assert begins_day(first_ms, zone)
                assert not begins_day(first_ms + 1, zone)
                assert format_local_moment(first_ms, zone) == day.isoformat() == format_local_date(first_ms, zone)


def _changes(zone: str) -> list[int]:
    """A millisecond of each day since 1970 on which the zone's offset is another than a day before, ten at most."""
    info, found, before = zone_info(zone), [], None
    for day in range(70 * 366):
        at_ms = day * MS_PER_DAY
        offset = datetime_of(at_ms).astimezone(info).utcoffset()
        if before is not None and offset != before:
            found.append(at_ms)
        before = offset
    return found[-10:] + found[:10]


def _first_of(day: date, zone: str) -> int | None:
    """The first second of a local day, looked for among all that could be."""
    start = parse_instant(day.isoformat()) - 16 * MS_PER_HOUR
    seconds = range(start, start + 42 * MS_PER_HOUR, 60_000)
    inside = next((at_ms for at_ms in seconds if local_date(at_ms, zone) == day), None)
    if inside is None:
        return None
    return next(at_ms for at_ms in range(inside - 60_000, inside + 1, 1_000) if local_date(at_ms, zone) == day)


@given(start_ms=instants, length_ms=st.integers(-MS_PER_DAY, 400 * MS_PER_DAY), zone=st.sampled_from(CHANGING))
def test_days_between_are_those_that_take_one_there(start_ms: int, length_ms: int, zone: str) -> None:
    """By another road: the days one by one, from the first."""
    end_ms = start_ms + length_ms
    counted = next(days for days in range(402) if later_days(start_ms, days, zone) >= end_ms)
    assert days_between(start_ms, end_ms, zone) == counted
