"""Matching: net present value by an oracle of its own, dates, equivalents, and the figures of every no."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.clause_terms import Equivalence, FirstRefusalMode, MatchTest
from multihome.domain.procurement import AnswerKind, Terms
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.procurement.matching import match_problem, present_value_micro
from multihome.units.time import MS_PER_DAY
from tests.builders import H100, RATE, START_MS, TPU, day, first_refusal

ZONE = "UTC"


def terms(**more: Any) -> Terms:
    facts: dict[str, Any] = {
        "accelerator": H100,
        "region": "east",
        "chips": 32,
        "starts_ms": day(31),
        "ends_ms": day(90),
        "rate_micro_usd_per_chip_hour": RATE,
    }
    return Terms(**(facts | more))


def problem(said: Terms, kind: AnswerKind = AnswerKind.MATCHED, noticed: Terms | None = None, **clause: Any) -> str:
    found = match_problem(first_refusal(**clause), ZONE, "notice N-1", noticed or terms(), said, kind)
    if found is None:
        return ""
    assert found.code is RefusalCode.NO_MATCH
    return found.text


def by_days(start: int, days: int, rate: int, bps: int, origin: int) -> Fraction:
    """The oracle: day by day, each with the discount of its month, from a table of factors."""
    first = date(2026, 1, 1)
    origin_day = first + timedelta(days=origin)
    total = Fraction(0)
    for number in range(days):
        now = first + timedelta(days=start + number)
        months = (now.year - origin_day.year) * 12 + now.month - origin_day.month
        total += 24 * rate * Fraction(120_000, 120_000 + bps) ** months
    return total


@given(
    start=st.integers(0, 400),
    days=st.integers(1, 800),
    rate=st.integers(1, 10**8),
    bps=st.integers(0, 5_000),
    origin=st.integers(0, 400),
)
def test_present_value_is_that_of_the_days(start: int, days: int, rate: int, bps: int, origin: int) -> None:
    said = terms(starts_ms=day(start), ends_ms=day(start + days), rate_micro_usd_per_chip_hour=rate)
    assert present_value_micro(said, bps, day(origin), ZONE) == by_days(start, days, rate, bps, origin)


def test_a_hand_worked_value() -> None:
    """February at $1 an hour is 672 hours; March is 744, a month later at 12 % a year: ÷ 1.01."""
    said = terms(ends_ms=day(31 + 28 + 31), rate_micro_usd_per_chip_hour=1_000_000)
    assert present_value_micro(said, 1_200, day(31), ZONE) == 672_000_000 + Fraction(744_000_000 * 100, 101)


def test_the_same_terms_match() -> None:
    assert problem(terms()) == ""


def test_dearer_is_no_match_by_a_micro_unit_and_cheaper_is_one() -> None:
    assert "net present value" in problem(terms(rate_micro_usd_per_chip_hour=RATE + 1))
    assert problem(terms(rate_micro_usd_per_chip_hour=RATE - 1)) == ""


def test_a_later_start_can_pay_for_a_higher_rate_where_money_is_discounted() -> None:
    later = terms(starts_ms=day(61), ends_ms=day(120), rate_micro_usd_per_chip_hour=RATE + 10_000)
    test = MatchTest(discount_bps_per_year=1_200, start_tolerance_days=30)
    assert problem(later, match=test) == ""
    assert "net present value" in problem(later, match=msgspec.structs.replace(test, discount_bps_per_year=0))


def test_the_price_is_not_asked_where_capacity_is() -> None:
    dear = terms(rate_micro_usd_per_chip_hour=10 * RATE)
    assert problem(dear, mode=FirstRefusalMode.INSUFFICIENT_CAPACITY) == ""


def test_later_than_the_tolerance_is_no_match() -> None:
    late = terms(starts_ms=day(36), ends_ms=day(95))
    assert "it starts on 2026-02-06, and 2026-02-01 was noticed, with 4 days" in problem(
        late, match=MatchTest(start_tolerance_days=4)
    )
    assert problem(late, match=MatchTest(start_tolerance_days=5)) == ""


def test_a_shorter_term_is_no_match() -> None:
    assert "is shorter than the one noticed" in problem(terms(ends_ms=day(90) - 1))


def test_what_was_not_agreed_is_no_equivalent() -> None:
    assert problem(terms(accelerator=TPU)) == f"{TPU} is no agreed equivalent of {H100}"


def test_equivalents_are_counted_and_paid_by_their_work() -> None:
    half = MatchTest(equivalents=(Equivalence(accelerator=TPU, stands_for=H100, throughput_bps=5_000),))
    at_half = {"accelerator": TPU, "rate_micro_usd_per_chip_hour": RATE // 2}
    assert problem(terms(chips=64, **at_half), match=half) == ""
    assert "in part only; 64 do its work" in problem(terms(chips=63, **at_half), match=half)
    assert "are more than asked" in problem(terms(chips=65, **at_half), match=half)
    dear = at_half | {"rate_micro_usd_per_chip_hour": RATE // 2 + 1}
    assert "net present value" in problem(terms(chips=64, **dear), match=half)
    part = AnswerKind.MATCHED_IN_PART
    assert problem(terms(chips=2, **at_half), part, match=half) == ""
    assert "are no part of" in problem(terms(chips=1, **at_half), part, match=half)


@pytest.mark.parametrize(("chips", "words"), [(33, "are more than asked"), (32, "are no part of"), (31, ""), (1, "")])
def test_a_part_is_less_than_was_asked(chips: int, words: str) -> None:
    found = problem(terms(chips=chips), AnswerKind.MATCHED_IN_PART)
    assert words in found
    assert bool(words) == bool(found)


def test_currencies_are_not_compared() -> None:
    found = match_problem(first_refusal(), ZONE, "n", terms(), terms(currency="EUR"), AnswerKind.MATCHED)
    assert isinstance(found, Refusal)
    assert (found.code, found.accepted) == (RefusalCode.CURRENCY_DIFFERS, "USD")


def test_months_are_those_of_the_contract_s_zone() -> None:
    """In New York the first five hours of March in UTC still are February's."""
    said = terms(starts_ms=day(59), ends_ms=day(59) + 5 * 3_600_000, rate_micro_usd_per_chip_hour=1_000_000)
    assert present_value_micro(said, 1_200, START_MS + 58 * MS_PER_DAY, "America/New_York") == 5_000_000
    assert present_value_micro(said, 1_200, START_MS + 58 * MS_PER_DAY, ZONE) == Fraction(5_000_000 * 100, 101)
