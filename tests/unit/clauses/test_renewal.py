"""Renewal: the last day to speak, what silence means, the new end and rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.renewal import on_loss, renewed_end_ms, renewed_rate_micro_usd, renews, speak_until_ms
from multihome.domain.clause_terms import RenewalMode, Window
from multihome.units.calendar import Calendar, DayCount, MissingLocalTime, local_date, window_end
from multihome.units.time import FOREVER_MS, MS_PER_DAY, MS_PER_HOUR, parse_instant
from tests.builders import YEAR, day
from tests.money_builders import renewal

LONDON = Calendar("Europe/London", ("2026-12-25", "2026-12-28"))


def test_the_last_day_leaves_the_whole_window_before_the_end() -> None:
    assert speak_until_ms(renewal(), Calendar(), YEAR.end_ms) == parse_instant("2026-11-02")
    terms = renewal(notice=Window(days=0))
    assert speak_until_ms(terms, Calendar(), YEAR.end_ms) == YEAR.end_ms
    assert speak_until_ms(terms, Calendar(), YEAR.end_ms - 1) == YEAR.end_ms - MS_PER_DAY


def test_business_days_and_hours_count() -> None:
    terms = renewal(notice=Window(days=2, count=DayCount.BUSINESS, closes_minute=1_020))
    ends_ms = parse_instant("2026-12-29T17:00Z")
    assert speak_until_ms(terms, LONDON, ends_ms) == parse_instant("2026-12-24")
    assert speak_until_ms(terms, LONDON, ends_ms - 1) == parse_instant("2026-12-23")


@given(st.integers(0, 90), st.sampled_from(DayCount), st.integers(0, 200 * 24))
def test_notice_on_the_last_day_is_in_time_and_a_day_later_is_not(days: int, count: DayCount, hours: int) -> None:
    terms = renewal(notice=Window(days=days, count=count))
    ends_ms = day(150) + hours * MS_PER_HOUR
    until_ms = speak_until_ms(terms, LONDON, ends_ms)
    assert isinstance(until_ms, int)
    assert local_date(until_ms, LONDON.zone) > local_date(until_ms - 1, LONDON.zone)
    last = window_end(until_ms - 1, days, count, 1_440, LONDON)
    late = window_end(until_ms, days, count, 1_440, LONDON)
    assert isinstance(last, int)
    assert isinstance(late, int)
    assert last <= ends_ms < late


def test_a_window_that_would_close_in_no_minute_is_said() -> None:
    new_york = Calendar("America/New_York")
    ends_ms = parse_instant("2026-03-08T12:00Z")
    terms = renewal(notice=Window(days=0, closes_minute=150))
    assert speak_until_ms(terms, new_york, ends_ms) == MissingLocalTime("2026-03-08 02:30", "America/New_York")


def test_a_day_that_was_leapt_over_is_no_last_day() -> None:
    apia = Calendar("Pacific/Apia")
    ends_ms = parse_instant("2011-12-31T02:00+14:00")
    terms = renewal(notice=Window(days=0))
    assert speak_until_ms(terms, apia, ends_ms) == MissingLocalTime("2011-12-30 00:00", "Pacific/Apia")
    early = renewal(notice=Window(days=0, closes_minute=60))
    assert speak_until_ms(early, apia, ends_ms) == parse_instant("2012-01-01T00:00+14:00")


def test_a_notice_that_fits_nowhere_is_a_fault() -> None:
    with pytest.raises(ValueError, match="no notice of 4000 days fits"):
        speak_until_ms(renewal(notice=Window(days=4_000)), Calendar(), YEAR.end_ms)


@pytest.mark.parametrize(
    ("mode", "spoken_ms", "goes_on"),
    [
        (RenewalMode.AUTOMATIC, FOREVER_MS, True),
        (RenewalMode.AUTOMATIC, day(10) - 1, False),
        (RenewalMode.AUTOMATIC, day(10), True),
        (RenewalMode.ON_NOTICE, FOREVER_MS, False),
        (RenewalMode.ON_NOTICE, day(10) - 1, True),
        (RenewalMode.ON_NOTICE, day(10), False),
    ],
)
def test_silence_means_what_the_mode_says(mode: RenewalMode, spoken_ms: int, *, goes_on: bool) -> None:
    assert renews(renewal(mode=mode), spoken_ms, day(10)) is goes_on


def test_a_renewed_contract_ends_on_a_local_day_at_a_new_rate() -> None:
    ends_ms = parse_instant("2026-01-01T00:00Z")
    assert renewed_end_ms(renewal(term_days=181), LONDON, ends_ms) == parse_instant("2026-07-01T00:00+01:00")
    assert renewed_rate_micro_usd(renewal(), 2_000_000) == 2_100_000
    assert [renewed_rate_micro_usd(renewal(rate_factor_bps=15_000), rate) for rate in (1, 3, 5)] == [2, 4, 8]


def test_a_loss_moves_no_last_day() -> None:
    assert "on notice as before" in on_loss(renewal(mode=RenewalMode.ON_NOTICE))[1]
