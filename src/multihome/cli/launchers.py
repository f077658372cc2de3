"""What `app` hands to the command line, so that it can start things it may not know."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from multihome.client.directory import ServerInfo

if TYPE_CHECKING:
    # Importing it costs 0.1 CPU-s, which `--help` should not pay.
    from collections.abc import Mapping

    from multihome.clauses.book import Book
    from multihome.domain.accelerators import AcceleratorType
    from multihome.domain.ids import AcceleratorName
    from multihome.procurement.conflicts import Checked
    from multihome.views.audit import AuditReport


class StartOptions(msgspec.Struct, frozen=True):
    """How a control plane is started. Port 0 takes any free one.

    `clock_start` is the instant at which an empty journal's scenario clock starts; `ready_fd` is written to once the
    control plane answers.
    """

    state: Path
    port: int
    clock_start: str | None = None
    ready_fd: int | None = None


class LaunchError(Exception):
    """Something could not be started or stopped, and why."""


class KeptHead(msgspec.Struct, frozen=True):
    """A signed head, and the file in which it was kept."""

    seq: int
    hash: str
    text: str
    file: Path


class Published(msgspec.Struct, frozen=True):
    """A head that was taken to targets: for each, why it did not arrive, or nothing where it did."""

    head: KeptHead
    failures: dict[str, str]


class Exported(msgspec.Struct, frozen=True):
    """A bundle that was written: where, how many records it holds, and its head."""

    file: Path
    records: int
    head: str


class Proofs(msgspec.Struct, frozen=True):
    """Functions that make what others verify; each raises LaunchError with a sentence for people.

    `stamp` takes a state directory, the address of a time-stamping authority and the head's file, the newest where it
    is None, and returns the time that was stamped and the file of the token.
    """

    export: Callable[[Path, str, Path], Exported]
    sign: Callable[[Path], KeptHead]
    publish: Callable[[Path, Sequence[str]], Published]
    stamp: Callable[[Path, str, Path | None], tuple[str, Path]]
    public_key: Callable[[Path], str]


class SimulateOptions(msgspec.Struct, frozen=True):
    """What is to be simulated, in the words of the command line. `resume` goes on from `checkpoint`."""

    trace: Path
    form: str
    cluster: str
    throughputs: Path | None
    round_ms: int
    restart_ms: int
    objective: str
    policy: str
    knowledge: str
    alpha_milli: int
    seed: int
    out: Path | None
    checkpoint: Path | None
    resume: bool


class Simulated(msgspec.Struct, frozen=True):
    """What came of a simulation. `journal_head` is the hash of its last record: equal runs have equal heads.

    Completion is from arrival to end, makespan from the first arrival to the last end. `mean_fairness_rho` is time
    shared over time alone on the job's best accelerator.
    """

    trace: str
    format: str
    policy: str
    objective: str
    knowledge: str
    seed: int
    jobs: int
    ended: int
    rounds: int
    mean_completion_s: float
    p50_completion_s: float
    p95_completion_s: float
    p99_completion_s: float
    mean_queue_delay_s: float
    makespan_s: float
    utilisation_percent: float
    goodput_percent: float
    mean_fairness_rho: float
    worst_fairness_rho: float
    preemptions: int
    restarts: int
    lost_s: float
    chip_hours: float
    cost_usd: float
    journal_records: int
    journal_head: str
    files: tuple[str, ...]


class Launchers(msgspec.Struct, frozen=True):
    """Functions that start, stop and inspect; each raises LaunchError with a sentence for people."""

    version: str
    mint: Callable[[], str]
    serve: Callable[[StartOptions], None]
    start: Callable[[StartOptions], ServerInfo]
    stop: Callable[[Path], int | None]
    begin_outage: Callable[[Path, str], int]
    end_outage: Callable[[Path, str], None]
    audit: Callable[[Path], "AuditReport"]
    restore: Callable[[Path, Path], int]
    campaign: Callable[[str, str, int, bool], int]
    check_contracts: "Callable[[Book, Mapping[AcceleratorName, AcceleratorType]], Checked]"
    demo: Callable[[Path | None, bool], int]
    simulate: Callable[[SimulateOptions], Simulated]
    proofs: Proofs
