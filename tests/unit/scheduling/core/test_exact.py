"""The exact road: rows and columns with words, whole gangs or parts, and tangents above alpha 0."""

import math
from collections.abc import Generator

import numpy as np
import pytest

from multihome.adapters.solver_highs import HighsSolver
from multihome.domain.solves import SolveLimits, SolveRequest, SolveResult, SolveStatus
from multihome.runtime.solving import decide_with
from multihome.scheduling.core.exact import Exact, Gangs, Unsolved, Words, exact, numbered
from multihome.scheduling.core.problem import NO_ROW, Fairness, Problem
from tests.placement_columns import one_family

LIMITS = SolveLimits(nodes_max=10_000, iterations_max=100_000)


def found(problem: Problem, gangs: Gangs) -> Exact:
    result = decide_with(HighsSolver(), exact(problem, numbered(problem), gangs, LIMITS))
    assert isinstance(result, Exact)
    return result


def test_whole_gangs_and_parts_differ_where_one_does_not_fit() -> None:
    problem = one_family([(0, 0, 8, 40), (0, 0, 4, 16)], [[(10, 0, False)]])
    whole, parts = found(problem, Gangs.WHOLE), found(problem, Gangs.IN_PARTS)
    assert (whole.counts.tolist(), whole.bound) == ([[1, 0]], pytest.approx(40))
    assert (parts.counts[0, 1], parts.bound) == (pytest.approx(0.5), pytest.approx(48))


def test_steps_subsidies_and_sources_are_in_it() -> None:
    rows = [[(1.0, -5.0, False), (2.0, -5.0, True)], [(2.0, 0.0, False)], [(2.0, 1.0, True)]]
    problem = one_family([(0, 0, 3, 3), (1, 2, 2, 6)], rows, sources=[1, NO_ROW, 1])
    both = found(problem, Gangs.WHOLE)
    assert (both.counts.tolist(), both.bound) == ([[1, 0]], pytest.approx(18))
    alone = one_family([(1, 2, 2, 6)], rows, sources=[1, NO_ROW, 1])
    assert found(alone, Gangs.WHOLE).bound == pytest.approx(4)


def test_a_request_speaks_in_the_words_it_is_given() -> None:
    problem = one_family([(0, 0, 8, 40)], [[(10, 0, False)]])
    words = Words(["training of maria"], ["north", "nowhere"], ["domain north: chips"], ["robotics"])
    request = next(exact(problem, words, Gangs.WHOLE, LIMITS))
    assert [column.name for column in request.columns] == ["training of maria in north", "domain north: chips, step 0"]
    assert [row.name for row in request.rows] == ["training of maria: members", "domain north: chips: use is supply"]


def test_proportional_fairness_shares_equally_between_equals() -> None:
    # Two tenants want all of ten chips at 10 a chip: each gets half, and welfare is 2 × 50 × ln(50 ÷ 50).
    fair = Fairness(alpha=1.0, weight=np.ones(2), reference=np.full(2, 50.0), floor=np.full(2, 1e-6))
    problem = one_family([(0, 0, 1, 10), (1, 0, 1, 10)], [[(10, 0, False)]], members=[10, 10], fairness=fair)
    parts = found(problem, Gangs.IN_PARTS)
    assert parts.counts == pytest.approx(np.array([[5.0, 5.0]]), abs=0.05)
    assert parts.bound == pytest.approx(0.0, abs=1e-3)
    assert parts.requests > 1


def test_whole_gangs_above_alpha_nothing() -> None:
    fair = Fairness(alpha=1.0, weight=np.ones(2), reference=np.full(2, 50.0), floor=np.full(2, 1.0))
    problem = one_family([(0, 0, 3, 30), (1, 0, 3, 30)], [[(10, 0, False)]], members=[3, 3], fairness=fair)
    best = found(problem, Gangs.WHOLE)
    assert sorted(best.counts[0].tolist()) == [1, 2]
    assert best.bound == pytest.approx(50 * (math.log(31 / 50) + math.log(61 / 50)), abs=1e-3)


def first_answer_is(status: SolveStatus, decider: Generator[SolveRequest, SolveResult, Exact | Unsolved]) -> object:
    next(decider)
    try:
        decider.send(SolveResult(status, 0.0, 0.0, (), (), 0, 0))
    except StopIteration as finished:
        return finished.value
    return None


def test_a_solver_at_its_limits_is_said() -> None:
    problem = one_family([(0, 0, 8, 40)], [[(10, 0, False)]])
    decider = exact(problem, numbered(problem), Gangs.WHOLE, LIMITS)
    assert first_answer_is(SolveStatus.LIMIT, decider) == Unsolved(SolveStatus.LIMIT, 1)


def test_too_many_classes_are_a_bug() -> None:
    problem = one_family([(0, 0, 1, 1)] * 2_001, [[(10, 0, False)]])
    with pytest.raises(AssertionError, match="too many"):
        next(exact(problem, numbered(problem), Gangs.WHOLE, LIMITS))
