"""Documents about what there is: accelerators, providers with their pools, deliveries."""

from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from multihome.domain.accelerators import AcceleratorKind, AcceleratorType
from multihome.domain.ids import AcceleratorName, PoolId, ProviderId, TrancheId
from multihome.domain.supply import Delivery, Pool, Provider, ProviderKind
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
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
    without_empty,
)


class AcceleratorIn(Shape):
    """One accelerator type as its data sheet has it."""

    kind: Literal["accelerator"]
    name: Name
    vendor: Word
    generation: Word
    family: Annotated[AcceleratorKind, Strict(strict=False)]
    released: Word
    bf16_tflops: TeraFlops
    fp8_tflops: TeraFlops | None = None
    hbm_gb: Gigabytes
    hbm_gb_per_s: Gigabytes
    watts: Count
    scale_up_chips: Count
    frameworks: list[Word] = Field(default=[], max_length=32)
    source: Source
    as_of: Word
    assumed: list[Title] = Field(default=[], max_length=32)

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


class PoolIn(Shape):
    """Chips of one type in one place, within their provider's document."""

    name: Name
    region: Name
    zone: Name | None = None
    accelerator: Accelerator
    chips_per_node: Count
    watts_per_chip: Count


class ProviderIn(Shape):
    """A provider and its pools."""

    kind: Literal["provider"]
    name: Name
    title: Title
    type: Annotated[ProviderKind, Strict(strict=False)]
    jurisdiction: Word
    engine: Name
    absence_delay: DurationMs
    source: Source = ""
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
            )
            for pool in self.pools
        )
        return (provider, *pools)


class DeliveryIn(Shape):
    """So many interconnect domains of a tranche were accepted."""

    kind: Literal["delivery"]
    name: Name
    tranche: ScopedName
    fabrics: Count
    effective: InstantMs
    source: Source

    def to_facts(self) -> tuple[Delivery]:
        """The delivery."""
        return (
            Delivery(
                id=self.name,
                tranche_id=TrancheId(self.tranche),
                fabrics=self.fabrics,
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
    return head | without_empty({"source": fact.source, "pools": [pool_data(pool) for pool in pools]})


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
        }
    )


def delivery_data(fact: Delivery) -> dict[str, Any]:
    """A delivery as a document."""
    return {
        "kind": "delivery",
        "name": fact.id,
        "tranche": fact.tranche_id,
        "fabrics": fact.fabrics,
        "effective": instant_text(fact.effective_ms),
        "source": fact.source,
    }
