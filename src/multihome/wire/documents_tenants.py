"""Documents about who may have what: tenants and their quotas."""

from typing import Any, Literal

from pydantic import Field

from multihome.domain.ids import AcceleratorName, TenantId
from multihome.domain.tenants import Quota, Tenant
from multihome.wire.fields import (
    Accelerator,
    CountOrNone,
    DurationMs,
    Name,
    Shape,
    TenantPath,
    Title,
    duration_text,
    without_empty,
)


class QuotaIn(Shape):
    """Permission to use up to so many chips, and what may be lent and borrowed."""

    name: Name
    accelerators: list[Accelerator] = Field(default=[], max_length=32)
    """All when left out."""
    chips: CountOrNone
    """Guaranteed."""
    borrow_chips: CountOrNone = 0
    """May be borrowed of what siblings leave idle and lend."""
    lend_chips: CountOrNone = 0
    """May be lent while idle."""
    reclaim_after: DurationMs
    """Borrowed chips run at least so long."""
    notice: DurationMs
    """Given before borrowed chips are taken back."""


class TenantIn(Shape):
    """A node of the tenant tree."""

    kind: Literal["tenant"]
    name: TenantPath
    """The path from the organisation down."""
    title: Title
    approver: Title
    """Who decides on its quotas."""
    quotas: list[QuotaIn] = Field(default=[], max_length=32)

    def to_facts(self) -> tuple[Tenant]:
        """The tenant."""
        quotas = (
            Quota(
                id=quota.name,
                accelerators=tuple(AcceleratorName(name) for name in quota.accelerators),
                nominal_chips=quota.chips,
                borrow_chips=quota.borrow_chips,
                lend_chips=quota.lend_chips,
                reclaim_after_ms=quota.reclaim_after,
                notice_ms=quota.notice,
            )
            for quota in self.quotas
        )
        return (Tenant(id=TenantId(self.name), title=self.title, approver=self.approver, quotas=tuple(quotas)),)


def tenant_data(fact: Tenant) -> dict[str, Any]:
    """A tenant as a document."""
    head = {"kind": "tenant", "name": fact.id, "title": fact.title, "approver": fact.approver}
    return head | without_empty({"quotas": [_quota_data(quota) for quota in fact.quotas]})


def _quota_data(quota: Quota) -> dict[str, Any]:
    return without_empty({"name": quota.id, "accelerators": list(quota.accelerators)}) | {
        "chips": quota.nominal_chips,
        "borrow_chips": quota.borrow_chips,
        "lend_chips": quota.lend_chips,
        "reclaim_after": duration_text(quota.reclaim_after_ms),
        "notice": duration_text(quota.notice_ms),
    }
