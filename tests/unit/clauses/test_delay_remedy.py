"""Delay remedy: days late, grace, discount and cap, against counting the days one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.delay_remedy import delay, on_loss
from multihome.clauses.table import CLAUSE_KINDS, on_provider_loss
from multihome.domain.clause_terms import ClauseTerms
from multihome.units.calendar import Calendar
from multihome.units.time import MS_PER_DAY
from tests.builders import day, delay_remedy, exclusivity, first_refusal, take_or_pay


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
    late = delay(delay_remedy(), day(30), accepted_ms)
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
    late = delay(terms, day(30), day(30) + late_ms)
    assert (late.late_days, late.discount_bps, late.capped) == (days, min(cap, uncapped), uncapped > cap)


def test_a_loss_is_no_delay() -> None:
    code, text = on_loss(delay_remedy())
    assert code == "not_a_delay"
    assert "grace 5 days" in text


@pytest.mark.parametrize(
    "terms", [exclusivity(), first_refusal(), take_or_pay(), delay_remedy()], ids=lambda terms: terms.id
)
def test_every_kind_of_clause_says_what_a_loss_means(terms: ClauseTerms) -> None:
    code, text = on_provider_loss(terms, Calendar(), day(0))
    assert code.isidentifier()
    assert len(text) > 20


def test_the_table_names_every_kind() -> None:
    assert {type(terms) for terms in (exclusivity(), first_refusal(), take_or_pay(), delay_remedy())} == set(
        CLAUSE_KINDS
    )
    assert CLAUSE_KINDS.keys() == set(ClauseTerms.__args__)
    assert len(set(CLAUSE_KINDS.values())) == len(CLAUSE_KINDS)
