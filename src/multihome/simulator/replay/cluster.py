"""A cluster in a line of text, like `v100:8,p100:16,k80:24`, and the documents that describe it to a control plane."""

import re

import msgspec

from multihome.domain.accelerators import AcceleratorKind, AcceleratorType
from multihome.domain.commands import Document
from multihome.domain.contracts import Award, Contract, Tranche
from multihome.domain.ids import AcceleratorName, ContractId, PoolId, ProviderId, TenantId, TrancheId
from multihome.domain.supply import Delivery, Pool, Provider, ProviderKind
from multihome.domain.tenants import Tenant
from multihome.units.money import MICRO_PER_UNIT
from multihome.units.time import FOREVER_MS, Interval

PROVIDER = ProviderId("cluster")
ORGANISATION = TenantId("trace")
POOLS_MAX = 64
CHIPS_MAX = 1_000_000
RATE_USD_MAX = 1_000
WATTS = 300
"""A placeholder: nothing that is simulated rests on it."""
ASSUMED_RATE_USD = "1"
"""USD a chip-hour where none is told: a round figure that makes all chips cost alike."""

_ENTRY = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([0-9]{1,7})(?:/([0-9]{1,7}))?(?:@([0-9]{1,4}(?:\.[0-9]{1,6})?))?", re.ASCII
)
_PLACEHOLDERS = ("bf16_flops", "hbm_bytes", "hbm_bytes_per_s", "watts")
_SOURCE = "the line of text that describes the cluster"


class ClusterPool(msgspec.Struct, frozen=True):
    """One domain of chips of a type. Without a size of nodes it is one node, so that any chips of it fit together."""

    accelerator: AcceleratorName
    chips: int
    chips_per_node: int
    rate_micro_usd_per_chip_hour: int
    is_rate_assumed: bool

    @property
    def id(self) -> PoolId:
        """The pool's name as the control plane has it."""
        return PoolId(f"{PROVIDER}/{self.accelerator}")


def parse_cluster(text: str) -> tuple[ClusterPool, ...]:
    """The pools of `NAME:CHIPS[/CHIPS_PER_NODE][@USD_PER_CHIP_HOUR]`, with commas between.

    Raises:
        ValueError: a part is not of this form, or does not add up; the message says which and what would do.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > POOLS_MAX:
        msg = f"a cluster of {len(parts)} pools; at most {POOLS_MAX} (POOLS_MAX)"
        raise ValueError(msg)
    pools = tuple(_pool(part) for part in parts)
    names = [pool.accelerator for pool in pools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"{twice} stands twice in {text!r}; give one pool of all its chips"
        raise ValueError(msg)
    return pools


def cluster_documents(
    pools: tuple[ClusterPool, ...], tenants: tuple[TenantId, ...], start_ms: int
) -> tuple[Document, ...]:
    """All that a control plane has to know of a cluster, delivered and paid for from an instant on."""
    contract_id = ContractId("cluster")
    tranches = tuple(_tranche(contract_id, pool, start_ms) for pool in pools)
    return (
        *(_accelerator(pool.accelerator) for pool in pools),
        Provider(
            id=PROVIDER,
            title="The cluster that is simulated",
            kind=ProviderKind.OWN,
            jurisdiction="us",
            engine="trace",
            absence_delay_ms=0,
            source=_SOURCE,
        ),
        *(_pool_document(pool) for pool in pools),
        Contract(
            id=contract_id,
            title="The cluster that is simulated",
            provider_id=PROVIDER,
            interval=Interval(start_ms, FOREVER_MS),
            clauses=(),
            tranches=tranches,
            source=_SOURCE,
        ),
        *(
            Delivery(id=tranche.id, tranche_id=tranche.id, domains=1, effective_ms=start_ms, source=_SOURCE)
            for tranche in tranches
        ),
        *(Tenant(id=tenant_id, title=tenant_id, approver="nobody") for tenant_id in (ORGANISATION, *tenants)),
    )


def _pool(part: str) -> ClusterPool:
    matched = _ENTRY.fullmatch(part)
    if matched is None:
        msg = (
            f"{part!r} is no pool; write NAME:CHIPS, NAME:CHIPS/CHIPS_PER_NODE, or either with @USD, like v100:8/4@2.48"
        )
        raise ValueError(msg)
    name, chips_text, node_text, usd_text = matched.groups()
    chips, per_node = int(chips_text), int(node_text or chips_text)
    if not 1 <= chips <= CHIPS_MAX:
        msg = f"{part!r}: a pool has from 1 to {CHIPS_MAX:,} chips"
        raise ValueError(msg)
    if not per_node or chips % per_node:
        msg = f"{part!r}: {chips} chips are no whole number of nodes of {per_node}"
        raise ValueError(msg)
    units, _, decimals = (usd_text or ASSUMED_RATE_USD).partition(".")
    if int(units) > RATE_USD_MAX:
        msg = f"{part!r}: a chip-hour costs at most {RATE_USD_MAX:,} USD"
        raise ValueError(msg)
    rate = int(units) * MICRO_PER_UNIT + int(decimals.ljust(6, "0"))
    return ClusterPool(AcceleratorName(name), chips, per_node, rate, usd_text is None)


def _accelerator(name: AcceleratorName) -> AcceleratorType:
    """A type of which the trace knows the name and rates alone: every figure of it is a placeholder, and says so."""
    return AcceleratorType(
        name=name,
        vendor="unknown",
        generation=name,
        kind=AcceleratorKind.GPU,
        released="2016-01-01",
        scale_up_chips=8,
        source="the trace's table of throughputs, which names it",
        as_of="2016-01-01",
        assumed=("vendor", "generation", "kind", "released", "scale_up_chips", *_PLACEHOLDERS),
        bf16_flops=10**14,
        hbm_bytes=16 * 10**9,
        hbm_bytes_per_s=10**12,
        watts=WATTS,
    )


def _pool_document(pool: ClusterPool) -> Pool:
    return Pool(
        id=pool.id,
        provider_id=PROVIDER,
        region="trace",
        accelerator=pool.accelerator,
        chips_per_node=pool.chips_per_node,
        watts_per_chip=WATTS,
    )


def _tranche(contract_id: ContractId, pool: ClusterPool, start_ms: int) -> Tranche:
    return Tranche(
        id=TrancheId(f"{contract_id}/{pool.accelerator}"),
        pool_id=pool.id,
        domains=1,
        nodes_per_domain=pool.chips // pool.chips_per_node,
        new_capacity=False,
        promised_ms=start_ms,
        ends_ms=FOREVER_MS,
        rate_micro_usd_per_chip_hour=pool.rate_micro_usd_per_chip_hour,
        rate_source="assumed" if pool.is_rate_assumed else _SOURCE,
        award=Award(awarded_ms=start_ms),
    )
