"""A small site with one pool, and a control plane in a process of its own that runs it: for benchmarks and tests."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from multihome.adapters.clock_os.clock import OsClock, OsIdMint
from multihome.adapters.engine_local.drill import begin_outage
from multihome.app.processes import start_detached
from multihome.app.state_directory import holder_pid
from multihome.cli.launchers import StartOptions
from multihome.client.client import Client
from multihome.client.directory import ServerInfo, read_token
from multihome.domain.ids import ProviderId
from multihome.files.loading import load
from multihome.files.references import KnownNames

PROVIDER = "site"
TENANT = "lab"

DOCUMENTS = """\
kind: accelerator
name: H100-SXM-80GB
vendor: NVIDIA
generation: Hopper
family: gpu
released: 2022-09-20
bf16_tflops: 989.4
hbm_gb: 80
hbm_gb_per_s: 3350
watts: 700
scale_up_chips: 8
frameworks: [pytorch, jax]
source: assumed
as_of: 2025-01-01
---
kind: provider
name: site
title: A site
type: own
jurisdiction: US
engine: local
absence_delay: 2s
source: assumed
pools:
  - {name: h100, region: here, accelerator: H100-SXM-80GB, chips_per_node: 8, watts_per_chip: 1300}
---
kind: contract
name: order
title: An order
provider: site
from: 2025-01-01
until: 2030-01-01
source: assumed
clauses: []
tranches:
  - name: h100
    pool: site/h100
    domains: 4
    nodes_per_domain: 2
    new_capacity: false
    promised: 2025-01-01
    ends: 2030-01-01
    rate_usd_per_chip_hour: 2.00
    rate_source: assumed
    award: {date: 2025-01-01}
---
kind: tenant
name: lab
title: Lab
approver: head
quotas:
  - {name: all, chips: 64, reclaim_after: 1s, notice: 1s}
"""

DELIVERY = """\
kind: delivery
name: D-1
tranche: order/h100
domains: 4
effective: 2025-01-02
source: assumed
"""


class Plane(msgspec.Struct):
    """A control plane that runs on a state directory."""

    state: Path
    info: ServerInfo

    @property
    def token(self) -> str:
        """What its API wants."""
        return read_token(self.state)

    @property
    def port(self) -> int:
        """Where on 127.0.0.1 it answers."""
        return int(self.info.address.rpartition(":")[2])

    def client(self) -> Client:
        """A client of it."""
        return Client(self.state, OsIdMint().mint, "bench")

    def apply(self, text: str) -> None:
        """Apply documents."""
        file = self.state.with_suffix(".yaml")
        file.write_text(text, encoding="utf-8")
        with self.client() as client:
            names = msgspec.structs.asdict(client.names().value)
            loaded = load([file], known=KnownNames(**{kind: frozenset(found) for kind, found in names.items()}))
            assert not loaded.problems, loaded.problems
            client.apply(loaded.documents, loaded.workloads)

    def kill(self) -> None:
        """End it as a power cut would."""
        process = os.pidfd_open(self.info.pid)
        signal.pidfd_send_signal(process, signal.SIGKILL)
        os.waitid(os.P_PIDFD, process, os.WEXITED)
        os.close(process)

    def start_again(self) -> None:
        """Start it on the same state directory, after it was killed or stopped."""
        self.info = start_detached(StartOptions(self.state, 0))

    def stop(self) -> int:
        """Stop it politely; its exit code."""
        process = os.pidfd_open(self.info.pid)
        signal.pidfd_send_signal(process, signal.SIGTERM)
        ended = os.waitid(os.P_PIDFD, process, os.WEXITED)
        os.close(process)
        assert ended is not None, "a wait without WNOHANG returns a child"
        return ended.si_status


@contextmanager
def plane(state: Path, *, delivered: bool) -> Generator[Plane]:
    """A control plane with the site applied; where its capacity is not delivered, everything waits."""
    made = Plane(state, start_detached(StartOptions(state, 0, "2025-06-01")))
    try:
        made.apply(DOCUMENTS + (f"---\n{DELIVERY}" if delivered else ""))
        yield made
    finally:
        if holder_pid(state) is not None:
            made.stop()
        begin_outage(state, ProviderId(PROVIDER), OsClock())


def workload(name: str, run: str = "true", chips: int = 8) -> dict[str, object]:
    """A workload's document."""
    return {"name": name, "tenant": TENANT, "resources": {"accelerators": f"H100-SXM-80GB:{chips}"}, "run": run}
