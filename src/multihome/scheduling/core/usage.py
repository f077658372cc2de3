"""What whole gangs take of rows, what rows can still supply, and what an assignment is worth. Decides nothing."""

import msgspec
import numpy as np

from multihome.scheduling.core.dual import bundle_prices, row_use, welfare
from multihome.scheduling.core.problem import NO_ROW, Floats, Ints, Problem, own_units_of, summed, units_of

TOLERANCE = 1e-6
"""Of a unit: chips are whole, budgets are not."""


class Usage(msgspec.Struct):
    """Units of rows in use while gangs are handed out; a source's are what its rows draw on it."""

    problem: Problem
    direct: Floats
    own: Floats
    most: Floats

    def add(self, bundle: Ints, chips: Floats) -> None:
        """Hand out chips in bundles; negative chips are given back."""
        by_bundle = summed(bundle, chips, self.problem.rows.shape[1])
        self.direct += row_use(self.problem, by_bundle)

    def units(self) -> Floats:
        """Units in use of every row, sources included."""
        problem = self.problem
        drawing = np.flatnonzero(problem.source != NO_ROW)
        drawn = np.maximum(self.direct[drawing] - self.own[drawing], 0.0)
        return self.direct + summed(problem.source[drawing], drawn, len(self.direct))

    def left(self) -> Floats:
        """Units that each row could still supply, what it may draw on its source included."""
        problem = self.problem
        units = self.units()
        left = self.most - units
        drawing = np.flatnonzero(problem.source != NO_ROW)
        own = np.maximum(self.own - units, 0.0)[drawing]
        left[drawing] = np.minimum(left[drawing], own + np.maximum(left[problem.source[drawing]], 0.0))
        return left

    def chips_left(self) -> Floats:
        """Chips of one gang that each bundle could still hold; none in the bundle that is no option."""
        padded = np.append(self.left() + TOLERANCE, np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(self.problem.draws > 0, padded[self.problem.rows] / self.problem.draws, np.inf).min(axis=0)
        room[-1] = -1.0
        return room


def usage_of(problem: Problem, counts: Ints) -> Usage:
    """The usage of members in options (S x C)."""
    usage = Usage(problem, np.zeros(len(problem.source)), own_units_of(problem), units_of(problem))
    slot, chosen = np.nonzero(counts)
    usage.add(problem.bundle[slot, chosen], problem.chips[slot, chosen] * counts[slot, chosen])
    return usage


def marginal_step_prices(problem: Problem, usage: Usage) -> Floats:
    """What the next chip costs in each bundle by the steps that its rows have reached; subsidies are left out."""
    steps, rows = problem.steps, np.arange(len(problem.source))
    ends = np.cumsum(steps.units)
    first = np.searchsorted(steps.row, rows)
    last = np.searchsorted(steps.row, rows, side="right") - 1
    before = np.where(first > 0, ends[first - 1], 0.0)
    at = np.clip(np.searchsorted(ends, before + usage.units(), side="right"), first, last)
    return bundle_prices(problem, np.maximum(steps.price[at], 0.0))


class Worth(msgspec.Struct, frozen=True):
    """What an assignment is worth, in micro-USD per round: welfare less costs, less what supply costs.

    `subsidy` is the part of `objective` that comes from steps below zero: guarantees kept, which nobody is paid.
    """

    objective: float
    subsidy: float
    by_tenant: Floats


def worth_of(problem: Problem, counts: Ints) -> Worth:
    """Add an assignment up in double precision."""
    taken = counts > 0
    slot, chosen = np.nonzero(taken)
    members = counts[slot, chosen]
    tenant = problem.tenant[chosen]
    value = summed(tenant, problem.value[slot, chosen] * members, len(problem.fairness.weight))
    cost = float((problem.cost[slot, chosen] * members).sum())
    steps = problem.steps
    begins = np.cumsum(steps.units) - steps.units
    first = np.searchsorted(steps.row, np.arange(len(problem.source)))
    within = usage_of(problem, counts).units()[steps.row] - (
        begins - begins[np.minimum(first, len(begins) - 1)][steps.row]
    )
    money = np.clip(within, 0.0, steps.units) * steps.price
    return Worth(
        objective=float(welfare(problem.fairness, value).sum()) - cost - float(money.sum()),
        subsidy=-float(money[steps.price < 0].sum()),
        by_tenant=value,
    )


def overfull(problem: Problem, counts: Ints) -> Ints:
    """Rows that an assignment takes more of than there is: none, or the assignment is wrong."""
    usage = usage_of(problem, counts)
    return np.flatnonzero(usage.most - usage.units() < -TOLERANCE * (1.0 + usage.most))
