"""Conflicts between clauses, as people read them."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from multihome.views.conflicts import ClauseLine, ConflictsView


def conflicts(view: ConflictsView) -> RenderableType:
    """Each conflict with its clauses, one a line, and where they meet."""
    return Group(*(Text(line) for line in _lines(view)))


def _lines(view: ConflictsView) -> Iterator[str]:
    for number, conflict in enumerate(view.conflicts, start=1):
        many = f"These {len(conflict.clauses)} clauses cannot all be kept"
        yield f"{number}. {many if len(conflict.clauses) > 1 else 'This clause cannot be kept'}:"
        yield from (f"   {_clause(clause)}" for clause in conflict.clauses)
        yield "   They meet here:" if len(conflict.clauses) > 1 else "   Nothing on record would keep it:"
        yield from (f"   - {row}" for row in conflict.meets)
    counted = f"{_number(view.clauses, 'clause')} of {_number(view.contracts, 'contract')}"
    if view.unsettled:
        yield f"{counted}: not settled, {view.unsettled}"
    elif view.conflicts:
        apart = ", no clause in two of them" if len(view.conflicts) > 1 else ""
        yield f"{counted}: {_number(len(view.conflicts), 'conflict')}{apart}"
    else:
        yield f"{counted}: all can be kept"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _clause(clause: ClauseLine) -> str:
    place = f"{clause.at.file}:{clause.at.line}: " if clause.at.file else ""
    return f"{place}{clause.contract_id}/{clause.clause_id} ({clause.kind.replace('_', ' ')}): {clause.says}"
