"""Delay remedy: days late, grace, discount and cap, against counting the days one by one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.delay_remedy import (
    Delay,
    EndRight,
    delay,
    discount_micro_usd,
    end_rights,
    on_loss,
    right_opens_ms,
    shifted_end_ms,
    suspended_chip_ms,
)
from multihome.units.calendar import Calendar
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval, parse_instant
from tests.builders import day, delay_remedy


@pytest.mark.parametrize(
    ("accepted_ms", "late_days", "discount_bps", "capped"),
    [
        (day(30) - 1, 0, 0, False),
        (day(30), 0, 0, False),
        (day(30) + 1, 1, 0, False),
        (day(35), 5, 0, False),
        (day(35) + 1, 6, 50, False),
        (day(55), 25, 1_000, False),
        (day(56), 26, 1_000, True),
        (day(300), 270, 1_000, True),
    ],
)
def test_a_day_begun_counts_after_the_grace_and_up_to_the_cap(
    accepted_ms: int, late_days: int, discount_bps: int, *, capped: bool
) -> None:
    late = delay(delay_remedy(), day(30), accepted_ms, "UTC")
    assert (late.late_days, late.grace_days, late.discount_bps, late.capped) == (late_days, 5, discount_bps, capped)


@given(
    st.integers(0, 60),
    st.integers(0, 500),
    st.integers(0, 10_000),
    st.integers(-5 * MS_PER_DAY, 100 * MS_PER_DAY),
)
def test_the_discount_grows_day_by_day(grace: int, bps: int, cap: int, late_ms: int) -> None:
    terms = delay_remedy(grace_days=grace, discount_bps_per_day=bps, cap_bps=cap)
    days = sum(1 for number in range(200) if number * MS_PER_DAY < late_ms)
    uncapped = sum(bps for number in range(days) if number >= grace)
    late = delay(terms, day(30), day(30) + late_ms, "UTC")
    assert (late.late_days, late.discount_bps, late.capped) == (days, min(cap, uncapped), uncapped > cap)


@pytest.mark.parametrize(("discount_bps", "expected"), [(0, 0), (50, 6_912_000), (10_000, 1_382_400_000), (1, 138_240)])
def test_the_discount_is_a_share_of_thirty_days(discount_bps: int, expected: int) -> None:
    late = Delay(late_days=9, grace_days=5, discount_bps=discount_bps, capped=False)
    assert discount_micro_usd(late, chips=64, rate_micro_usd_per_chip_hour=30_000) == expected


@given(st.integers(0, 10_000), st.integers(0, 10**6), st.integers(0, 10**8))
def test_the_discount_is_rounded_once(discount_bps: int, chips: int, rate: int) -> None:
    late = Delay(late_days=1, grace_days=0, discount_bps=discount_bps, capped=False)
    fee = sum(Fraction(chips * rate) * 24 for _ in range(30))
    assert discount_micro_usd(late, chips, rate) == round(fee * Fraction(discount_bps, 10_000))


def test_an_end_shifts_by_local_days_if_the_clause_says_so() -> None:
    late = delay(delay_remedy(), day(0), day(20), "UTC")
    ends_ms = parse_instant("2026-03-20T00:00-04:00")
    calendar = Calendar("America/New_York")
    shifted = parse_instant("2026-04-09T00:00-04:00")
    assert shifted_end_ms(delay_remedy(shifts_end=True), late, ends_ms, calendar) == shifted
    assert shifted_end_ms(delay_remedy(shifts_end=False), late, ends_ms, calendar) == ends_ms
    autumn = parse_instant("2026-10-25T00:00-04:00")
    assert shifted_end_ms(delay_remedy(shifts_end=True), late, autumn, calendar) == parse_instant(
        "2026-11-14T00:00-05:00"
    )


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        (day(30), ()),
        (day(40) - 1, ()),
        (day(40), (EndRight.TRANCHE,)),
        (day(50) - 1, (EndRight.TRANCHE,)),
        (day(50), (EndRight.TRANCHE, EndRight.ORDER)),
    ],
)
def test_rights_to_end_open_one_after_the_other(at_ms: int, expected: tuple[EndRight, ...]) -> None:
    terms = delay_remedy(end_tranche_after_days=10, end_order_after_days=20)
    assert end_rights(terms, day(30), at_ms, "UTC") == expected


def test_no_days_are_no_right() -> None:
    assert end_rights(delay_remedy(), day(30), FOREVER_MS, "UTC") == ()
    assert end_rights(delay_remedy(end_order_after_days=1), day(30), day(31), "UTC") == (EndRight.ORDER,)


def test_what_is_late_is_suspended_from_its_promise_to_its_acceptance() -> None:
    january = Interval(day(0), day(31))
    assert suspended_chip_ms(8, day(10), day(15), january) == 8 * 5 * MS_PER_DAY
    assert suspended_chip_ms(8, day(10), FOREVER_MS, january) == 8 * 21 * MS_PER_DAY
    assert suspended_chip_ms(8, day(10), day(10), january) == 0
    assert suspended_chip_ms(8, day(10), day(5), january) == 0
    assert suspended_chip_ms(8, day(40), day(50), january) == 0


def test_a_loss_is_no_delay() -> None:
    code, text = on_loss(delay_remedy())
    assert code == "not_a_delay"
    assert "grace 5 days" in text


def test_days_late_are_those_of_the_zone() -> None:
    """In New York the clocks went back on 2 November 2025: that day had 25 hours."""
    zone = "America/New_York"
    promised_ms, midnight_ms = parse_instant("2025-11-01T04:00Z"), parse_instant("2025-11-12T05:00Z")
    terms = delay_remedy(end_tranche_after_days=11)
    late = [delay(terms, promised_ms, midnight_ms + more, zone).late_days for more in (-MS_PER_DAY, 0, 1)]
    assert late == [10, 11, 12]
    assert [delay(terms, promised_ms, midnight_ms + more, "UTC").late_days for more in (0, 1)] == [12, 12]
    rights = [end_rights(terms, promised_ms, midnight_ms + more, zone) for more in (-1, 0)]
    assert rights == [(), (EndRight.TRANCHE,)]
    assert right_opens_ms(promised_ms, 11, zone) == midnight_ms
