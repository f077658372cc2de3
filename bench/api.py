"""How fast the API is, with everything behind it: HTTP, wire, controller, journal, engine."""

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.load import Load, drive, http_request
from bench.registry import Measurement, Size, at_least, at_most, figure
from bench.results import hash_of, run_facts, state_facts, status_facts, workload_facts
from bench.site import Plane, plane, workload
from multihome.adapters.clock_os.clock import OsIdMint
from multihome.adapters.relational.sqlite import open_sqlite
from multihome.app.processes import start_detached, stop
from multihome.cli.launchers import StartOptions
from multihome.client.client import Client
from multihome.domain.events import RunStarted
from multihome.runtime.loop import replay

CONNECTIONS = 64
SUBMITS = {Size.SMOKE: 200, Size.FULL: 10_000}
READS = {Size.SMOKE: 200, Size.FULL: 20_000}
RUNS = {Size.SMOKE: 3, Size.FULL: 60}
STARTS = {Size.SMOKE: 1, Size.FULL: 5}
_OWN = "our own goal; nothing else does the same work"
_PLAIN_TERMINAL = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
"""Help is as wide as the terminal: for a hash there is one width."""


@contextmanager
def _plane(*, delivered: bool) -> Generator[Plane]:
    with tempfile.TemporaryDirectory() as folder, plane(Path(folder) / "state", delivered=delivered) as made:
        yield made


def _submit(made: Plane, count: int) -> Load:
    """Distinct workloads, each acknowledged when it is durable. Nothing is delivered, so that they all wait."""
    token = made.token
    bodies = [msgspec.json.encode(workload(f"job-{number}")) for number in range(count)]

    def request(number: int) -> bytes:
        return http_request("POST", "/v1/workloads", token, bodies[number], f"Idempotency-Key: k{number}\r\n")

    load = drive(("127.0.0.1", made.port), CONNECTIONS, count, request)
    assert load.statuses == {200: count}, load.statuses
    return load


@figure(
    name="api_submits_per_s",
    unit="submits/s",
    goal=at_least(1_000),
    against="an example of FastAPI with idempotency and a hash chain over SQLite: 1,137/s with 64 clients on 2 cores",
)
def api_submits_per_s(size: Size) -> Measurement:
    """Submit over 64 connections; an answer means that the journal has it."""
    with _plane(delivered=False) as made:
        load = _submit(made, SUBMITS[size])
        with made.client() as client:
            kept = workload_facts(client.all_workloads())
    assert len(kept) == load.answers, "every acknowledged workload is there"
    text = f"{load.answers:,} submits, p50 {load.percentile_ms(50):.0f} ms, p99 {load.percentile_ms(99):.0f} ms"
    return Measurement(load.rate_per_s, text, hash_of(kept))


@figure(name="api_reads_per_s", unit="reads/s", goal=at_least(1_000), against=_OWN)
def api_reads_per_s(size: Size) -> Measurement:
    """Read the status over 64 connections while so many workloads wait."""
    with _plane(delivered=False) as made:
        _submit(made, SUBMITS[Size.SMOKE])
        request = http_request("GET", "/v1/status", made.token)
        load = drive(("127.0.0.1", made.port), CONNECTIONS, READS[size], lambda _: request)
        with made.client() as client:
            told = status_facts(client.status().value)
    assert load.statuses == {200: READS[size]}, load.statuses
    text = f"{load.answers:,} reads, p50 {load.percentile_ms(50):.1f} ms, p99 {load.percentile_ms(99):.0f} ms"
    return Measurement(load.rate_per_s, text, hash_of(sorted(load.statuses.items()), told))


@figure(name="server_start_cpu_s", unit="CPU-s", goal=at_most(1.5), against=_OWN)
def server_start_cpu_s(size: Size) -> Measurement:
    """CPU time of a new control plane on an empty state directory until it answers; the least of several."""
    found: list[float] = []
    told: list[object] = []
    for _ in range(STARTS[size]):
        with tempfile.TemporaryDirectory() as folder:
            info = start_detached(StartOptions(Path(folder), 0))
            found.append(_cpu_s(info.pid))
            with Client(Path(folder), OsIdMint().mint, "bench") as client:
                told.append(status_facts(client.status().value))
            stop(Path(folder))
    return Measurement(min(found), f"least of {len(found)}", hash_of(told))


@figure(name="replay_events_per_s", unit="events/s", goal=at_least(50_000), against=_OWN)
def replay_events_per_s(size: Size) -> Measurement:
    """Fold a journal of submits from its first record on."""
    with tempfile.TemporaryDirectory() as folder:
        with _plane(delivered=False) as made:
            _submit(made, SUBMITS[size])
            with made.client() as client:
                client.backup(Path(folder) / "journal.sqlite3")
        journal = open_sqlite(Path(folder), "bench")
        try:
            assert journal.latest_snapshot() is None, "every record is folded"
            started_s = time.perf_counter()
            state, seq, _ = replay(journal)
            elapsed_s = time.perf_counter() - started_s
        finally:
            journal.close()
    return Measurement(seq / elapsed_s, f"{seq:,} records", hash_of(state_facts(state)))


@figure(name="server_rss_mb_10k", unit="MB", goal=at_most(150), against=_OWN)
def server_rss_mb_10k(size: Size) -> Measurement:
    """Resident memory of a control plane with 10,000 waiting workloads (fewer at smoke size)."""
    with _plane(delivered=False) as made:
        _submit(made, SUBMITS[size])
        text = Path(f"/proc/{made.info.pid}/status").read_text()
        with made.client() as client:
            kept = workload_facts(client.all_workloads())
    kib = int(text.partition("VmRSS:")[2].split()[0])
    return Measurement(kib * 1_024 / 1_000_000, f"{SUBMITS[size]:,} workloads", hash_of(kept))


@figure(name="submit_to_running_p50_ms", unit="ms", goal=at_most(100), against=_OWN)
def submit_to_running_p50_ms(size: Size) -> Measurement:
    """From sending a workload to the journal's word that all its ranks are up, one after the other: the median."""
    return _to_running(size, 50)


@figure(name="submit_to_running_p99_ms", unit="ms", goal=at_most(500), against=_OWN)
def submit_to_running_p99_ms(size: Size) -> Measurement:
    """As `submit_to_running_p50_ms`: what all but one percent stay below."""
    return _to_running(size, 99)


@figure(name="cli_help_cpu_s", unit="CPU-s", goal=at_most(0.3), against="multihome status, which imports a client")
def cli_help_cpu_s(size: Size) -> Measurement:
    """CPU time of `multihome --help`; the least of several."""
    found: list[float] = []
    printed = b""
    for _ in range(STARTS[size]):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "multihome.app.main", "--help"]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=_PLAIN_TERMINAL).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Measurement(min(found), f"least of {len(found)}", hash_of(printed.decode()))


def _to_running(size: Size, percent: float) -> Measurement:
    with _plane(delivered=True) as made, made.client() as client:
        latencies_ms = [_one_to_running(made, client, number) for number in range(RUNS[size])]
        placed = run_facts(client.report().value.runs)
    latencies_ms.sort()
    value = latencies_ms[min(len(latencies_ms) - 1, int(len(latencies_ms) * percent / 100))]
    return Measurement(value, f"{len(latencies_ms)} workloads of 8 chips", hash_of(placed))


def _one_to_running(made: Plane, client: Client, number: int) -> float:
    """Milliseconds from the submit of one workload to its start, as a follower of the journal sees it."""
    after_seq = client.head().value.seq
    seen_s: list[float] = []
    following = threading.Event()

    def follow() -> None:
        with Client(made.state, OsIdMint().mint, "bench") as other:
            stream = other.changes(after_seq)
            following.set()
            for change in stream:
                if any(isinstance(event, RunStarted) for event in change.events):
                    seen_s.append(time.perf_counter())
                    return

    follower = threading.Thread(target=follow)
    follower.start()
    following.wait()
    started_s = time.perf_counter()
    drive(("127.0.0.1", made.port), 1, 1, _one(made.token, number))
    follower.join()
    return (seen_s[0] - started_s) * 1_000


def _one(token: str, number: int) -> Callable[[int], bytes]:
    body = msgspec.json.encode(workload(f"run-{number}", "true"))
    return lambda _: http_request("POST", "/v1/workloads", token, body)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
