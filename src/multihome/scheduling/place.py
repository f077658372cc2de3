"""One placement round: which waiting gang runs where, which borrowed chips are asked back, and why the rest waits.

Guarantees are served first, then borrowers. A gang takes the cheapest lot that may take it, after those a clause puts
first. Identical gangs form a class, and a class that does not fit is looked at once a pass, however many wait in it.
"""

from collections.abc import Mapping

import msgspec

from multihome.clauses.book import MissingPermission
from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.ids import AcceleratorName, ClassId, DomainId, TenantId, WorkloadId
from multihome.domain.placements import (
    Allocation,
    Alternative,
    Basis,
    Blocker,
    NodeShare,
    NotEnoughChips,
    PlacementReason,
)
from multihome.domain.workloads import workload_chips
from multihome.scheduling.candidates import Candidate, Candidates, candidates, expected_use
from multihome.scheduling.quotas import Admitted, admit
from multihome.scheduling.reclaim import Reclaim, ReclaimPlan, reclaim_for
from multihome.scheduling.room import Room, cut_in_lot, fit_in_lot, largest_free_chips, room_of
from multihome.scheduling.snapshot import Ask, Snapshot
from multihome.units.time import Now

BEATEN_MAX = 8
"""Alternatives kept with a decision; more would not help a reader."""
RULED_OUT_MAX = 16


class Placed(msgspec.Struct, frozen=True):
    """A unit of a workload gets an allocation."""

    workload_id: WorkloadId
    unit: int
    allocation: Allocation
    reason: PlacementReason


class Round(msgspec.Struct, frozen=True):
    """What a round decided. `waiting` has an entry for every class of which a unit still waits."""

    placed: tuple[Placed, ...]
    reclaims: tuple[Reclaim, ...]
    waiting: dict[ClassId, tuple[Blocker, ...]]


class Found(msgspec.Struct, frozen=True):
    """Room for one gang, and why there."""

    allocation: Allocation
    reason: PlacementReason


class Stuck(msgspec.Struct, frozen=True):
    """No room for one gang; `guaranteed` would take it under its own quota if others gave chips back."""

    blockers: tuple[Blocker, ...]
    guaranteed: tuple[Candidate, ...]


def place(snapshot: Snapshot, kinds: Mapping[AcceleratorName, AcceleratorKind], now: Now) -> Round:
    """Decide a round. Deterministic: equal snapshots give equal rounds.

    Costs about classes × lots × domains plus what is placed, and does not grow with the length of the queue.
    """
    room = room_of(snapshot)
    placed: list[Placed] = []
    plans: dict[ClassId, ReclaimPlan] = {}
    waiting: dict[ClassId, tuple[Blocker, ...]] = {}
    asks = sorted(snapshot.asks, key=_urgency)
    served = dict.fromkeys((ask.class_id for ask in asks), 0)
    for basis in (Basis.GUARANTEED, Basis.BORROWED):
        for ask in asks:
            stuck = _serve(snapshot, room, ask, basis, kinds, now, served, placed)
            if stuck is None:
                waiting.pop(ask.class_id, None)
                # What found room as a borrower elsewhere needs nothing back.
                plans.pop(ask.class_id, None)
                continue
            if basis is Basis.GUARANTEED:
                plan = reclaim_for(snapshot, room, ask, stuck.guaranteed, now)
                if plan is not None:
                    plans[ask.class_id] = plan
            pending = (plans[ask.class_id].pending,) if ask.class_id in plans else ()
            waiting[ask.class_id] = (*pending, *stuck.blockers)
    asked = tuple(reclaim for plan in plans.values() for reclaim in plan.asked)
    return Round(tuple(placed), asked, waiting)


def _urgency(ask: Ask) -> tuple[int, int, str]:
    return -ask.priority, ask.since_process_ms, ask.class_id


def _serve(
    snapshot: Snapshot,
    room: Room,
    ask: Ask,
    basis: Basis,
    kinds: Mapping[AcceleratorName, AcceleratorKind],
    now: Now,
    served: dict[ClassId, int],
    placed: list[Placed],
) -> Stuck | None:
    """Place members of a class on a basis until one does not fit; None when all of them are placed."""
    while served[ask.class_id] < len(ask.members):
        options = candidates(snapshot, room, ask.spec, kinds, now.contract_ms)
        found = _find(snapshot, room, ask, basis, options)
        if isinstance(found, Stuck):
            return found
        workload_id, unit = ask.members[served[ask.class_id]]
        room.take(ask.spec.tenant_id, found.allocation, expected_use(ask.spec, now.contract_ms))
        placed.append(Placed(workload_id, unit, found.allocation, found.reason))
        served[ask.class_id] += 1
    return None


def _find(snapshot: Snapshot, room: Room, ask: Ask, basis: Basis, options: Candidates) -> Found | Stuck:
    """The best candidate with quota on this basis and room for the whole gang."""
    blockers: list[Blocker] = []
    guaranteed: list[Candidate] = []
    beaten: list[Candidate] = []
    for rank, candidate in enumerate(options.usable):
        admitted = _admit(snapshot, room, ask, candidate)
        if not isinstance(admitted, Admitted):
            blockers.append(admitted)
            continue
        if admitted.basis is Basis.BORROWED and basis is Basis.GUARANTEED:
            beaten.append(candidate)
            continue
        spot = fit_in_lot(room, candidate.lot, ask.spec.num_nodes, candidate.choice.chips_per_node)
        if spot is not None:
            domain_id, nodes = spot
            allocation = allocation_of(candidate, domain_id, nodes)
            beaten.extend(options.usable[rank + 1 :])
            ruled_out = (*blockers, *options.ruled_out)
            reason = reason_for(
                candidate, admitted.basis, admitted.lender_ids, tuple(beaten), ruled_out, ask.quota_overridden_by
            )
            return Found(allocation, reason)
        if admitted.basis is Basis.GUARANTEED:
            guaranteed.append(candidate)
        blockers.append(_no_room(room, ask, candidate))
    return Stuck((*blockers, *options.ruled_out), tuple(guaranteed))


def _no_room(room: Room, ask: Ask, candidate: Candidate) -> NotEnoughChips:
    return NotEnoughChips(
        pool_id=candidate.lot.pool.id,
        chips=workload_chips(ask.spec, candidate.choice),
        largest_free_chips=largest_free_chips(room, candidate.lot),
        cut=cut_in_lot(room, candidate.lot, ask.spec.num_nodes, candidate.choice.chips_per_node),
    )


def _admit(snapshot: Snapshot, room: Room, ask: Ask, candidate: Candidate) -> Admitted | Blocker:
    if ask.quota_overridden_by:
        return Admitted(Basis.GUARANTEED, ())
    return admit(
        snapshot.tenants,
        room.used_chips,
        ask.spec.tenant_id,
        candidate.choice.accelerator,
        workload_chips(ask.spec, candidate.choice),
        candidate.lot.pool.id,
    )


def allocation_of(candidate: Candidate, domain_id: DomainId, nodes: tuple[NodeShare, ...]) -> Allocation:
    """The allocation of a gang in a domain of the lot that was chosen."""
    lot = candidate.lot
    return Allocation(
        provider_id=lot.provider.id,
        pool_id=lot.pool.id,
        contract_id=lot.contract.id,
        tranche_id=lot.tranche.id,
        domain_id=domain_id,
        accelerator=lot.pool.accelerator,
        nodes=nodes,
    )


def reason_for(
    chosen: Candidate,
    basis: Basis,
    lender_ids: tuple[TenantId, ...],
    beaten: tuple[Candidate, ...],
    ruled_out: tuple[Blocker, ...],
    overridden_by: str,
) -> PlacementReason:
    """Why there. What had no room or no quota is ruled out and not beaten, whatever its price."""
    assert not isinstance(chosen.lot.permission, MissingPermission), "a candidate's award is permitted"
    alternatives = tuple(
        Alternative(pool_id=other.lot.pool.id, tranche_id=other.lot.tranche.id, price=other.price) for other in beaten
    )
    return PlacementReason(
        basis=basis,
        lender_ids=lender_ids,
        price=chosen.price,
        preferred_by=chosen.preferred_by,
        evidence=chosen.lot.permission,
        beaten=alternatives[:BEATEN_MAX],
        ruled_out=ruled_out[:RULED_OUT_MAX],
        overridden_by=overridden_by,
    )
