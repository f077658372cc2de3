"""What time alone brings about: lapses, stalls, maximum run times, ended capacity, metering at month ends, settling."""

from collections.abc import Iterator

from multihome.clauses.delivery import delivered_domains
from multihome.clauses.periods import metered_stretch
from multihome.controller.deliveries import deliveries_due
from multihome.controller.endings import meter_run
from multihome.controller.notifications import retries
from multihome.controller.procurement import lapses
from multihome.controller.reconcile import stop_event
from multihome.controller.reminders import deadlines_near
from multihome.controller.settlements import settlements
from multihome.controller.state import Openness, RunState, State
from multihome.domain.events import Event, WorkloadEnded
from multihome.domain.ids import DomainId, domain_id_of
from multihome.domain.runs import Outcome, Running, StopCause
from multihome.units.time import MS_PER_MINUTE, Now

CAPACITY_END_NOTICE_MS = MS_PER_MINUTE


def upkeep(state: State, now: Now) -> Iterator[Event]:
    """Events that are due: lapses, deliveries ahead, the end of what was cancelled, what time does to runs, periods."""
    yield from lapses(state, now)
    yield from deliveries_due(state, now)
    yield from deadlines_near(state, now)
    for workload_id in state.cancelling:
        workload = state.workloads[workload_id]
        if all(unit.run_id is None for unit in workload.units):
            yield WorkloadEnded(workload_id=workload_id, outcome=Outcome.STOPPED, text="cancelled")
    yield from retries(state, now)
    accepted = _accepted_domains(state, now) if state.runs else frozenset[DomainId]()
    stretches = {contract.id: metered_stretch(contract, now.contract_ms) for contract in state.contracts.values()}
    for run in state.runs.values():
        if run.replaced or run.started is None:
            continue
        due_ms = stretches[run.allocation.contract_id].start_ms
        if run.metered_until_ms < due_ms:
            yield from meter_run(state, run, due_ms)
        if isinstance(run.phase, Running):
            cause = _cause_to_stop(state, run, accepted, now)
            if cause is not None:
                notice_ms = CAPACITY_END_NOTICE_MS if cause is StopCause.CAPACITY_ENDED else 0
                yield stop_event(run, cause, now, notice_ms)
    yield from settlements(state, now)


def _cause_to_stop(state: State, run: RunState, accepted: frozenset[DomainId], now: Now) -> StopCause | None:
    workload = state.workloads.get(run.workload_id)
    if workload is None or run.started is None:
        return None
    spec = workload.spec
    if spec.run_ms_max and now.process_ms - run.started.process_ms >= spec.run_ms_max:
        return StopCause.TOO_LONG
    # A provider that does not answer tells of no progress: nothing is concluded from that.
    if (
        spec.stall_ms
        and now.process_ms - run.moved_process_ms >= spec.stall_ms
        and state.provider_state(run.allocation.provider_id).openness is Openness.ANSWERING
    ):
        return StopCause.STALLED
    if run.allocation.domain_id not in accepted:
        return StopCause.CAPACITY_ENDED
    return None


def _accepted_domains(state: State, now: Now) -> frozenset[DomainId]:
    """Every domain that is there now, once for all runs."""
    return frozenset(
        domain_id_of(tranche.id, ordinal)
        for contract in state.contracts.values()
        for tranche in contract.tranches
        for ordinal in range(delivered_domains(state.deliveries.values(), tranche, now.contract_ms))
    )
