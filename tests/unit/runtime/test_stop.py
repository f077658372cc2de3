"""A stop that comes together with an input is a stop: the loop ends, whatever it was just given."""

import asyncio

import pytest

from multihome.adapters.clock_os.clock import OsClock, OsIdMint
from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.adapters.webhooks import WebhookNotifier
from multihome.app.engines import SilentEngine
from multihome.domain.commands import Cancel
from multihome.runtime.loop import Runtime
from multihome.runtime.service import Service

TURNS = 8
"""Of the event loop, between an input and the stop: the loop takes an input in within so many."""


@pytest.mark.parametrize("turns", range(TURNS))
def test_a_stop_beside_an_input_is_not_lost(turns: int) -> None:
    asyncio.run(_stopped_after(turns))


async def _stopped_after(turns: int) -> None:
    clock = OsClock()
    runtime = Runtime(MemoryJournal(MemoryDisk()), clock)
    silent = WebhookNotifier(clock, str, ())
    service = Service(runtime, clock, OsIdMint(), lambda provider: SilentEngine(provider.id, provider.engine), silent)
    working = asyncio.create_task(service.run())
    command = Cancel(workload="nobody", actor="ada", why="a test")
    await service.request(command, "", "ada")
    asking = asyncio.create_task(service.request(command, "", "ada"))
    for _ in range(turns):
        await asyncio.sleep(0)
    working.cancel()
    done, _ = await asyncio.wait({working}, timeout=2)
    asking.cancel()
    working.cancel()
    assert done, "the loop went on"
