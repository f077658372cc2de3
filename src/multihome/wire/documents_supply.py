"""Documents about what there is: accelerators, providers with their pools, deliveries."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, model_validator

from multihome.domain.accelerators import AcceleratorKind, AcceleratorType
from multihome.domain.ids import AcceleratorName, PoolId, ProviderId, TrancheId
from multihome.domain.supply import DOMAIN_LAYER, FLAT, Delivery, Pool, Provider, ProviderKind, SwitchLayer, Topology
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
    UTC,
    Accelerator,
    Count,
    DurationMs,
    Gigabytes,
    InstantMs,
    Name,
    ScopedName,
    Shape,
    Source,
    TeraFlops,
    Title,
    Word,
    decimal_text,
    duration_text,
    instant_text,
    shown,
    without_empty,
)

LAYERS_MAX = 8
"""Layers of switches in a topology; the largest fabrics have three or four."""
SWITCHES_MAX = 4096
"""Switches that a layer names one by one; more are told by one number for all."""


class AcceleratorIn(Shape):
    """One accelerator type as its data sheet has it."""

    kind: Literal["accelerator"]
    name: Name
    """The canonical name, like H100-SXM-80GB."""
    vendor: Word
    generation: Word
    family: Annotated[AcceleratorKind, Strict(strict=False)]
    """Which frameworks it runs without porting: a GPU needs no qualification, a TPU or a custom chip does."""
    released: Word
    """The day it was released."""
    bf16_tflops: TeraFlops
    """Dense, in TFLOP/s (10^12)."""
    fp8_tflops: TeraFlops | None = None
    """Dense, in TFLOP/s; left out where none is stated."""
    hbm_gb: Gigabytes
    """In GB (10^9 bytes)."""
    hbm_gb_per_s: Gigabytes
    """In GB/s."""
    watts: Count
    """Of one chip."""
    scale_up_chips: Count
    """Chips of one fast island: 8 on an HGX board, 72 in an NVL72."""
    frameworks: list[Word] = Field(default=[], max_length=32)
    source: Source
    """Where the figures come from."""
    as_of: Word
    """The day they were read."""
    assumed: list[Title] = Field(default=[], max_length=32)
    """What no public source states."""

    def to_facts(self) -> tuple[AcceleratorType]:
        """The accelerator type."""
        return (
            AcceleratorType(
                name=AcceleratorName(self.name),
                vendor=self.vendor,
                generation=self.generation,
                kind=self.family,
                released=self.released,
                bf16_flops=self.bf16_tflops,
                fp8_flops=self.fp8_tflops,
                hbm_bytes=self.hbm_gb,
                hbm_bytes_per_s=self.hbm_gb_per_s,
                watts=self.watts,
                scale_up_chips=self.scale_up_chips,
                frameworks=tuple(self.frameworks),
                source=self.source,
                as_of=self.as_of,
                assumed=tuple(self.assumed),
            ),
        )


class SwitchLayerIn(Shape):
    """One layer of switches within each interconnect domain of a pool."""

    name: Name
    """Unique within the pool, like PSW; explanations name it."""
    nodes: Count | None = None
    """Nodes under each switch, where all have as many; the last may have fewer."""
    switches: list[Count] = Field(default=[], max_length=SWITCHES_MAX)
    """Nodes under each switch, one by one, where they differ; together the nodes of a domain."""

    @model_validator(mode="after")
    def _is_told_once(self) -> Self:
        if (self.nodes is None) == (not self.switches):
            msg = f"layer {self.name}: give either nodes or switches"
            raise ValueError(msg)
        return self


class TopologyIn(Shape):
    """The tree of switches in which the nodes of each interconnect domain of a pool stand."""

    layers: list[SwitchLayerIn] = Field(min_length=1, max_length=LAYERS_MAX)
    """The layer nearest the core first; nodes are numbered so that those under one switch follow one another."""
    uncut: Name | None = None
    """A layer: a gang that one empty switch of it, or of a layer nearer the core, could hold waits for room under one.

    Left out, a gang waits for no better place than the domain has.
    """

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names) or DOMAIN_LAYER in names:
            msg = f"layers need names of their own, and {DOMAIN_LAYER} is that of the whole domain"
            raise ValueError(msg)
        if self.uncut is not None and self.uncut not in names:
            msg = f"uncut names no layer: {shown(self.uncut)}; there are {', '.join(names)}"
            raise ValueError(msg)
        return self

    def to_fact(self) -> Topology:
        """The topology."""
        return Topology(
            layers=tuple(
                SwitchLayer(name=layer.name, nodes=tuple(layer.switches) if layer.nodes is None else (layer.nodes,))
                for layer in self.layers
            ),
            uncut=self.uncut or "",
        )


class PoolIn(Shape):
    """Chips of one type in one place, within their provider's document."""

    name: Name
    """Unique within the provider; the pool is called `provider/name`."""
    region: Name
    zone: Name | None = None
    accelerator: Accelerator
    """Any spelling of a known accelerator."""
    chips_per_node: Count
    watts_per_chip: Count
    """The whole node's draw, per chip."""
    topology: TopologyIn | None = None
    """The switches within each of its domains; one switch for all nodes when left out."""


class ProviderIn(Shape):
    """A provider and its pools."""

    kind: Literal["provider"]
    name: Name
    """What contracts, pools and `infra` call it."""
    title: Title
    type: Annotated[ProviderKind, Strict(strict=False)]
    """Whose capacity it is and how it is sold."""
    jurisdiction: Word
    """Where it may be made to hand data over, like US."""
    engine: Name
    """What executes runs there, like local."""
    absence_delay: DurationMs
    """How long a run may be missing from its reports before it counts as gone."""
    source: Source = ""
    aliases: list[Name] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Other names that `infra` and `cloud` of a workload may call it by, like gcp; no other provider's."""
    pools: list[PoolIn] = Field(default=[], max_length=LIST_ITEMS_MAX)

    def to_facts(self) -> tuple[Provider | Pool, ...]:
        """The provider, then its pools."""
        provider = Provider(
            id=ProviderId(self.name),
            title=self.title,
            kind=self.type,
            jurisdiction=self.jurisdiction,
            engine=self.engine,
            absence_delay_ms=self.absence_delay,
            source=self.source,
            aliases=tuple(self.aliases),
        )
        pools = (
            Pool(
                id=PoolId(f"{self.name}/{pool.name}"),
                provider_id=provider.id,
                region=pool.region,
                zone=pool.zone or "",
                accelerator=AcceleratorName(pool.accelerator),
                chips_per_node=pool.chips_per_node,
                watts_per_chip=pool.watts_per_chip,
                topology=pool.topology.to_fact() if pool.topology is not None else FLAT,
            )
            for pool in self.pools
        )
        return (provider, *pools)


class DeliveryIn(Shape):
    """So many interconnect domains of a tranche were accepted."""

    kind: Literal["delivery"]
    name: Name
    tranche: ScopedName
    """`contract/tranche`."""
    domains: Count
    """How many interconnect domains were accepted."""
    effective: InstantMs
    """Capacity exists, and is billed, from here on."""
    source: Source

    def to_facts(self) -> tuple[Delivery]:
        """The delivery."""
        return (
            Delivery(
                id=self.name,
                tranche_id=TrancheId(self.tranche),
                domains=self.domains,
                effective_ms=self.effective,
                source=self.source,
            ),
        )


def accelerator_data(fact: AcceleratorType) -> dict[str, Any]:
    """An accelerator type as a document."""
    optional = {
        "fp8_tflops": None if fact.fp8_flops is None else decimal_text(fact.fp8_flops, 12),
        "frameworks": list(fact.frameworks),
        "assumed": list(fact.assumed),
    }
    return {
        "kind": "accelerator",
        "name": fact.name,
        "vendor": fact.vendor,
        "generation": fact.generation,
        "family": fact.kind.value,
        "released": fact.released,
        "bf16_tflops": decimal_text(fact.bf16_flops, 12),
        "hbm_gb": decimal_text(fact.hbm_bytes, 9),
        "hbm_gb_per_s": decimal_text(fact.hbm_bytes_per_s, 9),
        "watts": fact.watts,
        "scale_up_chips": fact.scale_up_chips,
        **without_empty(optional),
        "source": fact.source,
        "as_of": fact.as_of,
    }


def provider_data(fact: Provider, pools: tuple[Pool, ...]) -> dict[str, Any]:
    """A provider with its pools as a document."""
    head = {
        "kind": "provider",
        "name": fact.id,
        "title": fact.title,
        "type": fact.kind.value,
        "jurisdiction": fact.jurisdiction,
        "engine": fact.engine,
        "absence_delay": duration_text(fact.absence_delay_ms),
    }
    return head | without_empty(
        {"source": fact.source, "aliases": list(fact.aliases), "pools": [pool_data(pool) for pool in pools]}
    )


def pool_data(fact: Pool) -> dict[str, Any]:
    """A pool as it stands in its provider's document."""
    return without_empty(
        {
            "name": fact.id.partition("/")[2],
            "region": fact.region,
            "zone": fact.zone,
            "accelerator": fact.accelerator,
            "chips_per_node": fact.chips_per_node,
            "watts_per_chip": fact.watts_per_chip,
            "topology": topology_data(fact.topology),
        }
    )


def topology_data(fact: Topology) -> dict[str, Any] | None:
    """A topology as it stands in its pool; None for the flat one, which is left out."""
    if not fact.layers:
        return None
    layers = [
        {"name": layer.name} | ({"nodes": layer.nodes[0]} if len(layer.nodes) == 1 else {"switches": list(layer.nodes)})
        for layer in fact.layers
    ]
    return without_empty({"layers": layers, "uncut": fact.uncut})


def delivery_data(fact: Delivery) -> dict[str, Any]:
    """A delivery as a document."""
    return {
        "kind": "delivery",
        "name": fact.id,
        "tranche": fact.tranche_id,
        "domains": fact.domains,
        "effective": instant_text(fact.effective_ms, UTC),
        "source": fact.source,
    }
