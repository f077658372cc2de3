"""What the API says when a command cannot be kept: 507 while the disk takes nothing, 503 while the inbox is full."""

import asyncio
import resource
import time

import httpx
import pytest

from bench.site import Plane, workload
from multihome.adapters.clock_os.clock import OsClock, OsIdMint
from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.adapters.webhooks import WebhookNotifier
from multihome.api.application import application
from multihome.api.context import Context
from multihome.api.metrics import Metrics
from multihome.app.engines import SilentEngine
from multihome.domain.commands import Cancel
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.runtime.loop import Runtime
from multihome.runtime.service import INBOX_MAX, Service
from multihome.wire.refusals import RETRY_AFTER_S, EdgeCode

TOKEN = "a token for this test"
PERSON = {"actor": "ada", "why": "a test"}


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    return answer.status_code, answer.json()["refusal"]["code"], answer.headers.get("retry-after")


def test_a_disk_that_takes_nothing_refuses_commands_and_answers_reads(fresh: Plane) -> None:
    headers = {"authorization": f"Bearer {fresh.token}"}
    with httpx.Client(base_url=fresh.info.address, headers=headers, timeout=30, trust_env=False) as api:
        assert api.post("/v1/workloads", json=workload("before", "sleep 300")).status_code == 200
        soft, hard = resource.prlimit(fresh.info.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(fresh.info.pid, resource.RLIMIT_FSIZE, (0, hard))
        for _ in range(2):
            answer = api.post("/v1/workloads", json=workload("during"), headers={"idempotency-key": "one"})
            assert refused(answer) == (507, EdgeCode.JOURNAL_UNAVAILABLE, str(RETRY_AFTER_S))
            assert {row["name"] for row in api.get("/v1/workloads").json()["workloads"]} == {"before"}
        assert api.get("/healthz").json()["journal_error"]
        resource.prlimit(fresh.info.pid, resource.RLIMIT_FSIZE, (soft, hard))
        answer = _until_kept(api)
        [workload_id] = answer.json()["workload_ids"]
        assert api.get(f"/v1/workloads/{workload_id}/explain").json()["name"] == "during"
        assert api.get("/healthz").json()["journal_error"] == ""
        repeated = api.post("/v1/workloads", json=workload("during"), headers={"idempotency-key": "one"})
        assert repeated.json() == answer.json()
    assert fresh.stop() == 0


def _until_kept(api: httpx.Client) -> httpx.Response:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        answer = api.post("/v1/workloads", json=workload("during"), headers={"idempotency-key": "one"})
        if answer.status_code == 200:
            return answer
        time.sleep(RETRY_AFTER_S / 4)
    pytest.fail("it did not take commands again")


def test_a_full_inbox_refuses_and_then_takes_again() -> None:
    asyncio.run(_fill_the_inbox())


async def _fill_the_inbox() -> None:
    """The loop does not run at first, so that nothing leaves the inbox."""
    clock = OsClock()
    runtime = Runtime(MemoryJournal(MemoryDisk()), clock)
    service = Service(
        runtime,
        clock,
        OsIdMint(),
        lambda provider: SilentEngine(provider.id, provider.engine),
        WebhookNotifier(clock, str, ()),
    )
    app = application(Context(service, clock, Metrics(), "test"), TOKEN)
    waiting = [
        asyncio.create_task(service.request(Cancel(workload="nobody", **PERSON), "", "ada")) for _ in range(INBOX_MAX)
    ]
    await asyncio.sleep(0)
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers
    ) as api:
        full = await api.delete("/v1/workloads/nobody", params=PERSON)
        assert refused(full) == (503, EdgeCode.BUSY, str(RETRY_AFTER_S))
        assert (await api.get("/v1/status")).status_code == 200
        working = asyncio.create_task(service.run())
        answers = await asyncio.gather(*waiting)
        assert all(isinstance(answer, Refusal) for answer in answers)
        again = await api.delete("/v1/workloads/nobody", params=PERSON)
        assert refused(again) == (404, RefusalCode.NOT_FOUND, None)
        working.cancel()
        await asyncio.wait({working})
