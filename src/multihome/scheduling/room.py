"""The room that is left while a round hands it out: chips, what prices rest on, and quota use."""

import msgspec

from multihome.clauses.price_columns import Columns, columns_of
from multihome.clauses.pricing import taken
from multihome.domain.ids import AcceleratorName, DomainId, TenantId, TrancheId
from multihome.domain.placements import Allocation, NodeShare, Price
from multihome.domain.tenants import lineage
from multihome.scheduling.snapshot import DomainRoom, Lot, Snapshot
from multihome.units.time import Interval


class Room(msgspec.Struct):
    """A round's own working copy; the snapshot it came from stays as it was."""

    domains: dict[TrancheId, list[DomainRoom]]
    columns: Columns
    """What prices rest on: a row for each lot of the snapshot, in its order."""
    rows: dict[TrancheId, int]
    prices: dict[tuple[int, Interval], tuple[Price | None, ...]]
    """Prices of a block in every lot, as long as the columns stay as they are; None where a clause forbids."""
    used_chips: dict[TenantId, dict[AcceleratorName, int]]
    kept_chips: dict[TenantId, dict[AcceleratorName, int]]
    """The part of `used_chips` that nobody has been asked to give back: who keeps more than its nominal is asked."""
    reserved: set[DomainId]
    """Domains whose chips are being taken back for a guarantee: nobody else gets them meanwhile."""

    def take(self, tenant_id: TenantId, allocation: Allocation, use: Interval) -> None:
        """Hand an allocation out over an interval."""
        domain = next(room for room in self.domains[allocation.tranche_id] if room.domain_id == allocation.domain_id)
        for share in allocation.nodes:
            domain.free[share.node] -= share.chips
            assert domain.free[share.node] >= 0, "a placement took chips that were not free"
        columns = taken(self.columns, self.rows[allocation.tranche_id], allocation.chips, use)
        if columns is not self.columns:
            self.columns = columns
            self.prices.clear()
        for used in (self.used_chips, self.kept_chips):
            add_use(used, tenant_id, allocation.accelerator, allocation.chips)


def add_use(
    used: dict[TenantId, dict[AcceleratorName, int]], tenant_id: TenantId, accelerator: AcceleratorName, chips: int
) -> None:
    """Count chips for a tenant and all above it; negative chips are given back."""
    for holder_id in lineage(tenant_id):
        by_accelerator = used.setdefault(holder_id, {})
        by_accelerator[accelerator] = by_accelerator.get(accelerator, 0) + chips


def room_of(snapshot: Snapshot) -> Room:
    """The room a round starts with."""
    kept = {tenant: dict(used) for tenant, used in snapshot.used_chips.items()}
    for occupant in snapshot.occupants:
        if occupant.is_leaving:
            add_use(kept, occupant.tenant_id, occupant.allocation.accelerator, -occupant.allocation.chips)
    return Room(
        domains={lot.tranche.id: [domain.copy() for domain in lot.domains] for lot in snapshot.lots},
        columns=columns_of([lot.standing for lot in snapshot.lots]),
        rows={lot.tranche.id: index for index, lot in enumerate(snapshot.lots)},
        prices={},
        used_chips={tenant: dict(used) for tenant, used in snapshot.used_chips.items()},
        kept_chips=kept,
        reserved=set(),
    )


def fit(free: list[int], ranks: int, chips_per_rank: int) -> tuple[NodeShare, ...] | None:
    """Nodes for every rank of a gang, the fullest node that still fits first; None when the gang does not fit whole."""
    left = list(free)
    shares: list[NodeShare] = []
    for _ in range(ranks):
        fitting = [(chips, node) for node, chips in enumerate(left) if chips >= chips_per_rank]
        if not fitting:
            return None
        _, node = min(fitting)
        left[node] -= chips_per_rank
        shares.append(NodeShare(node=node, chips=chips_per_rank))
    return tuple(shares)


def fit_in_lot(room: Room, lot: Lot, ranks: int, chips_per_rank: int) -> tuple[DomainId, tuple[NodeShare, ...]] | None:
    """The domain of a lot that the gang fills best, with its nodes; None when no domain has room for the whole gang."""
    best: tuple[int, DomainId, tuple[NodeShare, ...]] | None = None
    for domain in room.domains[lot.tranche.id]:
        if domain.domain_id in room.reserved:
            continue
        left = sum(domain.free) - ranks * chips_per_rank
        if left < 0 or (best is not None and left >= best[0]):
            continue
        shares = fit(domain.free, ranks, chips_per_rank)
        if shares is not None:
            best = (left, domain.domain_id, shares)
    return (best[1], best[2]) if best else None


def largest_free_chips(room: Room, lot: Lot) -> int:
    """Free chips of the lot's emptiest domain that is not reserved."""
    return max(
        (sum(domain.free) for domain in room.domains[lot.tranche.id] if domain.domain_id not in room.reserved),
        default=0,
    )
