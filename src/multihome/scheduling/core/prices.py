"""Prices for a placement problem: cold on samples first, then on everything; warm from the last round's.

A sample is systematic by chips, in order of tenant, size and worth, so that small tenants' limits are felt in it as
they are (probability proportional to size: Madow, 1949). Deterministic.
"""

import msgspec
import numpy as np

from multihome.scheduling.core.dual import Prices, bound, marginal_welfare
from multihome.scheduling.core.newton import Phase, descend
from multihome.scheduling.core.problem import Floats, Ints, Problem, summed
from multihome.scheduling.core.smoothed import Scaled, Singles, in_micro_usd, rate_max, scaled

_COARSE = 2_000
_FINE = 8_000
_COARSE_PHASES = (Phase(1.0, 12, 0.1), Phase(0.3, 12, 0.1), Phase(0.1, 12, 0.1))
_FINE_PHASES = (Phase(0.03, 8, 0.02), Phase(0.01, 8, 0.02), Phase(0.004, 6, 0.02))
_FULL_PHASES = (Phase(0.004, 6, 0.01), Phase(0.002, 6, 0.01), Phase(0.001, 4, 0.01))
_WARM_PHASES = (Phase(0.002, 3, 0.01),)


class Settled(msgspec.Struct, frozen=True):
    """Prices, their bound, and the part of its members that each class gives each option there (S x C)."""

    prices: Prices
    bound: float
    share: Singles


def cold_prices(problem: Problem) -> Settled:
    """Prices from nothing."""
    at = scaled(problem)
    row, rate = np.zeros(len(problem.source)), _first_rates(at)
    for classes_max, phases in ((_COARSE, _COARSE_PHASES), (_FINE, _FINE_PHASES)):
        part = scaled(sampled(problem, classes_max)) if len(problem.members) > classes_max else at
        point = descend(part, row * at.price_unit / part.price_unit, rate, phases)
        row, rate = point.row * part.price_unit / at.price_unit, point.rate
    point = descend(at, row, rate, _FULL_PHASES)
    prices = in_micro_usd(at, point)
    return Settled(prices, bound(problem, prices), point.share)


def warm_prices(problem: Problem, last: Prices) -> Settled:
    """Prices from those of a round before; the last ones themselves where they bound better."""
    at = scaled(problem)
    rate = np.clip(last.rate, 1e-12, rate_max(at))
    point = descend(at, last.row / at.price_unit, rate, _WARM_PHASES)
    found = [(bound(problem, prices), prices) for prices in (in_micro_usd(at, point), Prices(last.row, rate))]
    best, prices = min(found, key=lambda pair: pair[0])
    return Settled(prices, best, point.share)


def _first_rates(at: Scaled) -> Floats:
    """Rates where every tenant got a fair part of what it would take."""
    if not at.fairness.alpha:
        return at.fairness.weight.copy()
    problem = at.problem
    offered = summed(problem.tenant, at.value.max(axis=0) * at.weight, len(at.fairness.weight))
    return np.minimum(marginal_welfare(at.fairness, 0.5 * offered), rate_max(at))


def sampled(problem: Problem, classes_max: int) -> Problem:
    """About so many classes that stand for all: each for the same chips, larger ones for themselves."""
    chosen, members = _systematic(problem, classes_max)
    return msgspec.structs.replace(
        problem,
        members=members,
        tenant=problem.tenant[chosen],
        bundle=np.ascontiguousarray(problem.bundle[:, chosen]),
        chips=np.ascontiguousarray(problem.chips[:, chosen]),
        value=np.ascontiguousarray(problem.value[:, chosen]),
        cost=np.ascontiguousarray(problem.cost[:, chosen]),
    )


def _systematic(problem: Problem, count: int) -> tuple[Ints, Floats]:
    offered = problem.bundle != problem.no_bundle
    size = np.where(offered, problem.chips, np.inf).min(axis=0)
    size[~np.isfinite(size)] = 1.0
    worth = (np.where(offered, problem.value - problem.cost, 0.0) / size).max(axis=0)
    chips = size * problem.members
    order = np.lexsort((worth, size, problem.tenant))
    ends = np.cumsum(chips[order])
    spacing = ends[-1] / count
    hits = np.floor(ends / spacing + 0.5) - np.floor((ends - chips[order]) / spacing + 0.5)
    hit = np.flatnonzero(hits > 0)
    chosen = order[hit]
    back = np.argsort(chosen)
    return chosen[back], (hits[hit] * spacing / size[chosen])[back]
