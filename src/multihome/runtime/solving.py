"""Runs a decider that needs solves: hands each of its requests to the solver, and the answer back to it."""

from collections.abc import Generator
from typing import TypeVar

from multihome.domain.solves import SolveRequest, SolveResult
from multihome.ports.solver import Solver

_T = TypeVar("_T")


def decide_with(solver: Solver, decider: Generator[SolveRequest, SolveResult, _T]) -> _T:
    """What a decider returns once all its requests are answered.

    Raises:
        SolverError: the solver failed.
    """
    try:
        request = next(decider)
        while True:
            request = decider.send(solver.solve(request))
    except StopIteration as finished:
        return finished.value
