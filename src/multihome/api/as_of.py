"""Answers as of an instant: one road for every route that shows what is, or was, on record."""

from collections import Counter
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Query
from starlette.responses import Response

from multihome.api.context import Context, refused_response, view_response
from multihome.api.reading import rows_of
from multihome.controller.state import State
from multihome.domain.refusals import Refusal
from multihome.ports.journal import HistoryRow, Journal
from multihome.units.time import parse_instant
from multihome.views.as_of import state_as_of
from multihome.views.history import CONSEQUENCE, FACT, read_row
from multihome.wire.refusals import EdgeCode, RefusalOut, edge_refusal, refusal_out

AS_OF_KINDS = (FACT, CONSEQUENCE)
"""Kinds of history that a state as of an instant is folded from."""

AsOf = Annotated[str, Query(max_length=40, description="what was recorded by this date or instant; now when left out")]

_View = TypeVar("_View")


async def answer_as_of(context: Context, as_of: str, make: Callable[[State, int], _View | Refusal]) -> Response:
    """A view of what is recorded, or of what was recorded by an instant; `make` gets that instant of contract time."""
    at_ms = instant_of("as_of", as_of)
    if isinstance(at_ms, RefusalOut):
        return refused_response(at_ms)
    if at_ms is None:
        state = await context.service.settled()
        made = make(state, context.now().contract_ms)
    else:
        made = make(await state_at(context, at_ms), at_ms)
    return refused_response(refusal_out(made)) if isinstance(made, Refusal) else view_response(made)


async def state_at(context: Context, at_ms: int) -> State:
    """What was recorded by an instant of contract time."""
    rows = await context.service.history(lambda: fact_rows(context.journal))
    return state_as_of((read_row(row) for row in rows), at_ms)


def instant_of(name: str, text: str) -> int | RefusalOut | None:
    """An instant of a query's parameter; None where none is named."""
    if not text:
        return None
    accepted = "a date from 1970 on like 2025-06-02, or an instant with its zone like 2025-06-02T12:00:00Z"
    try:
        at_ms = parse_instant(text)
    except ValueError:
        return edge_refusal(EdgeCode.INVALID, name, f"{text!r} is no date or instant", accepted)
    return at_ms if at_ms >= 0 else edge_refusal(EdgeCode.INVALID, name, f"{text!r} is before 1970", accepted)


def fact_rows(journal: Journal) -> list[HistoryRow]:
    """Rows of the kinds that a state as of an instant is folded from, in the order of the journal.

    Rows of one kind are in order. Where a record left rows of several, that record is read again with all its rows,
    since an event may rest on the one before it.
    """
    by_kind = [rows_of(journal, kind) for kind in AS_OF_KINDS]
    records = Counter(seq for rows in by_kind for seq in {row.seq for row in rows})
    whole = {seq: _record_rows(journal, seq) for seq, kinds in records.items() if kinds > 1}
    alone = (row for rows in by_kind for row in rows if row.seq not in whole)
    mixed = (row for rows in whole.values() for row in rows)
    # Sorting is stable: rows of one record stay as they stand.
    return sorted([*alone, *mixed], key=_seq)


def _record_rows(journal: Journal, seq: int) -> list[HistoryRow]:
    """The rows of one record, of which a page of one row holds all."""
    page = journal.history("", after_seq=seq - 1, limit=1)
    return [row for row in page if row.seq == seq and row.kind in AS_OF_KINDS]


def _seq(row: HistoryRow) -> int:
    return row.seq
