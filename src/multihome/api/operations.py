"""Routes of what people decide: files, providers, drains, the scenario clock, backups."""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from multihome.api.context import Ctx, command_response, refused_response, view_response
from multihome.api.documentation import answers, takes
from multihome.controller.commands import answer_request
from multihome.domain import commands as cmd
from multihome.ports.journal import JournalFullError
from multihome.wire.refusals import EdgeCode, RefusalOut, edge_refusal
from multihome.wire.requests import ApplyIn, BackupIn, ClockIn, DrainIn, PersonIn, read_apply, read_body
from multihome.wire.responses import AcceptedOut, BackupOut, ClockOut

router = APIRouter(prefix="/v1", tags=["operations"])

Actor = Annotated[str, Query(min_length=1, max_length=200, description="who decides this")]
Why = Annotated[str, Query(min_length=1, max_length=1_000, description="and why")]


@router.post("/apply", responses=answers(AcceptedOut), openapi_extra=takes(ApplyIn))
async def apply_documents(request: Request, context: Ctx, *, dry_run: bool = False) -> Response:
    """Record documents and workloads, all or none. With `dry_run`, say what would change and change nothing."""
    command = read_apply(await request.body(), context.accelerators())
    if isinstance(command, RefusalOut):
        return refused_response(command)
    if not dry_run:
        return await context.answer(command, request)
    state = await context.service.settled()
    asked = cmd.Request(key="", body_sha256="", minted_id="", actor="", command=command)
    answer = answer_request(state, asked, context.now()).answer
    # Workloads that do not exist yet have no ids.
    foreseen = cmd.Accepted(changes=answer.changes) if isinstance(answer, cmd.Accepted) else answer
    assert foreseen is not None, "every command is answered"
    return command_response(foreseen)


@router.post("/providers/{provider}/declare-lost", responses=answers(AcceptedOut), openapi_extra=takes(PersonIn))
async def declare_lost(provider: str, request: Request, context: Ctx) -> Response:
    """Treat a provider as gone: what runs there is fenced and may run again elsewhere. Kills nothing."""
    body = read_body(PersonIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    return await context.answer(body.to_declare_lost(provider), request)


@router.post("/providers/{provider}/restore", responses=answers(AcceptedOut), openapi_extra=takes(PersonIn))
async def restore(provider: str, request: Request, context: Ctx) -> Response:
    """Admit to a provider again that was declared lost."""
    body = read_body(PersonIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    return await context.answer(body.to_restore(provider), request)


@router.post("/drains", responses=answers(AcceptedOut), openapi_extra=takes(DrainIn))
async def drain(request: Request, context: Ctx) -> Response:
    """Admit nothing more to a provider or pool; what runs there stops with a checkpoint and waits for room."""
    body = read_body(DrainIn, await request.body())
    return refused_response(body) if isinstance(body, RefusalOut) else await context.answer(body.to_command(), request)


@router.delete("/drains/{target:path}", responses=answers(AcceptedOut))
async def undrain(target: str, request: Request, context: Ctx, actor: Actor, why: Why) -> Response:
    """Admit to a provider or pool again."""
    return await context.answer(cmd.Undrain(target=target, actor=actor, why=why), request)


@router.get("/clock", responses=answers(ClockOut))
async def read_clock(context: Ctx) -> Response:
    """Contract time, process time, and the wall's."""
    state = await context.service.settled()
    now = context.now()
    scenario = state.scenario_ms is not None
    return view_response(ClockOut(scenario, now.contract_ms, now.process_ms, context.clock.wall_ms()))


@router.post("/clock", responses=answers(AcceptedOut), openapi_extra=takes(ClockIn))
async def move_clock(request: Request, context: Ctx) -> Response:
    """Declare a scenario clock, or advance it."""
    body = read_body(ClockIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    await context.service.settled()
    return await context.answer(body.to_command(context.now()), request)


@router.post("/backup", responses=answers(BackupOut), openapi_extra=takes(BackupIn))
async def backup(request: Request, context: Ctx) -> Response:
    """Write a consistent copy of the journal to a new file on the control plane's machine."""
    body = read_body(BackupIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    await context.service.settled()
    seq = context.service.runtime.head[0]
    if not Path(body.file).parent.is_dir():
        text = "its folder is not there"
        return refused_response(edge_refusal(EdgeCode.INVALID, body.file, text, "a file in a folder that exists"))
    try:
        await asyncio.to_thread(context.journal.backup, body.file)
    except FileExistsError:
        text = "it exists already, and a backup overwrites nothing"
        return refused_response(edge_refusal(EdgeCode.INVALID, body.file, text, "the name of a new file"))
    except JournalFullError as error:
        return refused_response(edge_refusal(EdgeCode.JOURNAL_UNAVAILABLE, body.file, str(error)))
    return view_response(BackupOut(body.file, seq))
