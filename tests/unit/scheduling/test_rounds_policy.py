"""Assignments of whole gangs: capacity, whole gangs, and how near the best that trying all of them finds."""

from itertools import product

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.policy import Knowledge, Objective, Order, PlacementPolicy, Preemption
from multihome.scheduling.rounds_policy import STAY, Gang, Option, assign, exchange, worth

BLIND = PlacementPolicy(
    objective=Objective.COMPLETION, preemption=Preemption.ROUNDS, round_ms=360_000, restart_ms=36_000
)
KNOWN = msgspec.structs.replace(BLIND, knowledge=Knowledge.KNOWN)
GANG = Gang(chips=4, value_milli=1_000, left_ms=10_000, served_ms=90_000)


def always(option: Option) -> bool:
    del option
    return True


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Option], list[int], int]:
    domains = draw(st.integers(1, 3))
    gangs = draw(st.integers(1, 5))
    free = draw(st.lists(st.integers(0, 8), min_size=domains, max_size=domains))
    options = [
        Option(gang, domain, draw(st.integers(1, 6)), draw(st.integers(1, 100)) / 7)
        for gang in range(gangs)
        for domain in range(domains)
        if draw(st.booleans())
    ]
    return options, free, gangs


def total(chosen: list[Option | None]) -> float:
    return sum(option.worth for option in chosen if option is not None)


def best(options: list[Option], free: list[int], gangs: int) -> float:
    """The best there is, by trying everything."""
    per_gang = [[None, *(option for option in options if option.gang == gang)] for gang in range(gangs)]
    return max(total(list(found)) for found in product(*per_gang) if fits(list(found), free))


def fits(chosen: list[Option | None], free: list[int]) -> bool:
    used = [0] * len(free)
    for option in chosen:
        if option is not None:
            used[option.domain] += option.chips
    return all(have <= room for have, room in zip(used, free, strict=True))


@given(problems())
def test_gangs_are_whole_and_no_domain_is_overdrawn(problem: tuple[list[Option], list[int], int]) -> None:
    options, free, gangs = problem
    dense = assign(options, free, gangs, always)
    swapped = exchange(options, list(dense), free)
    for chosen in (dense, swapped):
        assert len(chosen) == gangs
        assert all(option is None or (option.gang == gang and option in options) for gang, option in enumerate(chosen))
        assert fits(chosen, free)
    assert total(dense) <= total(swapped) + 1e-9
    assert total(swapped) <= best(options, free, gangs) + 1e-9
    assert assign(list(reversed(options)), free, gangs, always) == dense, "the order of columns does not matter"


def test_exchange_takes_a_wide_gang_that_density_passed_over() -> None:
    options = [Option(0, 0, 1, 2.0), Option(1, 0, 8, 15.0)]
    dense = assign(options, [8], 2, always)
    assert dense == [options[0], None]
    assert exchange(options, dense, [8]) == [None, options[1]]


def test_what_may_not_be_taken_is_not() -> None:
    options = [Option(0, 0, 1, 2.0), Option(1, 0, 1, 1.0)]
    assert assign(options, [1], 2, lambda option: option.gang == 1) == [None, options[1]]


def test_worth_is_what_its_formula_says() -> None:
    assert worth(BLIND, GANG, 0.5, runs_here=True) == 0.5 * 4**0.25 * 1_000
    assert worth(BLIND, GANG, 0.5, runs_here=False) == 0.5 * 4**0.25 * 1_000 * 0.9
    assert worth(KNOWN, GANG, 0.5, runs_here=True) == 0.5 / 10_000 * 1_000 * STAY
    makespan = msgspec.structs.replace(KNOWN, objective=Objective.MAKESPAN)
    assert worth(makespan, GANG, 1.0, runs_here=True) == 100.0 * 1_000
    fair = msgspec.structs.replace(BLIND, order=Order.MAX_MIN)
    assert worth(fair, GANG, 1.0, runs_here=True) == 4 / 90_000 * 1_000
    unknown = msgspec.structs.replace(GANG, left_ms=0)
    assert worth(KNOWN, unknown, 0.5, runs_here=True) == worth(BLIND, unknown, 0.5, runs_here=True)
