"""Routes of contracts: which there are, one with its clauses in force, and their deadlines. Each may be asked as of."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from multihome.api.as_of import AsOf, answer_as_of, instant_of
from multihome.api.context import Context, Ctx, refused_response
from multihome.api.documentation import answers
from multihome.controller.deadlines import HORIZON_DAYS
from multihome.controller.state import State
from multihome.domain.ids import ContractId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.units.time import MS_PER_DAY
from multihome.views.contracts import (
    ContractCalendar,
    ContractList,
    ContractView,
    contract_calendar,
    contract_list,
    contract_view,
)
from multihome.wire.refusals import RefusalOut

router = APIRouter(prefix="/v1", tags=["contracts"])

Until = Annotated[str, Query(max_length=40, description=f"how far to look; {HORIZON_DAYS} days when left out")]


@router.get("/contracts", responses=answers(ContractList))
async def list_contracts(context: Ctx, as_of: AsOf = "") -> Response:
    """Every contract, and what falls next under it."""
    return await answer_as_of(context, as_of, contract_list)


@router.get("/contracts/{name}", responses=answers(ContractView))
async def show_contract(name: str, context: Ctx, as_of: AsOf = "") -> Response:
    """A contract: parties, clauses in force with all their terms, amendments, tranches, what is settled."""

    def make(state: State, at_ms: int) -> ContractView | Refusal:
        return contract_view(state, ContractId(name), at_ms) or _unknown(state, name)

    return await answer_as_of(context, as_of, make)


@router.get("/contracts/{name}/calendar", responses=answers(ContractCalendar))
async def show_contract_calendar(name: str, context: Ctx, as_of: AsOf = "", until: Until = "") -> Response:
    """The deadlines of a contract, next first; before them what is past due and still open."""
    return await _calendar(context, name, as_of, until)


@router.get("/calendar", responses=answers(ContractCalendar))
async def show_calendar(context: Ctx, as_of: AsOf = "", until: Until = "") -> Response:
    """The deadlines of all contracts and offers, next first; before them what is past due and still open."""
    return await _calendar(context, "", as_of, until)


async def _calendar(context: Context, name: str, as_of: str, until: str) -> Response:
    until_ms = instant_of("until", until)
    if isinstance(until_ms, RefusalOut):
        return refused_response(until_ms)

    def make(state: State, at_ms: int) -> ContractCalendar | Refusal:
        if name and name not in state.contracts:
            return _unknown(state, name)
        end_ms = at_ms + HORIZON_DAYS * MS_PER_DAY if until_ms is None else until_ms
        return contract_calendar(state, ContractId(name) if name else None, at_ms, end_ms)

    return await answer_as_of(context, as_of, make)


def _unknown(state: State, name: str) -> Refusal:
    text = "no contract of this name is on record"
    return Refusal(RefusalCode.NOT_FOUND, name, text, accepted=", ".join(sorted(state.contracts)))
