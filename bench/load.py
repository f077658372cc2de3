"""A load generator: so many connections, each sending a request as soon as the one before is answered.

It does little per request (httptools parses, uvloop drives), so that on two cores the server is what is measured.
"""

import asyncio
import time
from collections.abc import Callable
from typing import cast

import httptools
import msgspec
import uvloop

CONNECT_S_MAX = 10


class Load(msgspec.Struct, frozen=True):
    """What came of it: requests answered, seconds taken, answers by status, and milliseconds of each in order."""

    answers: int
    elapsed_s: float
    statuses: dict[int, int]
    latencies_ms: list[float]

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many percent of requests did not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    @property
    def rate_per_s(self) -> float:
        """Answers a second."""
        return self.answers / self.elapsed_s


def http_request(method: str, path: str, token: str, body: bytes = b"", headers: str = "") -> bytes:
    """A whole request, ready to be sent."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def drive(address: tuple[str, int], connections: int, requests: int, make: Callable[[int], bytes]) -> Load:
    """Send `requests` requests over `connections` connections; `make` gives the n-th, counted from 0."""
    return uvloop.run(_drive(address, connections, requests, make))


class _Connection(asyncio.Protocol):
    """One connection: a request at a time, until there are no more."""

    def __init__(self, source: "_Source", done: "asyncio.Future[None]") -> None:
        self._source = source
        self._done = done
        self._parser = httptools.HttpResponseParser(self)
        self._started_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._source.answered(self._parser.get_status_code(), time.perf_counter() - self._started_s)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = self._source.next_request()
        if request is None:
            self._done.set_result(None)
            self._transport.close()
            return
        self._started_s = time.perf_counter()
        self._transport.write(request)


class _Source:
    """Requests to send, and what was answered."""

    def __init__(self, requests: int, make: Callable[[int], bytes]) -> None:
        self._requests = requests
        self._make = make
        self._sent = 0
        self.statuses: dict[int, int] = {}
        self.latencies_ms: list[float] = []

    def next_request(self) -> bytes | None:
        if self._sent == self._requests:
            return None
        self._sent += 1
        return self._make(self._sent - 1)

    def answered(self, status: int, elapsed_s: float) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latencies_ms.append(elapsed_s * 1_000)


async def _drive(address: tuple[str, int], connections: int, requests: int, make: Callable[[int], bytes]) -> Load:
    source = _Source(requests, make)
    loop = asyncio.get_running_loop()
    endings: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]

    def connect(ending: "asyncio.Future[None]") -> Callable[[], _Connection]:
        return lambda: _Connection(source, ending)

    started_s = time.perf_counter()
    async with asyncio.timeout(CONNECT_S_MAX):
        await asyncio.gather(*(loop.create_connection(connect(ending), *address) for ending in endings))
    await asyncio.gather(*endings)
    elapsed_s = time.perf_counter() - started_s
    return Load(len(source.latencies_ms), elapsed_s, source.statuses, source.latencies_ms)
