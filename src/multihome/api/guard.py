"""The first thing every request meets: token, size, latency. Plain ASGI, since the fast route passes here too."""

import hmac

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multihome.api.metrics import Metrics
from multihome.ports.clock import Clock
from multihome.wire.refusals import EdgeCode, RefusalOut, RefusalReply, edge_refusal, status_of

BODY_BYTES_MAX = 16 * 1024 * 1024
"""As much as `files` reads for one apply."""
OPEN_PATHS = frozenset({"/healthz", "/openapi.json"})
"""What is answered without a token. Nothing of a tenant's is among it."""

_MS_PER_S = 1_000


class TooLargeError(Exception):
    """A body is longer than BODY_BYTES_MAX."""


class GoneError(Exception):
    """The caller left in the middle of a body."""


class Guard:
    """Lets requests through to `inner`, with their whole body read."""

    def __init__(self, inner: ASGIApp, token: str, clock: Clock, metrics: Metrics) -> None:
        """Guard an application with a token."""
        self._inner = inner
        self._bearer = b"Bearer " + token.encode("ascii")
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started_ms = self._clock.monotonic_ms()
        method = scope["method"]

        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.http_s.observe((self._clock.monotonic_ms() - started_ms) / _MS_PER_S)
                self._metrics.http_answers.labels(method, message["status"]).inc()
            await send(message)

        if scope["path"] not in OPEN_PATHS and not self._is_known(scope):
            text = "send `Authorization: Bearer TOKEN`; the token is in the file `token` of the state directory"
            await refuse(timed_send, edge_refusal(EdgeCode.UNAUTHORISED, "token", text))
            return
        try:
            body = await _body(scope, receive)
        except GoneError:
            return
        except TooLargeError:
            text = f"the body is longer than {BODY_BYTES_MAX} bytes (BODY_BYTES_MAX)"
            await refuse(timed_send, edge_refusal(EdgeCode.TOO_LARGE, "body", text))
            return
        await self._inner(scope, _replay(body, receive), timed_send)

    def _is_known(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(given, self._bearer)


async def refuse(send: Send, refusal: RefusalOut) -> None:
    """Send a refusal; the connection is closed, so that a body that was not read holds nobody up."""
    body = msgspec.json.encode(RefusalReply(refusal))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status_of(refusal.code).value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, within the limit.

    Raises:
        TooLargeError: it is longer.
        GoneError: the caller left before all of it came.
    """
    if scope["method"] in {"GET", "HEAD"}:
        return b""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    # The parser has refused what is no number; what is too much is refused before it is sent.
    if int(declared) > BODY_BYTES_MAX:
        raise TooLargeError
    parts: list[bytes] = []
    left = BODY_BYTES_MAX
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        part = message.get("body", b"")
        left -= len(part)
        if left < 0:
            raise TooLargeError
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand on a body that was read, and after it whatever comes (the caller's leaving)."""
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
