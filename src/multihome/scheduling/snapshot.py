"""What one placement round looks at: room, asks, occupants and quotas, as they stand now."""

import msgspec

from multihome.clauses.book import Book, MissingPermission
from multihome.clauses.price_columns import Standing
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import AcceleratorName, ClassId, DomainId, RunId, TenantId, WorkloadId
from multihome.domain.placements import Allocation, Basis, EndedBy, Evidence, ProviderClosed
from multihome.domain.supply import Pool, Provider
from multihome.domain.tenants import Tenant
from multihome.domain.workloads import WorkloadSpec


class DomainRoom(msgspec.Struct):
    """Chips of each node of a domain that are free, and that are about to be given back."""

    domain_id: DomainId
    free: list[int]
    coming: list[int]


class Lot(msgspec.Struct, frozen=True):
    """A tranche as the scheduler sees it.

    `domains` are those accepted by now; `standing` is what its price rests on; `closed` says why nothing may be
    admitted, if so; `ended_by` is the act that ends it before its time, if there was one.
    """

    contract: Contract
    tranche: Tranche
    pool: Pool
    provider: Provider
    permission: Evidence | MissingPermission
    domains: tuple[DomainRoom, ...]
    standing: Standing
    closed: ProviderClosed | None
    ended_by: EndedBy | None

    @property
    def domain_chips(self) -> int:
        """Chips of one whole domain."""
        return self.tranche.nodes_per_domain * self.pool.chips_per_node


class Ask(msgspec.Struct, frozen=True):
    """Identical gangs that wait: one description, and the units of workloads it stands for, longest waiting first."""

    class_id: ClassId
    spec: WorkloadSpec
    priority: int
    quota_overridden_by: str
    since_process_ms: int
    members: tuple[tuple[WorkloadId, int], ...]


class Occupant(msgspec.Struct, frozen=True):
    """A live run and what taking its chips back would cost."""

    run_id: RunId
    tenant_id: TenantId
    allocation: Allocation
    basis: Basis
    started_process_ms: int
    lost_steps: int
    can_reclaim: bool
    is_leaving: bool
    """It was asked to end, so that its chips are on their way back."""


class Snapshot(msgspec.Struct, frozen=True):
    """One consistent view of everything a round may use."""

    book: Book
    lots: tuple[Lot, ...]
    asks: tuple[Ask, ...]
    occupants: tuple[Occupant, ...]
    tenants: dict[TenantId, Tenant]
    used_chips: dict[TenantId, dict[AcceleratorName, int]]
    """Chips in use by each tenant and all below it."""
