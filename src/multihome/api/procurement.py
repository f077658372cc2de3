"""Routes of offers, first-refusal notices and awards, and of what was allowed when."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from multihome.api.as_of import AsOf, answer_as_of, instant_of
from multihome.api.context import Ctx, refused_response, view_response, viewed
from multihome.api.documentation import answers, takes
from multihome.api.reading import rows_of
from multihome.controller.state import State
from multihome.domain.ids import RunId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.ports.journal import HistoryRow
from multihome.units.time import format_instant
from multihome.views.award_preview import AwardPreview, award_preview
from multihome.views.history import FACT, read_row, workload_of
from multihome.views.needs import NeedRow, NeedsView, need_rows
from multihome.views.procurement import (
    AwardsView,
    NoticeRow,
    NoticesView,
    OfferRow,
    OffersView,
    award_rows,
    notice_rows,
    offer_rows,
)
from multihome.views.was_allowed import WasAllowed, was_allowed
from multihome.wire.refusals import EdgeCode, RefusalOut, edge_refusal, refusal_out
from multihome.wire.requests import read_body
from multihome.wire.requests_procurement import AnswerIn, AskIn, AwardIn, ServeIn
from multihome.wire.responses import AcceptedOut

router = APIRouter(prefix="/v1", tags=["procurement"])

ROWS_OF_RUN_MAX = 5_000
_RUN_PARTS = 3

_Row = TypeVar("_Row")


@router.get("/needs", responses=answers(NeedsView))
async def read_needs(context: Ctx, as_of: AsOf = "") -> Response:
    """All needs, with offers, notices and awards for each, what is still open, and how long it took."""
    return await answer_as_of(context, as_of, need_rows)


@router.get("/needs/{need}", responses=answers(NeedRow))
async def read_need(need: str, context: Ctx, as_of: AsOf = "") -> Response:
    """One need, with offers, notices and awards for it, what is still open, and how long it took."""

    def make(state: State, at_ms: int) -> NeedRow | Refusal:
        return _named("need", need, {row.need.id: row for row in need_rows(state, at_ms).needs})

    return await answer_as_of(context, as_of, make)


@router.post("/needs/{need}/notices", responses=answers(AcceptedOut), openapi_extra=takes(AskIn))
async def ask_first(need: str, request: Request, context: Ctx) -> Response:
    """Ask the holder of a first refusal for what is needed, before anybody made an offer for it."""
    body = read_body(AskIn, await request.body(), context.accelerators())
    return (
        refused_response(body) if isinstance(body, RefusalOut) else await context.answer(body.to_command(need), request)
    )


@router.get("/offers", responses=answers(OffersView))
async def read_offers(context: Ctx, as_of: AsOf = "") -> Response:
    """All offers, with what was taken of each."""
    return await answer_as_of(context, as_of, offer_rows)


@router.get("/offers/{offer}", responses=answers(OfferRow))
async def read_offer(offer: str, context: Ctx, as_of: AsOf = "") -> Response:
    """One offer, with what was taken of it."""

    def make(state: State, at_ms: int) -> OfferRow | Refusal:
        return _named("offer", offer, {row.offer.id: row for row in offer_rows(state, at_ms).offers})

    return await answer_as_of(context, as_of, make)


@router.get("/notices", responses=answers(NoticesView))
async def read_notices(context: Ctx, as_of: AsOf = "") -> Response:
    """All first-refusal notices, with their answers and what they leave to others."""
    return await answer_as_of(context, as_of, notice_rows)


@router.get("/notices/{notice}", responses=answers(NoticeRow))
async def read_notice(notice: str, context: Ctx, as_of: AsOf = "") -> Response:
    """One first-refusal notice, with its canonical text, its answer and what it leaves to others."""

    def make(state: State, at_ms: int) -> NoticeRow | Refusal:
        return _named("notice", notice, {row.notice.id: row for row in notice_rows(state, at_ms).notices})

    return await answer_as_of(context, as_of, make)


@router.post("/notices", responses=answers(AcceptedOut), openapi_extra=takes(ServeIn))
async def serve_notice(request: Request, context: Ctx) -> Response:
    """Serve the holder of a first refusal a notice of an offer's terms; its window runs from then on."""
    body = read_body(ServeIn, await request.body())
    return refused_response(body) if isinstance(body, RefusalOut) else await context.answer(body.to_command(), request)


@router.post("/notices/{notice}/answer", responses=answers(AcceptedOut), openapi_extra=takes(AnswerIn))
async def answer_notice(notice: str, request: Request, context: Ctx) -> Response:
    """Record what the holder said: matched in full or in part, or declined."""
    body = read_body(AnswerIn, await request.body(), context.accelerators())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    return await context.answer(body.to_command(notice), request)


@router.get("/awards", responses=answers(AwardsView))
async def read_awards(context: Ctx, as_of: AsOf = "") -> Response:
    """All awards, with the evidence on which each was made."""
    return await answer_as_of(context, as_of, award_rows)


@router.post("/awards", responses=answers(AcceptedOut, AwardPreview), openapi_extra=takes(AwardIn))
async def award_offer(request: Request, context: Ctx, *, dry_run: bool = False) -> Response:
    """Take an offer, or be told which clause stands against it and from when on it could be permitted.

    With `dry_run`, say who permits it, what every cap makes of it and what would become due; take nothing.
    """
    body = read_body(AwardIn, await request.body())
    if isinstance(body, RefusalOut):
        return refused_response(body)
    command = body.to_command()
    if not dry_run:
        return await context.answer(command, request)
    foreseen = await viewed(context, lambda state, now: award_preview(state, command, now))
    return refused_response(refusal_out(foreseen)) if isinstance(foreseen, Refusal) else view_response(foreseen)


@router.get("/was-allowed/{subject:path}", responses=answers(WasAllowed))
async def read_was_allowed(
    subject: str,
    context: Ctx,
    as_of: Annotated[str, Query(max_length=40, description="a date or instant; when it was recorded if left out")] = "",
) -> Response:
    """Whether an award, a tranche or a run was allowed: by what was on record then, and by what is known now."""
    as_of_ms = instant_of("as_of", as_of)
    if isinstance(as_of_ms, RefusalOut):
        return refused_response(as_of_ms)
    await context.service.settled()
    now_ms = context.now().contract_ms
    if as_of_ms is not None and as_of_ms > now_ms:
        text = f"{as_of!r} lies ahead: what will be on record then nobody knows"
        return refused_response(edge_refusal(EdgeCode.INVALID, "as_of", text, f"up to {format_instant(now_ms)}"))
    facts = [read_row(row) for row in await context.service.history(lambda: rows_of(context.journal, FACT))]
    workload = workload_of(RunId(subject)) if len(subject.rsplit(".", 2)) == _RUN_PARTS else ""

    def of_run() -> list[HistoryRow]:
        return context.journal.history("", workload=workload, limit=ROWS_OF_RUN_MAX) if workload else []

    run = [read_row(row) for row in await context.service.history(of_run)]
    judged = was_allowed(facts, run, subject, as_of_ms)
    if judged is None:
        text = "no award, tranche or run of this name was ever recorded"
        return refused_response(RefusalOut(RefusalCode.NOT_FOUND.value, subject, text))
    return view_response(judged)


def _named(what: str, name: str, rows: Mapping[str, _Row]) -> _Row | Refusal:
    """The row of a name, or the names there are."""
    missing = Refusal(
        RefusalCode.NOT_FOUND, f"{what} {name}", "none of this name is on record", ", ".join(sorted(rows))
    )
    return rows.get(name, missing)
