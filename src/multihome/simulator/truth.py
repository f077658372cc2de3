"""Holds the truth of the world against what was journalled: what no state can show about itself."""

from collections.abc import Iterator

from multihome.clauses.book import MissingPermission, forbidding, permission
from multihome.clauses.delivery import delivered_domains
from multihome.controller.invariants import Violation
from multihome.controller.rounds import run_round
from multihome.controller.state import Openness, State
from multihome.domain.events import Event, NotificationSent, RunIntended, WorkloadEnded, WorkloadSubmitted
from multihome.domain.ids import DomainId, PoolId, RunId, WorkloadId
from multihome.domain.placements import Allocation
from multihome.domain.runs import Outcome, Running, Stopping
from multihome.domain.supply import Pool
from multihome.domain.workloads import WorkloadSpec
from multihome.simulator.notifier import SimNotifier
from multihome.simulator.people import People, promised_workloads
from multihome.simulator.world import World
from multihome.units.time import MS_PER_HOUR, Now


class Record:
    """What was made durable, as far as the world must agree with it."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.seats: dict[RunId, Allocation] = {}
        self.submitted: set[WorkloadId] = set()
        self.ended: dict[WorkloadId, Outcome] = {}
        self.told: set[tuple[str, str]] = set()

    def take(self, event: Event) -> None:
        """Note an event that is durable."""
        match event:
            case RunIntended():
                self.seats[event.run_id] = event.allocation
            case WorkloadSubmitted():
                self.submitted.add(event.workload_id)
            case WorkloadEnded():
                self.ended[event.workload_id] = event.outcome
            case NotificationSent():
                self.told.add((event.webhook_id, event.notification.id))
            case _:
                pass


def check_told(notifier: SimNotifier, record: Record) -> Iterator[Violation]:
    """After a quiet time everything that somebody was to be told has arrived."""
    for webhook_id, notification_id in sorted(record.told - notifier.taken):
        yield Violation("told", notification_id, f"webhook {webhook_id} was never told")


def check_world(world: World, record: Record, state: State) -> Iterator[Violation]:
    """I1, I2 and I11 of what really runs."""
    writers: dict[tuple[WorkloadId, int], RunId] = {}
    held: dict[tuple[DomainId, int], int] = {}
    for process in world.live():
        intent = process.intent
        seat = record.seats.get(intent.run_id)
        if seat is None:
            yield Violation("I2", intent.run_id, "it runs, and no intent of it was journalled")
            continue
        if intent.run_id not in state.runs:
            yield Violation("I11", intent.run_id, "it runs, and its chips count as free")
        if intent.generation >= world.fences.get(intent.checkpoint_key, 0):
            other = writers.setdefault(process.unit, intent.run_id)
            if other is not intent.run_id or _copies(world, intent.run_id) > 1:
                yield Violation("I1", intent.run_id, f"it runs beside {other}, and the writes of both count")
        for share in seat.nodes:
            node = (seat.domain_id, share.node)
            held[node] = held.get(node, 0) + share.chips
            has = state.pools[seat.pool_id].chips_per_node
            if held[node] > has:
                yield Violation("I11", seat.domain_id, f"node {share.node} has {has} chips; {held[node]} are in use")


def _copies(world: World, run_id: RunId) -> int:
    return sum(process.intent.run_id == run_id for process in world.live())


def check_success(world: World, record: Record) -> Iterator[Violation]:
    """No workload counts as done whose work was never finished anywhere (I3)."""
    for workload_id, outcome in record.ended.items():
        if outcome is Outcome.SUCCEEDED and workload_id not in world.finished:
            yield Violation("I3", workload_id, "it counts as succeeded, and its work was never finished")


def check_promises(people: People, state: State, record: Record) -> Iterator[Violation]:
    """I3: every answered command is still known, with its answer, and what it promised is live or over on record."""
    for broken in people.broken:
        yield Violation("I3", "answers", broken)
    for key, promise in people.promises.items():
        kept = state.answers.get(key)
        if kept is None or kept.answer != promise.answer or kept.body_sha256 != promise.request.body_sha256:
            yield Violation("I3", key, "it was answered, and after a restart the answer is not known")
        for workload_id in promised_workloads(promise):
            if workload_id not in state.workloads and workload_id not in record.ended:
                yield Violation("I3", workload_id, "it was accepted, and is neither live nor over")
    for workload_id in record.submitted:
        if (workload_id in state.workloads) == (workload_id in record.ended):
            yield Violation("I3", workload_id, "it is neither live nor over, or both")


def check_converged(world: World, state: State, now: Now) -> Iterator[Violation]:
    """After a quiet time nothing is in doubt, and what has room and permission runs."""
    for run in state.runs.values():
        is_new = now.process_ms - run.intended.process_ms < MS_PER_HOUR
        if not isinstance(run.phase, Running | Stopping) and not is_new:
            yield Violation("liveness", run.id, f"it is still {type(run.phase).__name__} after a quiet time")
    for provider_id in state.providers:
        if state.provider_state(provider_id).openness is not Openness.ANSWERING:
            yield Violation("liveness", provider_id, "it answers, and counts as silent or lost")
    for workload in state.workloads.values():
        if workload.cancelled and not any(unit.run_id for unit in workload.units):
            yield Violation("liveness", workload.id, "it was cancelled, has no run left, and is not over")
    for event in run_round(state, now):
        if isinstance(event, RunIntended):
            yield Violation("liveness", event.run_id, "it could be placed after a quiet time, and was not")
    yield from _same_runs(world, state)
    yield from _starved(state, now)


def _same_runs(world: World, state: State) -> Iterator[Violation]:
    """What runs is what is known to run."""
    live = {process.intent.run_id for process in world.live()}
    for run_id in sorted(live - set(state.runs)):
        yield Violation("liveness", run_id, "it runs, and is unknown to the control plane after a quiet time")
    for run_id in sorted(set(state.runs) - live):
        ended = [site.known[run_id] for site in world.sites.values() if run_id in site.known]
        if not ended:
            yield Violation("liveness", run_id, "it counts as live, and nothing of it runs or ended there")


def _starved(state: State, now: Now) -> Iterator[Violation]:
    """A gang that waits though its tenant and all above stay within their nominal, and a whole domain is empty.

    By brute force over tranches, sure rather than complete: it looks at a workload's first choice and at empty domains.
    """
    taken = {run.allocation.domain_id for run in state.runs.values()}
    empty = {one: room for one, room in _domains(state, now).items() if one not in taken}
    for keys in state.waiting.values():
        key = next(iter(keys))
        workload = state.workloads[WorkloadId(key.rpartition(".")[0])]
        spec = workload.spec
        has_quota = bool(workload.quota_overridden_by) or _within_nominal(state, spec)
        if state.backing_off.get(key, 0) > now.process_ms or not has_quota:
            continue
        for domain_id, (pool_id, nodes) in empty.items():
            pool = state.pools[pool_id]
            if spec.num_nodes <= nodes and _may_use(state, spec, pool, now.contract_ms):
                yield Violation("liveness", key, f"it waits, its quota suffices, and domain {domain_id} is empty")


def _within_nominal(state: State, spec: WorkloadSpec) -> bool:
    """Say whether the gang stays within every nominal above it, counting the chips of all accelerators."""
    chips = spec.num_nodes * spec.choices[0].chips_per_node
    for tenant in state.tenants.values():
        if spec.tenant_id != tenant.id and not spec.tenant_id.startswith(f"{tenant.id}/"):
            continue
        used = sum(
            run.allocation.chips
            for run in state.runs.values()
            if not run.replaced
            and run.workload_id in state.workloads
            and f"{state.workloads[run.workload_id].spec.tenant_id}/".startswith(f"{tenant.id}/")
        )
        if any(used + chips > quota.nominal_chips for quota in tenant.quotas):
            return False
    return True


def _may_use(state: State, spec: WorkloadSpec, pool: Pool, at_ms: int) -> bool:
    provider = state.providers[pool.provider_id]
    return (
        spec.choices[0].accelerator == pool.accelerator
        and spec.infra.provider in {"", provider.id}
        and (not spec.jurisdictions or provider.jurisdiction in spec.jurisdictions)
        and forbidding(state.book(), provider.id, spec.kind, spec.product, pool.accelerator, at_ms) is None
    )


def _domains(state: State, now: Now) -> dict[DomainId, tuple[PoolId, int]]:
    """Every domain that is accepted, permitted and open, with its pool and number of nodes."""
    found: dict[DomainId, tuple[PoolId, int]] = {}
    for contract in state.contracts.values():
        for tranche in contract.tranches:
            if isinstance(permission(state.book(), contract, tranche), MissingPermission):
                continue
            if tranche.pool_id in state.drains or contract.provider_id in state.drains:
                continue
            for ordinal in range(delivered_domains(state.deliveries.values(), tranche, now.contract_ms)):
                found[DomainId(f"{tranche.id}#{ordinal}")] = (tranche.pool_id, tranche.nodes_per_domain)
    return found
