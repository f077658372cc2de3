"""Better whole gangs: those that could as well stand where a priced row is not full move there, and others fill in.

A row with a price and with room left over was priced too high for whole gangs. For the moment it costs nothing; the
gangs that would then rather be there, and fit, move, and what they leave is filled again. Kept only where the whole is
better.
"""

import numpy as np

from multihome.scheduling.core.dual import Prices, surplus
from multihome.scheduling.core.problem import NO_ROW, Floats, Ints, Problem
from multihome.scheduling.core.rounding import filled_up, row_stands
from multihome.scheduling.core.usage import Worth, usage_of, worth_of

_PASSES_MAX = 6
_LEFT_MIN = 0.5
"""Units that a row has left over, from which it counts as not full."""
_ENOUGH = 1e-4
"""A pass that gains less, as a share of the objective, is the last."""


def improved(problem: Problem, prices: Prices, counts: Ints, target: float) -> tuple[Ints, Worth]:
    """A better assignment, and its worth; ends when the objective reaches `target`, or when a pass gains little."""
    worth = worth_of(problem, counts)
    for _ in range(_PASSES_MAX):
        if worth.objective >= target:
            break
        candidate = filled_up(problem, prices, _moved(problem, prices, counts))
        found = worth_of(problem, candidate)
        gained = found.objective - worth.objective
        if gained > 0:
            counts, worth = candidate, found
        if gained <= _ENOUGH * abs(worth.objective):
            break
    return counts, worth


def _moved(problem: Problem, prices: Prices, counts: Ints) -> Ints:
    """The assignment after the moves that pay most per chip; only classes of one gang move."""
    usage = usage_of(problem, counts)
    left = usage.left()
    slack = (left > _LEFT_MIN) & (prices.row > 0)
    beyond = surplus(problem, Prices(np.where(slack, 0.0, prices.row), prices.rate))
    placed = np.flatnonzero((problem.members == 1) & (counts.sum(axis=0) == 1))
    now = counts[:, placed].argmax(axis=0)
    gain = beyond[:, placed] - beyond[now, placed]
    slot, index = np.nonzero(gain > 0)
    moves = _best_fitting(problem, left, gain[slot, index], slot, placed[index], now[index])
    order = np.argsort(-gain[slot, index][moves] / problem.chips[slot, placed[index]][moves], kind="stable")
    moves = moves[order]
    _, first = np.unique(index[moves], return_index=True)
    moves = moves[np.sort(first)]
    to, chosen, old = slot[moves], placed[index[moves]], now[index[moves]]
    stands = np.ones(len(moves), dtype=np.bool_)
    units = usage.units()
    for rows, added in _added(problem, to, chosen, old):
        takes = np.flatnonzero((rows != NO_ROW) & (added > 0))
        if len(takes):
            stands[takes] &= row_stands(problem, usage, units, rows[takes], added[takes])
    counts = counts.copy()
    counts[old[stands], chosen[stands]] = 0
    counts[to[stands], chosen[stands]] = 1
    return counts


def _best_fitting(problem: Problem, left: Floats, gain: Floats, to: Ints, chosen: Ints, old: Ints) -> Ints:
    """Moves for which there is room by themselves."""
    padded = np.append(left, np.inf)
    fits = gain > 0
    for rows, added in _added(problem, to, chosen, old):
        fits &= (rows == NO_ROW) | (added <= padded[rows])
    return np.flatnonzero(fits)


def _added(problem: Problem, to: Ints, chosen: Ints, old: Ints) -> list[tuple[Ints, Floats]]:
    """For each family the row that a move enters, and what it takes of it beyond what it held there already."""
    new_bundle, old_bundle = problem.bundle[to, chosen], problem.bundle[old, chosen]
    new_chips, old_chips = problem.chips[to, chosen], problem.chips[old, chosen]
    found: list[tuple[Ints, Floats]] = []
    for rows, draws in zip(problem.rows, problem.draws, strict=True):
        row = rows[new_bundle]
        held = np.where(row == rows[old_bundle], draws[old_bundle] * old_chips, 0.0)
        found.append((row, draws[new_bundle] * new_chips - held))
    return found
