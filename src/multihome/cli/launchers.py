"""What `app` hands to the command line, so that it can start things it may not know."""

from collections.abc import Callable
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
