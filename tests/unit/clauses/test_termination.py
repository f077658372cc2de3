"""Termination: notice, cure, and the fee for convenience."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.termination import (
    CauseNotNamed,
    NoConvenience,
    StillToPay,
    cured_until_ms,
    fee_micro_usd,
    fee_share_bps,
    notice_ends_ms,
    on_loss,
)
from multihome.domain.clause_terms import Window
from multihome.units.calendar import Calendar, DayCount, MissingLocalTime
from multihome.units.time import FOREVER_MS, parse_instant
from tests.builders import day
from tests.money_builders import HOUR_MS, USD, termination

NEW_YORK = Calendar("America/New_York", ("2026-07-03",))


def test_a_notice_runs_out_with_its_window() -> None:
    given_ms = parse_instant("2026-07-01T15:00Z")
    assert notice_ends_ms(termination(), Calendar(), given_ms) == parse_instant("2026-09-30")
    terms = termination(notice=Window(days=2, count=DayCount.BUSINESS, closes_minute=1_020))
    assert notice_ends_ms(terms, NEW_YORK, given_ms) == parse_instant("2026-07-06T17:00-04:00")


def test_a_window_that_closes_in_no_minute_is_said() -> None:
    terms = termination(notice=Window(days=1, closes_minute=150))
    ends = notice_ends_ms(terms, NEW_YORK, parse_instant("2026-03-07T12:00Z"))
    assert ends == MissingLocalTime("2026-03-08 02:30", "America/New_York")


def test_a_named_cause_may_be_cured_for_so_many_days() -> None:
    told_ms = parse_instant("2026-03-01T10:00-05:00")
    assert cured_until_ms(termination(), "breach", NEW_YORK, told_ms) == parse_instant("2026-03-31T10:00-04:00")
    assert cured_until_ms(termination(), "boredom", NEW_YORK, told_ms) == CauseNotNamed(("insolvency", "breach"))


@pytest.mark.parametrize(
    ("at_ms", "share"),
    [
        (day(10) - 1, NoConvenience(day(10))),
        (day(10), 5_000),
        (day(20) - 1, 5_000),
        (day(20), 2_500),
        (day(300), 2_500),
    ],
)
def test_the_newest_step_is_the_share(at_ms: int, share: int | NoConvenience) -> None:
    terms = termination((20, 2_500), (10, 5_000))
    assert fee_share_bps(terms, at_ms) == share
    remaining = (StillToPay(100 * HOUR_MS, USD), StillToPay(50 * HOUR_MS, 2 * USD))
    fee = share if isinstance(share, NoConvenience) else 200 * USD * share // 10_000
    assert fee_micro_usd(terms, at_ms, remaining) == fee


def test_without_fees_there_is_no_end_for_convenience() -> None:
    assert fee_share_bps(termination(), day(10)) == NoConvenience(FOREVER_MS)


@given(st.lists(st.tuples(st.integers(0, 10**15), st.integers(0, 10**8)), max_size=4), st.integers(0, 10_000))
def test_the_fee_is_rounded_once(parts: list[tuple[int, int]], share_bps: int) -> None:
    fee = fee_micro_usd(termination((0, share_bps)), day(0), tuple(StillToPay(*part) for part in parts))
    exact = sum((Fraction(chip_ms * rate, HOUR_MS) for chip_ms, rate in parts), Fraction(0))
    assert fee == round(exact * Fraction(share_bps, 10_000))


def test_a_loss_ends_nothing() -> None:
    assert "causes named: none;" in on_loss(termination(causes=()))[1]
