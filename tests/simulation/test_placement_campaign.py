"""The campaign `placement`: what it covers, what it says last, and the wrong cores that it must catch."""

import subprocess
import sys
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from multihome.scheduling.core import dual, moving, rounding, solve, usage
from multihome.scheduling.core import prices as core_prices
from multihome.scheduling.core.problem import NO_ROW, Problem
from multihome.scheduling.core.solve import Answer
from multihome.simulator.placement_campaign import CLASSES_MAX, answered, run_placement_campaign
from multihome.simulator.placement_instances import small_problem
from multihome.simulator.placement_truth import counted

SEEDS = range(120)
FEW_SEEDS = range(50)
"""Enough for every fault to show."""
OWN_GAINS = dual.step_gains
OWN_ROOM = usage.Usage.chips_left


def ignore(_: str) -> None:
    """Say nothing."""


def test_the_core_holds_and_everything_is_covered() -> None:
    said: list[str] = []
    result = run_placement_campaign(SEEDS, answered, said.append)
    assert (result.passed, result.failed) == (len(SEEDS), ())
    assert said[-1] == f"{len(SEEDS)} passed, 0 failed"
    assert set(result.coverage) == {
        "a class without options",
        "a gang placed",
        "a guarantee kept",
        "a member waits",
        "a tenant without classes",
        "fair between tenants",
        "lent or borrowed",
        "members together",
        "the bound met",
    }
    assert min(result.coverage.values()) >= 10
    assert result.missed_mean < 0.05


def no_sources(problem: Problem) -> Problem:
    source = np.full_like(problem.source, NO_ROW)
    steps = msgspec.structs.replace(problem.steps, is_drawn=np.zeros_like(problem.steps.is_drawn))
    return msgspec.structs.replace(problem, source=source, steps=steps)


def without_family(family: int) -> Callable[[Problem], Problem]:
    def forget(problem: Problem) -> Problem:
        rows, draws = problem.rows.copy(), problem.draws.copy()
        rows[family], draws[family] = NO_ROW, 0.0
        return msgspec.structs.replace(problem, rows=rows, draws=draws)

    return forget


def no_subsidies(problem: Problem) -> Problem:
    price = np.maximum(problem.steps.price, 0.0)
    return msgspec.structs.replace(problem, steps=msgspec.structs.replace(problem.steps, price=price))


def no_step_prices(problem: Problem) -> Problem:
    price = np.minimum(problem.steps.price, 0.0)
    return msgspec.structs.replace(problem, steps=msgspec.structs.replace(problem.steps, price=price))


def one_member_each(problem: Problem) -> Problem:
    return msgspec.structs.replace(problem, members=np.ones_like(problem.members))


def draws_of_one(problem: Problem) -> Problem:
    return msgspec.structs.replace(problem, draws=np.where(problem.rows == NO_ROW, 0.0, 1.0))


def no_costs(problem: Problem) -> Problem:
    return msgspec.structs.replace(problem, cost=np.zeros_like(problem.cost))


def equal_weights(problem: Problem) -> Problem:
    weight = np.ones_like(problem.fairness.weight)
    return msgspec.structs.replace(problem, fairness=msgspec.structs.replace(problem.fairness, weight=weight))


MISREAD: dict[str, Callable[[Problem], Problem]] = {
    "what is borrowed has no lender": no_sources,
    "domains are endless": without_family(0),
    "contracts have no steps": without_family(1),
    "providers have no limit": without_family(2),
    "tenants have no quota": without_family(3),
    "tenants have no budget": without_family(4),
    "domains have no blocks": without_family(5),
    "guarantees are worth nothing": no_subsidies,
    "steps cost nothing": no_step_prices,
    "a class is one gang": one_member_each,
    "a chip draws one unit": draws_of_one,
    "switching is free": no_costs,
    "tenants weigh the same": equal_weights,
}


@pytest.mark.parametrize("name", MISREAD)
def test_a_core_that_misreads_its_problem_is_caught(name: str) -> None:
    said: list[str] = []
    result = run_placement_campaign(FEW_SEEDS, lambda problem: answered(MISREAD[name](problem)), said.append)
    assert result.failed
    assert f"seed {result.failed[0].seed}" in said
    assert said[-1] == f"{result.passed} passed, {len(result.failed)} failed"


def with_gap(factor: float) -> Callable[[Problem], Answer]:
    def answer(problem: Problem) -> Answer:
        given = answered(problem)
        return msgspec.structs.replace(given, gap=given.gap * factor)

    return answer


def with_one_more(problem: Problem) -> Answer:
    """A gang of each class more than there are members."""
    given = answered(problem)
    counts = given.counts.copy()
    counts[0] += 1
    return msgspec.structs.replace(given, counts=counts)


def split(problem: Problem) -> Answer:
    """Half of each gang."""
    given = answered(problem)
    return msgspec.structs.replace(given, counts=given.counts * 0.5)


@pytest.mark.parametrize("wrong", [with_gap(0.0), with_gap(0.5), with_one_more, split])
def test_a_wrong_answer_is_caught(wrong: Callable[[Problem], Answer]) -> None:
    assert run_placement_campaign(FEW_SEEDS, wrong, ignore).failed


FAULTS: dict[str, list[tuple[object, str, object]]] = {
    "a bound without what subsidies add": [
        (dual, "step_gains", lambda problem, row: OWN_GAINS(no_subsidies(problem), row)),
    ],
    "a bound that counts a class once": [
        (core_prices, "bound", lambda problem, prices: dual.bound(one_member_each(problem), prices)),
    ],
    "rounding that does not look who stood before": [
        (rounding, "row_stands", lambda _p, _u, _i, row, _n: np.ones(len(row), dtype=np.bool_)),
        (moving, "row_stands", lambda _p, _u, _i, row, _n: np.ones(len(row), dtype=np.bool_)),
    ],
    "rounding into room that is not there": [
        (usage.Usage, "chips_left", lambda self: OWN_ROOM(self) + 1.0),
        (rounding, "row_stands", lambda _p, _u, _i, row, _n: np.ones(len(row), dtype=np.bool_)),
    ],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_core_with_a_fault_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, function, fault in FAULTS[name]:
        monkeypatch.setattr(module, function, fault)
    # The core checks itself; without its own check, the campaign must find what is wrong.
    monkeypatch.setattr(solve, "overfull", lambda _problem, _counts: np.zeros(0))
    assert run_placement_campaign(FEW_SEEDS, answered, ignore).failed


def test_a_seed_is_a_whole_problem() -> None:
    one, same, other = (small_problem(seed, CLASSES_MAX) for seed in (7, 7, 8))
    assert np.array_equal(one.value, same.value)
    assert np.array_equal(one.rows, same.rows)
    assert not np.array_equal(one.steps.units, other.steps.units)


def test_counting_says_what_is_wrong() -> None:
    problem = small_problem(3, CLASSES_MAX)
    counts = np.zeros(problem.bundle.shape, dtype=np.int64)
    assert counted(problem, counts).wrongs == ()
    counts[:] = 9
    wrongs = counted(problem, counts).wrongs
    assert any("is placed" in wrong for wrong in wrongs)
    assert any("lacks" in wrong for wrong in wrongs)


def test_the_command_ends_with_the_line_that_counts() -> None:
    command = [sys.executable, "-m", "multihome.app.main", "campaign", "placement", "--seeds", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "5 passed, 0 failed"
