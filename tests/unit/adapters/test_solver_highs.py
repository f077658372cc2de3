"""HiGHS behind its port says what it found, how well, and the same each time."""

import pytest

from multihome.adapters.solver_highs import HighsSolver
from multihome.domain.solves import UNBOUNDED, Column, Row, SolveLimits, SolveRequest, SolveStatus

LIMITS = SolveLimits(nodes_max=1_000, iterations_max=1_000)


def request(*rows: Row, cost: float = -1.0, whole: bool = False, limits: SolveLimits = LIMITS) -> SolveRequest:
    """Two columns that are no less than 0, of one cost each."""
    columns = tuple(Column(name, 0.0, UNBOUNDED, cost, is_whole=whole) for name in ("x", "y"))
    return SolveRequest("test", columns, rows, limits)


HALVES = Row("x + y", -UNBOUNDED, 3.5, ((0, 1.0), (1, 1.0)))


def test_an_optimum_has_its_values_and_duals() -> None:
    result = HighsSolver().solve(request(HALVES))
    assert result.status is SolveStatus.OPTIMAL
    assert result.objective == result.bound == pytest.approx(-3.5)
    assert sum(result.values) == pytest.approx(3.5)
    assert result.duals == (pytest.approx(-1.0),)


def test_whole_columns_are_whole() -> None:
    result = HighsSolver().solve(request(HALVES, whole=True))
    assert (result.objective, result.bound) == (pytest.approx(-3.0), pytest.approx(-3.0))
    assert result.duals == (0.0,)


def test_what_cannot_be_and_what_has_no_end_are_told_apart() -> None:
    assert HighsSolver().solve(request(Row("x", -2.0, -1.0, ((0, 1.0),)))).status is SolveStatus.INFEASIBLE
    assert HighsSolver().solve(request(Row("x", 0.0, 1.0, ((0, 1.0),)))).status is SolveStatus.UNBOUNDED


def test_a_limit_is_no_answer() -> None:
    rows = tuple(Row(f"r{n}", 1.0, 2.0 + n, ((0, 1.0 + n), (1, 3.0 - n))) for n in range(3))
    result = HighsSolver().solve(request(*rows, limits=SolveLimits(nodes_max=0, iterations_max=0), cost=1.0))
    assert result.status is SolveStatus.LIMIT
    assert result.values == ()


def test_nothing_to_decide_is_decided() -> None:
    def empty(*rows: Row) -> SolveStatus:
        return HighsSolver().solve(SolveRequest("empty", (), rows, LIMITS)).status

    assert empty() is SolveStatus.OPTIMAL
    assert empty(Row("r", -1.0, 1.0, ())) is SolveStatus.OPTIMAL
    assert empty(Row("r", 1.0, 2.0, ())) is SolveStatus.INFEASIBLE


def test_equal_requests_have_equal_answers() -> None:
    assert HighsSolver().solve(request(HALVES)) == HighsSolver().solve(request(HALVES))


def test_it_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    HighsSolver().solve(request(HALVES, whole=True))
    assert capfd.readouterr() == ("", "")
