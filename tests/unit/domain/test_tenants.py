"""Paths of tenants."""

from multihome.domain.ids import TenantId
from multihome.domain.tenants import lineage, parent_of


def test_a_lineage_goes_from_the_tenant_up() -> None:
    assert lineage(TenantId("lab/research/pretraining")) == ("lab/research/pretraining", "lab/research", "lab")
    assert lineage(TenantId("lab")) == ("lab",)


def test_a_parent_is_the_path_before_the_last_slash() -> None:
    assert parent_of(TenantId("lab/research/pretraining")) == "lab/research"
    assert parent_of(TenantId("lab")) is None
