"""The verifier's windows and waivers are the control plane's, by another road, on every day of twenty years."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multihome.simulator.refusal_world import ZONES
from multihome.units.calendar import Calendar, DayCount, MissingLocalTime, later_days, local_instant, window_end
from multihome.units.time import MS_PER_DAY, parse_instant
from multihome_verify.calendar import same_time_later_ms, window_closes_ms, zone_of

FIRST_MS, LAST_MS = parse_instant("2011-01-01"), parse_instant("2031-01-01")
INSTANTS = st.integers(FIRST_MS, LAST_MS)
ZONE = st.sampled_from((*ZONES, "America/Nuuk", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Tehran", "Africa/Cairo"))
HOLIDAYS = st.lists(st.dates(date(2011, 1, 1), date(2031, 12, 31)).map(date.isoformat), max_size=30)


@given(INSTANTS, st.integers(0, 40), st.sampled_from(DayCount), st.integers(0, 1_440), ZONE, HOLIDAYS)
@example(parse_instant("2025-03-29T12:00Z"), 1, DayCount.CALENDAR, 90, "Europe/London", [])
@example(parse_instant("2025-10-25T12:00Z"), 1, DayCount.CALENDAR, 90, "Europe/London", [])
@example(parse_instant("2011-12-29T12:00Z"), 1, DayCount.CALENDAR, 600, "Pacific/Apia", [])
def test_windows_close_alike(
    at_ms: int, days: int, count: DayCount, minute: int, zone: str, holidays: list[str]
) -> None:
    theirs = window_end(at_ms, days, count, minute, Calendar(zone, tuple(holidays)))
    mine = window_closes_ms(
        at_ms,
        days,
        business=count is DayCount.BUSINESS,
        closes_minute=minute,
        zone=zone,
        holidays=frozenset(holidays),
    )
    assert mine == (None if isinstance(theirs, MissingLocalTime) else theirs)


@given(INSTANTS, st.integers(0, 400), ZONE)
@example(parse_instant("2025-03-29T01:30Z"), 1, "Europe/London")
@example(parse_instant("2025-10-25T00:30Z"), 1, "Europe/London")
def test_waivers_expire_alike(at_ms: int, days: int, zone: str) -> None:
    assert same_time_later_ms(at_ms, days, zone) == later_days(at_ms, days, zone)


def test_a_local_time_that_is_missing_has_no_instant_and_a_doubled_one_is_the_later() -> None:
    london = {"business": False, "closes_minute": 90, "zone": "Europe/London", "holidays": frozenset[str]()}
    assert window_closes_ms(parse_instant("2025-03-29"), 1, **london) is None
    assert isinstance(local_instant(date(2025, 3, 30), 90, "Europe/London"), MissingLocalTime)
    assert window_closes_ms(parse_instant("2025-10-25"), 1, **london) == parse_instant("2025-10-26T01:30Z")


@pytest.mark.parametrize("name", ["Nowhere/Land", "../../etc/passwd", "", "UTC/../UTC", "/UTC"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone_of(name)


def test_a_window_of_business_days_that_never_come_ends() -> None:
    holidays = frozenset(date.fromordinal(day).isoformat() for day in range(730_000, 760_000))
    with pytest.raises(ValueError, match="no 3 business days"):
        window_closes_ms(FIRST_MS + MS_PER_DAY, 3, business=True, closes_minute=0, zone="UTC", holidays=holidays)
