"""What an answer of the placement core is worth, counted again by another road: gang by gang, in exact fractions.

Shares nothing with the core but its columns. Welfare above alpha 0 is in floating point, since no fraction holds it.
"""

import math
from fractions import Fraction

import msgspec
import numpy as np

from multihome.scheduling.core.problem import NO_ROW, Floats, Ints, Problem
from multihome.scheduling.core.solve import Answer

_ERROR = 1e-6
"""Of what is compared: more than single and double precision lose, and less than a gang is worth."""


class Counted(msgspec.Struct, frozen=True):
    """Members placed, and use of rows in units; `wrongs` says in words what no answer may do."""

    use: tuple[Fraction, ...]
    value: tuple[Fraction, ...]
    money: Fraction
    subsidy: Fraction
    wrongs: tuple[str, ...]


def counted(problem: Problem, counts: Ints) -> Counted:
    """Count every gang that is placed; `money` is what options and steps cost, subsidies taken off."""
    wrongs: list[str] = []
    rows = len(problem.source)
    use, value = [Fraction(0)] * rows, [Fraction(0)] * len(problem.fairness.weight)
    money = Fraction(0)
    for c, most in enumerate(problem.members.tolist()):
        placed = counts[:, c].tolist()
        if any(not isinstance(number, int) or number < 0 for number in placed) or sum(placed) > most:
            wrongs.append(f"class {c} of {most} is placed {placed}")
        for s in np.flatnonzero(counts[:, c]).tolist():
            number, bundle = placed[s], int(problem.bundle[s, c])
            if bundle == problem.no_bundle:
                wrongs.append(f"class {c} is placed in slot {s}, which is no option")
                continue
            value[int(problem.tenant[c])] += number * Fraction(float(problem.value[s, c]))
            money += number * Fraction(float(problem.cost[s, c]))
            for row, draw in zip(problem.rows[:, bundle].tolist(), problem.draws[:, bundle].tolist(), strict=True):
                if row != NO_ROW:
                    use[row] += number * Fraction(draw) * Fraction(float(problem.chips[s, c]))
    order = sorted(range(rows), key=lambda row: _is_source(problem, row))
    subsidy = Fraction(0)
    for row in order:
        paid, given, missing, drawn = _supplied(problem, row, use[row])
        money += paid
        subsidy += given
        if missing > 0:
            wrongs.append(f"row {row} lacks {missing} of {use[row]}")
        if problem.source[row] != NO_ROW:
            use[int(problem.source[row])] += drawn
    return Counted(tuple(use), tuple(value), money, subsidy, tuple(wrongs))


def _is_source(problem: Problem, row: int) -> bool:
    """Sources are counted last, once everything is drawn on them."""
    return bool((problem.source == row).any())


def _supplied(problem: Problem, row: int, use: Fraction) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """What a use of a row costs, the subsidy in it, what no step supplies, and what is drawn on its source."""
    steps = problem.steps
    left, paid, given, drawn = use, Fraction(0), Fraction(0), Fraction(0)
    for step in np.flatnonzero(steps.row == row).tolist():
        taken = min(left, Fraction(float(steps.units[step])))
        left -= taken
        paid += taken * Fraction(float(steps.price[step]))
        given += taken * max(Fraction(0), -Fraction(float(steps.price[step])))
        drawn += taken if steps.is_drawn[step] else 0
    return paid, given, left, drawn


def objective_of(problem: Problem, found: Counted) -> float:
    """Welfare less money, in micro-USD per round."""
    return welfare_of(problem, [float(value) for value in found.value]) - float(found.money)


def welfare_of(problem: Problem, value: list[float]) -> float:
    """Σ W f(U), as `Fairness` says it."""
    fair = problem.fairness
    columns = (fair.weight.tolist(), fair.reference.tolist(), fair.floor.tolist(), value)
    total = 0.0
    for weight, reference, floor, own in zip(*columns, strict=True):
        if fair.alpha == 0:
            total += weight * own
        elif fair.alpha == 1:
            total += weight * reference * math.log((own + floor) / reference)
        else:
            power = 1 - fair.alpha
            total += weight * reference * (((own + floor) / reference) ** power - 1) / power
    return total


def wrongs_of(problem: Problem, answer: Answer, best: float) -> tuple[str, ...]:
    """What is wrong with an answer, given an objective that is known to be reached: nothing, or the core is wrong."""
    found = counted(problem, answer.counts)
    objective = objective_of(problem, found)
    scale = _scale(problem)
    wrongs = list(found.wrongs)
    if abs(objective - answer.worth.objective) > _ERROR * scale:
        wrongs.append(f"the objective is {objective}, not {answer.worth.objective}")
    if abs(float(found.subsidy) - answer.worth.subsidy) > _ERROR * scale:
        wrongs.append(f"the subsidy is {found.subsidy}, not {answer.worth.subsidy}")
    if answer.bound < best - _ERROR * scale:
        wrongs.append(f"the bound is {answer.bound}, and {best} is reached")
    if reached_at_most(problem, found, answer.gap) < best - _ERROR * scale:
        wrongs.append(f"the gap is {answer.gap} of {objective}, and {best} is reached")
    return tuple(wrongs)


def reached_at_most(problem: Problem, found: Counted, gap: float) -> float:
    """The objective that a gap says nothing goes beyond: every tenant's value, and floor, larger by it.

    Above alpha 0 the gap is told from below: shrinking value by it costs what may be missing.
    """
    objective = objective_of(problem, found)
    if math.isinf(gap):
        return math.inf
    if problem.fairness.alpha == 0:
        return objective + gap * (objective - float(found.subsidy))
    floor = problem.fairness.floor.tolist()
    value = [float(own) for own in found.value]
    if gap >= 1:
        return math.inf
    shrunk = [(1 - gap) * (own + least) - least for own, least in zip(value, floor, strict=True)]
    return objective + welfare_of(problem, value) - welfare_of(problem, shrunk)


def _scale(problem: Problem) -> float:
    """All that could be at stake: every class's best value, and every subsidy."""
    offered = np.where(problem.bundle != problem.no_bundle, problem.value, 0.0)
    fair = problem.fairness
    welfare = float((fair.weight * fair.reference).sum()) if fair.alpha else 0.0
    weight = np.ones(len(fair.weight)) if fair.alpha else fair.weight
    value = float((offered.max(axis=0) * problem.members * weight[problem.tenant]).sum())
    return 1.0 + welfare + value + float((np.abs(problem.steps.price) * problem.steps.units).sum())


def whole(counts: Floats) -> Ints:
    """A solver's whole numbers as such."""
    return np.rint(counts).astype(np.int64)
