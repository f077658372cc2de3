"""Over which time a clause counts, and where usage is cut."""

from collections.abc import Iterable
from itertools import islice, pairwise
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.periods import (
    counted_interval,
    counted_parts,
    first_counted_ms,
    metered_stretch,
    metered_stretches,
    month_of,
)
from multihome.units.calendar import Calendar, Period
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval, parse_instant
from tests.builders import YEAR, contract, day, delivery, take_or_pay, tranche

NEW_YORK = Calendar(zone="America/New_York")
Part = TypeVar("Part")


def some(parts: Iterable[Part]) -> list[Part]:
    """The first thousand, so that what never ends fails and fills no memory."""
    return list(islice(parts, 1_000))


def test_a_clause_counts_from_the_latest_beginning_to_the_earlier_end() -> None:
    terms = take_or_pay(interval=Interval(day(10), day(50)))
    owner = contract(clauses=(terms,))
    february, march = parse_instant("2026-02-01"), parse_instant("2026-03-01")
    assert counted_interval(owner, terms, day(20), 0) == Interval(day(10), february)
    assert counted_interval(owner, terms, day(20), day(15)) == Interval(day(15), february)
    assert counted_interval(owner, terms, day(40), day(15)) == Interval(february, day(50))
    assert counted_interval(owner, terms, day(20), march) == Interval(march, march)
    quarterly = take_or_pay(period=Period.QUARTER)
    assert counted_interval(owner, quarterly, day(40), day(15)) == Interval(day(15), parse_instant("2026-04-01"))
    yearly = take_or_pay(period=Period.YEAR)
    assert counted_interval(owner, yearly, day(300), day(15)) == Interval(day(15), YEAR.end_ms)


def test_a_tranche_counts_from_its_first_acceptance_and_not_before_the_journal() -> None:
    some = (delivery("D-1", effective_ms=day(9)), delivery("D-2", effective_ms=day(5)))
    assert first_counted_ms(some, tranche(), day(0)) == day(5)
    assert first_counted_ms(some, tranche(), day(7)) == day(7)
    assert first_counted_ms(some, tranche(name="other"), day(0)) is None


def test_a_month_is_one_of_the_contracts_zone() -> None:
    owner = contract(calendar=NEW_YORK)
    assert month_of(owner, day(31)) == Interval(day(0) + 5 * MS_PER_HOUR, day(31) + 5 * MS_PER_HOUR)
    assert month_of(owner, day(31) + 5 * MS_PER_HOUR).start_ms == day(31) + 5 * MS_PER_HOUR


def test_usage_is_cut_where_a_clause_that_counts_begins_or_ends() -> None:
    owner = contract(clauses=(take_or_pay(interval=Interval(day(10), day(50))),))
    assert metered_stretch(owner, day(10) - 1) == Interval(day(0), day(10))
    assert metered_stretch(owner, day(10)) == Interval(day(10), day(31))
    assert metered_stretch(owner, day(49)).end_ms == day(50)


@given(st.integers(day(0), day(300)), st.integers(1, 200 * MS_PER_DAY), st.integers(0, 300), st.integers(1, 60))
def test_stretches_follow_one_another_and_none_crosses_a_month(
    start: int, length: int, from_day: int, days: int
) -> None:
    terms = take_or_pay(interval=Interval(day(from_day), day(from_day + days)))
    owner = contract(clauses=(terms,), calendar=NEW_YORK)
    within = Interval(start, start + length)
    found = some(metered_stretches(owner, within))
    assert found[0].contains(start)
    assert found[-1].contains(within.end_ms - 1)
    assert all(one.end_ms == other.start_ms for one, other in pairwise(found))
    for stretch in found:
        assert month_of(owner, stretch.start_ms).end_ms >= stretch.end_ms
        inside = terms.interval.contains(stretch.start_ms)
        assert inside == terms.interval.contains(stretch.end_ms - 1)


def test_stretches_end_with_the_interval_that_they_are_of() -> None:
    assert some(metered_stretches(contract(), Interval(day(3), day(31)))) == [Interval(day(0), day(31))]
    assert some(metered_stretches(contract(), Interval(day(31), day(31)))) == []


def test_versions_count_one_after_the_other_by_their_periods() -> None:
    first = take_or_pay(share_bps=1, interval=Interval(day(10), day(40)))
    second = take_or_pay(share_bps=2, interval=Interval(day(40), day(59)))
    owner = contract(clauses=(second, first))
    assert some(counted_parts(owner, (second, first), 0)) == [
        (first, Interval(day(10), day(31))),
        (first, Interval(day(31), day(40))),
        (second, Interval(day(40), day(59))),
    ]


def test_parts_begin_where_counting_does() -> None:
    terms = take_or_pay(interval=Interval(day(10), day(40)))
    owner = contract(clauses=(terms,), calendar=NEW_YORK)
    february_ms = day(31) + 5 * MS_PER_HOUR
    assert some(counted_parts(owner, (terms,), day(15))) == [
        (terms, Interval(day(15), february_ms)),
        (terms, Interval(february_ms, day(40))),
    ]
    assert some(counted_parts(owner, (terms,), day(35))) == [(terms, Interval(day(35), day(40)))]
    assert some(counted_parts(owner, (terms,), day(40))) == []
