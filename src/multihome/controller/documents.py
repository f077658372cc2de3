"""Tests documents and workloads against each other and against what is known, before any of it becomes a fact."""

from collections.abc import Iterator
from typing import assert_never

from multihome.controller.documents_contracts import contract_problems, topology_refusal
from multihome.controller.documents_procurement import procurement_problems
from multihome.controller.known import Known, reference, tranches_by_id
from multihome.controller.settled import step_problem
from multihome.controller.state import State, applied_name, place_of
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.commands import Document
from multihome.domain.contracts import Contract, Suspension, Tranche, Waiver
from multihome.domain.ids import ContractId, TenantId
from multihome.domain.notifications import Webhook
from multihome.domain.procurement import Need, Offer
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.supply import Delivery, Pool, Provider
from multihome.domain.tenants import Quota, Tenant, lineage, parent_of
from multihome.domain.workloads import AcceleratorChoice, WorkloadSpec, workload_chips
from multihome.units.time import format_date


def with_documents(state: State, documents: tuple[Document, ...]) -> Known:
    """A shallow copy of the state's facts with the documents laid over them; the state itself stays as it is."""
    known = State(
        accelerators=dict(state.accelerators),
        providers=dict(state.providers),
        pools=dict(state.pools),
        contract_documents=dict(state.contract_documents),
        contracts=dict(state.contracts),
        waivers=dict(state.waivers),
        suspensions=dict(state.suspensions),
        needs=dict(state.needs),
        offers=dict(state.offers),
        webhooks=dict(state.webhooks),
        deliveries=dict(state.deliveries),
        tenants=dict(state.tenants),
        awards=state.awards,
        provider_states=state.provider_states,
    )
    for document in documents:
        table, key = place_of(known, document)
        table[key] = document
        if isinstance(document, Contract):
            known.contracts[document.id] = document
    return known


def document_problems(state: State, known: Known, documents: tuple[Document, ...]) -> list[Refusal]:
    """Everything that is wrong with documents; references may point to what is known or to each other."""
    problems: list[Refusal] = []
    for document in documents:
        match document:
            case AcceleratorType() | Webhook():
                continue
            case Provider():
                problems.extend(_alias_problems(known, document))
            case Pool():
                problems.extend(_pool_problems(state, known, document))
            case Contract():
                problems.extend(contract_problems(state, known, document))
            case Waiver():
                problems.extend(_waiver_problems(state, known, document))
            case Suspension() | Need() | Offer():
                problems.extend(procurement_problems(state, known, document))
            case Delivery():
                problems.extend(_delivery_problems(state, known, document))
            case Tenant():
                problems.extend(_tenant_problems(known, document))
            case _:
                assert_never(document)
    problems.extend(_quota_problems(known, {document.id for document in documents if isinstance(document, Tenant)}))
    return problems


def _alias_problems(known: Known, provider: Provider) -> Iterator[Refusal]:
    """Names of a provider that another one has too: a workload that used one could mean either."""
    for other in known.providers.values():
        shared = [name for name in (provider.id, *provider.aliases) if other.is_called(name)]
        if other.id != provider.id and shared:
            text = f"{', '.join(map(repr, shared))} is what provider {other.id} is called too"
            yield Refusal(RefusalCode.AMBIGUOUS, f"provider {provider.id}", text, accepted="names of no other provider")


def workload_problems(known: Known, spec: WorkloadSpec) -> list[Refusal]:
    """Everything that keeps a workload from ever running: tenant, accelerators, infrastructure, size of its gang."""
    subject = f"workload {applied_name(spec.tenant_id, spec.name)}"
    if spec.tenant_id not in known.tenants:
        return [_unknown_tenant(known, subject, spec)]
    lots = list(_lots_for(known, spec))
    if not lots:
        names = ", ".join(choice.accelerator for choice in spec.choices)
        pools = ", ".join(sorted(f"{pool.id} ({pool.accelerator})" for pool in known.pools.values()))
        where = f" in {spec.infra.provider or '*'}/{spec.infra.region or '*'}/{spec.infra.zone or '*'}"
        text = f"no pool has {names}{where}"
        return [Refusal(RefusalCode.NO_SUCH_POOL, subject, text, accepted=pools)]
    if not any(_fits(known, spec, choice, tranche) for choice, tranche in lots):
        return [_gang_too_large(known, subject, spec, lots)]
    return []


def _unknown_tenant(known: Known, subject: str, spec: WorkloadSpec) -> Refusal:
    tenants = ", ".join(sorted(known.tenants))
    return Refusal(RefusalCode.UNKNOWN_TENANT, subject, f"tenant {spec.tenant_id!r} is not known", accepted=tenants)


def _lots_for(known: Known, spec: WorkloadSpec) -> Iterator[tuple[AcceleratorChoice, Tranche]]:
    for contract in known.contracts.values():
        for tranche in contract.tranches:
            pool = known.pools[tranche.pool_id]
            place = ((pool.region, spec.infra.region), (pool.zone, spec.infra.zone))
            if spec.infra.provider and not known.providers[pool.provider_id].is_called(spec.infra.provider):
                continue
            if any(wanted not in {"", here} for here, wanted in place):
                continue
            for choice in spec.choices:
                if choice.accelerator == pool.accelerator:
                    yield choice, tranche


def _fits(known: Known, spec: WorkloadSpec, choice: AcceleratorChoice, tranche: Tranche) -> bool:
    chips_per_node = known.pools[tranche.pool_id].chips_per_node
    return spec.num_nodes <= tranche.nodes_per_domain * (chips_per_node // choice.chips_per_node)


def _gang_too_large(
    known: Known, subject: str, spec: WorkloadSpec, lots: list[tuple[AcceleratorChoice, Tranche]]
) -> Refusal:
    largest = max(
        lots, key=lambda lot: (lot[1].nodes_per_domain * known.pools[lot[1].pool_id].chips_per_node, lot[1].id)
    )
    choice, tranche = largest
    chips_per_node = known.pools[tranche.pool_id].chips_per_node
    text = (
        f"a gang of {spec.num_nodes} × {choice.chips_per_node} = {workload_chips(spec, choice)} {choice.accelerator} "
        f"fits no domain"
    )
    accepted = (
        f"at most {tranche.nodes_per_domain} × {chips_per_node} in one domain (pool {tranche.pool_id}, "
        f"tranche {tranche.id})"
    )
    return Refusal(RefusalCode.GANG_TOO_LARGE, subject, text, accepted=accepted)


def _pool_problems(state: State, known: Known, pool: Pool) -> Iterator[Refusal]:
    subject = f"pool {pool.id}"
    yield from reference(subject, "provider", pool.provider_id, known.providers)
    yield from reference(subject, "accelerator", pool.accelerator, known.accelerators)
    delivered = {delivery.tranche_id for delivery in state.deliveries.values()}
    before = state.pools.get(pool.id)
    for contract in known.contracts.values():
        for tranche in contract.tranches:
            if tranche.pool_id != pool.id:
                continue
            if contract.provider_id != pool.provider_id:
                text = (
                    f"contract {contract.id} delivers to it, and is with {contract.provider_id}, not {pool.provider_id}"
                )
                yield Refusal(RefusalCode.UNKNOWN_REFERENCE, subject, text)
            yield from topology_refusal(subject, pool, tranche)
            if tranche.id in delivered and before is not None and _chips_of(before) != _chips_of(pool):
                text = f"tranche {tranche.id} was delivered into it; describe another pool for other chips"
                yield Refusal(RefusalCode.SETTLED, subject, text)


def _chips_of(pool: Pool) -> tuple[str, str, int]:
    """What runs were placed and priced by."""
    return pool.provider_id, pool.accelerator, pool.chips_per_node


def _waiver_problems(state: State, known: Known, waiver: Waiver) -> Iterator[Refusal]:
    subject = f"waiver {waiver.id}"
    before = state.waivers.get(waiver.id)
    if before is not None and before != waiver:
        yield Refusal(
            RefusalCode.SETTLED, subject, "it was recorded already, and awards may stand on it; serve a new notice"
        )
    yield from reference(subject, "contract", waiver.contract_id, known.contracts)
    contract = known.contracts.get(waiver.contract_id)
    if contract is not None and waiver.clause_id not in {terms.id for terms in contract.clauses}:
        names = ", ".join(sorted({terms.id for terms in contract.clauses}))
        text = f"contract {contract.id} has no clause {waiver.clause_id!r}"
        yield Refusal(RefusalCode.UNKNOWN_REFERENCE, subject, text, accepted=names)
    if not waiver.served_ms <= waiver.answered_ms < waiver.expires_ms:
        yield Refusal(RefusalCode.BAD_DATES, subject, "served, answered and expires must follow one another")
    for accelerator in waiver.accelerators:
        yield from reference(subject, "accelerator", accelerator, known.accelerators)


def _delivery_problems(state: State, known: Known, delivery: Delivery) -> Iterator[Refusal]:
    subject = f"delivery {delivery.id}"
    before = state.deliveries.get(delivery.id)
    if before is not None and before != delivery:
        yield Refusal(RefusalCode.SETTLED, subject, "it was recorded already; record a further delivery instead")
    contract = known.contracts.get(ContractId(delivery.tranche_id.rpartition("/")[0]))
    tranche = next((t for t in contract.tranches if t.id == delivery.tranche_id), None) if contract else None
    if tranche is None:
        yield from reference(subject, "tranche", delivery.tranche_id, tranches_by_id(known))
        return
    delivered = sum(d.domains for d in known.deliveries.values() if d.tranche_id == tranche.id)
    if delivered > tranche.domains:
        text = f"tranche {tranche.id} would have {delivered} of {tranche.domains} domains delivered"
        left = max(0, tranche.domains - (delivered - delivery.domains))
        accepted = f"at most {left} domains" if left else "none: all of it has been delivered"
        yield Refusal(RefusalCode.WRONG_STATE, subject, text, accepted=accepted)
    if delivery.effective_ms >= tranche.ends_ms:
        ends = format_date(tranche.ends_ms)
        text = f"it takes effect on {format_date(delivery.effective_ms)}, and the tranche ends on {ends}"
        yield Refusal(RefusalCode.BAD_DATES, subject, text, accepted=f"a date before {ends}")
    settled = step_problem(state, tranche.id, subject, delivery.effective_ms) if before is None else None
    if settled is not None:
        yield settled


def _tenant_problems(known: Known, tenant: Tenant) -> Iterator[Refusal]:
    parent = parent_of(tenant.id)
    if parent is not None and parent not in known.tenants:
        text = f"its parent {parent!r} is not known"
        yield Refusal(RefusalCode.TENANT_LOOP, f"tenant {tenant.id}", text, accepted=", ".join(sorted(known.tenants)))
    for quota in tenant.quotas:
        for accelerator in quota.accelerators:
            yield from reference(f"quota {tenant.id}/{quota.id}", "accelerator", accelerator, known.accelerators)


def _quota_problems(known: Known, changed: set[TenantId]) -> Iterator[Refusal]:
    """Quotas that promise more than a tenant above could ever use: its nominal chips, and what it may borrow.

    A quota binds one below it when it counts every accelerator that the lower one counts. Told of the lower tenant
    where its document is under test, else of the upper one.
    """
    for lower in known.tenants.values():
        for upper_id in lineage(lower.id)[1:]:
            upper = known.tenants.get(upper_id)
            if upper is None or not {lower.id, upper_id} & changed:
                continue
            for quota in lower.quotas:
                for above in upper.quotas:
                    if quota.nominal_chips > above.nominal_chips + above.borrow_chips and _counts_all(above, quota):
                        yield _above_parent(lower, quota, upper, above, is_lower_told=lower.id in changed)


def _counts_all(above: Quota, quota: Quota) -> bool:
    """Whether every chip that counts under the lower quota counts under the upper one."""
    return not above.accelerators or (bool(quota.accelerators) and set(quota.accelerators) <= set(above.accelerators))


def _above_parent(lower: Tenant, quota: Quota, upper: Tenant, above: Quota, *, is_lower_told: bool) -> Refusal:
    lower_name, upper_name = f"{lower.id}/{quota.id}", f"{upper.id}/{above.id}"
    limit = above.nominal_chips + above.borrow_chips
    size = f"{above.nominal_chips} chips and may borrow {above.borrow_chips}"
    if is_lower_told:
        text = f"it is {quota.nominal_chips} chips, and quota {upper_name} above it is {size}"
        accepted = (
            f"at most {limit} chips, or at least {quota.nominal_chips} in quota {upper_name} with what it borrows"
        )
        return Refusal(RefusalCode.QUOTA_ABOVE_PARENT, f"quota {lower_name}", text, accepted=accepted)
    text = f"it is {size}, and quota {lower_name} below it is {quota.nominal_chips} chips"
    accepted = f"at least {quota.nominal_chips} chips with what it may borrow, or at most {limit} in quota {lower_name}"
    return Refusal(RefusalCode.QUOTA_ABOVE_PARENT, f"quota {upper_name}", text, accepted=accepted)
