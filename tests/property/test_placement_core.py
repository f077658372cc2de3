"""The placement core on random problems with every kind of row, against exact solutions and counts in fractions."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.adapters.solver_highs import HighsSolver
from multihome.runtime.solving import decide_with
from multihome.scheduling.core.dual import Prices, bound
from multihome.scheduling.core.exact import Exact, Gangs, exact, numbered
from multihome.scheduling.core.problem import Floats, Problem
from multihome.scheduling.core.solve import solve, solve_again
from multihome.simulator.placement_campaign import LIMITS, best_of
from multihome.simulator.placement_instances import small_problem
from multihome.simulator.placement_truth import counted, wrongs_of

problems = st.builds(small_problem, st.integers(0, 1 << 32), st.integers(1, 14))
multiples = st.lists(st.floats(0.0, 4.0), min_size=1, max_size=8)


def relaxed(problem: Problem) -> float:
    found = decide_with(HighsSolver(), exact(problem, numbered(problem), Gangs.IN_PARTS, LIMITS))
    assert isinstance(found, Exact)
    return found.bound


def at_stake(problem: Problem) -> float:
    """All value and all subsidies, against which an error of floating point is judged."""
    fair = problem.fairness
    welfare = float((fair.weight * fair.reference).sum()) if fair.alpha else 0.0
    money = float((np.abs(problem.steps.price) * problem.steps.units).sum())
    return 1.0 + welfare + 4.0 * float((problem.value.max(axis=0) * problem.members).sum()) + money


def spread(numbers: list[float], count: int) -> Floats:
    return np.resize(np.array(numbers), count)


@settings(max_examples=150)
@given(problems, multiples, multiples)
def test_any_prices_bound_what_can_be_reached(problem: Problem, rows: list[float], rates: list[float]) -> None:
    row = spread(rows, len(problem.source)) * 300_000.0 - 200_000.0
    rate = problem.fairness.weight
    if problem.fairness.alpha:
        rate = rate * (0.05 + spread(rates, len(rate)))
    assert bound(problem, Prices(row, rate)) >= best_of(problem) - 1e-6 * at_stake(problem)


@settings(max_examples=100)
@given(problems.filter(lambda problem: problem.is_linear))
def test_settled_prices_bound_the_relaxation_closely(problem: Problem) -> None:
    """At alpha 0: above it, prices of a handful of classes may settle far off, which the gap then says."""
    best, told = relaxed(problem), solve(problem).bound
    slack = at_stake(problem)
    assert told >= best - 1e-5 * slack
    assert told <= best + 0.005 * slack


@settings(max_examples=150)
@given(problems)
def test_an_answer_holds_in_fractions_and_its_gap_is_honest(problem: Problem) -> None:
    assert wrongs_of(problem, solve(problem), best_of(problem)) == ()


@settings(max_examples=100)
@given(problems, st.integers(0, 1 << 32))
def test_a_warm_round_holds_whatever_was_held(problem: Problem, seed: int) -> None:
    last = solve(problem)
    dice = np.random.default_rng(seed)
    later = msgspec.structs.replace(
        problem, value=problem.value * dice.choice([0.5, 1.0, 1.0, 2.0], problem.value.shape)
    )
    held = last.counts * dice.integers(0, 2, last.counts.shape[1])
    assert counted(later, held).wrongs == ()
    answer = solve_again(later, last.prices, held)
    assert wrongs_of(later, answer, best_of(later)) == ()
    # Prices never bound worse than those that were there already.
    rate = np.maximum(last.prices.rate, 1e-12)
    assert answer.bound <= bound(later, Prices(last.prices.row, rate)) * (1 + 1e-9) + 1e-6 * at_stake(later)


@settings(max_examples=50)
@given(problems)
def test_equal_problems_have_equal_answers(problem: Problem) -> None:
    one, other = solve(problem), solve(problem)
    assert one.counts.tobytes() == other.counts.tobytes()
    assert one.prices.row.tobytes() == other.prices.row.tobytes()
    assert (one.bound, one.gap) == (other.bound, other.gap)
