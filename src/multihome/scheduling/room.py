"""The room that is left while a round hands it out: chips, what prices rest on, and quota use."""

import msgspec

from multihome.clauses.price_columns import Columns, columns_of
from multihome.clauses.pricing import taken
from multihome.domain.ids import AcceleratorName, DomainId, TenantId, TrancheId
from multihome.domain.placements import Allocation, Cut, NodeShare, Price
from multihome.domain.tenants import lineage
from multihome.scheduling.snapshot import Lot, Snapshot
from multihome.scheduling.topology.blocks import Blocks, blocks_of
from multihome.scheduling.topology.placer import Seat, seat_gang, wanted_level
from multihome.scheduling.topology.tree import ACCESS, tree_of
from multihome.units.time import Interval


class OpenDomain(msgspec.Struct):
    """A domain while chips of it are handed out: its free blocks, and chips of each node about to be given back."""

    domain_id: DomainId
    blocks: Blocks
    coming: list[int]


class Room(msgspec.Struct):
    """A round's own working copy; the snapshot it came from stays as it was."""

    domains: dict[TrancheId, list[OpenDomain]]
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
            domain.blocks.take(share.node, share.chips)
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
        domains={lot.tranche.id: _opened(lot) for lot in snapshot.lots},
        columns=columns_of([lot.standing for lot in snapshot.lots]),
        rows={lot.tranche.id: index for index, lot in enumerate(snapshot.lots)},
        prices={},
        used_chips={tenant: dict(used) for tenant, used in snapshot.used_chips.items()},
        kept_chips=kept,
        reserved=set(),
    )


def _opened(lot: Lot) -> list[OpenDomain]:
    return [
        OpenDomain(
            domain.domain_id,
            blocks_of(tree_of(lot.pool.topology, len(domain.free)), lot.pool.chips_per_node, domain.free),
            list(domain.coming),
        )
        for domain in lot.domains
    ]


def seat_in(blocks: Blocks, ranks: int, chips_per_rank: int) -> Seat | Cut:
    """Nodes of a domain for every rank of a gang, on the level on which it is not cut; or what it would be cut into."""
    return seat_gang(blocks, ranks, chips_per_rank, wanted_level(blocks.tree, blocks.node_chips, ranks, chips_per_rank))


def fit_in_lot(room: Room, lot: Lot, ranks: int, chips_per_rank: int) -> tuple[DomainId, tuple[NodeShare, ...]] | None:
    """The domain of a lot where the gang sits under the lowest switch, of those the one it fills best, with its nodes.

    None when no domain has room for the whole gang.
    """
    best: tuple[int, int, DomainId, tuple[NodeShare, ...]] | None = None
    for domain in _open_domains(room, lot):
        left = domain.blocks.free_chips - ranks * chips_per_rank
        if left < 0 or (best is not None and (ACCESS, left) >= best[:2]):
            continue
        seat = seat_in(domain.blocks, ranks, chips_per_rank)
        if isinstance(seat, Seat) and (best is None or (seat.level, left) < best[:2]):
            best = (seat.level, left, domain.domain_id, seat.nodes)
    return (best[2], best[3]) if best else None


def cut_in_lot(room: Room, lot: Lot, ranks: int, chips_per_rank: int) -> Cut | None:
    """What keeps a gang from a lot that has a domain with enough chips free; None when no domain has.

    Told of the domain with the largest block.
    """
    cuts: list[Cut] = []
    for domain in _open_domains(room, lot):
        if domain.blocks.free_chips >= ranks * chips_per_rank:
            seat = seat_in(domain.blocks, ranks, chips_per_rank)
            if isinstance(seat, Cut):
                cuts.append(seat)
    return max(cuts, key=lambda cut: cut.largest_free_block_nodes, default=None)


def largest_free_chips(room: Room, lot: Lot) -> int:
    """Free chips of the lot's emptiest domain that is not reserved."""
    return max((domain.blocks.free_chips for domain in _open_domains(room, lot)), default=0)


def _open_domains(room: Room, lot: Lot) -> list[OpenDomain]:
    return [domain for domain in room.domains[lot.tranche.id] if domain.domain_id not in room.reserved]
