"""Taking borrowed chips back for a tenant that is within its own quota.

Victims are runs of tenants over their nominal quota that have run their minimum time; those with the least work to lose
go first, and none once its tenant keeps no more than its nominal. One domain is chosen, so that no more is taken back
than one gang needs.
"""

import msgspec

from multihome.domain.ids import RunId
from multihome.domain.placements import ReclaimPending
from multihome.domain.tenants import Quota, lineage
from multihome.domain.workloads import workload_chips
from multihome.scheduling.candidates import Candidate
from multihome.scheduling.quotas import Used, is_over_nominal, quotas_for
from multihome.scheduling.room import OpenDomain, Room, add_use, seat_in
from multihome.scheduling.snapshot import Ask, Occupant, Snapshot
from multihome.scheduling.topology.blocks import blocks_of
from multihome.scheduling.topology.placer import Seat
from multihome.units.time import Now


class Reclaim(msgspec.Struct, frozen=True):
    """A run that must give its chips back after so much notice."""

    run_id: RunId
    notice_ms: int


class ReclaimPlan(msgspec.Struct, frozen=True):
    """Runs asked now (none when enough were asked before), and what the asker is told."""

    asked: tuple[Reclaim, ...]
    pending: ReclaimPending


def reclaim_for(
    snapshot: Snapshot, room: Room, ask: Ask, guaranteed: tuple[Candidate, ...], now: Now
) -> ReclaimPlan | None:
    """What must be given back so that one gang of a class gets its guarantee; None when nothing can be.

    The chosen domain is reserved in `room` for the rest of the round, so that nobody else slips in.
    """
    best: tuple[tuple[int, int, str], OpenDomain, list[Occupant], Candidate] | None = None
    for candidate in guaranteed:
        for domain in room.domains[candidate.lot.tranche.id]:
            if domain.domain_id in room.reserved:
                continue
            victims = _victims(snapshot, room, ask, candidate, domain, now)
            if victims is None:
                continue
            rank = (len(victims), sum(victim.lost_steps for victim in victims), domain.domain_id)
            if best is None or rank < best[0]:
                best = (rank, domain, victims, candidate)
    if best is None:
        return None
    _, domain, victims, candidate = best
    room.reserved.add(domain.domain_id)
    for victim in victims:
        add_use(room.kept_chips, victim.tenant_id, victim.allocation.accelerator, -victim.allocation.chips)
    pending = ReclaimPending(
        pool_id=candidate.lot.pool.id,
        chips=workload_chips(ask.spec, candidate.choice),
        run_ids=tuple(victim.run_id for victim in victims),
    )
    return ReclaimPlan(tuple(Reclaim(victim.run_id, _notice_ms(snapshot, victim)) for victim in victims), pending)


def _victims(
    snapshot: Snapshot, room: Room, ask: Ask, candidate: Candidate, domain: OpenDomain, now: Now
) -> list[Occupant] | None:
    """Runs, cheapest first and none of them needless, whose chips make room for the gang; None when all do not.

    An empty list means that enough is on its way back already.
    """
    if _makes_room(ask, candidate, domain, []):
        return []
    runs = sorted(_reclaimable(snapshot, domain, now), key=_least_lost)
    kept = {tenant: dict(used) for tenant, used in room.kept_chips.items()}
    chosen: list[Occupant] = []
    for victim in runs:
        if not _keeps_too_much(snapshot, kept, victim):
            continue
        chosen.append(victim)
        add_use(kept, victim.tenant_id, victim.allocation.accelerator, -victim.allocation.chips)
        if _makes_room(ask, candidate, domain, chosen):
            return _needed(ask, candidate, domain, chosen)
    # Small runs, taken first, may bring a tenant down to its nominal and so protect the one run that is large enough.
    for victim in runs:
        if _keeps_too_much(snapshot, room.kept_chips, victim) and _makes_room(ask, candidate, domain, [victim]):
            return [victim]
    return None


def _keeps_too_much(snapshot: Snapshot, kept: Used, victim: Occupant) -> bool:
    return is_over_nominal(snapshot.tenants, kept, victim.tenant_id, victim.allocation.accelerator)


def _makes_room(ask: Ask, candidate: Candidate, domain: OpenDomain, victims: list[Occupant]) -> bool:
    """Whether the gang fits once these runs are gone, and those that were asked before."""
    free = [here + coming for here, coming in zip(domain.blocks.free, domain.coming, strict=True)]
    for victim in victims:
        for share in victim.allocation.nodes:
            free[share.node] += share.chips
    blocks = blocks_of(domain.blocks.tree, domain.blocks.node_chips, free)
    return isinstance(seat_in(blocks, ask.spec.num_nodes, candidate.choice.chips_per_node), Seat)


def _needed(ask: Ask, candidate: Candidate, domain: OpenDomain, victims: list[Occupant]) -> list[Occupant]:
    """The victims without those, dearest first, that the others make superfluous."""
    needed = victims
    for victim in reversed(victims):
        others = [other for other in needed if other is not victim]
        if _makes_room(ask, candidate, domain, others):
            needed = others
    return needed


def _reclaimable(snapshot: Snapshot, domain: OpenDomain, now: Now) -> list[Occupant]:
    return [
        occupant
        for occupant in snapshot.occupants
        if occupant.allocation.domain_id == domain.domain_id
        and occupant.can_reclaim
        and now.process_ms - occupant.started_process_ms >= _minimum_run_ms(snapshot, occupant)
    ]


def _least_lost(occupant: Occupant) -> tuple[int, int, str]:
    return occupant.lost_steps, -occupant.started_process_ms, occupant.run_id


def _minimum_run_ms(snapshot: Snapshot, occupant: Occupant) -> int:
    return max((quota.reclaim_after_ms for quota in _quotas(snapshot, occupant)), default=0)


def _notice_ms(snapshot: Snapshot, occupant: Occupant) -> int:
    return max((quota.notice_ms for quota in _quotas(snapshot, occupant)), default=0)


def _quotas(snapshot: Snapshot, occupant: Occupant) -> list[Quota]:
    return [
        quota
        for holder_id in lineage(occupant.tenant_id)
        for quota in quotas_for(snapshot.tenants, holder_id, occupant.allocation.accelerator)
    ]
