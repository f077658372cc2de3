"""Who holds which chips, kept up to date as events are folded in: a round need not walk all runs to learn it.

`State.held` counts chips by domain and node, `State.leaving` those of runs that were asked to end, `State.used` chips
by tenant and accelerator. Only `apply` calls what changes them; `recounted` finds the same by walking.
"""

import msgspec

from multihome.controller.state import Chips, RunState, State
from multihome.domain.ids import AcceleratorName, DomainId, TenantId
from multihome.domain.runs import Phase, Stopping
from multihome.domain.tenants import lineage


class Occupancy(msgspec.Struct, frozen=True):
    """The three counts of a state."""

    held: dict[DomainId, Chips]
    leaving: dict[DomainId, Chips]
    used: dict[TenantId, dict[AcceleratorName, int]]


def hold(state: State, run: RunState) -> None:
    """A run was intended: its chips are taken, and its tenant uses them."""
    _add_nodes(state.held, run, 1)
    _add_use(state, run, 1)


def let_go(state: State, run: RunState) -> None:
    """A run is over: call before anything of it changes, and after its workload may have gone."""
    _add_nodes(state.held, run, -1)
    if isinstance(run.phase, Stopping):
        _add_nodes(state.leaving, run, -1)
    disown(state, run)


def disown(state: State, run: RunState) -> None:
    """A run no longer counts for its tenant: it ended, was replaced, or its workload has gone. Again, nothing."""
    if not run.replaced and run.workload_id in state.workloads:
        _add_use(state, run, -1)


def enter(state: State, run: RunState, phase: Phase) -> None:
    """Put a run in a phase."""
    was_leaving, is_leaving = isinstance(run.phase, Stopping), isinstance(phase, Stopping)
    if was_leaving != is_leaving:
        _add_nodes(state.leaving, run, 1 if is_leaving else -1)
    run.phase = phase


def recounted(state: State) -> Occupancy:
    """The counts as they follow from the runs alone."""
    counted = State(workloads=state.workloads)
    for run in state.runs.values():
        _add_nodes(counted.held, run, 1)
        if isinstance(run.phase, Stopping):
            _add_nodes(counted.leaving, run, 1)
        if not run.replaced and run.workload_id in state.workloads:
            _add_use(counted, run, 1)
    return occupancy(counted)


def occupancy(state: State) -> Occupancy:
    """The counts as they are kept."""
    return Occupancy(state.held, state.leaving, state.used)


def _add_nodes(counts: dict[DomainId, Chips], run: RunState, sign: int) -> None:
    """Count a run's chips; what comes to nothing is left out, so that equal states have equal counts."""
    allocation = run.allocation
    nodes = counts.setdefault(allocation.domain_id, {})
    for share in allocation.nodes:
        chips = nodes.get(share.node, 0) + sign * share.chips
        if chips:
            nodes[share.node] = chips
        else:
            del nodes[share.node]
    if not nodes:
        del counts[allocation.domain_id]


def _add_use(state: State, run: RunState, sign: int) -> None:
    accelerator, chips = run.allocation.accelerator, sign * run.allocation.chips
    for holder_id in lineage(state.workloads[run.workload_id].spec.tenant_id):
        by_accelerator = state.used.setdefault(holder_id, {})
        count = by_accelerator.get(accelerator, 0) + chips
        if count:
            by_accelerator[accelerator] = count
            continue
        del by_accelerator[accelerator]
        if not by_accelerator:
            del state.used[holder_id]
