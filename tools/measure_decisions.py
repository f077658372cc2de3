"""`python -m tools.measure_decisions`: print the figures that `docs/decisions` quotes, with the machine's size."""
# ruff: noqa: TID251 -- it measures how long things take, which is what the clock of the machine is for

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
from pydantic import TypeAdapter

from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.adapters.relational.sqlite import open_sqlite
from multihome.clauses.price_columns import Standing
from multihome.controller.rounds import accelerator_kinds, snapshot_of
from multihome.controller.state import State
from multihome.domain.commands import Apply, DeclareClock, Install, Request, Submit
from multihome.files.loading import load
from multihome.files.references import KnownNames
from multihome.ports.journal import JournalRow, chain_hash
from multihome.runtime.loop import Runtime, replay
from multihome.scheduling.place import Placed as Placement
from multihome.scheduling.place import place
from multihome.scheduling.snapshot import Ask, Lot, Snapshot
from multihome.units.money import Rounding, charge_micro_usd, format_usd
from multihome.units.time import Now, month_interval, parse_instant
from tests import builders
from tests.control import Control
from tools.source import ROOT

RECORDS = 20_000
ASKS = 400
SINGLE_COMMITS = 300
BATCHES = 60
BATCH_ROWS = 100


class Share(msgspec.Struct, frozen=True):
    """The shape of a node share, as a struct."""

    node: int
    chips: int


class Placed(msgspec.Struct, frozen=True, tag=True):
    """The shape of an event that places a run, as a struct."""

    run_id: str
    pool_id: str
    tranche_id: str
    generation: int
    nodes: tuple[Share, ...]


@dataclass(frozen=True)
class ShareData:
    """The same as a dataclass."""

    node: int
    chips: int


@dataclass(frozen=True)
class PlacedData:
    """The same as a dataclass."""

    run_id: str
    pool_id: str
    tranche_id: str
    generation: int
    nodes: tuple[ShareData, ...]


def main() -> None:
    """Measure everything once, quickly."""
    print(f"machine: {len(os.sched_getaffinity(0))} cores, Python {sys.version.split()[0]}")
    codec()
    journal()
    start()
    classes()
    shim()
    prices()


def codec() -> None:
    """One event as msgspec struct, dataclass with json, and pydantic's adapter of the dataclass."""
    nodes = range(4)
    as_struct = Placed("w-abc.0.1", "azure/eastus-h100", "azure-2019/h100", 1, tuple(Share(node, 8) for node in nodes))
    shares = tuple(ShareData(node, 8) for node in nodes)
    as_data = PlacedData("w-abc.0.1", "azure/eastus-h100", "azure-2019/h100", 1, shares)
    adapter = TypeAdapter(PlacedData)
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Placed)
    text = encoder.encode(as_struct)
    plain = json.dumps(asdict(as_data)).encode()

    def decode_plain() -> PlacedData:
        found = json.loads(plain)
        found["nodes"] = tuple(ShareData(**share) for share in found["nodes"])
        return PlacedData(**found)

    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "msgspec": (lambda: encoder.encode(as_struct), lambda: decoder.decode(text)),
        "dataclass + json": (lambda: json.dumps(asdict(as_data)), decode_plain),
        "pydantic": (lambda: adapter.dump_json(as_data), lambda: adapter.validate_json(plain)),
    }
    for name, (encode, decode) in ways.items():
        print(f"codec, {name}: encode {_per_s(encode):,.0f}/s, decode {_per_s(decode):,.0f}/s")
    packed = msgspec.msgpack.encode(as_struct)
    print(f"codec, size of one event: JSON {len(text)} bytes, MessagePack {len(packed)} bytes")


def journal() -> None:
    """Durable rows: each commit alone, and in batches."""
    for rows, commits in ((1, SINGLE_COMMITS), (BATCH_ROWS, BATCHES)):
        with tempfile.TemporaryDirectory() as folder:
            opened = open_sqlite(Path(folder) / "state", "measure")
            seq, head = opened.head()
            began = time.perf_counter()
            for _ in range(commits):
                batch: list[JournalRow] = []
                for _ in range(rows):
                    seq, body = seq + 1, b"%0400d" % seq
                    head = chain_hash(head, body)
                    batch.append(JournalRow(seq, body, head))
                opened.append(batch, ())
            elapsed_s = time.perf_counter() - began
            opened.close()
        print(f"journal, {rows} rows a commit: {commits / elapsed_s:,.0f} commits/s, {seq / elapsed_s:,.0f} rows/s")


def start() -> None:
    """A start without a snapshot: the replay of a journal of submissions."""
    kept = MemoryJournal(MemoryDisk())
    runtime = Runtime(kept, OsClock())
    first = (Install(installation_id="i"), Apply(documents=builders.world(), workloads=()))
    submits = [Submit(spec=builders.training(f"w{number}")) for number in range(RECORDS)]
    for number, command in enumerate((*first, *submits)):
        request = Request(key=f"k{number}", body_sha256="", minted_id=f"{number:010d}", actor="a", command=command)
        runtime.commit(runtime.decide([request]))
    began = time.perf_counter()
    replay(kept)
    elapsed_s = time.perf_counter() - began
    print(f"replay of {RECORDS:,} submissions: {elapsed_s:.2f} s, {RECORDS / elapsed_s:,.0f} records/s")


def classes() -> None:
    """A placement round over waiting gangs that do not fit: one class of all, and one class each."""
    facts = builders.book(builders.contract(), builders.contract("beta"))
    spec = builders.training("t", num_nodes=2)
    full = tuple(
        builders.lot(of, part, facts, free=[[0, 0], [0, 0]]) for of in facts.contracts.values() for part in of.tranches
    )
    one: list[Ask] = [builders.ask(spec, count=ASKS)]
    many = [builders.ask(spec, count=1, class_id=f"c{number}") for number in range(ASKS)]
    for name, asks in (("one class", one), (f"{ASKS} classes", many)):
        snapshot = builders.snapshot(facts, asks, at=full)
        began = time.perf_counter()
        place(snapshot, builders.KINDS, Now(builders.START_MS, builders.START_MS))
        print(f"round, {ASKS} gangs that wait, {name}: {(time.perf_counter() - began) * 1_000:.2f} ms")


def shim() -> None:
    """What a supervisor of its own costs each run: the bare interpreter's start, and its memory."""
    for flags in (("-I", "-S"), ()):
        program = "print(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')))"
        began = time.perf_counter()
        told = subprocess.run([sys.executable, *flags, "-c", program], capture_output=True, text=True, check=True)
        elapsed_ms = (time.perf_counter() - began) * 1_000
        print(f"interpreter {' '.join(flags) or 'with site'}: {elapsed_ms:.0f} ms, {' '.join(told.stdout.split()[1:])}")


def prices() -> None:
    """Where the frontier lab's workloads go by list rates and by marginal prices, together and each alone."""
    state, now = _frontier_lab()
    view = snapshot_of(state, now)
    plain = tuple(msgspec.structs.replace(lot, standing=_by_list(lot)) for lot in view.lots)
    by_list = msgspec.structs.replace(view, lots=plain)
    kinds = accelerator_kinds(state)
    for name, one in (("list rate", by_list), ("marginal price", view)):
        bill = _june_micro_usd(view, place(one, kinds, now).placed, now.contract_ms)
        print(f"frontier lab, all at once, {name}: to the end of June {format_usd(bill)}")
    elsewhere = 0
    for ask in view.asks:
        rounds = [place(msgspec.structs.replace(one, asks=(ask,)), kinds, now).placed for one in (by_list, view)]
        seats = [sorted({placed.allocation.tranche_id for placed in found}) for found in rounds]
        if seats[0] != seats[1]:
            bills = [format_usd(_june_micro_usd(view, found, now.contract_ms)) for found in rounds]
            print(f"alone, {ask.spec.name}: {seats[0]} by list, {bills[0]}; {seats[1]} by marginal price, {bills[1]}")
            elsewhere += 1
    print(f"frontier lab: {elsewhere} of {len(view.asks)} classes go elsewhere when each is placed alone")


def _frontier_lab() -> tuple[State, Now]:
    """The scenario's first day with all the workloads that it begins with."""
    base = load([ROOT / "scenarios" / "frontier-lab" / "base"], known=KnownNames())
    assert not base.problems
    control = Control()
    control.do(DeclareClock(start_ms=parse_instant("2025-06-02")))
    control.do(Apply(documents=base.documents, workloads=base.workloads))
    return control.state, control.now


def _by_list(lot: Lot) -> Standing:
    return msgspec.structs.replace(lot.standing, owed=None, tiered=None, minimum=None)


def _june_micro_usd(view: Snapshot, placed: Sequence[Placement], at_ms: int) -> int:
    """What is used to the month's end at list rates, and what is owed and not used."""
    ends_ms = month_interval(at_ms).end_ms
    total = 0
    for lot in view.lots:
        chips = sum(one.allocation.chips for one in placed if one.allocation.tranche_id == lot.tranche.id)
        used_chip_ms = chips * (ends_ms - at_ms)
        lacking_chip_ms = max(0, lot.standing.owed.left_chip_ms - used_chip_ms) if lot.standing.owed else 0
        total += charge_micro_usd(used_chip_ms + lacking_chip_ms, lot.standing.rate, Rounding.HALF_EVEN)
    return total


def _per_s(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(RECORDS):
        work()
    return RECORDS / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
