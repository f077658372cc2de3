"""Routes of workloads: submit, list, explain, logs, cancel, override."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from multihome.api import fast
from multihome.api.context import Ctx, command_response, refused_response, view_response, viewed
from multihome.api.documentation import answers, takes
from multihome.api.logs import LogPlace, follow, place_of_log, read_log
from multihome.controller.commands import find_workload
from multihome.controller.state import State
from multihome.domain.commands import Cancel
from multihome.domain.refusals import Refusal
from multihome.units.time import Now
from multihome.views.explain import Explanation, explain
from multihome.views.history import DECISION, RUN, WORKLOAD
from multihome.views.preview import Preview, preview
from multihome.views.status import WorkloadRow, unit_rows, workload_row, workload_rows
from multihome.wire.documents_workloads import WorkloadIn
from multihome.wire.parameter_problems import STATE_PATTERN
from multihome.wire.refusals import RefusalOut, refusal_out
from multihome.wire.requests import OverrideIn, read_body, read_workload
from multihome.wire.responses import AcceptedOut, WorkloadOut, WorkloadPage

PAGE_DEFAULT = 100
PAGE_MAX = 1_000

router = APIRouter(prefix="/v1/workloads", tags=["workloads"])

Actor = Annotated[str, Query(min_length=1, max_length=200, description="who decides this")]
Why = Annotated[str, Query(min_length=1, max_length=1_000, description="and why")]


@router.post("", responses=answers(AcceptedOut, Preview), openapi_extra=takes(WorkloadIn))
async def submit_workload(request: Request, context: Ctx, *, dry_run: bool = False) -> Response:
    """Ask for a workload to be run; answered once that is durable. With `dry_run`, say where it would go and why."""
    if not dry_run:
        return await fast.submit(context, request.scope, await request.body())
    spec = read_workload(await request.body(), context.accelerators())
    if isinstance(spec, RefusalOut):
        return refused_response(spec)
    foreseen = await viewed(context, lambda state, now: preview(state, spec, now))
    return view_response(foreseen) if foreseen.refusal is None else refused_response(refusal_out(foreseen.refusal))


@router.get("", responses=answers(WorkloadPage))
async def list_workloads(
    context: Ctx,
    tenant: Annotated[str, Query(max_length=400, description="this tenant and all below it")] = "",
    state: Annotated[str, Query(pattern=STATE_PATTERN)] = "",
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
    cursor: Annotated[str, Query(max_length=100, description="the id that the page before ended with")] = "",
) -> Response:
    """Live workloads in order of submission."""
    return view_response(await viewed(context, lambda known, now: _page(known, now, tenant, state, limit, cursor)))


def _page(known: State, now: Now, tenant: str, state: str, limit: int, cursor: str) -> WorkloadPage:
    """The next rows after the cursor; one that has ended in the meantime begins the list anew."""
    live = list(known.workloads.values())
    first = next((index + 1 for index, workload in enumerate(live) if workload.id == cursor), 0) if cursor else 0
    rows: list[WorkloadRow] = []
    chosen = (each for each in live[first:] if not tenant or f"{each.spec.tenant_id}/".startswith(f"{tenant}/"))
    for row in workload_rows(known, chosen, now):
        if state in {"", row.state}:
            rows.append(row)
        if len(rows) > limit:
            break
    return WorkloadPage(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else "")


@router.get("/{name}", responses=answers(WorkloadOut))
async def show_workload(name: str, context: Ctx) -> Response:
    """A live workload: what was asked for, and each gang's state; by id or name."""

    def make(state: State, now: Now) -> WorkloadOut | Refusal:
        workload = find_workload(state, name)
        if isinstance(workload, Refusal):
            return workload
        row, units = workload_row(state, workload, now), unit_rows(state, workload, now)
        return WorkloadOut(row, units, workload.spec)

    found = await viewed(context, make)
    return refused_response(refusal_out(found)) if isinstance(found, Refusal) else view_response(found)


@router.get("/{name}/explain", responses=answers(Explanation))
async def explain_workload(name: str, context: Ctx) -> Response:
    """A workload's present, with reasons, and its past; by id, or by name while it lives."""
    workload_id = await context.find(name)
    if isinstance(workload_id, Refusal):
        return refused_response(refusal_out(workload_id))
    entries = await context.history(WORKLOAD, DECISION, RUN, workload=workload_id)
    explained = await viewed(context, lambda state, now: explain(state, entries, workload_id, now))
    assert explained is not None, "a workload that was found is live or has a history"
    return view_response(explained)


@router.delete("/{name}", responses=answers(AcceptedOut))
async def cancel_workload(name: str, request: Request, context: Ctx, actor: Actor, why: Why) -> Response:
    """Stop a workload for good."""
    return await context.answer(Cancel(workload=name, actor=actor, why=why), request)


@router.post("/{name}/override", responses=answers(AcceptedOut), openapi_extra=takes(OverrideIn))
async def override_rule(name: str, request: Request, context: Ctx) -> Response:
    """Set a rule aside for a workload; a person must say who and why."""
    body = read_body(OverrideIn, await request.body())
    if isinstance(body, RefusalOut):
        return command_response(body)
    return await context.answer(body.to_command(name), request)


@router.get("/{name}/logs", responses=answers(None, media_type="application/octet-stream"))
async def read_logs(
    name: str,
    context: Ctx,
    unit: Annotated[int, Query(ge=0, le=100_000)] = 0,
    rank: Annotated[int, Query(ge=0, le=100_000)] = 0,
    from_: Annotated[int, Query(alias="from", ge=0, le=2**62, description="byte offset")] = 0,
    generation: Annotated[int, Query(ge=0, le=2**31, description="attempt; 0 is the newest")] = 0,
    *,
    follow_: Annotated[bool, Query(alias="follow")] = False,
) -> Response:
    """A rank's output from an offset on. `Multihome-Run` says whose, `Multihome-Next` where the next read begins."""
    found = await place_of_log(context, name, unit, generation)
    if isinstance(found, Refusal):
        return refused_response(refusal_out(found))
    if follow_:
        return _stream(follow(context, found, rank, from_), found)
    chunk = await read_log(context, found, rank, from_)
    if isinstance(chunk, RefusalOut):
        return refused_response(chunk)
    headers = {"multihome-run": found.run_id, "multihome-next": str(from_ + len(chunk))}
    return Response(chunk, headers=headers, media_type="application/octet-stream")


def _stream(chunks: AsyncIterator[bytes], found: LogPlace) -> Response:
    return StreamingResponse(chunks, headers={"multihome-run": found.run_id}, media_type="application/octet-stream")
