"""The dual of a placement problem: what every row's price asks of classes, tenants and supply.

For prices of rows (micro-USD a unit and round) and exchange rates of tenants, each class takes its best option at those
prices, each tenant the value that its rate is worth, each step what it gains: the sum bounds the best objective from
above (weak duality), whatever the prices are. In double precision. Knows nothing of whole gangs.
"""

import msgspec
import numpy as np

from multihome.scheduling.core.problem import NO_ROW, Fairness, Floats, Problem, summed

RELATIVE_ERROR = 1e-9
"""Added to a bound, as a share of the sums it is made of: more than double precision loses over a million terms."""


class Prices(msgspec.Struct, frozen=True):
    """Prices of rows in micro-USD a unit and round, and exchange rates of tenants: welfare for a micro-USD of value."""

    row: Floats
    rate: Floats


def bundle_prices(problem: Problem, row_price: Floats) -> Floats:
    """What a chip costs in each bundle at prices of rows."""
    return (problem.draws * np.append(row_price, 0.0)[problem.rows]).sum(axis=0)


def surplus(problem: Problem, prices: Prices) -> Floats:
    """What each option is worth beyond its cost and its rows' prices (S x C); -inf where there is none."""
    per_chip = bundle_prices(problem, prices.row)
    beyond = prices.rate[problem.tenant] * problem.value - problem.cost - problem.chips * per_chip[problem.bundle]
    beyond[problem.bundle == problem.no_bundle] = -np.inf
    return beyond


def bound(problem: Problem, prices: Prices) -> float:
    """A proven upper bound of the objective, in micro-USD per round."""
    classes = np.maximum(surplus(problem, prices).max(axis=0), 0.0) * problem.members
    supply = np.maximum(step_gains(problem, prices.row), 0.0) * problem.steps.units
    tenants = tenant_gains(problem.fairness, prices.rate)
    total = classes.sum() + supply.sum() + tenants.sum()
    return float(total + RELATIVE_ERROR * (classes.sum() + supply.sum() + np.abs(tenants).sum()))


def step_gains(problem: Problem, row_price: Floats) -> Floats:
    """What a unit of each step gains at prices of rows."""
    steps = problem.steps
    drawn = np.where(steps.is_drawn, np.append(row_price, 0.0)[problem.source[steps.row]], 0.0)
    return row_price[steps.row] - steps.price - drawn


def tenant_gains(fair: Fairness, rate: Floats) -> Floats:
    """The conjugate of each tenant's welfare at its rate: the most that welfare less rate x value can be."""
    if fair.alpha == 0:
        return np.zeros(len(rate))
    value = wanted(fair, rate)
    return welfare(fair, value) - rate * value


def wanted(fair: Fairness, rate: Floats) -> Floats:
    """The value at which a tenant's marginal welfare is its rate, in micro-USD per round; at least 0."""
    return np.maximum(fair.reference * (fair.weight / rate) ** (1.0 / fair.alpha) - fair.floor, 0.0)


def welfare(fair: Fairness, value: Floats) -> Floats:
    """Each tenant's welfare in micro-USD per round; above alpha 0 it is 0 where value and floor make the reference."""
    if fair.alpha == 0:
        return fair.weight * value
    share = (value + fair.floor) / fair.reference
    if fair.alpha == 1:
        return fair.weight * fair.reference * np.log(share)
    power = 1.0 - fair.alpha
    return fair.weight * fair.reference * (share**power - 1.0) / power


def marginal_welfare(fair: Fairness, value: Floats) -> Floats:
    """The exchange rate of each tenant at a value."""
    if fair.alpha == 0:
        return fair.weight.copy()
    return fair.weight * (fair.reference / (value + fair.floor)) ** fair.alpha


def row_use(problem: Problem, bundle_chips: Floats) -> Floats:
    """Units of each row that chips in bundles take directly, sources left out."""
    units = problem.draws * bundle_chips
    return summed(problem.rows - NO_ROW, units, len(problem.source) - NO_ROW)[-NO_ROW:]
