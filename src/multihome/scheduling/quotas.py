"""Quotas with borrowing: who may use how much more, and on which basis.

A tenant within its nominal quota is guaranteed. Beyond it, it may borrow what its siblings leave idle and lend. A
tenant for which no quota names an accelerator is bound only by those above it.
"""

from collections.abc import Iterator

import msgspec

from multihome.domain.ids import AcceleratorName, PoolId, TenantId
from multihome.domain.placements import Basis, OverQuota
from multihome.domain.tenants import Quota, Tenant, lineage, parent_of

Used = dict[TenantId, dict[AcceleratorName, int]]


class Admitted(msgspec.Struct, frozen=True):
    """The quota is there: on which basis, and whose idle quota is borrowed."""

    basis: Basis
    lender_ids: tuple[TenantId, ...]


def admit(
    tenants: dict[TenantId, Tenant],
    used: Used,
    tenant_id: TenantId,
    accelerator: AcceleratorName,
    chips: int,
    pool_id: PoolId,
) -> Admitted | OverQuota:
    """Say whether a tenant may use so many more chips; every quota of its lineage must agree."""
    lenders: list[TenantId] = []
    for holder_id in lineage(tenant_id):
        for quota in quotas_for(tenants, holder_id, accelerator):
            in_use = used_under(used, holder_id, quota)
            over = in_use + chips - quota.nominal_chips
            if over <= 0:
                continue
            borrowable = borrowable_chips(tenants, used, holder_id, quota, accelerator)
            if over > borrowable:
                return OverQuota(
                    pool_id=pool_id,
                    tenant_id=holder_id,
                    quota_id=quota.id,
                    nominal_chips=quota.nominal_chips,
                    used_chips=in_use,
                    asked_chips=chips,
                    borrowable_chips=borrowable,
                )
            lending = _idle_siblings(tenants, used, holder_id, accelerator)
            lenders.extend(lender for lender, idle in lending if idle > 0)
    basis = Basis.BORROWED if lenders else Basis.GUARANTEED
    return Admitted(basis, tuple(sorted(set(lenders))))


def borrowable_chips(
    tenants: dict[TenantId, Tenant], used: Used, holder_id: TenantId, quota: Quota, accelerator: AcceleratorName
) -> int:
    """How many chips a tenant may use beyond a quota of its own: what siblings leave idle, up to its borrow limit."""
    idle = sum(chips for _, chips in _idle_siblings(tenants, used, holder_id, accelerator))
    lendable = idle - _borrowed_by_others(tenants, used, holder_id, accelerator)
    return max(0, min(quota.borrow_chips, lendable))


def is_over_nominal(
    tenants: dict[TenantId, Tenant], used: Used, tenant_id: TenantId, accelerator: AcceleratorName
) -> bool:
    """Say whether a tenant, or one above it, uses more than its nominal quota: only such runs are reclaimed."""
    return any(
        used_under(used, holder_id, quota) > quota.nominal_chips
        for holder_id in lineage(tenant_id)
        for quota in quotas_for(tenants, holder_id, accelerator)
    )


def quotas_for(tenants: dict[TenantId, Tenant], tenant_id: TenantId, accelerator: AcceleratorName) -> Iterator[Quota]:
    """The quotas of one tenant that count this accelerator."""
    tenant = tenants.get(tenant_id)
    if tenant is None:
        return
    for quota in tenant.quotas:
        if not quota.accelerators or accelerator in quota.accelerators:
            yield quota


def used_under(used: Used, tenant_id: TenantId, quota: Quota) -> int:
    """Chips that a tenant and all below it use of what a quota counts."""
    by_accelerator = used.get(tenant_id, {})
    if not quota.accelerators:
        return sum(by_accelerator.values())
    return sum(by_accelerator.get(accelerator, 0) for accelerator in quota.accelerators)


def _siblings(tenants: dict[TenantId, Tenant], tenant_id: TenantId) -> Iterator[TenantId]:
    parent = parent_of(tenant_id)
    for other in tenants:
        if other != tenant_id and parent is not None and parent_of(other) == parent:
            yield other


def _idle_siblings(
    tenants: dict[TenantId, Tenant], used: Used, tenant_id: TenantId, accelerator: AcceleratorName
) -> Iterator[tuple[TenantId, int]]:
    """What each sibling leaves idle and is willing to lend: as much as the strictest of its quotas allows."""
    for sibling in _siblings(tenants, tenant_id):
        idle = [
            max(0, min(quota.lend_chips, quota.nominal_chips - used_under(used, sibling, quota)))
            for quota in quotas_for(tenants, sibling, accelerator)
        ]
        if idle:
            yield sibling, min(idle)


def _borrowed_by_others(
    tenants: dict[TenantId, Tenant], used: Used, tenant_id: TenantId, accelerator: AcceleratorName
) -> int:
    """What siblings have already borrowed from the same idle quota."""
    borrowed = 0
    for sibling in _siblings(tenants, tenant_id):
        over = (
            used_under(used, sibling, quota) - quota.nominal_chips
            for quota in quotas_for(tenants, sibling, accelerator)
        )
        borrowed += max(0, max(over, default=0))
    return borrowed
