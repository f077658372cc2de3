"""Who may have what: the tenant tree and its quotas."""

from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName, TenantId


class Quota(Fact, frozen=True, kw_only=True):
    """Permission to use up to `nominal_chips` of the named accelerators (all of them when none is named).

    Beyond the nominal a tenant may borrow up to `borrow_chips` of what its siblings leave idle and lend; it lends at
    most `lend_chips` of its own. Borrowed chips run `reclaim_after_ms` at least, and are given back after
    `notice_ms` of notice.
    """

    id: str
    accelerators: tuple[AcceleratorName, ...] = ()
    nominal_chips: int
    borrow_chips: int
    lend_chips: int
    reclaim_after_ms: int
    notice_ms: int


class Tenant(Fact, frozen=True, kw_only=True):
    """A node of the tree: organisation, division, team or project; its parent is the path before the last slash."""

    id: TenantId
    title: str
    approver: str
    quotas: tuple[Quota, ...] = ()


def parent_of(tenant_id: TenantId) -> TenantId | None:
    """The tenant above, None for an organisation."""
    head, separator, _ = tenant_id.rpartition("/")
    return TenantId(head) if separator else None


def lineage(tenant_id: TenantId) -> tuple[TenantId, ...]:
    """The tenant and all above it, nearest first."""
    parts = tenant_id.split("/")
    return tuple(TenantId("/".join(parts[:depth])) for depth in range(len(parts), 0, -1))
