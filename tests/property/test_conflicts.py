"""The conflict that is found is a smallest one: every subset of clauses is tried by brute force, in exact fractions.

Whether a subset can be kept is asked by another road than HiGHS: Fourier–Motzkin elimination over fractions.
"""

from collections.abc import Callable, Generator, Iterable
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.adapters.solver_highs import HighsSolver
from multihome.domain.ids import ContractId
from multihome.domain.solves import UNBOUNDED, Column, SolveRequest, SolveResult
from multihome.procurement import conflicts
from multihome.procurement.conflict_model import NOBODY, Clause, Constraint, Model
from multihome.procurement.conflicts import Checked, find_conflicts
from multihome.runtime.solving import decide_with
from tests.builders import exclusivity

CLAUSES = 6
COLUMNS = 3
figures = st.integers(-3, 3)
Inequality = tuple[tuple[Fraction, ...], Fraction]
"""Coefficients and a bound: Σ coefficient × column <= bound."""


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Small rows of whole figures, far from one another where they conflict; all columns at 0 keep what is nobody's."""
    rows: list[Constraint] = []
    for number in range(draw(st.integers(2, 9))):
        clause = draw(st.integers(0, CLAUSES - 1))
        entries = tuple((column, float(draw(figures))) for column in range(COLUMNS))
        bound = float(draw(figures))
        lower, upper = draw(st.sampled_from([(bound, UNBOUNDED), (-UNBOUNDED, bound), (bound, bound)]))
        rows.append(Constraint(clause, f"row {number}", lower, upper, entries))
    total = tuple((column, 1.0) for column in range(COLUMNS))
    rows.append(Constraint(NOBODY, "capacity", 0.0, 4.0, total))
    clauses = tuple(Clause(ContractId("c"), index, exclusivity(f"e{index}")) for index in range(CLAUSES))
    columns = tuple(Column(f"x{index}", 0.0, 2.0, 0.0, is_whole=False) for index in range(COLUMNS))
    return Model(clauses, columns, tuple(rows))


def can_be_kept(model: Model, kept: Iterable[int]) -> bool:
    """Whether some point keeps every row: columns are eliminated one after the other."""
    chosen = {*kept, NOBODY}
    found: set[Inequality] = set()
    for index, column in enumerate(model.columns):
        unit = tuple(Fraction(int(index == other)) for other in range(COLUMNS))
        found |= {(unit, Fraction(column.upper)), (_times(unit, -1), -Fraction(column.lower))}
    for row in model.constraints:
        if row.clause in chosen:
            weights = tuple(Fraction(value) for _, value in sorted(row.entries))
            if row.upper != UNBOUNDED:
                found.add((weights, Fraction(row.upper)))
            if row.lower != -UNBOUNDED:
                found.add((_times(weights, -1), -Fraction(row.lower)))
    for column in range(COLUMNS):
        found = _without(found, column)
    return all(bound >= 0 for _, bound in found)


def _without(found: set[Inequality], column: int) -> set[Inequality]:
    above = [_scaled(one, one[0][column]) for one in found if one[0][column] > 0]
    below = [_scaled(one, -one[0][column]) for one in found if one[0][column] < 0]
    rest = {one for one in found if one[0][column] == 0}
    return rest | {
        (tuple(a + b for a, b in zip(up[0], down[0], strict=True)), up[1] + down[1]) for up in above for down in below
    }


def _scaled(one: Inequality, by: Fraction) -> Inequality:
    return tuple(weight / by for weight in one[0]), one[1] / by


def _times(weights: tuple[Fraction, ...], by: int) -> tuple[Fraction, ...]:
    return tuple(weight * by for weight in weights)


def smallest_size(model: Model, among: set[int]) -> int:
    """The size of a smallest set that cannot be kept; 0 where there is none."""
    for size in range(1, len(among) + 1):
        if any(not can_be_kept(model, chosen) for chosen in combinations(sorted(among), size)):
            return size
    return 0


@settings(max_examples=60)
@given(model=models())
def test_every_conflict_is_a_smallest_one_of_what_is_left(model: Model) -> None:
    left = {row.clause for row in model.constraints} - {NOBODY}
    checked = decide_with(HighsSolver(), find_conflicts(model))
    assert checked.unsettled == ""
    for conflict in checked.conflicts:
        found = {clause.index for clause in conflict.clauses}
        assert not can_be_kept(model, found)
        assert len(found) == smallest_size(model, left)
        assert conflict.meets
        left -= found
    assert can_be_kept(model, left)


@settings(max_examples=20)
@given(model=models())
def test_the_same_model_has_the_same_conflicts(model: Model) -> None:
    first: Checked = decide_with(HighsSolver(), find_conflicts(model))
    assert decide_with(HighsSolver(), find_conflicts(model)) == first


def whole_correction(
    _model: Model, start: frozenset[int], _among: frozenset[int]
) -> Generator[SolveRequest, SolveResult, frozenset[int]]:
    """A planted fault: nothing is kept beside the start, and one clause too few is said to be in the way."""
    yield from ()
    return start | {max(_among - start)}


def every_clause(
    _model: Model, among: frozenset[int], sets: list[frozenset[int]]
) -> Generator[SolveRequest, SolveResult, frozenset[int]]:
    """A planted fault: the hitting set is not a least one."""
    yield from ()
    return among if sets else frozenset()


def unchecked(_model: Model, _conflict: frozenset[int]) -> Generator[SolveRequest, SolveResult, None]:
    """The second look at a conflict is left out, so that the test alone must see the fault."""
    yield from ()


@pytest.mark.parametrize(("name", "fault"), [("_hitting_set", every_clause), ("_grown", whole_correction)])
def test_a_planted_fault_is_caught(monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., object]) -> None:
    monkeypatch.setattr(conflicts, "_check_minimal", unchecked)
    monkeypatch.setattr(conflicts, name, fault)
    with pytest.raises(AssertionError):
        test_every_conflict_is_a_smallest_one_of_what_is_left()


def test_the_second_look_catches_a_conflict_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "_hitting_set", every_clause)
    with pytest.raises(AssertionError, match="no smaller one"):
        test_every_conflict_is_a_smallest_one_of_what_is_left()
