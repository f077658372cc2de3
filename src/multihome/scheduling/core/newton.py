"""Newton's method on the smoothed dual: steps at falling temperatures, each by one dense system over the rows in play.

Classes that clearly prefer one option add nothing to the curvature, so that it is summed over the undecided ones. The
tenants' block is diagonal and is eliminated. Where prices cannot fall further, rows leave the system.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.scheduling.core.problem import NO_ROW, Floats, Ints, summed, units_of
from multihome.scheduling.core.smoothed import Point, Scaled, point_at, rate_max

_DECIDED = 0.98
"""A class of which one option has this share is decided."""
_REACH = 8.0
"""How far a price moves in one step, in temperatures: farther away the curvature says nothing any more."""
_RATE_FALL_MAX = 0.2
_SHRINK = 0.4
_SHRUNK_MIN = 2e-3
_ENOUGH = 1e-4
"""The part of the expected fall that a step must bring (Armijo)."""
_SETTLED = 1e-7
"""A relative fall below this ends a phase; single precision shows no smaller one."""


class Phase(msgspec.Struct, frozen=True):
    """Steps at one temperature, which is in price units; ends when every row's use is within `tolerance` of supply."""

    temperature: float
    steps_max: int
    tolerance: float


class _Curvature(msgspec.Struct, frozen=True):
    """Second derivatives over the rows in play (A x A), between tenants and them (T x A), and of tenants (T)."""

    rows: Floats
    mixed: Floats
    tenants: Floats


def descend(at: Scaled, row: Floats, rate: Floats, phases: tuple[Phase, ...]) -> Point:
    """Minimise the smoothed dual from prices in price units, phase after phase."""
    units = units_of(at.problem) + 1.0
    row = np.maximum(row, at.supply.lowest)
    point = point_at(at, row, rate, phases[0].temperature)
    for phase in phases:
        if phase is not phases[0]:
            point = point_at(at, point.row, point.rate, phase.temperature)
        for _ in range(phase.steps_max):
            before = point
            point = _step(at, before, phase.temperature)
            settled = before.total - point.total < _SETTLED * abs(point.total)
            if settled or _mismatch(at, point, units) < phase.tolerance:
                break
    return point


def _in_play(at: Scaled, point: Point) -> NDArray[np.bool_]:
    return ~((point.row <= at.supply.lowest + 1e-12) & (point.row_gradient > 0))


def _mismatch(at: Scaled, point: Point, units: Floats) -> float:
    """The worst difference between supply and use of a row in play, as a share of its units; likewise of tenants."""
    rows = np.where(_in_play(at, point), np.abs(point.row_gradient) / units, 0.0)
    return float(rows.max(initial=0.0))


def _step(at: Scaled, point: Point, temperature: float) -> Point:
    """One Newton step, shortened until the smoothed dual falls."""
    play = np.flatnonzero(_in_play(at, point))
    curvature = _curvature(at, point, play, temperature)
    row_step, rate_step = _direction(at, point, play, curvature, temperature)
    slope = float(point.row_gradient @ row_step + point.rate_gradient @ rate_step)
    length = 1.0
    while True:
        row = np.maximum(point.row + length * row_step, at.supply.lowest)
        rate = np.clip(point.rate + length * rate_step, _RATE_FALL_MAX * point.rate, rate_max(at))
        there = point_at(at, row, rate, temperature)
        if there.total <= point.total + _ENOUGH * length * slope + _SETTLED * abs(point.total):
            return there
        if length < _SHRUNK_MIN:
            return point
        length *= _SHRINK


def _direction(
    at: Scaled, point: Point, play: Ints, curvature: _Curvature, temperature: float
) -> tuple[Floats, Floats]:
    """Solve for the step of rows, tenants eliminated, then of tenants."""
    matrix, gradient = curvature.rows, point.row_gradient[play]
    if at.fairness.alpha:
        scaled_mixed = curvature.mixed / curvature.tenants[:, None]
        matrix = matrix - curvature.mixed.T @ scaled_mixed
        gradient = gradient - scaled_mixed.T @ point.rate_gradient
    # A row that nobody wavers about has no curvature; a little keeps its step finite.
    ridge = 1e-5 * np.trace(matrix) / max(len(play), 1) + 1e-6 * (units_of(at.problem)[play] + 1.0) / temperature
    matrix[np.diag_indices(len(play))] += ridge
    row_step = np.zeros(len(point.row))
    row_step[play] = -np.linalg.solve(matrix, gradient)
    np.clip(row_step, -_REACH * temperature, _REACH * temperature, out=row_step)
    if not at.fairness.alpha:
        return row_step, np.zeros(len(point.rate))
    return row_step, -(point.rate_gradient + curvature.mixed @ row_step[play]) / curvature.tenants


def _curvature(at: Scaled, point: Point, play: Ints, temperature: float) -> _Curvature:
    """Sum second derivatives over undecided classes, and add those of supply."""
    problem = at.problem
    place = np.full(len(point.row) + 1, len(play), dtype=np.int32)
    place[play] = np.arange(len(play), dtype=np.int32)
    families = [(place[rows], draws) for rows, draws in zip(problem.rows, problem.draws, strict=True)]
    families = [(rows, draws) for rows, draws in families if (rows < len(play)).any()]
    most = np.maximum(point.share.max(axis=0), 1.0 - point.share.sum(axis=0))
    undecided = np.flatnonzero(most < _DECIDED)
    weight = at.weight[undecided] / temperature
    bundle, ratio = problem.bundle[:, undecided], at.ratio[:, undecided]
    chips = point.share[:, undecided] * ratio
    spread = summed(bundle, (chips * ratio * weight), problem.rows.shape[1])
    spread[-1] = 0.0
    mean = _by_row(families, bundle, chips, len(play))
    matrix = _within_bundles(families, spread, len(play))
    matrix -= (mean * weight.astype(np.float32)[:, None]).T @ mean
    _add_supply(matrix, at, point, place)
    matrix = matrix[:-1, :-1]
    if not at.fairness.alpha:
        return _Curvature(matrix, np.zeros((0, len(play))), np.zeros(0))
    value = at.value[:, undecided]
    worth = chips * value
    covariance = _by_row(families, bundle, worth, len(play))
    share = point.share[:, undecided]
    mean_value = (share * value).sum(axis=0)
    covariance -= mean * mean_value[:, None]
    variance = (share * value * value).sum(axis=0) - mean_value**2
    tenants = len(point.rate)
    tenant = problem.tenant[undecided]
    mixed = _by_tenant(-covariance[:, :-1] * weight[:, None], tenant, tenants)
    own = summed(tenant, variance * weight, tenants)
    fair = at.fairness
    value_wanted = fair.reference * (fair.weight / point.rate) ** (1.0 / fair.alpha)
    return _Curvature(matrix, mixed, own + value_wanted / (fair.alpha * point.rate))


def _by_row(families: list[tuple[Ints, Floats]], bundle: Ints, amount: Floats, play: int) -> NDArray[np.float32]:
    """Each class's amounts gathered by row in play (N x A+1); the last column takes what is in no such row."""
    count = bundle.shape[1]
    base = np.arange(count, dtype=np.int64) * (play + 1)
    gathered = np.zeros(count * (play + 1))
    for rows, draws in families:
        gathered += summed((base + rows[bundle]), (draws[bundle] * amount), len(gathered))
    gathered = gathered.reshape(count, play + 1)
    return gathered.astype(np.float32)


def _within_bundles(families: list[tuple[Ints, Floats]], spread: Floats, play: int) -> Floats:
    """The part of the curvature that options have by themselves: pairs of rows of one bundle."""
    matrix = np.zeros((play + 1) ** 2)
    bundles = np.flatnonzero(spread)
    spread = spread[bundles]
    for index, (rows, draws) in enumerate(families):
        row, draw = rows[bundles], draws[bundles] * spread
        for other_rows, other_draws in families[: index + 1]:
            other = other_rows[bundles]
            both = np.flatnonzero((row < play) & (other < play))
            amount = draw[both] * other_draws[bundles[both]]
            # The diagonal of families comes twice when the transposed half is added.
            amount *= 0.5 if other_rows is rows else 1.0
            matrix += summed(row[both].astype(np.int64) * (play + 1) + other[both], amount, len(matrix))
    square = matrix.reshape(play + 1, play + 1)
    return square + square.T


def _add_supply(matrix: Floats, at: Scaled, point: Point, place: Ints) -> None:
    row, source = place[at.supply.row], place[np.where(at.supply.source == NO_ROW, NO_ROW, at.supply.source)]
    curve = point.step_curve
    np.add.at(matrix, (row, row), curve)
    np.add.at(matrix, (source, source), curve)
    np.add.at(matrix, (row, source), -curve)
    np.add.at(matrix, (source, row), -curve)


def _by_tenant(columns: Floats, tenant: Ints, tenants: int) -> Floats:
    """Sums of rows by tenant (T x A)."""
    order = np.argsort(tenant, kind="stable")
    present, starts = np.unique(tenant[order], return_index=True)
    sums = np.zeros((tenants, columns.shape[1]))
    if len(present):
        sums[present] = np.add.reduceat(columns[order], starts, axis=0)
    return sums
