"""Problems for a solver, and what it answered: sparse rows and columns with names that people can read.

A decider that needs a solve yields a `SolveRequest` and receives a `SolveResult`; it never calls a solver itself. These
are the only numbers of the house that are not whole: a decider states how far it trusts them.
"""

from enum import StrEnum

import msgspec

UNBOUNDED = float("inf")


class Column(msgspec.Struct, frozen=True):
    """A variable: its bounds, what one unit costs, and whether it must be a whole number."""

    name: str
    lower: float
    upper: float
    cost: float
    is_whole: bool


class Row(msgspec.Struct, frozen=True):
    """`lower` <= Σ coefficient × column <= `upper`; `entries` are pairs of a column's index and its coefficient."""

    name: str
    lower: float
    upper: float
    entries: tuple[tuple[int, float], ...]


class SolveLimits(msgspec.Struct, frozen=True):
    """When a solve gives up: by work done, so that it gives up at the same point on every machine."""

    nodes_max: int
    iterations_max: int


class SolveRequest(msgspec.Struct, frozen=True):
    """The least cost of columns that keep every row."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    limits: SolveLimits


class SolveStatus(StrEnum):
    """How a solve ended."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    LIMIT = "limit"


class SolveResult(msgspec.Struct, frozen=True):
    """What came of a request; values and duals are empty unless it was solved to optimality.

    `bound` is a proven bound of the least cost: the gap to it is 0 where a solve is optimal. `duals` are one a row, and
    all 0 where a column must be whole.
    """

    status: SolveStatus
    objective: float
    bound: float
    values: tuple[float, ...]
    duals: tuple[float, ...]
    nodes: int
    iterations: int
