"""The port that solves what a decider asked for. Equal requests have equal answers."""

from typing import Protocol

from multihome.domain.solves import SolveRequest, SolveResult


class SolverError(Exception):
    """The solver failed on a request that has the right form; repeating it would not help."""


class Solver(Protocol):
    """Solves linear problems, some of whose columns may have to be whole."""

    def solve(self, request: SolveRequest) -> SolveResult:
        """Solve a request within its limits.

        Raises:
            SolverError: the solver failed.
        """
        ...
