"""How long the offline verifier takes for a long journal."""

import base64
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path

from bench.registry import Measurement, Size, at_most, figure
from multihome.domain.events import ChipTimeMetered, Event, RunEnded, RunIntended, RunProgressed, RunReady, RunStarted
from multihome.domain.ids import ContractId, RunId, TenantId, WorkloadId
from multihome.domain.runs import Outcome, Progress
from multihome.ports.journal import JournalRow
from multihome.ports.signer import sign_head
from multihome.runtime.records import RECORDS
from multihome.simulator.dice import Dice
from multihome.simulator.refusal_campaign import SIGNER, bundle_lines
from multihome.simulator.refusal_episodes import tell_something
from multihome.simulator.refusal_story import Story
from multihome.simulator.refusal_world import HOLDER_CONTRACT, make_world, open_journal
from multihome.units.time import Interval
from multihome_verify.bundle import Trust, verify
from multihome_verify.chain import Anchor

EVENTS = {Size.SMOKE: 3_000, Size.FULL: 1_000_000}
EPISODES = 40
"""Acts of procurement at the journal's beginning: a thousand runs follow each contract, not the other way round."""
SEED = 5


@figure(
    name="verify_1m_events_s",
    unit="s",
    goal=at_most(30),
    against="the goal; one event a record, so that every event is hashed and parsed by itself, bundle read from a file",
)
def verify_1m_events_s(size: Size) -> Measurement:
    """Verify a bundle: chain, signed head, and the first-refusal sequence of one contract."""
    rows = _journal(EVENTS[size])
    head = sign_head(SIGNER, (rows[-1].seq, rows[-1].hash), 0)
    trust = Trust(anchor=Anchor(head.seq, head.hash), public_key=base64.b64decode(head.public_key))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bundle.jsonl"
        with path.open("wb") as file:
            file.writelines(bundle_lines(rows, HOLDER_CONTRACT, head))
        size_bytes, records = path.stat().st_size, len(rows)
        rows.clear()
        started = time.perf_counter()
        with path.open("rb") as file:
            report = verify(file, trust)
        elapsed_s = time.perf_counter() - started
    assert not report.findings, "the journal is lawful"
    assert report.records == records
    assert report.runs > records // 10, "runs on what was awarded were looked at"
    told = f"{head.hash} {sorted(report.in_scope.items())} {report.runs}"
    return Measurement(
        elapsed_s, f"{records:,} events in {size_bytes / 1e6:,.0f} MB", sha256(told.encode()).hexdigest()
    )


def _journal(events: int) -> list[JournalRow]:
    """A lawful history of procurement, then runs on its last tranche until there are so many events."""
    dice = Dice(SEED, "bench")
    world = make_world(dice)
    story = Story(world, dice, open_journal(world, dice))
    for _ in range(EPISODES):
        tell_something(story)
    provider, tranches = next((name, found) for name, found in story.tranches.items() if found)
    story.run_on(provider, tranches[-1])
    placed = _placed(story.pen.rows[-1].body)
    for event in _lives(placed):
        if len(story.pen.rows) >= events:
            break
        story.pen.write(event)
    return story.pen.rows


def _placed(body: bytes) -> RunIntended:
    event = RECORDS.decode(body).events[0]
    assert isinstance(event, RunIntended), "the story ended with a run"
    return event


def _lives(placed: RunIntended) -> Iterator[Event]:
    """Runs that start, report, are metered and end, one after the other."""
    allocation = placed.allocation
    for number in count(1):
        workload = WorkloadId(f"w-{number:08d}")
        run = RunId(f"{workload}.0.1")
        yield RunIntended(
            run_id=run,
            workload_id=workload,
            unit=0,
            generation=placed.generation,
            allocation=allocation,
            reason=placed.reason,
        )
        yield RunStarted(run_id=run)
        yield RunReady(run_id=run, endpoint="")
        yield RunProgressed(run_id=run, progress=Progress(step=100, checkpoint_step=100, loss_micro=2_345_678))
        yield ChipTimeMetered(
            run_id=run,
            workload_id=workload,
            tenant_id=TenantId("lab/research"),
            provider_id=allocation.provider_id,
            pool_id=allocation.pool_id,
            contract_id=ContractId(allocation.contract_id),
            tranche_id=allocation.tranche_id,
            interval=Interval(number * 1_000, number * 1_000 + 1_000),
            month_start_ms=0,
            chip_ms=8_000,
            rate_micro_usd_per_chip_hour=2_000_000,
        )
        yield RunEnded(run_id=run, outcome=Outcome.SUCCEEDED, exit_code=0, text="")
