"""What rests on facts alone, found once and used until a fact changes or a date in one of them comes.

It is held beside the state's fields and never written: losing it costs time and changes nothing. Where a contract has
clauses, prices and permissions may change with every chip-hour, so nothing is kept beyond the instant.
"""

from collections.abc import Iterator

import msgspec

from multihome.controller.rounds import accelerator_kinds, snapshot_of
from multihome.controller.state import State
from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.ids import AcceleratorName, ClassId, DomainId, TrancheId
from multihome.domain.placements import Basis, Blocker, PlacementReason
from multihome.domain.workloads import WorkloadSpec, workload_chips
from multihome.scheduling.candidates import Candidate, candidates
from multihome.scheduling.place import reason_for
from multihome.scheduling.room import Room, room_of
from multihome.scheduling.snapshot import Snapshot
from multihome.scheduling.topology.blocks import Blocks, blocks_of
from multihome.scheduling.topology.tree import Tree, tree_of
from multihome.units.time import FOREVER_MS, Now

_NAME = "facts_memo"


class Seat(msgspec.Struct, frozen=True, gc=False):
    """A domain as rounds see it: its lot, and how many nodes of how many chips it has."""

    domain_id: DomainId
    tranche_id: TrancheId
    nodes: int
    chips_per_node: int
    tree: Tree


class Choice(msgspec.Struct, frozen=True):
    """A lot that a class may use: its seats by number, the gang's chips, and what share of its best rate it has there.

    The best is 1. Where a rate is not known all are 1.
    """

    candidate: Candidate
    seats: tuple[int, ...]
    chips: int
    share: float
    reason: PlacementReason


class Choices(msgspec.Struct, frozen=True):
    """Where a class may go, cheapest first, why not elsewhere, and its best rate (thousandths of a step a second)."""

    usable: tuple[Choice, ...]
    ruled_out: tuple[Blocker, ...]
    best_milli: int


class FactsMemo(msgspec.Struct):
    """Found at an instant of contract time from the facts of a version; holds until another instant."""

    version: int
    from_ms: int
    until_ms: int
    snapshot: Snapshot
    room: Room
    kinds: dict[AcceleratorName, AcceleratorKind]
    seats: tuple[Seat, ...]
    seat_numbers: dict[DomainId, int]
    has_quotas: bool
    choices: dict[ClassId, Choices]


def facts_memo(state: State, now: Now) -> FactsMemo:
    """What is known from facts now, as found before where that still holds."""
    kept = getattr(state, _NAME, None)
    if (
        isinstance(kept, FactsMemo)
        and kept.version == state.facts_version
        and kept.from_ms <= now.contract_ms < kept.until_ms
    ):
        return kept
    found = _found(state, now)
    setattr(state, _NAME, found)
    return found


def choices_of(memo: FactsMemo, class_id: ClassId, spec: WorkloadSpec, overridden_by: str, now: Now) -> Choices:
    """Where a class may go, apart from room and quota."""
    known = memo.choices.get(class_id)
    if known is None:
        known = memo.choices[class_id] = _choices(memo, spec, overridden_by, now)
        qualified = (choice.qualified_ms for choice in spec.choices if choice.qualified_ms is not None)
        memo.until_ms = min(memo.until_ms, *(date_ms for date_ms in qualified if date_ms > now.contract_ms), FOREVER_MS)
    return known


def _found(state: State, now: Now) -> FactsMemo:
    snapshot = snapshot_of(state, now)
    seats = tuple(
        Seat(
            domain.domain_id,
            lot.tranche.id,
            lot.tranche.nodes_per_domain,
            lot.pool.chips_per_node,
            tree_of(lot.pool.topology, lot.tranche.nodes_per_domain),
        )
        for lot in snapshot.lots
        for domain in lot.domains
    )
    return FactsMemo(
        version=state.facts_version,
        from_ms=now.contract_ms,
        until_ms=min(_dates(state, now.contract_ms), default=FOREVER_MS),
        snapshot=snapshot,
        room=room_of(snapshot),
        kinds=accelerator_kinds(state),
        seats=seats,
        seat_numbers={seat.domain_id: number for number, seat in enumerate(seats)},
        has_quotas=any(tenant.quotas for tenant in state.tenants.values()),
        choices={},
    )


def _dates(state: State, at_ms: int) -> Iterator[int]:
    """Instants to come at which what was found may be wrong."""
    dates = [delivery.effective_ms for delivery in state.deliveries.values()]
    for contract in state.contracts.values():
        if contract.clauses:
            yield at_ms + 1
        dates += (contract.interval.start_ms, contract.interval.end_ms)
        for tranche in contract.tranches:
            dates += (tranche.promised_ms, tranche.ends_ms)
    yield from (date_ms for date_ms in dates if date_ms > at_ms)


def _choices(memo: FactsMemo, spec: WorkloadSpec, overridden_by: str, now: Now) -> Choices:
    found = candidates(memo.snapshot, memo.room, spec, memo.kinds, now.contract_ms)
    rates = [candidate.choice.throughput_milli for candidate in found.usable]
    best_milli = max(rates, default=0) if all(rates) else 0
    usable = tuple(
        Choice(
            candidate=candidate,
            seats=tuple(memo.seat_numbers[domain.domain_id] for domain in candidate.lot.domains),
            chips=workload_chips(spec, candidate.choice),
            share=candidate.choice.throughput_milli / best_milli if best_milli else 1.0,
            reason=_reason(candidate, found.usable, found.ruled_out, overridden_by),
        )
        for candidate in found.usable
    )
    return Choices(usable, found.ruled_out, best_milli)


def _reason(
    candidate: Candidate, usable: tuple[Candidate, ...], ruled_out: tuple[Blocker, ...], overridden_by: str
) -> PlacementReason:
    beaten = tuple(other for other in usable if other is not candidate)
    return reason_for(candidate, Basis.GUARANTEED, (), beaten, ruled_out, overridden_by)


def free_blocks(seat: Seat, held: dict[int, int]) -> Blocks:
    """What is free of a seat, block by block, where its nodes hold so many chips."""
    free = [seat.chips_per_node - held.get(node, 0) for node in range(seat.nodes)]
    return blocks_of(seat.tree, seat.chips_per_node, free)
