"""Whole gangs from prices: each class takes its best option while every row has room, dearest to lose first.

Works on columns, many classes at a time: in each pass every class that still waits proposes its best option that has
room, and a proposal stands if all before it in order of surplus would still fit in each of its rows. What a pass leaves
open, the next decides; leftovers then take any option that is worth more than what it adds to the cost of supply.
"""

import numpy as np
from numpy.typing import NDArray

from multihome.scheduling.core.dual import Prices, surplus
from multihome.scheduling.core.problem import NO_ROW, Floats, Ints, Problem
from multihome.scheduling.core.usage import TOLERANCE, Usage, marginal_step_prices, usage_of

_COMPACT = 0.8
"""Columns are copied for those classes that still wait once a fifth of them has been served."""
_PASSES_MAX = 200
"""Passes of one filling; each decides at least the gang that is dearest to lose."""


def rounded(problem: Problem, prices: Prices, counts: Ints) -> Ints:
    """Members of each class in each option (S x C), whole gangs within every row, on top of `counts`."""
    beyond = surplus(problem, prices)
    usage = usage_of(problem, counts)
    counts = fill(problem, usage, counts, np.where(beyond > 0, beyond, -np.inf))
    return filled_up(problem, prices, counts)


def filled_up(problem: Problem, prices: Prices, counts: Ints) -> Ints:
    """The assignment with whatever else is worth more than it adds to the cost of supply."""
    usage = usage_of(problem, counts)
    worth = prices.rate[problem.tenant] * problem.value - problem.cost
    worth -= problem.chips * marginal_step_prices(problem, usage)[problem.bundle]
    return fill(problem, usage, counts, np.where(worth > 0, surplus(problem, prices), -np.inf))


def fill(problem: Problem, usage: Usage, counts: Ints, score: Floats) -> Ints:
    """Give classes that still wait their best options by `score`, pass after pass, until nothing more fits.

    `usage` is brought up to date; -inf in `score` rules an option out.
    """
    counts = counts.copy()
    waiting = problem.members - counts.sum(axis=0)
    room = usage.chips_left()
    fits = (problem.chips <= room[problem.bundle]) & (score > -np.inf)
    active = np.flatnonzero((waiting > 0) & fits.any(axis=0))
    score = np.where(fits[:, active], score[:, active], -np.inf)
    chips, bundle = problem.chips[:, active], problem.bundle[:, active]
    for _ in range(_PASSES_MAX):
        score[chips > room[bundle]] = -np.inf
        slot = score.argmax(axis=0)
        best = score[slot, np.arange(len(active))]
        keep = (best > -np.inf) & (waiting[active] > 0)
        if not keep.any():
            break
        if keep.sum() < _COMPACT * len(keep):
            active, score, chips, bundle = active[keep], score[:, keep], chips[:, keep], bundle[:, keep]
            slot, best, keep = slot[keep], best[keep], keep[keep]
        order = np.flatnonzero(keep)
        order = order[np.argsort(-best[order] / chips[slot[order], order], kind="stable")]
        chosen, at = active[order], slot[order]
        one, into = chips[at, order], bundle[at, order]
        copies = np.minimum(waiting[chosen], np.floor(room[into] / one)).astype(np.int64)
        stands = standing(problem, usage, into, one * copies)
        counts[at[stands], chosen[stands]] += copies[stands]
        waiting[chosen[stands]] -= copies[stands]
        usage.add(into[stands], (one * copies)[stands])
        room = usage.chips_left()
    return counts


def standing(problem: Problem, usage: Usage, bundle: Ints, chips: Floats) -> NDArray[np.bool_]:
    """Which proposals, in order, fit in every row together with all those before them."""
    stands = np.ones(len(bundle), dtype=np.bool_)
    units = usage.units()
    for rows, draws in zip(problem.rows, problem.draws, strict=True):
        real = np.flatnonzero(rows[bundle] != NO_ROW)
        if len(real):
            row = rows[bundle[real]]
            stands[real] &= row_stands(problem, usage, units, row, draws[bundle[real]] * chips[real])
    return stands


def row_stands(problem: Problem, usage: Usage, in_use: Floats, row: Ints, units: Floats) -> NDArray[np.bool_]:
    """Which takings of a row each, in order, fit in their row and in its source together with those before them."""
    after = in_use[row] + running(row, units)
    fits = after <= usage.most[row] + TOLERANCE
    source = problem.source[row]
    drawing = np.flatnonzero(source != NO_ROW)
    if len(drawing):
        own = usage.own[row]
        drawn = (np.maximum(after - own, 0.0) - np.maximum(after - units - own, 0.0))[drawing]
        at = source[drawing]
        fits[drawing] &= (drawn <= 0) | (in_use[at] + running(at, drawn) <= usage.most[at] + TOLERANCE)
    return fits


def running(group: Ints, amount: Floats) -> Floats:
    """Running sums within each group, in order, the element itself included."""
    # Stable sorting of 16-bit integers is by radix, and linear.
    order = np.argsort(group.astype(np.int16) if group.max(initial=0) < 1 << 15 else group, kind="stable")
    sums, sorted_group = np.cumsum(amount[order]), group[order]
    is_first = np.ones(len(group), dtype=np.bool_)
    is_first[1:] = sorted_group[1:] != sorted_group[:-1]
    starts = np.flatnonzero(is_first)
    base = (sums - amount[order])[starts]
    result = np.empty(len(group))
    result[order] = sums - np.repeat(base, np.diff(np.append(starts, len(group))))
    return result
