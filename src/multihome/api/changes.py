"""The journal as a stream: whoever follows it gets every record once, and resumes where the stream broke."""

import asyncio
from collections.abc import AsyncIterator
from itertools import islice

import msgspec

from multihome.api.context import Context
from multihome.runtime.records import RECORDS
from multihome.wire.responses import ChangeOut

FOLLOWERS_MAX = 64
KEEPALIVE_S = 15
"""How often a quiet stream says that it is alive."""
READ_ROWS = 500

_ENCODER = msgspec.json.Encoder()


async def follow_changes(context: Context, after_seq: int) -> AsyncIterator[bytes]:
    """Server-sent events from the record after `after_seq` on. New records only wake it; what it sends it reads."""
    context.followers += 1
    try:
        with context.service.woken() as woken:
            while not context.closing.is_set():
                # Cleared before the read: what comes during it wakes us again.
                woken.clear()
                chunk, after_seq = await asyncio.to_thread(_read, context, after_seq)
                if chunk:
                    yield chunk
                    continue
                yield b": alive\n\n"
                await _wait(woken, context.closing)
    finally:
        context.followers -= 1


def _read(context: Context, after_seq: int) -> tuple[bytes, int]:
    """The next records as events, and the number of the last of them."""
    parts: list[bytes] = []
    for row in islice(context.journal.read(after_seq), READ_ROWS):
        after_seq = row.seq
        record = RECORDS.decode(row.body)
        change = ChangeOut(row.seq, record.at, record.cause, record.events)
        parts.append(b"id: %d\ndata: %b\n\n" % (row.seq, _ENCODER.encode(change)))
    return b"".join(parts), after_seq


async def _wait(woken: asyncio.Event, closing: asyncio.Event) -> None:
    """Until something happened, or it is time to show life."""
    waits = [asyncio.ensure_future(woken.wait()), asyncio.ensure_future(closing.wait())]
    try:
        await asyncio.wait(waits, timeout=KEEPALIVE_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
