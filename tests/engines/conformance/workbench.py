"""What a conformance test needs of an engine beyond the port: a second control plane, an outage, and a clean end."""

import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from multihome.domain.ids import Generation, ProviderId, RunId, WorkloadId, run_id_of
from multihome.domain.placements import NodeShare
from multihome.domain.runs import LaunchIntent, ReportState, RunReport
from multihome.ports.engine import Engine

PROVIDER = ProviderId("north")
WAIT_S = 15.0
FOREVER = "exec sleep 600"


class Workbench(ABC):
    """One engine under test, with its state in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes = root / "notes"
        self.notes.mkdir()
        self.tokens: list[str] = []
        self._zombies_before = set(zombies())
        self.engine = self.new_engine()

    @abstractmethod
    def new_engine(self) -> Engine:
        """Another control plane's engine over the same state."""

    @abstractmethod
    def begin_outage(self) -> None:
        """The provider dies and falls silent."""

    @abstractmethod
    def end_outage(self) -> None:
        """The provider answers again."""

    @abstractmethod
    def put_secret(self, name: str, value: str) -> None:
        """Store a secret where the engine looks for it."""

    def intent(self, run: str, *, ranks: int = 1, generation: int = 1, **changes: Any) -> LaunchIntent:
        """An intent of a workload of its own, unless `workload_id` names one."""
        workload_id = WorkloadId(changes.pop("workload_id", f"w{secrets.token_hex(5)}"))
        unit = changes.pop("unit", 0)
        token = secrets.token_hex(16)
        self.tokens.append(token)
        fields: dict[str, Any] = {
            "run_id": run_id_of(workload_id, unit, Generation(generation)),
            "workload_id": workload_id,
            "name": "conformance",
            "unit": unit,
            "generation": Generation(generation),
            "token": token,
            "provider_id": PROVIDER,
            "pool_name": "pool",
            "accelerator": "H100-SXM-80GB",
            "nodes": tuple(NodeShare(node=rank, chips=8) for rank in range(ranks)),
            "setup": "",
            "run": run,
            "envs": {},
            "secrets": (),
            "workdir": "",
            "checkpoint_key": workload_id,
            "checkpoint_interval_steps": 10,
        }
        return LaunchIntent(**{**fields, **changes})

    def counted(self, run: str = FOREVER, **changes: Any) -> LaunchIntent:
        """An intent whose ranks each note their start; see `starts`."""
        name = secrets.token_hex(5)
        return self.intent(f"echo start >> {self.notes}/{name}; {run}", envs={"NOTES": name}, **changes)

    def starts(self, intent: LaunchIntent) -> int:
        """How many ranks of a counted intent have started so far."""
        path = self.notes / intent.envs["NOTES"]
        return len(path.read_text().splitlines()) if path.exists() else 0

    def reports(self) -> dict[RunId, RunReport]:
        """What the engine reports now."""
        return {report.run_id: report for report in self.engine.observe().reports}

    def report_when(self, intent: LaunchIntent, is_so: Callable[[RunReport], bool]) -> RunReport:
        """The first report of a run for which `is_so` holds."""
        reports: list[RunReport] = []

        def look() -> bool:
            reports.append(self.reports()[intent.run_id])
            return is_so(reports[-1])

        wait_until(look)
        return reports[-1]

    def ended(self, intent: LaunchIntent) -> RunReport:
        """The report of a run's end."""
        return self.report_when(intent, lambda report: report.state is ReportState.ENDED)

    def log(self, intent: LaunchIntent, rank: int = 0, follow_from: int = 0) -> bytes:
        """A rank's output as far as it has been written."""
        return b"".join(self.engine.logs(intent.run_id, rank, follow_from))

    def close(self) -> None:
        """Stop everything; afterwards nothing is left of it, and no zombie of ours."""
        self.end_outage()
        for report in self.engine.observe().reports:
            if report.state is not ReportState.ENDED:
                self.engine.stop(report.run_id, report.generation, 0)
        wait_until(lambda: all(report.state is ReportState.ENDED for report in self.engine.observe().reports))
        assert rank_processes(self.tokens) == []
        # A supervisor may take a moment to go after it has told of the end, and a port call to reap it.
        wait_until(self._is_all_gone)

    def _is_all_gone(self) -> bool:
        self.engine.observe()
        return not supervisors(self.tokens) and not self.new_zombies()

    def new_zombies(self) -> set[int]:
        """Children that ended unreaped since this bench was set up; what other tests left behind is not ours."""
        return set(zombies()) - self._zombies_before


def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask again and again, for a limited time."""
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about in time"
        time.sleep(0.005)


def rank_processes(tokens: list[str]) -> list[int]:
    """Living processes of programs whose environment holds one of the tokens, by a road of the tests' own."""
    return [pid for pid, is_rank in _processes_of(tokens) if is_rank]


def supervisors(tokens: list[str]) -> list[int]:
    """Living processes of the engine itself whose environment holds one of the tokens."""
    return [pid for pid, is_rank in _processes_of(tokens) if not is_rank]


def _processes_of(tokens: list[str]) -> list[tuple[int, bool]]:
    wanted = {f"MULTIHOME_TOKEN={token}".encode() for token in tokens}
    found: list[tuple[int, bool]] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            entries = set(path.read_bytes().split(b"\0"))
        except OSError:
            continue
        if wanted & entries:
            found.append((int(path.parent.name), any(entry.startswith(b"MULTIHOME_NODE_RANK=") for entry in entries)))
    return found


def zombies() -> list[int]:
    """Children of this process that have ended and were not reaped."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state == "Z" and int(parent) == os.getpid():
            found.append(int(path.parent.name))
    return found
