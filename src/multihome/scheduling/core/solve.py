"""One round of the core: prices, whole gangs, and the proof of how far they are from the best.

Pure and deterministic: equal problems and equal last prices give equal answers. Costs about what the options' columns
take to be read a few dozen times; the number of rows enters by one dense system per Newton step.
"""

import math

import msgspec
import numpy as np

from multihome.scheduling.core.dual import Prices, marginal_welfare, surplus
from multihome.scheduling.core.moving import improved
from multihome.scheduling.core.prices import Settled, cold_prices, warm_prices
from multihome.scheduling.core.problem import Fairness, Ints, Problem
from multihome.scheduling.core.rounding import rounded
from multihome.scheduling.core.sharing import apportioned
from multihome.scheduling.core.usage import Worth, overfull

_HAIR = 1e-2
"""Of its value: a gang that would gain less by moving stays."""
_GOOD_ENOUGH = 5e-4
"""A gap at which nothing more is tried."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Members in options (S x C), the prices they rest on, what they are worth, and the proven bound.

    `gap` is the part of the value that a better assignment could add at most. Subsidies of guarantees are no value;
    above alpha 0 the gap is in certainty equivalent: the share by which every tenant's value would have to shrink.
    """

    counts: Ints
    prices: Prices
    worth: Worth
    bound: float
    gap: float


def solve(problem: Problem) -> Answer:
    """The best whole gangs that prices find, from nothing.

    The problem holds no misfits (`problem.without_misfits`): with them the bound says nothing.
    """
    return _answer(problem, cold_prices(problem), np.zeros(problem.bundle.shape, dtype=np.int64))


def solve_again(problem: Problem, last: Prices, held: Ints) -> Answer:
    """The same for a problem that differs little from the last one, of which it has the rows and tenants.

    `held` are members in the options that they have (S x C), within every row. Prices move on from the last ones, and
    who would gain more than a hair by being elsewhere, or nowhere, is placed anew.
    """
    settled = warm_prices(problem, last)
    return _answer(problem, settled, _content(problem, settled.prices, held))


def _content(problem: Problem, prices: Prices, held: Ints) -> Ints:
    """Those held who are where they would like to be at these prices, but for a hair of what they are worth."""
    beyond = surplus(problem, prices)
    best = np.maximum(beyond.max(axis=0), 0.0)
    hair = _HAIR * prices.rate[problem.tenant] * problem.value
    return np.where(beyond >= best - hair, held, 0)


def _answer(problem: Problem, settled: Settled, kept: Ints) -> Answer:
    prices, best = settled.prices, settled.bound
    counts = rounded(problem, prices, apportioned(problem, settled.share, kept))
    counts, worth = improved(problem, prices, counts, best - _GOOD_ENOUGH * abs(best))
    assert not len(overfull(problem, counts)), "an assignment takes more of a row than there is"
    return Answer(counts=counts, prices=prices, worth=worth, bound=best, gap=gap_of(problem, worth, best))


def gap_of(problem: Problem, worth: Worth, best: float) -> float:
    """How far an assignment may be from the best, as a share of value.

    At alpha 0: (bound - objective) ÷ (objective - subsidy). Else the share g for which Σ W f((1 - g) U) is the
    objective less the difference to the bound: what equal parts of every tenant's value are worth it.
    """
    missing = max(best - worth.objective, 0.0)
    fair = problem.fairness
    if fair.alpha == 0:
        value = worth.objective - worth.subsidy
        return missing / value if value > 0 else (0.0 if missing == 0 else math.inf)
    if fair.alpha == 1:
        return -math.expm1(-missing / float((fair.weight * fair.reference).sum()))
    scale = float((marginal_welfare(fair, worth.by_tenant) * (worth.by_tenant + fair.floor)).sum())
    power = 1.0 - fair.alpha
    return 1.0 - max(1.0 - missing * power / scale, 0.0) ** (1.0 / power)


def equal_fairness(tenants: int) -> Fairness:
    """Value as it is, for all tenants alike."""
    ones = np.ones(tenants)
    return Fairness(alpha=0.0, weight=ones, reference=ones, floor=np.zeros(tenants))
