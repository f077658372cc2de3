"""Clauses that cannot all be kept: a smallest such set, and after it others that share no clause with it.

Implicit hitting sets (Ignatiev, Previti, Liffiton and Marques-Silva, "Smallest MUS extraction with minimal hitting set
dualization", CP 2015): every set of clauses whose removal leaves the rest possible meets every conflict. A least
number of clauses that meets all such sets found so far is either a conflict, and then a smallest one, or can be kept,
and then leads to another such set. Yields what must be solved; solves nothing itself.
"""

from collections.abc import Generator, Iterable

import msgspec

from multihome.domain.solves import UNBOUNDED, Column, Row, SolveLimits, SolveRequest, SolveResult, SolveStatus
from multihome.procurement.conflict_model import NOBODY, SHORT_MAX, Clause, Constraint, Model

LIMITS = SolveLimits(nodes_max=100_000, iterations_max=1_000_000)
ROUNDS_MAX = 2_000
"""Hitting sets that are tried for one conflict."""
CONFLICTS_MAX = 50
"""Conflicts that are told at once; others appear when these are mended."""

_WHOLE_MIN = 0.5
_Set = frozenset[int]
_Solving = Generator[SolveRequest, SolveResult, bool]


class Conflict(msgspec.Struct, frozen=True):
    """Clauses that cannot all be kept, no smaller set of those that were left; and where they meet, in words."""

    clauses: tuple[Clause, ...]
    meets: tuple[str, ...]


class Checked(msgspec.Struct, frozen=True):
    """Conflicts without a common clause, and why the search ended before it was through; empty where it was not."""

    conflicts: tuple[Conflict, ...]
    unsettled: str


class _LimitError(Exception):
    """A limit was reached; which one."""


def find_conflicts(model: Model) -> Generator[SolveRequest, SolveResult, Checked]:
    """All conflicts that share no clause, a smallest one of what is left each time."""
    left = frozenset(row.clause for row in model.constraints) - {NOBODY}
    found: list[Conflict] = []
    try:
        while len(found) < CONFLICTS_MAX:
            smallest = yield from _smallest(model, left)
            if not smallest:
                return Checked(tuple(found), "")
            meets = yield from _meets(model, smallest)
            found.append(Conflict(tuple(model.clauses[index] for index in sorted(smallest)), meets))
            left -= smallest
    except _LimitError as error:
        return Checked(tuple(found), str(error))
    return Checked(tuple(found), f"{CONFLICTS_MAX} conflicts were found (CONFLICTS_MAX)")


def _smallest(model: Model, among: _Set) -> Generator[SolveRequest, SolveResult, _Set]:
    """A smallest set of clauses that cannot all be kept; empty where all can."""
    if (yield from _possible(model, among)):
        return frozenset()
    corrections: list[_Set] = []
    for _ in range(ROUNDS_MAX):
        hitting = yield from _hitting_set(model, among, corrections)
        if not (yield from _possible(model, hitting)):
            yield from _check_minimal(model, hitting)
            return hitting
        kept = yield from _grown(model, hitting, among)
        corrections.append(among - kept)
    msg = f"{ROUNDS_MAX} hitting sets were tried for one conflict (ROUNDS_MAX)"
    raise _LimitError(msg)


def _check_minimal(model: Model, conflict: _Set) -> Generator[SolveRequest, SolveResult, None]:
    """A second look at a conflict: without any one of its clauses the others can be kept."""
    for index in sorted(conflict):
        possible = yield from _possible(model, conflict - {index})
        assert possible, f"a smallest conflict has no smaller one in it: {sorted(conflict)} without {index}"


def _possible(model: Model, kept: _Set) -> _Solving:
    """Whether all these clauses can be kept."""
    rows = [_row(row) for row in model.constraints if row.clause in kept or row.clause == NOBODY]
    result = yield from _solved(SolveRequest("can these be kept", model.columns, tuple(rows), LIMITS))
    return result.status is SolveStatus.OPTIMAL


def _hitting_set(model: Model, among: _Set, sets: list[_Set]) -> Generator[SolveRequest, SolveResult, _Set]:
    """A least number of clauses with one of each set."""
    if not sets:
        return frozenset()
    order = sorted(among)
    columns = tuple(Column(_name(model, index), 0.0, 1.0, 1.0, is_whole=True) for index in order)
    place = {index: column for column, index in enumerate(order)}
    rows = tuple(
        Row(f"set {number}", 1.0, UNBOUNDED, tuple((place[index], 1.0) for index in sorted(one)))
        for number, one in enumerate(sets)
    )
    result = yield from _solved(SolveRequest("fewest clauses that meet every set", columns, rows, LIMITS))
    assert result.status is SolveStatus.OPTIMAL, "every set has a clause in it"
    return frozenset(index for index, value in zip(order, result.values, strict=True) if value > _WHOLE_MIN)


def _grown(model: Model, start: _Set, among: _Set) -> Generator[SolveRequest, SolveResult, _Set]:
    """As many clauses more as can be kept beside those of `start`: first those that the least shortfall keeps."""
    result = yield from _least_short(model, start, among)
    short = _short(model, start, among, result)
    kept = among - short
    if not (yield from _possible(model, kept)):
        kept = start
    for index in sorted(among - kept):
        if (yield from _possible(model, kept | {index})):
            kept |= {index}
    return kept


def _least_short(model: Model, start: _Set, among: _Set) -> Generator[SolveRequest, SolveResult, SolveResult]:
    """Keep every clause of `start`, and of the others' rows lack as little as possible in all."""
    columns = list(model.columns)
    rows: list[Row] = []
    for row in model.constraints:
        if row.clause != NOBODY and row.clause not in among:
            continue
        extra: list[tuple[int, float]] = []
        if row.clause != NOBODY and row.clause not in start:
            columns += [
                Column(f"{row.name}: {word}", 0.0, UNBOUNDED, 1.0, is_whole=False) for word in ("lacks", "over")
            ]
            extra = [(len(columns) - 2, 1.0), (len(columns) - 1, -1.0)]
        rows.append(Row(row.name, row.lower, row.upper, (*row.entries, *extra)))
    result = yield from _solved(SolveRequest("least shortfall", tuple(columns), tuple(rows), LIMITS))
    assert result.status is SolveStatus.OPTIMAL, "what can be kept can be kept where the rest may lack anything"
    return result


def _short(model: Model, start: _Set, among: _Set, result: SolveResult) -> _Set:
    """Clauses that the least shortfall does not keep."""
    short: set[int] = set()
    column = len(model.columns)
    for row in model.constraints:
        if row.clause == NOBODY or row.clause not in among or row.clause in start:
            continue
        if max(result.values[column], result.values[column + 1]) > SHORT_MAX:
            short.add(row.clause)
        column += 2
    return frozenset(short)


def _meets(model: Model, conflict: _Set) -> Generator[SolveRequest, SolveResult, tuple[str, ...]]:
    """Rows of the clauses that weigh on the least shortfall: their duals are not 0."""
    result = yield from _least_short(model, frozenset(), conflict)
    looked_at = [row for row in model.constraints if row.clause in conflict or row.clause == NOBODY]
    heavy = (
        row.name
        for row, dual in zip(looked_at, result.duals, strict=True)
        if row.clause != NOBODY and abs(dual) > SHORT_MAX
    )
    return tuple(dict.fromkeys(heavy))


def _solved(request: SolveRequest) -> Generator[SolveRequest, SolveResult, SolveResult]:
    """An answer that says yes or no."""
    result = yield request
    if result.status is SolveStatus.LIMIT:
        msg = f"the solve {request.name!r} reached its limit of nodes or iterations"
        raise _LimitError(msg)
    assert result.status is not SolveStatus.UNBOUNDED, "no cost is negative"
    return result


def _row(constraint: Constraint) -> Row:
    return Row(constraint.name, constraint.lower, constraint.upper, constraint.entries)


def _name(model: Model, index: int) -> str:
    clause = model.clauses[index]
    return f"{clause.contract_id}/{clause.terms.id}"


def clauses_named(clauses: Iterable[Clause]) -> tuple[str, ...]:
    """Clauses as people find them."""
    return tuple(f"{clause.contract_id}/{clause.terms.id}" for clause in clauses)
