"""Routes of deliveries and terminations: how tranches stand, steps, credits, breaches, notices that contracts end."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from multihome.api.as_of import AsOf, answer_as_of
from multihome.api.context import Ctx, command_response, refused_response
from multihome.api.documentation import answers, takes
from multihome.controller.commands import answer_request
from multihome.controller.state import State
from multihome.domain import commands as cmd
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.views.sequences import CreditsView, TrancheSequence, TranchesView, credit_rows, tranche_rows
from multihome.wire.refusals import RefusalOut
from multihome.wire.requests import read_body
from multihome.wire.requests_sequences import BreachIn, ClaimIn, CureIn, MoveIn, TerminateIn
from multihome.wire.responses import AcceptedOut

router = APIRouter(prefix="/v1", tags=["sequences"])


@router.get("/tranches", responses=answers(TranchesView))
async def read_tranches(context: Ctx, as_of: AsOf = "") -> Response:
    """All tranches: phase, steps, dates as they stand, lateness, rights to end, credit due."""
    return await answer_as_of(context, as_of, tranche_rows)


@router.get("/tranches/{contract}/{tranche}", responses=answers(TrancheSequence))
async def read_tranche(contract: str, tranche: str, context: Ctx, as_of: AsOf = "") -> Response:
    """One tranche: phase, steps, dates as they stand, lateness, rights to end, credit due."""
    name = f"{contract}/{tranche}"

    def make(state: State, at_ms: int) -> TrancheSequence | Refusal:
        rows = tranche_rows(state, at_ms).tranches
        names = ", ".join(sorted(row.id for row in rows))
        missing = Refusal(RefusalCode.NOT_FOUND, f"tranche {name}", "no contract has it", accepted=names)
        return next((row for row in rows if row.id == name), missing)

    return await answer_as_of(context, as_of, make)


@router.post("/tranches/{contract}/{tranche}/steps", responses=answers(AcceptedOut), openapi_extra=takes(MoveIn))
async def move_tranche(contract: str, tranche: str, request: Request, context: Ctx) -> Response:
    """Record a step of a tranche's delivery, or its end; an acceptance is a delivery."""
    body = read_body(MoveIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    return await context.answer(body.to_command(f"{contract}/{tranche}"), request)


@router.get("/credits", responses=answers(CreditsView))
async def read_credits(context: Ctx, as_of: AsOf = "") -> Response:
    """Credits that are due and that nobody has claimed."""
    return await answer_as_of(context, as_of, credit_rows)


@router.post("/credits/{contract}/{tranche}/claim", responses=answers(AcceptedOut), openapi_extra=takes(ClaimIn))
async def claim_credit(contract: str, tranche: str, request: Request, context: Ctx) -> Response:
    """Claim the credit that a clause made due for a tranche; from then on it counts."""
    body = read_body(ClaimIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    return await context.answer(body.to_command(f"{contract}/{tranche}"), request)


@router.post("/contracts/{name}/breach", responses=answers(AcceptedOut), openapi_extra=takes(BreachIn))
async def tell_breach(name: str, request: Request, context: Ctx) -> Response:
    """Record that the provider was told of a breach: its time to cure it begins."""
    body = read_body(BreachIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    return await context.answer(body.to_command(name), request)


@router.post("/contracts/{name}/cure", responses=answers(AcceptedOut), openapi_extra=takes(CureIn))
async def cure_breach(name: str, request: Request, context: Ctx) -> Response:
    """Record that a breach is over."""
    body = read_body(CureIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    return await context.answer(body.to_command(name), request)


@router.post("/contracts/{name}/terminate", responses=answers(AcceptedOut), openapi_extra=takes(TerminateIn))
async def terminate(name: str, request: Request, context: Ctx, *, dry_run: bool = False) -> Response:
    """Give notice that a contract ends. With `dry_run`, say when it would end and what that costs; give none."""
    body = read_body(TerminateIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    if not dry_run:
        return await context.answer(body.to_command(name), request)
    state = await context.service.settled()
    asked = cmd.Request(key="", body_sha256="", minted_id="", actor="", command=body.to_command(name))
    answer = answer_request(state, asked, context.now()).answer
    assert answer is not None, "every command is answered"
    return command_response(answer)
