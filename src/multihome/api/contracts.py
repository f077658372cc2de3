"""Routes of contracts: which there are, one with its clauses in force, and their deadlines. Each may be asked as of."""

import heapq
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from starlette.responses import Response

from multihome.api.context import Context, Ctx, refused_response, view_response
from multihome.api.documentation import answers
from multihome.api.reading import rows_of
from multihome.controller.deadlines import HORIZON_DAYS
from multihome.controller.state import State
from multihome.domain.ids import ContractId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.ports.journal import HistoryRow, Journal
from multihome.units.time import MS_PER_DAY, parse_instant
from multihome.views.as_of import state_as_of
from multihome.views.contracts import (
    ContractCalendar,
    ContractList,
    ContractView,
    contract_calendar,
    contract_list,
    contract_view,
)
from multihome.views.history import CONSEQUENCE, FACT, read_row
from multihome.wire.refusals import EdgeCode, RefusalOut, edge_refusal, refusal_out

AS_OF_KINDS = (FACT, CONSEQUENCE)
"""Kinds of history that a state as of an instant is folded from."""

router = APIRouter(prefix="/v1", tags=["contracts"])

AsOf = Annotated[str, Query(max_length=40, description="what was recorded by this date or instant; now when left out")]
Until = Annotated[str, Query(max_length=40, description=f"how far to look; {HORIZON_DAYS} days when left out")]

_View = TypeVar("_View")


@router.get("/contracts", responses=answers(ContractList))
async def list_contracts(context: Ctx, as_of: AsOf = "") -> Response:
    """Every contract, and what falls next under it."""
    return await _answer(context, as_of, contract_list)


@router.get("/contracts/{name}", responses=answers(ContractView))
async def show_contract(name: str, context: Ctx, as_of: AsOf = "") -> Response:
    """A contract: parties, clauses in force with all their terms, amendments, tranches, what is settled."""

    def make(state: State, at_ms: int) -> ContractView | Refusal:
        return contract_view(state, ContractId(name), at_ms) or _unknown(state, name)

    return await _answer(context, as_of, make)


@router.get("/contracts/{name}/calendar", responses=answers(ContractCalendar))
async def show_contract_calendar(name: str, context: Ctx, as_of: AsOf = "", until: Until = "") -> Response:
    """The deadlines of a contract, next first; before them what is past due and still open."""
    return await _calendar(context, name, as_of, until)


@router.get("/calendar", responses=answers(ContractCalendar))
async def show_calendar(context: Ctx, as_of: AsOf = "", until: Until = "") -> Response:
    """The deadlines of all contracts and offers, next first; before them what is past due and still open."""
    return await _calendar(context, "", as_of, until)


async def _calendar(context: Context, name: str, as_of: str, until: str) -> Response:
    until_ms = _instant("until", until)
    if isinstance(until_ms, RefusalOut):
        return refused_response(until_ms)

    def make(state: State, at_ms: int) -> ContractCalendar | Refusal:
        if name and name not in state.contracts:
            return _unknown(state, name)
        end_ms = at_ms + HORIZON_DAYS * MS_PER_DAY if until_ms is None else until_ms
        return contract_calendar(state, ContractId(name) if name else None, at_ms, end_ms)

    return await _answer(context, as_of, make)


async def _answer(context: Context, as_of: str, make: Callable[[State, int], _View | Refusal]) -> Response:
    """A view of what is recorded, or of what was recorded by an instant."""
    at_ms = _instant("as_of", as_of)
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


def _fact_rows(journal: Journal) -> list[HistoryRow]:
    return list(heapq.merge(*(rows_of(journal, kind) for kind in AS_OF_KINDS), key=lambda row: row.seq))


def _instant(name: str, text: str) -> int | RefusalOut | None:
    """An instant of a query; None where none is named."""
    if not text:
        return None
    accepted = "a date from 1970 on like 2025-06-02, or an instant with its zone like 2025-06-02T12:00:00Z"
    try:
        at_ms = parse_instant(text)
    except ValueError:
        return edge_refusal(EdgeCode.INVALID, name, f"{text!r} is no date or instant", accepted)
    return at_ms if at_ms >= 0 else edge_refusal(EdgeCode.INVALID, name, f"{text!r} is before 1970", accepted)


def _unknown(state: State, name: str) -> Refusal:
    text = "no contract of this name is on record"
    return Refusal(RefusalCode.NOT_FOUND, name, text, accepted=", ".join(sorted(state.contracts)))
