"""Output of runs: whose it is, and how it is read from an engine, once or for as long as the run lives."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from multihome.api.context import Context
from multihome.domain.events import RunIntended
from multihome.domain.ids import ProviderId, RunId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.ports.engine import Engine, EngineUnavailableError
from multihome.views.history import DECISION
from multihome.wire.refusals import EdgeCode, RefusalOut, edge_refusal

READ_BYTES_MAX = 4 * 1024 * 1024
"""What one answer carries; the rest is asked for from where it ended."""
FOLLOW_MS = 200
"""How often a followed log is looked at."""


class LogPlace(msgspec.Struct, frozen=True):
    """A run and the provider whose engine has its output."""

    run_id: RunId
    provider_id: ProviderId


async def place_of_log(context: Context, name: str, unit: int, generation: int) -> LogPlace | Refusal:
    """Where the output of a workload's unit is; of its newest attempt where `generation` is 0."""
    workload_id = await context.find(name)
    if isinstance(workload_id, Refusal):
        return workload_id
    for entry in reversed(await context.history(DECISION, workload=workload_id)):
        event = entry.event
        if isinstance(event, RunIntended) and event.unit == unit and generation in {0, event.generation}:
            return LogPlace(event.run_id, event.allocation.provider_id)
    which = f"unit {unit}" + (f", generation {generation}" if generation else "")
    return Refusal(RefusalCode.NOT_FOUND, name, f"nothing of it ever ran as {which}")


async def read_log(context: Context, place: LogPlace, rank: int, offset: int) -> bytes | RefusalOut:
    """What there is of a rank's output from an offset on, up to READ_BYTES_MAX."""
    engine = context.service.engine(place.provider_id)
    try:
        return await asyncio.to_thread(_read, engine, place.run_id, rank, offset)
    except EngineUnavailableError as error:
        return edge_refusal(EdgeCode.ENGINE_SILENT, place.provider_id, str(error))


async def follow(context: Context, place: LogPlace, rank: int, offset: int) -> AsyncIterator[bytes]:
    """A rank's output as it is written, until the run has ended; a silent engine is waited for."""
    while not context.closing.is_set():
        lives = place.run_id in (await context.service.settled()).runs
        chunk = await read_log(context, place, rank, offset)
        if isinstance(chunk, bytes) and chunk:
            offset += len(chunk)
            yield chunk
            continue
        if not lives and isinstance(chunk, bytes):
            return
        await asyncio.sleep(FOLLOW_MS / 1_000)


def _read(engine: Engine, run_id: RunId, rank: int, offset: int) -> bytes:
    parts: list[bytes] = []
    left = READ_BYTES_MAX
    for chunk in engine.logs(run_id, rank, offset):
        parts.append(chunk[:left])
        left -= len(parts[-1])
        if left == 0:
            break
    return b"".join(parts)
