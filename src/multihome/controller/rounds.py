"""Turns the state into a snapshot, asks the scheduler, and turns its round into events."""

from collections.abc import Iterator
from itertools import islice

from multihome.clauses.book import MissingPermission, permission
from multihome.clauses.delivery import delivered_domains
from multihome.clauses.price_columns import Standing
from multihome.clauses.standing import ENDS
from multihome.controller.commitments import Forecast, running_on
from multihome.controller.prices import standings
from multihome.controller.reconcile import stop_event
from multihome.controller.state import Openness, State, split_unit_key
from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import ClassWaits, Event, RunIntended
from multihome.domain.ids import (
    AcceleratorName,
    ClassId,
    DomainId,
    Generation,
    WorkloadId,
    domain_id_of,
    run_id_of,
)
from multihome.domain.placements import (
    AwardNotPermitted,
    Blocker,
    EndedBy,
    Evidence,
    NotEnoughChips,
    OverQuota,
    ProviderClosed,
    ReclaimPending,
)
from multihome.domain.procurement import TrancheStep
from multihome.domain.runs import Running, StopCause, Stopping
from multihome.domain.supply import Pool
from multihome.scheduling.place import Round, place
from multihome.scheduling.snapshot import Ask, DomainRoom, Lot, Occupant, Snapshot
from multihome.units.time import Now

MEMBERS_MAX = 256
"""Units of one class that a round looks at; the next round takes the next ones."""


def run_round(state: State, now: Now) -> tuple[Event, ...]:
    """Place what can be placed; nothing at all where nothing waits."""
    if not state.waiting:
        return ()
    kinds = accelerator_kinds(state)
    return tuple(_events(state, place(snapshot_of(state, now), kinds, now), now))


def accelerator_kinds(state: State) -> dict[AcceleratorName, AcceleratorKind]:
    """The kind of every accelerator on record."""
    return {name: accelerator.kind for name, accelerator in state.accelerators.items()}


def snapshot_of(state: State, now: Now) -> Snapshot:
    """All a round may use, as it stands now; prices rest on what runs going on."""
    return forecast_snapshot(state, now, running_on(state, now))


def forecast_snapshot(state: State, now: Now, forecast: Forecast) -> Snapshot:
    """All a round may use, with prices that rest on a forecast of usage."""
    lots = tuple(lot for contract in state.contracts.values() for lot in _lots(state, contract, now, forecast))
    return Snapshot(
        book=state.book(),
        lots=lots,
        asks=tuple(_asks(state, now)),
        occupants=tuple(_occupants(state)),
        tenants=state.tenants,
        used_chips=state.used,
    )


def _lots(state: State, contract: Contract, now: Now, forecast: Forecast) -> Iterator[Lot]:
    book = state.book()
    permitted = {tranche.id: permission(book, contract, tranche) for tranche in contract.tranches}
    stand = standings(state, contract, permitted, now.contract_ms, forecast)
    for tranche in contract.tranches:
        yield _lot(state, contract, tranche, permitted[tranche.id], stand[tranche.id], now)


def _lot(
    state: State,
    contract: Contract,
    tranche: Tranche,
    permitted: Evidence | MissingPermission,
    standing: Standing,
    now: Now,
) -> Lot:
    pool = state.pools[tranche.pool_id]
    count = delivered_domains(state.deliveries.values(), tranche, now.contract_ms)
    domains = tuple(
        _domain_room(state, tranche, pool, domain_id)
        for domain_id in (domain_id_of(tranche.id, ordinal) for ordinal in range(count))
    )
    return Lot(
        contract=contract,
        tranche=tranche,
        pool=pool,
        provider=state.providers[pool.provider_id],
        permission=permitted,
        domains=domains,
        standing=standing,
        closed=closed(state, pool),
        ended_by=_ended_by(state, contract, tranche),
    )


def _ended_by(state: State, contract: Contract, tranche: Tranche) -> EndedBy | None:
    """The act by which a tranche ends when it does, where it does not end as it was ordered."""
    given = state.terminations.get(contract.id)
    if given is not None and given.effective_ms == tranche.ends_ms:
        cause = f" ({given.cause})" if given.cause else ""
        act = f"contract {contract.id} was terminated for {given.ground.value}{cause}"
        return EndedBy(act=act, actor=given.actor, why=given.why)
    for move in state.tranche_moves.get(tranche.id, ()):
        if move.step in ENDS and move.effective_ms == tranche.ends_ms:
            what = "its order" if move.step is TrancheStep.ORDER_ENDED else "it"
            return EndedBy(act=f"{what} was ended", actor=move.actor, why=move.why)
    return None


def _domain_room(state: State, tranche: Tranche, pool: Pool, domain_id: DomainId) -> DomainRoom:
    nodes = range(tranche.nodes_per_domain)
    held, leaving = state.held.get(domain_id, {}), state.leaving.get(domain_id, {})
    return DomainRoom(
        domain_id,
        free=[pool.chips_per_node - held.get(node, 0) for node in nodes],
        coming=[leaving.get(node, 0) for node in nodes],
    )


def closed(state: State, pool: Pool) -> ProviderClosed | None:
    """Why a pool admits nothing, if so: its provider is lost or silent, or it was drained."""
    provider = state.provider_state(pool.provider_id)
    if provider.openness is not Openness.ANSWERING:
        return ProviderClosed(
            pool_id=pool.id,
            provider_id=pool.provider_id,
            state=provider.openness.value,
            actor=provider.actor,
            why=provider.why,
        )
    drain = state.drains.get(pool.provider_id) or state.drains.get(pool.id)
    if drain is None:
        return None
    return ProviderClosed(
        pool_id=pool.id, provider_id=pool.provider_id, state="drained", actor=drain.actor, why=drain.why
    )


def _asks(state: State, now: Now) -> Iterator[Ask]:
    for class_id, keys in state.waiting.items():
        members = tuple(islice(_ready_members(state, keys, now), MEMBERS_MAX))
        if members:
            first = state.workloads[members[0][0]]
            yield Ask(
                class_id=class_id,
                spec=first.spec,
                priority=first.priority,
                quota_overridden_by=first.quota_overridden_by,
                since_process_ms=first.submitted.process_ms,
                members=members,
            )


def _ready_members(state: State, keys: dict[str, None], now: Now) -> Iterator[tuple[WorkloadId, int]]:
    for key in keys:
        if state.backing_off.get(key, 0) <= now.process_ms:
            yield split_unit_key(key)


def _occupants(state: State) -> Iterator[Occupant]:
    for run in state.runs.values():
        workload = state.workloads.get(run.workload_id)
        if run.replaced or workload is None or run.started is None:
            continue
        progress = run.progress
        yield Occupant(
            run_id=run.id,
            tenant_id=workload.spec.tenant_id,
            allocation=run.allocation,
            basis=run.reason.basis,
            started_process_ms=run.started.process_ms,
            lost_steps=progress.step - progress.checkpoint_step if progress else 0,
            can_reclaim=isinstance(run.phase, Running),
            is_leaving=isinstance(run.phase, Stopping),
        )


def _events(state: State, outcome: Round, now: Now) -> Iterator[Event]:
    for reclaim in outcome.reclaims:
        yield stop_event(state.runs[reclaim.run_id], StopCause.RECLAIMED, now, reclaim.notice_ms)
    for placed in outcome.placed:
        workload = state.workloads[placed.workload_id]
        generation = Generation(workload.units[placed.unit].generation + 1)
        yield RunIntended(
            run_id=run_id_of(placed.workload_id, placed.unit, generation),
            workload_id=placed.workload_id,
            unit=placed.unit,
            generation=generation,
            allocation=placed.allocation,
            reason=placed.reason,
        )
    for class_id, blockers in outcome.waiting.items():
        if _signature(blockers) != _signature(state.class_blockers.get(class_id, ())):
            yield ClassWaits(class_id=class_id, blockers=blockers)


def _signature(blockers: tuple[Blocker, ...]) -> tuple[object, ...]:
    """Blockers without the figures that change every round, so that only a new kind of reason is journalled."""
    return tuple(_kind_of(blocker) for blocker in blockers)


def _kind_of(blocker: Blocker) -> object:
    match blocker:
        case NotEnoughChips():
            return NotEnoughChips, blocker.pool_id
        case OverQuota():
            return OverQuota, blocker.pool_id, blocker.tenant_id, blocker.quota_id
        case ReclaimPending():
            return ReclaimPending, blocker.pool_id
        case AwardNotPermitted():
            return AwardNotPermitted, blocker.tranche_id, blocker.clause, blocker.missing
        case ProviderClosed():
            return ProviderClosed, blocker.pool_id, blocker.state
        case _:
            return blocker


def explain_waiting(state: State, class_id: ClassId, now: Now) -> tuple[Blocker, ...]:
    """The reasons of a class with today's figures; empty when it would be placed now, or where a policy decides."""
    if class_id not in state.waiting or not state.policy.is_by_quota:
        return ()
    outcome = place(snapshot_of(state, now), accelerator_kinds(state), now)
    return outcome.waiting.get(class_id, ())
