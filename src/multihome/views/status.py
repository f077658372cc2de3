"""What is there and what runs, now."""

from collections.abc import Iterable, Iterator

import msgspec

from multihome.clauses.delivery import delivered_domains
from multihome.controller.state import Openness, RunState, State, WorkloadState, unit_key
from multihome.domain.ids import AcceleratorName, PoolId, ProviderId, RunId, TenantId, TrancheId, WorkloadId
from multihome.domain.placements import Blocker
from multihome.domain.runs import AttemptEnd, Fenced, Intended, Progress, Running, Stopping, Unknown
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import Now
from multihome.views.alarms import Alarm, alarms
from multihome.views.figures import Figures
from multihome.views.words import CANCELLED, NOT_LOOKED_AT, back_off_text, describe, nearness


class ProviderRow(msgspec.Struct, frozen=True):
    """A provider: chips delivered, in use, and held by runs that were fenced or are unknown."""

    id: ProviderId
    title: str
    kind: str
    openness: str
    why: str
    delivered_chips: int
    used_chips: int
    held_chips: int


class PoolRow(msgspec.Struct, frozen=True):
    """A pool, with the tranches that are ordered and not accepted."""

    id: PoolId
    accelerator: AcceleratorName
    delivered_chips: int
    used_chips: int
    largest_free_chips: int
    outstanding: tuple[TrancheId, ...]


class BackOff(msgspec.Struct, frozen=True):
    """Why a unit pauses: how its last attempt ended, and when, by the process clock, the next one may be made."""

    last_end: AttemptEnd
    until_process_ms: int
    text: str


class UnitRow(msgspec.Struct, frozen=True):
    """One gang: its state in a word, and where it is; `back_off` is set while it backs off."""

    unit: int
    state: str
    run_id: RunId | None
    generation: int
    pool_id: PoolId | None
    chips: int
    basis: str
    endpoint: str
    progress: Progress | None
    failures: int
    back_off: BackOff | None


class WorkloadRow(msgspec.Struct, frozen=True):
    """A live workload: the state of its least advanced unit.

    `waits_for` is the reason nearest to passing why it waits, if it does, and `more_reasons` how many more there are.
    """

    id: WorkloadId
    name: str
    tenant_id: TenantId
    kind: WorkloadKind
    state: str
    units_up: int
    units: int
    pools: tuple[PoolId, ...]
    chips: int
    priority: int
    submitted_contract_ms: int
    submitted_process_ms: int
    progress: Progress | None
    waits_for: str
    more_reasons: int = 0


class StatusView(msgspec.Struct, frozen=True):
    """Everything at one glance; times in milliseconds UTC."""

    contract_ms: int
    process_ms: int
    scenario_clock: bool
    providers: tuple[ProviderRow, ...]
    pools: tuple[PoolRow, ...]
    workload_states: dict[str, int]
    alarms: tuple[Alarm, ...]


UNIT_STATES = ("waiting", "backing_off", "unknown", "starting", "stopping", "running", "ready", "done")
"""From least to most advanced; a workload shows its least advanced unit's."""


def status(state: State, now: Now) -> StatusView:
    """The whole at one glance."""
    states: dict[str, int] = {}
    for workload in state.workloads.values():
        word = _workload_state(state, workload, now)
        states[word] = states.get(word, 0) + 1
    return StatusView(
        contract_ms=now.contract_ms,
        process_ms=now.process_ms,
        scenario_clock=state.scenario_ms is not None,
        providers=tuple(_provider_row(state, provider_id, now) for provider_id in state.providers),
        pools=tuple(_pool_row(state, pool_id, now) for pool_id in state.pools),
        workload_states=states,
        alarms=alarms(state, now),
    )


def workload_rows(state: State, workloads: Iterable[WorkloadState], now: Now) -> Iterator[WorkloadRow]:
    """One row a workload, made as they are taken; figures of reasons are counted once for all of them."""
    figures = Figures(state, now)
    return (_row(state, workload, now, figures) for workload in workloads)


def workload_row(state: State, workload: WorkloadState, now: Now) -> WorkloadRow:
    """The row of one workload."""
    return _row(state, workload, now, Figures(state, now))


def _row(state: State, workload: WorkloadState, now: Now, figures: Figures) -> WorkloadRow:
    units = unit_rows(state, workload, now)
    blockers = sorted(state.class_blockers.get(workload.class_id, ()), key=nearness)
    reasons = waits_because(workload, units, tuple(figures.as_of_now(blocker) for blocker in blockers))
    return WorkloadRow(
        id=workload.id,
        name=workload.spec.name,
        tenant_id=workload.spec.tenant_id,
        kind=workload.spec.kind,
        state=_least_advanced(units),
        units_up=sum(unit.state in {"running", "ready", "done"} for unit in units),
        units=len(units),
        pools=tuple(dict.fromkeys(unit.pool_id for unit in units if unit.pool_id is not None)),
        chips=sum(unit.chips for unit in units),
        priority=workload.priority,
        submitted_contract_ms=workload.submitted.contract_ms,
        submitted_process_ms=workload.submitted.process_ms,
        progress=workload.units[0].progress,
        waits_for=reasons[0] if reasons else "",
        more_reasons=max(0, len(reasons) - 1),
    )


def waits_because(
    workload: WorkloadState, units: tuple[UnitRow, ...], blockers: tuple[Blocker, ...]
) -> tuple[str, ...]:
    """Why units of a workload wait, in words: the reasons of its class, then every pause; empty where none waits."""
    reasons: list[str] = []
    if any(unit.state == "waiting" for unit in units):
        if workload.cancelled:
            reasons.append(CANCELLED)
        else:
            reasons.extend(describe(blocker) for blocker in blockers)
            reasons.extend(() if blockers else (NOT_LOOKED_AT,))
    for unit in units:
        if unit.back_off is not None:
            which = f"unit {unit.unit}: " if len(units) > 1 else ""
            reasons.append(f"{which}{unit.back_off.text}")
    return tuple(reasons)


def unit_rows(state: State, workload: WorkloadState, now: Now) -> tuple[UnitRow, ...]:
    """The gangs of one workload."""
    rows: list[UnitRow] = []
    for index, unit in enumerate(workload.units):
        run = state.runs.get(unit.run_id) if unit.run_id is not None else None
        back_off = _back_off(state, workload, index, now)
        idle = "done" if unit.done else "backing_off" if back_off is not None else "waiting"
        phase = run.phase if run else None
        rows.append(
            UnitRow(
                unit=index,
                state=run_state(run) if run else idle,
                run_id=unit.run_id,
                generation=unit.generation,
                pool_id=run.allocation.pool_id if run else None,
                chips=run.allocation.chips if run else 0,
                basis=run.reason.basis.value if run else "",
                endpoint=phase.endpoint if isinstance(phase, Running) else "",
                progress=unit.progress,
                failures=unit.failures,
                back_off=back_off,
            )
        )
    return tuple(rows)


def _back_off(state: State, workload: WorkloadState, index: int, now: Now) -> BackOff | None:
    until_ms = state.backing_off.get(unit_key(workload.id, index), 0)
    if until_ms <= now.process_ms:
        return None
    last_end = workload.units[index].last_end
    assert last_end is not None, "a unit backs off from an attempt that ended"
    return BackOff(last_end, until_ms, back_off_text(last_end, until_ms - now.process_ms))


def run_state(run: RunState) -> str:
    """A run's phase in a word."""
    match run.phase:
        case Intended():
            return "starting"
        case Unknown():
            return "unknown"
        case Running(ready=True):
            return "ready"
        case Running():
            return "running"
        case Stopping():
            return "stopping"
        case Fenced():
            return "fenced"


def _workload_state(state: State, workload: WorkloadState, now: Now) -> str:
    return _least_advanced(unit_rows(state, workload, now))


def _least_advanced(units: tuple[UnitRow, ...]) -> str:
    return min((unit.state for unit in units), key=UNIT_STATES.index, default="done")


def _provider_row(state: State, provider_id: ProviderId, now: Now) -> ProviderRow:
    provider = state.providers[provider_id]
    standing = state.provider_state(provider_id)
    runs = [run for run in state.runs.values() if run.allocation.provider_id == provider_id]
    held = sum(run.allocation.chips for run in runs if run.replaced or isinstance(run.phase, Unknown))
    pools = [pool_id for pool_id, pool in state.pools.items() if pool.provider_id == provider_id]
    return ProviderRow(
        id=provider_id,
        title=provider.title,
        kind=provider.kind.value,
        openness=standing.openness.value,
        why=standing.why if standing.openness is not Openness.ANSWERING else "",
        delivered_chips=sum(delivered_chips(state, pool_id, now) for pool_id in pools),
        used_chips=sum(run.allocation.chips for run in runs) - held,
        held_chips=held,
    )


def delivered_chips(state: State, pool_id: PoolId, now: Now) -> int:
    """Chips of a pool that are accepted and not ended."""
    chips_per_node = state.pools[pool_id].chips_per_node
    return sum(
        delivered_domains(state.deliveries.values(), tranche, now.contract_ms)
        * tranche.nodes_per_domain
        * chips_per_node
        for contract in state.contracts.values()
        for tranche in contract.tranches
        if tranche.pool_id == pool_id
    )


def _pool_row(state: State, pool_id: PoolId, now: Now) -> PoolRow:
    tranches = [
        tranche for contract in state.contracts.values() for tranche in contract.tranches if tranche.pool_id == pool_id
    ]
    used: dict[str, int] = {}
    for run in state.runs.values():
        if run.allocation.pool_id == pool_id:
            domain_id = run.allocation.domain_id
            used[domain_id] = used.get(domain_id, 0) + run.allocation.chips
    chips_per_node = state.pools[pool_id].chips_per_node
    free = [0]
    outstanding: list[TrancheId] = []
    for tranche in tranches:
        count = delivered_domains(state.deliveries.values(), tranche, now.contract_ms)
        if count < tranche.domains and now.contract_ms < tranche.ends_ms:
            outstanding.append(tranche.id)
        size = tranche.nodes_per_domain * chips_per_node
        free.extend(size - used.get(f"{tranche.id}#{ordinal}", 0) for ordinal in range(count))
    return PoolRow(
        id=pool_id,
        accelerator=state.pools[pool_id].accelerator,
        delivered_chips=delivered_chips(state, pool_id, now),
        used_chips=sum(used.values()),
        largest_free_chips=max(free),
        outstanding=tuple(outstanding),
    )
