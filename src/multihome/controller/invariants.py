"""What may never be so, checked on a state: the second path, by other roads than those that decided.

Stands beside the deciders and shares no arithmetic with the scheduler. Changes nothing, and repairs nothing.
"""

from collections.abc import Iterator

import msgspec

from multihome.clauses.book import Book, MissingPermission, permission
from multihome.controller.invariants_awards import award_breaches, sequence_breaches
from multihome.controller.invariants_sequences import delivery_breaches, ended_ms
from multihome.controller.state import RunState, State, WorkloadState
from multihome.domain.clause_terms import Exclusivity
from multihome.domain.contracts import Tranche
from multihome.domain.events import RunIntended
from multihome.domain.ids import (
    AcceleratorName,
    ClassId,
    DomainId,
    RunId,
    TenantId,
    TrancheId,
    WorkloadId,
    domain_id_of,
    run_id_of,
)
from multihome.domain.placements import Allocation, Basis
from multihome.domain.procurement import AwardRecord
from multihome.domain.runs import Intended, Running
from multihome.domain.tenants import Quota, lineage, parent_of
from multihome.domain.workloads import WorkloadSpec
from multihome.units.time import Now


class Violation(msgspec.Struct, frozen=True, order=True):
    """An invariant that does not hold: its name (I1 to I11), what it is about, and what is wrong in words."""

    invariant: str
    subject: str
    text: str


def check(state: State, now: Now) -> tuple[Violation, ...]:
    """Everything that a state alone can show to be wrong; empty when all holds. Looks at every run and unit."""
    tranches = {tranche.id: tranche for contract in state.contracts.values() for tranche in contract.tranches}
    return (
        *_times(state, now),
        *_units(state),
        *_waiting(state),
        *_seats(state, tranches),
        *_capacity(state, tranches),
        *_quotas(state),
        *_awards(state, tranches),
        *_sequences(state),
        *_exclusive(state),
        *_meters(state),
    )


def check_placement(state: State, event: RunIntended, at: Now) -> Iterator[Violation]:
    """What can be said of a placement only at the moment it is decided: `state` is the one before the event."""
    workload = state.workloads.get(event.workload_id)
    if workload is None or workload.cancelled:
        yield Violation("I1", event.run_id, "it was placed for a workload that is over")
        return
    unit = workload.units[event.unit]
    if event.generation <= unit.generation:
        yield Violation("I1", event.run_id, f"its generation does not follow generation {unit.generation}")
    if unit.run_id is not None:
        yield Violation("I1", event.run_id, f"run {unit.run_id} of the same unit is live and was not replaced")
    if unit.done:
        yield Violation("I1", event.run_id, "its unit has succeeded already")
    yield from _evidence(state, event)
    yield from _admission(state, workload, event)
    yield from _delivered(state, event.run_id, event.allocation, at.contract_ms)
    yield from _over(state, event.run_id, event.allocation, at.contract_ms)
    forbidden = _holder_elsewhere(state, event.allocation, workload.spec, at.contract_ms)
    if forbidden:
        yield Violation("I7", event.run_id, forbidden)


def _times(state: State, now: Now) -> Iterator[Violation]:
    if state.last.process_ms > now.process_ms:
        yield Violation("I10", "clock", f"a record of {state.last.process_ms} is later than now, {now.process_ms}")
    for run in state.runs.values():
        if run.intended.process_ms > now.process_ms:
            yield Violation("I10", run.id, "it was intended later than now")


def _units(state: State) -> Iterator[Violation]:
    """I1: one unreplaced live run per unit, which the unit names, of the unit's newest generation."""
    live: dict[tuple[WorkloadId, int], RunId] = {}
    for run in state.runs.values():
        if run.id != run_id_of(run.workload_id, run.unit, run.generation):
            yield Violation("I1", run.id, "its id is not that of its attempt")
        yield from _named(state, run)
        if run.replaced:
            continue
        other = live.setdefault((run.workload_id, run.unit), run.id)
        if other != run.id:
            yield Violation("I1", run.id, f"run {other} of the same unit is live too, and neither was replaced")
    for workload in state.workloads.values():
        for unit in workload.units:
            if unit.run_id is not None and unit.run_id not in state.runs:
                yield Violation("I1", workload.id, f"a unit names run {unit.run_id}, which does not exist")


def _named(state: State, run: RunState) -> Iterator[Violation]:
    """A run that counts is named by its unit, and one that was replaced is not."""
    workload = state.workloads.get(run.workload_id)
    if workload is None:
        if not run.replaced:
            yield Violation("I1", run.id, "it is live and counts, and its workload is over")
        return
    unit = workload.units[run.unit]
    if run.replaced and unit.run_id == run.id:
        yield Violation("I1", run.id, "it was replaced, and its unit still names it")
    elif not run.replaced and (unit.run_id != run.id or unit.generation != run.generation):
        yield Violation("I1", run.id, f"its unit names run {unit.run_id} of generation {unit.generation}")


def _waiting(state: State) -> Iterator[Violation]:
    """The index of what waits agrees with the units, so that nothing accepted is ever forgotten (I3)."""
    indexed = {key: class_id for class_id, keys in state.waiting.items() for key in keys}
    wanted = _wanted(state)
    for key, class_id in wanted.items():
        if indexed.get(key) != class_id:
            yield Violation("I3", key, f"it waits, but not in the index of its class {class_id}")
    for key in indexed:
        if key not in wanted:
            yield Violation("I3", key, "it is in the index of what waits, and waits for nothing")
    for key in state.backing_off:
        if key not in wanted:
            yield Violation("I3", key, "it backs off, and does not wait")
    for class_id in state.class_blockers:
        if class_id not in state.waiting:
            yield Violation("I3", class_id, "reasons are kept for a class of which nothing waits")
    if len(indexed) != sum(len(keys) for keys in state.waiting.values()):
        yield Violation("I3", "queue", "a unit waits in two classes")


def _wanted(state: State) -> dict[str, ClassId]:
    """Every unit that should wait, by its key, with the class it should wait in."""
    return {
        f"{workload.id}.{index}": workload.class_id
        for workload in state.workloads.values()
        if not workload.cancelled
        for index, unit in enumerate(workload.units)
        if unit.run_id is None and not unit.done
    }


def _seats(state: State, tranches: dict[TrancheId, Tranche]) -> Iterator[Violation]:
    """I11: a gang sits whole in one domain of one tranche, with the shape that was asked for."""
    for run in state.runs.values():
        seat = run.allocation
        tranche = tranches.get(seat.tranche_id)
        if tranche is None:
            yield Violation("I11", run.id, f"its tranche {seat.tranche_id} is not on record")
            continue
        pool = state.pools[tranche.pool_id]
        if (seat.pool_id, seat.provider_id, seat.accelerator) != (pool.id, pool.provider_id, pool.accelerator):
            yield Violation("I11", run.id, f"tranche {tranche.id} delivers {pool.accelerator} in pool {pool.id}")
        if all(domain_id_of(tranche.id, ordinal) != seat.domain_id for ordinal in range(tranche.domains)):
            yield Violation("I11", run.id, f"tranche {tranche.id} has no domain {seat.domain_id}")
        if any(not 0 <= share.node < tranche.nodes_per_domain for share in seat.nodes):
            yield Violation("I11", run.id, f"a node of it lies outside the {tranche.nodes_per_domain} of its domain")
        workload = state.workloads.get(run.workload_id)
        if workload is not None and not _has_shape(workload.spec, seat):
            yield Violation("I11", run.id, "it does not have the number of ranks and chips that was asked for")


def _has_shape(spec: WorkloadSpec, seat: Allocation) -> bool:
    return len(seat.nodes) == spec.num_nodes and any(
        choice.accelerator == seat.accelerator and all(share.chips == choice.chips_per_node for share in seat.nodes)
        for choice in spec.choices
    )


def _capacity(state: State, tranches: dict[TrancheId, Tranche]) -> Iterator[Violation]:
    """I11: no node holds more chips than it has, and no domain was used before it was accepted or after it ended.

    Runs that were replaced, are unknown or are stopping count like any other: their chips are not known to be free.
    """
    held: dict[tuple[DomainId, int], int] = {}
    for run in state.runs.values():
        for share in run.allocation.nodes:
            node = (run.allocation.domain_id, share.node)
            held[node] = held.get(node, 0) + share.chips
        if run.allocation.tranche_id in tranches:
            yield from _delivered(state, run.id, run.allocation, run.intended.contract_ms)
            # An end may be recorded with a date before that of a placement which nobody could know to be too late:
            # those are held against it when they are made, see `check_placement`.
            if ended_ms(state, run.allocation.tranche_id) is None:
                yield from _over(state, run.id, run.allocation, run.intended.contract_ms)
    chips_of = {run.allocation.domain_id: run.allocation.pool_id for run in state.runs.values()}
    for (domain_id, node), chips in held.items():
        has = state.pools[chips_of[domain_id]].chips_per_node
        if chips > has:
            yield Violation("I11", domain_id, f"node {node} has {has} chips, and {chips} are allocated")


def _delivered(state: State, run_id: RunId, seat: Allocation, at_ms: int) -> Iterator[Violation]:
    accepted = sum(
        delivery.domains
        for delivery in state.deliveries.values()
        if delivery.tranche_id == seat.tranche_id and delivery.effective_ms <= at_ms
    )
    ordinal = int(seat.domain_id.rpartition("#")[2])
    if ordinal >= accepted:
        yield Violation("I11", run_id, f"domain {seat.domain_id} was not accepted when it was placed there")


def _over(state: State, run_id: RunId, seat: Allocation, at_ms: int) -> Iterator[Violation]:
    """A tranche that had come to its end as it stands: by its dates, by a step or by the contract's notice."""
    ended = ended_ms(state, seat.tranche_id)
    if ended is not None and at_ms >= ended:
        yield Violation("I11", run_id, f"tranche {seat.tranche_id} had been ended when it was placed there")
        return
    for contract in state.contracts.values():
        for tranche in contract.tranches:
            if tranche.id == seat.tranche_id and at_ms >= tranche.ends_ms:
                yield Violation("I11", run_id, f"tranche {tranche.id} had ended when it was placed there")


def _uses(state: State) -> dict[tuple[TenantId, AcceleratorName], int]:
    """Chips by tenant and accelerator, of its own workloads only."""
    uses: dict[tuple[TenantId, AcceleratorName], int] = {}
    for run in state.runs.values():
        workload = state.workloads.get(run.workload_id)
        if run.replaced or workload is None:
            continue
        key = (workload.spec.tenant_id, run.allocation.accelerator)
        uses[key] = uses.get(key, 0) + run.allocation.chips
    return uses


def _use_under(uses: dict[tuple[TenantId, AcceleratorName], int], tenant_id: TenantId, quota: Quota) -> int:
    below = f"{tenant_id}/"
    return sum(
        chips
        for (user_id, accelerator), chips in uses.items()
        if (user_id == tenant_id or user_id.startswith(below))
        and (not quota.accelerators or accelerator in quota.accelerators)
    )


def _quotas(state: State) -> Iterator[Violation]:
    """I11: nobody uses more than nominal and borrow limit together, apart from what a person let through."""
    uses = _uses(state)
    for run in state.runs.values():
        workload = state.workloads.get(run.workload_id)
        if workload is not None and workload.quota_overridden_by and not run.replaced:
            uses[workload.spec.tenant_id, run.allocation.accelerator] -= run.allocation.chips
    for tenant in state.tenants.values():
        for quota in tenant.quotas:
            used = _use_under(uses, tenant.id, quota)
            if used > quota.nominal_chips + quota.borrow_chips:
                limit = f"{quota.nominal_chips} nominal and {quota.borrow_chips} borrowed"
                yield Violation("I11", f"{tenant.id}/{quota.id}", f"{used} chips are used; {limit} are the limit")


def _admission(state: State, workload: WorkloadState, event: RunIntended) -> Iterator[Violation]:
    """I11: the quotas of the whole lineage, and what siblings lend, covered the gang when it was placed."""
    if workload.quota_overridden_by:
        return
    uses = _uses(state)
    seat = event.allocation
    has_borrowed = False
    for tenant_id in lineage(workload.spec.tenant_id):
        for quota in _counting(state, tenant_id, seat.accelerator):
            over = _use_under(uses, tenant_id, quota) + seat.chips - quota.nominal_chips
            if over <= 0:
                continue
            has_borrowed = True
            lent, idle = _lending(state, uses, tenant_id, seat.accelerator)
            if over > quota.borrow_chips or over + lent > idle:
                text = f"{tenant_id} would be {over} over its nominal, may borrow {quota.borrow_chips}, and its "
                yield Violation("I11", event.run_id, f"{text}siblings lend {idle}, of which {lent} are lent")
    if has_borrowed != (event.reason.basis is Basis.BORROWED):
        yield Violation("I11", event.run_id, f"its basis {event.reason.basis} does not follow from the quotas")


def _lending(
    state: State, uses: dict[tuple[TenantId, AcceleratorName], int], tenant_id: TenantId, accelerator: AcceleratorName
) -> tuple[int, int]:
    """Chips that a tenant's siblings have borrowed already, and that they leave idle and lend."""
    lent = idle = 0
    for other in state.tenants:
        if other == tenant_id or parent_of(other) is None or parent_of(other) != parent_of(tenant_id):
            continue
        for quota in _counting(state, other, accelerator):
            spare = quota.nominal_chips - _use_under(uses, other, quota)
            lent += max(0, -spare)
            idle += min(quota.lend_chips, max(0, spare))
    return lent, idle


def _counting(state: State, tenant_id: TenantId, accelerator: AcceleratorName) -> list[Quota]:
    tenant = state.tenants.get(tenant_id)
    quotas = tenant.quotas if tenant else ()
    return [quota for quota in quotas if not quota.accelerators or accelerator in quota.accelerators]


def _awards(state: State, tranches: dict[TrancheId, Tranche]) -> Iterator[Violation]:
    """I7: whatever runs and counts, runs in a tranche whose award was permitted."""
    book = state.book()
    used = {run.allocation.tranche_id: run.id for run in state.runs.values() if not run.replaced}
    for tranche_id, run_id in used.items():
        missing = _missing(book, tranches.get(tranche_id))
        if missing:
            yield Violation("I7", run_id, missing)


def _sequences(state: State) -> Iterator[Violation]:
    """I7: no notice was answered outside its window, and none gave more chips to others than it had.

    I11: every acceptance is a delivery and the reverse, and no tranche has more domains than were ordered.
    """
    for subject, text in sequence_breaches(state):
        yield Violation("I7", subject, text)
    for subject, text in delivery_breaches(state):
        yield Violation("I11", subject, text)


def check_award(state: State, award: AwardRecord) -> Iterator[Violation]:
    """What can be said of an award only by what was known when it was made: `state` is the one after it."""
    for text in award_breaches(state, award):
        yield Violation("I7", award.id, text)


def _missing(book: Book, tranche: Tranche | None) -> str:
    if tranche is None:
        return ""
    contract = next(one for one in book.contracts.values() if tranche in one.tranches)
    verdict = permission(book, contract, tranche)
    return f"award of {tranche.id}: {verdict.missing}" if isinstance(verdict, MissingPermission) else ""


def _evidence(state: State, event: RunIntended) -> Iterator[Violation]:
    """I7: the evidence a placement shows is that of its tranche's award."""
    for contract in state.contracts.values():
        for tranche in contract.tranches:
            if tranche.id != event.allocation.tranche_id:
                continue
            verdict = permission(state.book(), contract, tranche)
            if isinstance(verdict, MissingPermission):
                yield Violation("I7", event.run_id, f"award of {tranche.id}: {verdict.missing}")
            elif _is_outside(tranche, state.workloads[event.workload_id].spec):
                yield Violation("I7", event.run_id, f"tranche {tranche.id} is meant for another use")
            elif verdict != event.reason.evidence:
                shown, known = event.reason.evidence.code, verdict.code
                yield Violation("I7", event.run_id, f"it shows evidence {shown}, its award has {known}")
            return
    yield Violation("I7", event.run_id, f"tranche {event.allocation.tranche_id} is not on record")


def _is_outside(tranche: Tranche, spec: WorkloadSpec) -> bool:
    """Whether a tranche that is meant for some uses is not meant for such a workload."""
    kinds, products = tranche.use.workload_kinds, tranche.use.products
    return (bool(kinds) and spec.kind not in kinds) or (bool(products) and spec.product not in products)


def _exclusive(state: State) -> Iterator[Violation]:
    """I7: no exclusivity in force when a run was intended bound its workload to another provider."""
    for run in state.runs.values():
        workload = state.workloads.get(run.workload_id)
        if workload is None or run.replaced:
            continue
        text = _holder_elsewhere(state, run.allocation, workload.spec, run.intended.contract_ms)
        if text:
            yield Violation("I7", run.id, text)


def _holder_elsewhere(state: State, seat: Allocation, spec: WorkloadSpec, at_ms: int) -> str:
    for contract in state.contracts.values():
        if contract.provider_id == seat.provider_id:
            continue
        for terms in contract.clauses:
            if not isinstance(terms, Exclusivity) or terms.scope.new_capacity_only:
                continue
            scope = terms.scope
            in_force = terms.interval.start_ms <= at_ms < terms.interval.end_ms
            in_kind = not scope.workload_kinds or spec.kind in scope.workload_kinds
            in_product = not scope.products or spec.product in scope.products
            places = {state.pools[seat.pool_id].region, state.providers[seat.provider_id].jurisdiction}
            in_territory = not scope.territories or bool(places & {*scope.territories})
            on_chips = not scope.accelerators or seat.accelerator in scope.accelerators
            if in_force and in_kind and in_product and on_chips and in_territory:
                return f"{contract.id}/{terms.id} binds it to {contract.provider_id}, and it is at {seat.provider_id}"
    return ""


def _meters(state: State) -> Iterator[Violation]:
    """I5: a run is metered from its start on, once."""
    for run in state.runs.values():
        if run.started is None:
            if run.metered_until_ms:
                yield Violation("I5", run.id, "it is metered and never started")
            if isinstance(run.phase, Running):
                yield Violation("I5", run.id, "it runs and has no start to meter from")
        elif run.metered_until_ms < run.started.contract_ms:
            yield Violation("I5", run.id, "it is metered from before its start")
        elif isinstance(run.phase, Intended):
            yield Violation("I1", run.id, "it started and is still only intended")
        if _goes_back(run):
            yield Violation("I1", run.id, "its checkpoint lies beyond the step it is at")
    for key, chip_ms in state.taken_chip_ms.items():
        if chip_ms < 0:
            yield Violation("I5", key, f"{chip_ms} chip-milliseconds were taken of it")


def _goes_back(run: RunState) -> bool:
    return run.progress is not None and run.progress.checkpoint_step > run.progress.step
