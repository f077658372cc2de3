"""The two routes that are asked most often, past FastAPI: routing and dependencies cost three times what they do.

Only calls without query parameters go this way; everything else, and the documentation, is FastAPI's. Both ways end in
the same functions.
"""

from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from multihome.api.context import Context, command_response, refused_response
from multihome.domain.commands import Submit
from multihome.wire.refusals import RefusalOut
from multihome.wire.requests import read_workload

FastRoute = Callable[[Context, Scope, bytes], Awaitable[Response]]


class FastRoutes:
    """Answers the routes of `FAST` itself, and leaves the others to `inner`."""

    def __init__(self, inner: ASGIApp, context: Context) -> None:
        """Stand before an application."""
        self._inner = inner
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        route = FAST.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None or scope["query_string"]:
            await self._inner(scope, receive, send)
            return
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        response = await route(self._context, scope, body)
        await response(scope, receive, send)


async def submit(context: Context, scope: Scope, body: bytes) -> Response:
    """See `workloads.submit_workload`."""
    spec = read_workload(body, context.accelerators())
    if isinstance(spec, RefusalOut):
        return refused_response(spec)
    return command_response(await context.decide(Submit(spec=spec), scope["headers"]))


async def status(context: Context, scope: Scope, body: bytes) -> Response:
    """See `reading.read_status`."""
    del scope, body
    state = await context.service.settled()
    return Response(context.status_body(state), media_type="application/json")


FAST: dict[tuple[str, str], FastRoute] = {
    ("POST", "/v1/workloads"): submit,
    ("GET", "/v1/status"): status,
}
