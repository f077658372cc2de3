"""What every route works with, and the small things that all of them do."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, Request
from starlette.responses import Response

from multihome.api.metrics import Metrics
from multihome.controller.commands import find_workload
from multihome.controller.state import State
from multihome.domain.commands import Accepted, Command
from multihome.domain.ids import AcceleratorName, WorkloadId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.ports.clock import Clock
from multihome.ports.journal import HistoryRow, Journal
from multihome.ports.solver import Solver
from multihome.runtime.service import BusyError, JournalUnavailableError, Service
from multihome.units.time import Now
from multihome.views.history import WORKLOAD, HistoryEntry, read_row
from multihome.views.status import status
from multihome.wire.refusals import (
    RETRY_AFTER_S,
    EdgeCode,
    RefusalOut,
    RefusalReply,
    edge_refusal,
    refusal_out,
    status_of,
)
from multihome.wire.responses import AcceptedOut

KEY_CHARACTERS_MAX = 200
ACTOR_DEFAULT = "api"
STATUS_MS = 250
"""How old the times in a status may be while nothing happens."""
HISTORY_ROWS_MAX = 5_000
"""Rows of history that one answer is made from."""

Headers = Iterable[tuple[bytes, bytes]]
"""Headers as ASGI has them, their names in lower case."""

_ENCODER = msgspec.json.Encoder()
_RETRY_HEADERS = {"retry-after": str(RETRY_AFTER_S)}


class Context:
    """The service that is served, and what goes with it."""

    def __init__(self, service: Service, clock: Clock, metrics: Metrics, version: str, solver: Solver) -> None:
        """Serve a service that is running."""
        self.service = service
        self.clock = clock
        self.metrics = metrics
        self.version = version
        self.solver = solver
        self.checking = asyncio.Lock()
        """Held while contracts are checked: one check at a time."""
        self.closing = asyncio.Event()
        """Set when the control plane shuts down: streams end."""
        self.followers = 0
        """Streams of changes that are open."""
        self._status: tuple[tuple[int, int], bytes] = ((-1, -1), b"")
        self._known: tuple[int, frozenset[AcceleratorName]] = (-1, frozenset())

    @property
    def journal(self) -> Journal:
        """The journal, for reads."""
        return self.service.runtime.journal

    def now(self) -> Now:
        """The instant that views are made for."""
        return self.service.runtime.now()

    def accelerators(self) -> frozenset[AcceleratorName]:
        """Names of all accelerators on record; documents are never taken back, so their number tells them apart."""
        table = self.service.state.accelerators
        if len(table) != self._known[0]:
            self._known = (len(table), frozenset(table))
        return self._known[1]

    def status_body(self, state: State) -> bytes:
        """The status as JSON, made once for each state and STATUS_MS: no reader sees less than is durable."""
        now = self.now()
        made_for = (self.service.runtime.head[0], now.process_ms // STATUS_MS)
        if self._status[0] != made_for:
            self._status = (made_for, _ENCODER.encode(status(state, now)))
        return self._status[1]

    async def answer(self, command: Command, request: Request) -> Response:
        """Have a command decided and kept, and say how that went."""
        return command_response(await self.decide(command, request.scope["headers"]))

    async def decide(self, command: Command, headers: Headers) -> Accepted | Refusal | RefusalOut:
        """Have a command decided and kept; its idempotency key and who asks are in the headers."""
        key, actor = _key_and_actor(headers)
        if len(key) > KEY_CHARACTERS_MAX or len(actor) > KEY_CHARACTERS_MAX:
            text = f"idempotency keys and actors have at most {KEY_CHARACTERS_MAX} characters (KEY_CHARACTERS_MAX)"
            return edge_refusal(EdgeCode.INVALID, "headers", text)
        try:
            return await self.service.request(command, key, actor)
        except BusyError as error:
            return edge_refusal(EdgeCode.BUSY, "inbox", str(error))
        except JournalUnavailableError as error:
            return edge_refusal(EdgeCode.JOURNAL_UNAVAILABLE, "journal", str(error))

    async def find(self, name: str) -> WorkloadId | Refusal:
        """A workload, live or ended, by id; a live one also by name."""
        live = find_workload(await self.service.settled(), name)
        if not isinstance(live, Refusal):
            return live.id
        if live.code is RefusalCode.AMBIGUOUS:
            return live
        ended = await self.history(WORKLOAD, workload=name, limit=1)
        if ended:
            return WorkloadId(name)
        return _ended_by_name(self.service.state, name)

    async def history(self, *kinds: str, workload: str, limit: int = HISTORY_ROWS_MAX) -> list[HistoryEntry]:
        """Entries of these kinds of one workload, in the order in which they happened."""

        def read() -> list[HistoryRow]:
            # All kinds at once: within one record only the table knows what came first.
            found = self.journal.history("", workload=workload, limit=limit)
            return [row for row in found if row.kind in kinds]

        return [read_row(row) for row in await self.service.history(read)]


def _key_and_actor(headers: Headers) -> tuple[str, str]:
    key, actor = "", ACTOR_DEFAULT
    for name, value in headers:
        if name == b"idempotency-key":
            key = value.decode("latin-1")
        elif name == b"multihome-actor":
            actor = value.decode("latin-1")
    return key, actor


def _ended_by_name(state: State, name: str) -> WorkloadId | Refusal:
    """The workload of that name that has ended, as far as the state still knows names: of training and applied ones."""
    known = {workload_id for key, workload_id in state.models.items() if key.endswith(f"/{name}")}
    known |= {applied.workload_id for key, applied in state.applied.items() if key.endswith(f"/{name}")}
    if len(known) == 1:
        return known.pop()
    if known:
        text = f"{len(known)} workloads have this name"
        return Refusal(RefusalCode.AMBIGUOUS, name, text, accepted=", ".join(sorted(known)))
    return Refusal(RefusalCode.NOT_FOUND, name, "no workload has this id or name")


async def context_of(request: Request) -> Context:
    """The context of a request's application. A coroutine, so that FastAPI calls it without a thread."""
    return request.app.state.context


Ctx = Annotated[Context, Depends(context_of)]

_View = TypeVar("_View")


async def viewed(context: Context, make: Callable[[State, Now], _View]) -> _View:
    """A view of a durable state; nothing is awaited while it is made."""
    state = await context.service.settled()
    return make(state, context.now())


def view_response(view: object) -> Response:
    """A view as JSON."""
    return Response(_ENCODER.encode(view), media_type="application/json")


def command_response(answer: Accepted | Refusal | RefusalOut) -> Response:
    """What a command was answered, as JSON."""
    match answer:
        case Accepted():
            return view_response(AcceptedOut(answer.workload_ids, answer.changes, answer.made))
        case Refusal():
            return refused_response(refusal_out(answer))
        case RefusalOut():
            return refused_response(answer)


def refused_response(refusal: RefusalOut) -> Response:
    """A refusal as JSON, under its status."""
    status = status_of(refusal.code)
    headers = _RETRY_HEADERS if status.value in {503, 507} else None
    return Response(_ENCODER.encode(RefusalReply(refusal)), status.value, headers, "application/json")
