"""The smoothed dual: each class's best option becomes a soft choice at a temperature, each step's gain a soft kink.

It is twice differentiable, lies above the dual, and falls on it as the temperature goes to nothing. The hot columns are
in single precision, per chip and in units of a typical price, which is enough to find prices by: the bound that is told
is computed anew by `dual.bound`.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.scheduling.core.dual import Prices, row_use, tenant_gains, wanted
from multihome.scheduling.core.problem import NO_ROW, Fairness, Floats, Ints, Problem, summed

Singles = NDArray[np.float32]

_EXPONENT_MIN = np.float32(-60.0)
"""Below this an option's share is nothing in single precision."""
_SUPPLY_SHARPNESS = 2.0
"""Steps are smoothed at half the temperature of classes: a wide step that is hardly used would loosen the bound."""
_RATE_MAX = 1e12
"""Where a tenant that can get nothing ends."""


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """Steps as the smoothed dual wants them: prices in price units, and the source that each step draws on, if any.

    `is_sure` marks steps that a price never falls below, which need no smoothing; `lowest` is each row's lowest price.
    """

    row: Ints
    source: Ints
    units: Floats
    price: Floats
    is_sure: NDArray[np.bool_]
    lowest: Floats


class Scaled(msgspec.Struct, frozen=True, kw_only=True):
    """A problem per reference chip (of a class's smallest option), money in `price_unit` micro-USD.

    `weight` counts a class's reference chips, all members; `ratio` (S x C) is an option's chips over its class's.
    """

    problem: Problem
    price_unit: float
    weight: Floats
    value: Singles
    cost: Singles
    ratio: Singles
    supply: Supply
    fairness: Fairness


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Where a search stands: prices in price units, the smoothed dual and its gradient there, option shares (S x C).

    `step_curve` is the second derivative of each step's gain, `row_gradient` supply less use, `rate_gradient` value
    less what is wanted.
    """

    row: Floats
    rate: Floats
    total: float
    share: Singles
    row_gradient: Floats
    rate_gradient: Floats
    step_curve: Floats


def scaled(problem: Problem) -> Scaled:
    """Columns per chip, in the median of what classes would pay for a chip at most."""
    offered = problem.bundle != problem.no_bundle
    size = np.where(offered, problem.chips, np.inf).min(axis=0)
    size[~np.isfinite(size)] = 1.0
    worth = problem.fairness.weight[problem.tenant] * np.where(offered, problem.value - problem.cost, 0.0).max(axis=0)
    paying = (worth / size)[worth > 0]
    # Where nobody would pay, only subsidies speak for placing anyone.
    unit = float(np.median(paying) if len(paying) else np.abs(problem.steps.price).max(initial=0.0)) or 1.0
    per_chip = 1.0 / (size * unit)
    fair = problem.fairness
    return Scaled(
        problem=problem,
        price_unit=unit,
        weight=size * problem.members,
        value=_single(np.where(offered, problem.value, 0.0) * per_chip),
        cost=_single(np.where(offered, problem.cost * per_chip, np.inf)),
        ratio=_single(np.where(offered, problem.chips, 0.0) / size),
        supply=_supply(problem, unit),
        fairness=msgspec.structs.replace(fair, reference=fair.reference / unit, floor=fair.floor / unit),
    )


def _single(column: Floats) -> Singles:
    return np.ascontiguousarray(column, dtype=np.float32)


def _supply(problem: Problem, unit: float) -> Supply:
    steps = problem.steps
    first = np.ones(len(steps.row), dtype=np.bool_)
    first[1:] = steps.row[1:] != steps.row[:-1]
    lowest = np.zeros(len(problem.source))
    lowest[steps.row[first]] = steps.price[first] / unit
    return Supply(
        row=steps.row,
        source=np.where(steps.is_drawn, problem.source[steps.row], NO_ROW).astype(np.int32),
        units=steps.units,
        price=steps.price / unit,
        is_sure=first & ~steps.is_drawn,
        lowest=lowest,
    )


def rate_max(at: Scaled) -> Floats:
    """A tenant's marginal welfare where it has nothing: no rate is higher."""
    fair = at.fairness
    if fair.alpha == 0:
        return fair.weight
    with np.errstate(divide="ignore"):
        return np.minimum(fair.weight * (fair.reference / fair.floor) ** fair.alpha, _RATE_MAX)


def point_at(at: Scaled, row: Floats, rate: Floats, temperature: float) -> Point:
    """Evaluate the smoothed dual and its gradient at prices (price units) and rates; costs S x C."""
    problem = at.problem
    total, share = _choices(at, row, rate, temperature)
    chips = share * at.ratio
    chips *= at.weight.astype(np.float32)
    bundles = problem.rows.shape[1]
    use = summed(problem.bundle, chips, bundles)
    use[-1] = 0.0
    gain, supplied, curve = _steps(at.supply, row, temperature / _SUPPLY_SHARPNESS)
    gradient = np.zeros(len(rate))
    if at.fairness.alpha:
        value = np.einsum("sc,sc->c", share, at.value) * at.weight
        gradient = summed(problem.tenant, value, len(rate)) - wanted(at.fairness, rate)
        total += float(tenant_gains(at.fairness, rate).sum())
    return Point(
        row=row,
        rate=rate,
        total=total + gain,
        share=share,
        row_gradient=supplied - row_use(problem, use),
        rate_gradient=gradient,
        step_curve=curve,
    )


def _choices(at: Scaled, row: Floats, rate: Floats, temperature: float) -> tuple[float, Singles]:
    """The classes' part of the smoothed dual, and the share of each option."""
    problem = at.problem
    per_chip = (problem.draws * np.append(row, 0.0)[problem.rows]).sum(axis=0).astype(np.float32)
    score = per_chip[problem.bundle]
    score *= at.ratio
    worth = at.value if not at.fairness.alpha else at.value * rate.astype(np.float32)[problem.tenant]
    if not at.fairness.alpha and not (at.fairness.weight == 1).all():
        worth = at.value * at.fairness.weight.astype(np.float32)[problem.tenant]
    np.subtract(worth, score, out=score)
    score -= at.cost
    best = np.maximum(score.max(axis=0), np.float32(0))
    sharpness = np.float32(1.0 / temperature)
    score -= best
    score *= sharpness
    np.maximum(score, _EXPONENT_MIN, out=score)
    np.exp(score, out=score)
    score[problem.bundle == problem.no_bundle] = 0
    norm = score.sum(axis=0)
    norm += np.exp(np.maximum(-best * sharpness, _EXPONENT_MIN))
    total = float((best + np.float32(temperature) * np.log(norm)).astype(np.float64) @ at.weight)
    score /= norm
    return total, score


def _steps(supply: Supply, row: Floats, temperature: float) -> tuple[float, Floats, Floats]:
    """The steps' part: what they gain, what each row is supplied with net of what is drawn on it, and the curvature."""
    padded = np.append(row, 0.0)
    gain = row[supply.row] - supply.price - padded[supply.source]
    exponent = np.clip(gain / temperature, -500.0, 500.0)
    share = np.where(supply.is_sure, 1.0, 1.0 / (1.0 + np.exp(-exponent)))
    soft = np.maximum(gain, 0.0) + temperature * np.log1p(np.exp(-np.abs(exponent)))
    total = float(np.where(supply.is_sure, gain, soft) @ supply.units)
    units = share * supply.units
    rows = len(row)
    supplied = summed(supply.row, units, rows)
    drawn = summed(supply.source - NO_ROW, units, rows - NO_ROW)[-NO_ROW:]
    curve = np.where(supply.is_sure, 0.0, units * (1.0 - share) / temperature)
    return total, supplied - drawn, curve


def in_micro_usd(at: Scaled, point: Point) -> Prices:
    """The prices of a point as everybody else counts them."""
    return Prices(point.row * at.price_unit, point.rate)
