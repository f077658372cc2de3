"""The figures of a reason as they are now. A round keeps a reason as it was when it found it; time goes on.

Made once for all rows of an answer: what runs is walked once, however many rows are shown.
"""

from functools import cached_property

import msgspec

from multihome.clauses.book import earliest_ms
from multihome.clauses.delivery import delivered_domains
from multihome.controller.state import State
from multihome.domain.ids import AcceleratorName, DomainId, PoolId, TenantId, domain_id_of
from multihome.domain.placements import AwardNotPermitted, Blocker, NotEnoughChips, OverQuota
from multihome.scheduling.quotas import borrowable_chips, used_under
from multihome.units.time import Now


class Figures:
    """What reasons name, counted in a state at an instant when it is first asked for."""

    def __init__(self, state: State, now: Now) -> None:
        """Take the state to count in."""
        self._state = state
        self._now = now
        self._free: dict[PoolId, tuple[int, ...]] = {}

    def as_of_now(self, blocker: Blocker) -> Blocker:
        """A reason with the figures that follow from the state and the time; one that has none as it is."""
        match blocker:
            case NotEnoughChips():
                return msgspec.structs.replace(blocker, largest_free_chips=self._largest_free(blocker))
            case OverQuota():
                return self._quota(blocker)
            case AwardNotPermitted():
                could_ms = earliest_ms(self._state.book(), blocker.clause, self._now.contract_ms)
                return msgspec.structs.replace(blocker, earliest_ms=could_ms)
            case _:
                return blocker

    def _largest_free(self, blocker: NotEnoughChips) -> int:
        if blocker.pool_id not in self._free:
            self._free[blocker.pool_id] = tuple(self._free_in(blocker.pool_id))
        return max(self._free[blocker.pool_id], default=0)

    def _free_in(self, pool_id: PoolId) -> list[int]:
        """Free chips of each delivered domain of a pool."""
        chips_per_node = self._state.pools[pool_id].chips_per_node
        return [
            tranche.nodes_per_domain * chips_per_node - self._used_in_domain.get(domain_id_of(tranche.id, ordinal), 0)
            for contract in self._state.contracts.values()
            for tranche in contract.tranches
            if tranche.pool_id == pool_id
            for ordinal in range(delivered_domains(self._state.deliveries.values(), tranche, self._now.contract_ms))
        ]

    def _quota(self, blocker: OverQuota) -> OverQuota:
        """The quota as it stands; one that was taken away meanwhile as the round saw it."""
        tenant = self._state.tenants.get(blocker.tenant_id)
        quota = next((each for each in tenant.quotas if each.id == blocker.quota_id), None) if tenant else None
        if quota is None:
            return blocker
        used, accelerator = self._used_by_tenant, self._state.pools[blocker.pool_id].accelerator
        return msgspec.structs.replace(
            blocker,
            nominal_chips=quota.nominal_chips,
            used_chips=used_under(used, blocker.tenant_id, quota),
            borrowable_chips=borrowable_chips(self._state.tenants, used, blocker.tenant_id, quota, accelerator),
        )

    @cached_property
    def _used_in_domain(self) -> dict[DomainId, int]:
        used: dict[DomainId, int] = {}
        for run in self._state.runs.values():
            domain_id = run.allocation.domain_id
            used[domain_id] = used.get(domain_id, 0) + run.allocation.chips
        return used

    @cached_property
    def _used_by_tenant(self) -> dict[TenantId, dict[AcceleratorName, int]]:
        return self._state.used
