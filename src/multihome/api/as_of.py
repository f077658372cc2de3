"""Answers as of an instant: one road for every route that shows what is, or was, on record."""

import heapq
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
    rows = await context.service.history(lambda: _fact_rows(context.journal))
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


def _fact_rows(journal: Journal) -> list[HistoryRow]:
    return list(heapq.merge(*(rows_of(journal, kind) for kind in AS_OF_KINDS), key=lambda row: row.seq))
