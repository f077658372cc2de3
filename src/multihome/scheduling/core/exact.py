"""The same problem for a solver: exact whole gangs where there are few, or the relaxation that prices solve.

Yields its requests and is handed their results (`runtime.solving.decide_with`). Above alpha 0 welfare is bounded from
above by tangents, and each result adds one for every tenant whose welfare it overstates, until none does by much
(Kelley, 1960). Shares no arithmetic with the prices, so that each can be held against the other.
"""

from collections.abc import Generator, Sequence
from enum import Enum

import msgspec
import numpy as np

from multihome.domain.solves import UNBOUNDED, Column, Row, SolveLimits, SolveRequest, SolveResult, SolveStatus
from multihome.scheduling.core.dual import marginal_welfare, welfare
from multihome.scheduling.core.problem import NO_ROW, Floats, Problem, summed

CLASSES_MAX = 2_000
"""More are not asked for: a solver would take minutes where prices take a second."""
_REQUESTS_MAX = 60
_ENOUGH = 1e-6
"""Welfare overstated by so little, as a share of what all tenants' references are worth, needs no further tangent."""
_FIRST_TANGENTS = (0.0, 0.1, 0.3, 1.0, 2.0)
"""Where tangents touch welfare to begin with, in references."""


class Gangs(Enum):
    """Whether gangs stay whole, or may be shared out in parts as prices allow."""

    WHOLE = "whole"
    IN_PARTS = "in parts"


class Words(msgspec.Struct, frozen=True):
    """What classes, bundles of rows, rows and tenants are called, each by its index."""

    classes: Sequence[str]
    bundles: Sequence[str]
    rows: Sequence[str]
    tenants: Sequence[str]


class Exact(msgspec.Struct, frozen=True, kw_only=True):
    """Members in options (S x C; parts of them in the relaxation), and the proven best objective in micro-USD a round.

    `bound` is not below the best; `requests` says how many solves it took.
    """

    counts: Floats
    bound: float
    requests: int


class Unsolved(msgspec.Struct, frozen=True):
    """The solver reached its limits, or welfare could not be bounded in as many requests as are allowed."""

    status: SolveStatus
    requests: int


def numbered(problem: Problem) -> Words:
    """Words for problems whose parts have no names."""
    return Words(
        classes=[f"class {index}" for index in range(len(problem.members))],
        bundles=[f"bundle {index}" for index in range(problem.rows.shape[1])],
        rows=[f"row {index}" for index in range(len(problem.source))],
        tenants=[f"tenant {index}" for index in range(len(problem.fairness.weight))],
    )


def exact(
    problem: Problem, words: Words, gangs: Gangs, limits: SolveLimits
) -> Generator[SolveRequest, SolveResult, Exact | Unsolved]:
    """The best there is, of a problem of few classes; money is in units of the dearest option while it is solved."""
    assert len(problem.members) <= CLASSES_MAX, "too many classes for a solver"
    slot, chosen = np.nonzero(problem.bundle != problem.no_bundle)
    unit = float(max(np.abs(problem.value[slot, chosen]).max(initial=0.0), 1.0))
    columns, rows = _linear(problem, words, gangs, unit)
    tangents: list[Row] = []
    if problem.fairness.alpha:
        columns += _welfare_columns(words)
        touch = np.outer(_FIRST_TANGENTS, problem.fairness.reference)
        tangents = [row for value in touch for row in _tangents(problem, words, value, unit)]
    for requests in range(1, _REQUESTS_MAX + 1):
        result = yield SolveRequest("placement", tuple(columns), (*rows, *tangents), limits)
        if result.status is not SolveStatus.OPTIMAL:
            return Unsolved(result.status, requests)
        counts = np.zeros(problem.bundle.shape)
        counts[slot, chosen] = result.values[: len(slot)]
        found = Exact(counts=counts, bound=-result.bound * unit, requests=requests)
        if not problem.fairness.alpha:
            return found
        value = _value_of(problem, counts)
        told = np.array(result.values[-len(value) :]) * unit
        over = told - welfare(problem.fairness, value)
        if over.sum() <= _ENOUGH * float((problem.fairness.weight * problem.fairness.reference).sum()):
            return found
        tangents += _tangents(problem, words, value, unit)
    return Unsolved(SolveStatus.LIMIT, _REQUESTS_MAX)


def _value_of(problem: Problem, counts: Floats) -> Floats:
    """Each tenant's value in micro-USD a round."""
    offered = np.where(problem.bundle != problem.no_bundle, problem.value, 0.0)
    return summed(problem.tenant, (offered * counts).sum(axis=0), len(problem.fairness.weight))


def _linear(problem: Problem, words: Words, gangs: Gangs, unit: float) -> tuple[list[Column], list[Row]]:
    """Options, then steps, as columns; classes, then rows, as rows: use of a row is what its steps supply."""
    slot, chosen = np.nonzero(problem.bundle != problem.no_bundle)
    weight = problem.fairness.weight if not problem.fairness.alpha else np.zeros_like(problem.fairness.weight)
    cost = (problem.cost - weight[problem.tenant] * problem.value) / unit
    columns = [
        Column(
            name=f"{words.classes[c]} in {words.bundles[problem.bundle[s, c]]}",
            lower=0.0,
            upper=float(problem.members[c]),
            cost=float(cost[s, c]),
            is_whole=gangs is Gangs.WHOLE,
        )
        for s, c in zip(slot.tolist(), chosen.tolist(), strict=True)
    ]
    steps = problem.steps
    of_class: list[list[tuple[int, float]]] = [[] for _ in words.classes]
    of_row: list[dict[int, float]] = [{} for _ in words.rows]
    for index, (s, c) in enumerate(zip(slot.tolist(), chosen.tolist(), strict=True)):
        of_class[c].append((index, 1.0))
        bundle = problem.bundle[s, c]
        for family in np.flatnonzero((problem.rows[:, bundle] != NO_ROW) & (problem.draws[:, bundle] > 0)):
            units = float(problem.draws[family, bundle] * problem.chips[s, c])
            row = of_row[int(problem.rows[family, bundle])]
            row[index] = row.get(index, 0.0) + units
    for number, row in enumerate(steps.row.tolist()):
        index = len(columns)
        name = f"{words.rows[row]}, step {number}"
        columns.append(Column(name, 0.0, float(steps.units[number]), float(steps.price[number]) / unit, is_whole=False))
        of_row[row][index] = -1.0
        if steps.is_drawn[number]:
            of_row[int(problem.source[row])][index] = 1.0
    rows = [
        Row(f"{name}: members", 0.0, float(most), tuple(entries))
        for name, most, entries in zip(words.classes, problem.members.tolist(), of_class, strict=True)
        if entries
    ]
    rows += [
        Row(f"{name}: use is supply", 0.0, 0.0, tuple(entries.items()))
        for name, entries in zip(words.rows, of_row, strict=True)
        if entries
    ]
    return columns, rows


def _welfare_columns(words: Words) -> list[Column]:
    return [Column(f"{name}: welfare", -UNBOUNDED, UNBOUNDED, -1.0, is_whole=False) for name in words.tenants]


def _tangents(problem: Problem, words: Words, value: Floats, unit: float) -> list[Row]:
    """For each tenant: its welfare is at most what the tangent at `value` says of its value."""
    slot, chosen = np.nonzero(problem.bundle != problem.no_bundle)
    first = len(slot) + len(problem.steps.row)
    height, slope = welfare(problem.fairness, value), marginal_welfare(problem.fairness, value)
    tenant = problem.tenant[chosen]
    worth = problem.value[slot, chosen] / unit
    rows: list[Row] = []
    for each, name in enumerate(words.tenants):
        options = np.flatnonzero((tenant == each) & (worth != 0))
        entries = [(int(index), -float(slope[each] * worth[index])) for index in options]
        # Divided by the slope where it is steep: a solver cannot tell numbers apart that differ a millionfold.
        scale = max(float(slope[each]), 1.0)
        entries = [(index, entry / scale) for index, entry in entries]
        entries.append((first + each, 1.0 / scale))
        most = float(height[each] - slope[each] * value[each]) / unit / scale
        rows.append(Row(f"{name}: welfare near {value[each]:.0f}", -UNBOUNDED, most, tuple(entries)))
    return rows
