"""Routes that only read: status, report, the journal's head and its changes, health, metrics."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response, StreamingResponse

from multihome.api import fast
from multihome.api.changes import FOLLOWERS_MAX, follow_changes
from multihome.api.context import Ctx, refused_response, view_response, viewed
from multihome.api.documentation import answers
from multihome.api.metrics import CONTENT_TYPE
from multihome.controller.state import State
from multihome.ports.journal import HistoryRow, Journal
from multihome.units.time import Now
from multihome.views import history
from multihome.views.market import MarketView, market
from multihome.views.report import Report, report
from multihome.views.status import StatusView
from multihome.wire.refusals import EdgeCode, edge_refusal
from multihome.wire.responses import ChangeOut, HeadOut, HealthOut, NamesOut

REPORT_KINDS = (
    history.WORKLOAD,
    history.DECISION,
    history.RUN,
    history.USAGE,
    history.CONSEQUENCE,
    history.FACT,
)
PAGE_ROWS = 5_000

router = APIRouter(tags=["reading"])


@router.get("/v1/status", responses=answers(StatusView))
async def read_status(request: Request, context: Ctx) -> Response:
    """What there is and what runs, at one glance."""
    return await fast.status(context, request.scope, b"")


@router.get("/v1/names", responses=answers(NamesOut))
async def read_names(context: Ctx) -> Response:
    """The names that documents may refer to."""
    return view_response(_names(await context.service.settled()))


def _names(state: State) -> NamesOut:
    contracts = state.contracts.values()
    return NamesOut(
        accelerators=tuple(state.accelerators),
        providers=tuple(state.providers),
        aliases=tuple(alias for provider in state.providers.values() for alias in provider.aliases),
        pools=tuple(state.pools),
        contracts=tuple(state.contracts),
        clauses=tuple(f"{contract.id}/{terms.id}" for contract in contracts for terms in contract.clauses),
        tranches=tuple(tranche.id for contract in contracts for tranche in contract.tranches),
        waivers=tuple(state.waivers),
        needs=tuple(state.needs),
        tenants=tuple(state.tenants),
        workloads=tuple(dict.fromkeys(workload.spec.name for workload in state.workloads.values())),
    )


@router.get("/v1/market", responses=answers(MarketView))
async def read_market(context: Ctx) -> Response:
    """How good what runs is, proved, and what one more chip would be worth where something is full."""
    return view_response(await viewed(context, market))


@router.get("/v1/report", responses=answers(Report))
async def read_report(context: Ctx) -> Response:
    """Who ran where, when and why; what it cost; what every clause made of it."""
    rows = await context.service.history(lambda: whole_history(context.journal))
    entries = [history.read_row(row) for row in rows]

    def make(state: State, now: Now) -> Report:
        return report(state, entries, now)

    return view_response(await viewed(context, make))


def whole_history(journal: Journal) -> list[HistoryRow]:
    """All that the report is made from, in the order in which it happened.

    All kinds at once: within one record only the table knows what came first, a loss or the fences it led to.
    """
    return [row for row in rows_of(journal, "") if row.kind in REPORT_KINDS]


def rows_of(journal: Journal, kind: str) -> list[HistoryRow]:
    """All rows of one kind, or of all kinds when it is empty, in the order in which they happened."""
    rows = page = journal.history(kind, limit=PAGE_ROWS)
    while len(page) >= PAGE_ROWS:
        page = journal.history(kind, after_seq=page[-1].seq, limit=PAGE_ROWS)
        rows = rows + page
    return rows


@router.get("/v1/journal/head", responses=answers(HeadOut))
async def read_head(context: Ctx) -> Response:
    """The journal's last durable record. Anchor it elsewhere to prove later that nothing was rewritten."""
    state = await context.service.settled()
    return view_response(HeadOut(state.installation_id, *context.service.runtime.head))


@router.get("/v1/changes", responses=answers(ChangeOut, media_type="text/event-stream"))
async def read_changes(context: Ctx, last_event_id: Annotated[int | None, Header(ge=0)] = None) -> Response:
    """Server-sent events, one a record of the journal; `Last-Event-ID` resumes after that record, 0 from the first."""
    if context.followers >= FOLLOWERS_MAX:
        text = f"{FOLLOWERS_MAX} streams are open already (FOLLOWERS_MAX)"
        return refused_response(edge_refusal(EdgeCode.BUSY, "changes", text))
    await context.service.settled()
    after_seq = context.service.runtime.head[0] if last_event_id is None else last_event_id
    stream: AsyncIterator[bytes] = follow_changes(context, after_seq)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})


@router.get("/healthz", responses=answers(HealthOut))
async def read_health(context: Ctx) -> Response:
    """The control plane answers."""
    return view_response(HealthOut(context.version, context.service.journal_error))


@router.get("/metrics", responses=answers(None, media_type="text/plain"))
async def read_metrics(context: Ctx) -> Response:
    """Figures in Prometheus's text format."""
    state = await context.service.settled()
    body = context.metrics.text(context.service, state)
    return Response(body, media_type=CONTENT_TYPE)


@router.get("/openapi.json", include_in_schema=False)
async def read_openapi(request: Request) -> Response:
    """This API, as a document."""
    return view_response(request.app.openapi())
