"""One placement problem in columns: classes of identical gangs, their options, and the rows that limit them.

The same form serves a live round, a simulated one and a what-if. Whoever makes it has dropped what no clause,
permission or qualification allows; the core knows no contract, no provider and no name. Rows are limits whose supply
gets dearer in steps, so that a pool's chips, a quota with borrowing, a budget and a contract's tiers are one thing.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.signedinteger[Any]]

NO_ROW = -1
"""Stands for no row: in a family that does not limit a bundle, and for the source of a row that draws on none."""


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """Supply of rows, a step each: so many units of `row` at `price` micro-USD a unit and round.

    Steps of a row follow one another, cheapest first. `is_drawn` marks steps whose units also draw on the row's
    `source` (what is borrowed, or could be lent): they come after those that do not.
    """

    row: Ints
    units: Floats
    price: Floats
    is_drawn: NDArray[np.bool_]


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """How the value of tenants is weighed: `weight` times f_alpha of each one's value, in micro-USD per round.

    With alpha 0 value counts as it is, times the weight. Above 0 a tenant's marginal weight is
    weight × (reference ÷ value)^alpha: it is `weight` where the tenant has just its `reference` (micro-USD per round,
    above 0); alpha 1 is proportional fairness, and a large one near max-min (Mo and Walrand, 2000). `floor` is added to
    a tenant's value, so that one with nothing has a finite welfare.
    """

    alpha: float
    weight: Floats
    reference: Floats
    floor: Floats


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Classes (C), options in slots (S x C), bundles of rows (F x B), rows (R), tenants (T).

    A class is `members` identical gangs of one tenant. Option (s, c) takes `chips` for a whole gang, is worth `value`
    and costs `cost`, both in micro-USD per round, switching included; its rows are those of `bundle`, the last of which
    is empty and stands for no option. `rows` holds a row in each family of limits, or NO_ROW; `draws` what one chip
    takes of it. `source` is the row that a row's drawn steps draw upon, or NO_ROW: a source itself is in no bundle.
    """

    members: Ints
    tenant: Ints
    bundle: Ints
    chips: Floats
    value: Floats
    cost: Floats
    rows: Ints
    draws: Floats
    source: Ints
    steps: Steps
    fairness: Fairness

    @property
    def no_bundle(self) -> int:
        """The bundle that stands for no option."""
        return self.rows.shape[1] - 1

    @property
    def is_linear(self) -> bool:
        """Whether value counts as it is, so that tenants need no exchange rates."""
        return self.fairness.alpha == 0


def units_of(problem: Problem) -> Floats:
    """All that a row can supply, in its units."""
    return summed(problem.steps.row, problem.steps.units, len(problem.source))


def own_units_of(problem: Problem) -> Floats:
    """What a row can supply without drawing on its source."""
    steps = problem.steps
    return summed(steps.row, np.where(steps.is_drawn, 0.0, steps.units), len(problem.source))


def summed(index: Ints, amount: Floats, count: int) -> Floats:
    """Amounts added up by index, for indices from 0 to `count`, exclusive; both are taken flat."""
    # With weights the counts are doubles, which its declared type does not say.
    return np.bincount(index.ravel(), amount.ravel(), count).astype(np.float64, copy=False)


def without_misfits(problem: Problem) -> Problem:
    """The problem without options that no row could hold even if nothing else ran: with them a bound means nothing."""
    units = np.append(units_of(problem), np.inf)
    with np.errstate(divide="ignore"):
        most = np.where(problem.draws > 0, units[problem.rows] / problem.draws, np.inf).min(axis=0)
    most[-1] = -1.0
    misfits = problem.chips > most[problem.bundle] + 1e-9
    return msgspec.structs.replace(
        problem, bundle=np.where(misfits, problem.no_bundle, problem.bundle).astype(np.int32)
    )
