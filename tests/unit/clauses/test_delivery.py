"""Capacity as a step function, against an oracle that walks from day to day."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.delivery import delivered_chip_ms, delivered_domains
from multihome.domain.ids import TrancheId
from multihome.domain.supply import Delivery
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval
from tests.builders import day, delivery, tranche

DAYS = st.integers(0, 40)
SPANS = st.tuples(DAYS, DAYS).map(lambda pair: Interval(day(min(pair)), day(max(pair))))


def deliveries(*steps: tuple[int, int], tranche_id: str = "alpha-1/t1") -> list[Delivery]:
    """So many domains from such a day on."""
    return [
        delivery(f"D-{number}", tranche_id, domains=domains, effective_ms=day(start))
        for number, (domains, start) in enumerate(steps)
    ]


@st.composite
def outages(draw: st.DrawFn) -> list[Interval]:
    """Disjoint outages of whole days; the last may be open."""
    marks = sorted(draw(st.lists(DAYS, max_size=6, unique=True)))
    ends = [day(mark) for mark in marks[1::2]]
    if len(marks) % 2:
        ends.append(FOREVER_MS)
    return [Interval(day(start), end) for start, end in zip(marks[::2], ends, strict=True)]


STEPS = st.lists(st.tuples(st.integers(1, 4), DAYS), max_size=5)


@given(STEPS, DAYS, SPANS, outages(), st.randoms(use_true_random=False))
def test_chip_time_is_the_sum_over_days(
    steps: list[tuple[int, int]], ends: int, interval: Interval, lost: list[Interval], dice: Random
) -> None:
    part = tranche(domains=5, ends_ms=day(ends))
    facts = [*deliveries(*steps), *deliveries((3, 0), tranche_id="alpha-1/other")]
    dice.shuffle(facts)
    expected = 0
    for number in range(41):
        at_ms = day(number)
        if interval.contains(at_ms) and not any(outage.contains(at_ms) for outage in lost):
            expected += 16 * MS_PER_DAY * delivered_domains(facts, part, at_ms)
    assert delivered_chip_ms(facts, part, 16, interval, lost) == expected


@given(STEPS, DAYS, DAYS)
def test_domains_are_what_came_before_up_to_what_was_ordered_until_the_end(
    steps: list[tuple[int, int]], ends: int, number: int
) -> None:
    part = tranche(domains=5, ends_ms=day(ends))
    came = 0
    for domains, start in steps:
        came += domains if start <= number else 0
    expected = min(came, 5) if number < ends else 0
    assert delivered_domains(deliveries(*steps), part, day(number)) == expected


def test_nothing_exists_before_its_accepted_date() -> None:
    part = tranche(promised_ms=day(0))
    facts = deliveries((2, 10))
    assert delivered_domains(facts, part, day(10) - 1) == 0
    assert delivered_domains(facts, part, day(10)) == 2
    assert delivered_chip_ms(facts, part, 16, Interval(day(0), day(10)), []) == 0
    assert delivered_chip_ms(facts, part, 16, Interval(day(0), day(10) + 1), []) == 32


def test_a_tranche_may_come_in_parts() -> None:
    facts = deliveries((1, 10), (1, 20))
    assert [delivered_domains(facts, tranche(), day(number)) for number in (9, 10, 19, 20)] == [0, 1, 1, 2]


def test_another_tranche_adds_nothing() -> None:
    other = delivery(tranche_id=TrancheId("alpha-1/other"))
    assert delivered_domains([other], tranche(), day(1)) == 0


def test_an_outage_within_a_day_counts_to_the_millisecond() -> None:
    lost = [Interval(day(1) + 5, day(1) + 8)]
    assert delivered_chip_ms(deliveries((2, 0)), tranche(), 1, Interval(day(1), day(2)), lost) == 2 * (MS_PER_DAY - 3)
