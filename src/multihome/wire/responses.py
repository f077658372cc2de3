"""What the API answers where no view says it. Plain structs, whose JSON Schemas go into the OpenAPI document."""

import msgspec

from multihome.domain.events import Event
from multihome.domain.ids import WorkloadId
from multihome.domain.workloads import WorkloadSpec
from multihome.units.time import Now
from multihome.views.status import UnitRow, WorkloadRow


class AcceptedOut(msgspec.Struct, frozen=True):
    """A command was kept: the workloads it made or named, what changed in words, and the notice or award it made."""

    workload_ids: tuple[WorkloadId, ...]
    changes: tuple[str, ...]
    made: tuple[str, ...] = ()


class WorkloadPage(msgspec.Struct, frozen=True):
    """Live workloads in order of submission; `cursor` asks for the next page and is empty on the last one."""

    workloads: tuple[WorkloadRow, ...]
    cursor: str


class WorkloadOut(msgspec.Struct, frozen=True):
    """A live workload: where it stands, each of its gangs, and what was asked for."""

    row: WorkloadRow
    units: tuple[UnitRow, ...]
    spec: WorkloadSpec


class ClockOut(msgspec.Struct, frozen=True):
    """Contract time, process time and what the wall shows, in milliseconds UTC."""

    scenario: bool
    contract_ms: int
    process_ms: int
    wall_ms: int


class HeadOut(msgspec.Struct, frozen=True):
    """The journal's last durable record: anchor it elsewhere to prove later that nothing was rewritten."""

    installation_id: str
    seq: int
    hash: str


class BackupOut(msgspec.Struct, frozen=True):
    """A consistent copy of the journal was written, up to at least this record."""

    file: str
    seq: int


class NamesOut(msgspec.Struct, frozen=True):
    """All names that a document may refer to; those of pools, tranches and clauses carry their owner's before them."""

    accelerators: tuple[str, ...]
    providers: tuple[str, ...]
    aliases: tuple[str, ...]
    pools: tuple[str, ...]
    contracts: tuple[str, ...]
    clauses: tuple[str, ...]
    tranches: tuple[str, ...]
    waivers: tuple[str, ...]
    needs: tuple[str, ...]
    tenants: tuple[str, ...]
    workloads: tuple[str, ...]


class HealthOut(msgspec.Struct, frozen=True):
    """The control plane answers. `journal_error` is empty while commands can be kept."""

    version: str
    journal_error: str


class ChangeOut(msgspec.Struct, frozen=True):
    """One record of the journal, as it is sent to those who follow it."""

    seq: int
    at: Now
    cause: str
    events: tuple[Event, ...]
