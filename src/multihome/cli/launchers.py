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
    proofs: Proofs
