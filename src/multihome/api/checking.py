"""The route that checks the contracts on record against each other."""

import asyncio

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from multihome.api.context import Ctx, view_response
from multihome.api.documentation import answers
from multihome.procurement.conflict_rows import model_of
from multihome.procurement.conflicts import find_conflicts
from multihome.runtime.solving import decide_with
from multihome.views.conflicts import ConflictsView, conflicts_view

router = APIRouter(tags=["reading"])


@router.get("/v1/conflicts", responses=answers(ConflictsView))
async def read_conflicts(context: Ctx) -> Response:
    """Clauses of contracts on record that cannot all be kept; files and lines are not known here.

    Solves in a thread of its own, one check at a time; the control plane goes on meanwhile.
    """
    async with context.checking:
        state = await context.service.settled()
        # Contracts are frozen; their table is copied, since others may be recorded while the solver works.
        book = msgspec.structs.replace(state.book(), contracts=dict(state.contracts))
        model = model_of(book, state.accelerators)
        checked = await asyncio.to_thread(decide_with, context.solver, find_conflicts(model))
        return view_response(conflicts_view(book, checked, {}))
