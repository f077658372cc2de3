"""Documents about what options of placement are made of: measured throughputs, data sets, transfers, the valuation."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from multihome.domain.datasets import DataLocation, DataSet, Transfer
from multihome.domain.ids import AcceleratorName, ProviderId, TenantId
from multihome.domain.throughputs import Measurement, ThroughputTable
from multihome.domain.valuation import Valuation
from multihome.units.money import WHOLE_BPS
from multihome.wire.fields import (
    COUNT_MAX,
    LIST_ITEMS_MAX,
    UTC,
    Accelerator,
    BasisPoints,
    Count,
    DurationMs,
    Factor,
    InstantMs,
    MicroUsd,
    Name,
    Shape,
    SizeBytes,
    Source,
    TenantPath,
    Thousandths,
    Title,
    Word,
    decimal_text,
    duration_text,
    instant_text,
    percent_text,
    shown,
    size_text,
    usd_text,
    without_empty,
)

OPTIONS_MAX = 64
VALUATION = Valuation()
"""What holds where no valuation is on record, or where it leaves a setting out."""


def _above_zero(value: int) -> int:
    if value > 0:
        return value
    msg = "expected more than 0"
    raise ValueError(msg)


def _above_whole(value: int) -> int:
    if value > WHOLE_BPS:
        return value
    msg = f"expected a factor above 100%, like 150%, not {percent_text(value)}"
    raise ValueError(msg)


def _distinct_cells(value: "list[MeasurementIn]") -> "list[MeasurementIn]":
    cells = [(entry.accelerator, entry.chips) for entry in value]
    twice = next((cell for cell in cells if cells.count(cell) > 1), None)
    if twice is not None:
        msg = f"{twice[1]} {twice[0]} were measured twice; keep the better measurement"
        raise ValueError(msg)
    return value


Rate = Annotated[Thousandths, AfterValidator(_above_zero)]
Spread = Annotated[BasisPoints, AfterValidator(_above_zero)]
SpreadFactor = Annotated[Factor, AfterValidator(_above_whole)]
Duration = Annotated[DurationMs, AfterValidator(_above_zero)]
BytesPerSecond = Annotated[SizeBytes, AfterValidator(_above_zero)]


class MeasurementIn(Shape):
    """Somebody measured how fast a whole gang is."""

    accelerator: Accelerator
    """Any spelling of a known accelerator."""
    chips: Count
    """Of the whole gang."""
    steps_per_hour: Rate
    """Of the whole gang."""
    spread: Spread
    """One standard deviation, as a share of the rate."""
    by: Title
    """Who measured it."""
    measured: InstantMs
    """When."""


class ThroughputIn(Shape):
    """Measured rates of a model."""

    kind: Literal["throughput"]
    name: Name
    tenant: TenantPath
    """It holds for workloads of this tenant and of all below it."""
    model: Name
    """What those workloads call it in `model`."""
    measurements: Annotated[
        list[MeasurementIn], Field(min_length=1, max_length=LIST_ITEMS_MAX), AfterValidator(_distinct_cells)
    ]
    source: Source = ""

    def to_facts(self) -> tuple[ThroughputTable]:
        """The table."""
        measurements = (
            Measurement(
                accelerator=AcceleratorName(entry.accelerator),
                chips=entry.chips,
                steps_per_hour_milli=entry.steps_per_hour,
                spread_bps=entry.spread,
                by=entry.by,
                measured_ms=entry.measured,
            )
            for entry in self.measurements
        )
        table = ThroughputTable(
            id=self.name,
            tenant_id=TenantId(self.tenant),
            model=self.model,
            measurements=tuple(measurements),
            source=self.source,
        )
        return (table,)


class LocationIn(Shape):
    """A whole replica."""

    provider: Name
    """Whose region it is in."""
    region: Name
    """As the provider names it."""


class DataSetIn(Shape):
    """Data that workloads read, and where its replicas are."""

    kind: Literal["dataset"]
    name: Name
    """What workloads call it in `data_sets`."""
    size: Annotated[SizeBytes, AfterValidator(_above_zero)]
    """Of one replica."""
    locations: list[LocationIn] = Field(min_length=1, max_length=LIST_ITEMS_MAX)
    """Where whole replicas are."""
    source: Source = ""

    def to_facts(self) -> tuple[DataSet]:
        """The data set."""
        locations = (DataLocation(provider_id=ProviderId(at.provider), region=at.region) for at in self.locations)
        return (DataSet(id=self.name, size_bytes=self.size, locations=tuple(locations), source=self.source),)


class TransferIn(Shape):
    """What moving data out of a provider's region costs, and how fast it is."""

    kind: Literal["transfer"]
    name: Name
    from_provider: Name
    """Whose price it is."""
    from_region: Name | None = None
    """Any region of that provider when left out."""
    to_provider: Name | None = None
    """Any provider when left out."""
    to_region: Name | None = None
    """Any region when left out."""
    usd_per_gb: MicroUsd
    """For 10^9 bytes."""
    per_second: BytesPerSecond
    """Bytes that move in a second."""
    source: Source
    """Where the price and the speed stand, or that they are assumed."""
    as_of: Word
    """The day they were read."""

    def to_facts(self) -> tuple[Transfer]:
        """The transfer."""
        transfer = Transfer(
            id=self.name,
            from_provider_id=ProviderId(self.from_provider),
            from_region=self.from_region or "",
            to_provider_id=ProviderId(self.to_provider or ""),
            to_region=self.to_region or "",
            micro_usd_per_gb=self.usd_per_gb,
            bytes_per_s=self.per_second,
            source=self.source,
            as_of=self.as_of,
        )
        return (transfer,)


class ValuationIn(Shape):
    """The settings that placement goes by; what is left out is as it is without a valuation."""

    kind: Literal["valuation"]
    name: Literal["placement"]
    """There is one."""
    value_markup: SpreadFactor = VALUATION.value_markup_bps
    """A workload that states no value is worth so much of the dearest it could cost, at priority -1000."""
    value_per_priority: BasisPoints = VALUATION.value_per_priority_bps
    """So much more of that cost for each step of priority."""
    ageing_per_hour: BasisPoints = VALUATION.ageing_bps_per_hour
    """By how much an hour of waiting raises the value."""
    ageing_max: Factor = VALUATION.ageing_bps_max
    """Waiting raises it by so much at most."""
    deadline_max: Factor = VALUATION.deadline_bps_max
    """By how much a deadline raises the value when all the time that is left is needed."""
    switching_horizon: Duration = VALUATION.switching_horizon_ms
    """What is paid once is spread over so long, or over what is left of the workload where that is less."""
    restart: DurationMs = VALUATION.restart_ms
    """From the decision to move a run to its first step, data apart."""
    look: Duration = VALUATION.look_ms
    """The longest time from one look at a deadline to the next."""
    egress_usd_per_gb: MicroUsd = VALUATION.egress_micro_usd_per_gb
    """What 10^9 bytes cost to move where no transfer says it."""
    transfer_per_second: BytesPerSecond = VALUATION.transfer_bytes_per_s
    """Bytes that move in a second where no transfer says it."""
    accelerator_spread: SpreadFactor = VALUATION.accelerator_spread_bps
    """How far an accelerator's speed lies from its peak FLOP/s: one standard deviation, as a factor."""
    count_spread: SpreadFactor = VALUATION.count_spread_bps
    """How far a gang's speed lies from being proportional to its chips: one standard deviation, as a factor."""
    stated_spread: SpreadFactor = VALUATION.stated_spread_bps
    """How far a rate that a workload states lies from the truth: one standard deviation, as a factor."""
    caution: Annotated[Thousandths, AfterValidator(lambda value: _within(value, COUNT_MAX))] = VALUATION.caution_milli
    """A deadline counts on the rate less so many standard deviations."""
    options_max: Annotated[int, Field(ge=2, le=OPTIONS_MAX)] = VALUATION.options_max
    """Options kept of one class of workloads; what it has now is one of them."""

    def to_facts(self) -> tuple[Valuation]:
        """The valuation."""
        valuation = Valuation(
            value_markup_bps=self.value_markup,
            value_per_priority_bps=self.value_per_priority,
            ageing_bps_per_hour=self.ageing_per_hour,
            ageing_bps_max=self.ageing_max,
            deadline_bps_max=self.deadline_max,
            switching_horizon_ms=self.switching_horizon,
            restart_ms=self.restart,
            look_ms=self.look,
            egress_micro_usd_per_gb=self.egress_usd_per_gb,
            transfer_bytes_per_s=self.transfer_per_second,
            accelerator_spread_bps=self.accelerator_spread,
            count_spread_bps=self.count_spread,
            stated_spread_bps=self.stated_spread,
            caution_milli=self.caution,
            options_max=self.options_max,
        )
        return (valuation,)


def _within(value: int, most: int) -> int:
    if value <= most:
        return value
    msg = f"expected at most {decimal_text(most, 3)}, not {shown(decimal_text(value, 3))}"
    raise ValueError(msg)


def throughput_data(fact: ThroughputTable) -> dict[str, Any]:
    """A table of throughputs as a document."""
    head: dict[str, Any] = {"kind": "throughput", "name": fact.id, "tenant": fact.tenant_id, "model": fact.model}
    measurements = [
        {
            "accelerator": entry.accelerator,
            "chips": entry.chips,
            "steps_per_hour": decimal_text(entry.steps_per_hour_milli, 3),
            "spread": percent_text(entry.spread_bps),
            "by": entry.by,
            "measured": instant_text(entry.measured_ms, UTC),
        }
        for entry in fact.measurements
    ]
    return head | {"measurements": measurements} | without_empty({"source": fact.source})


def data_set_data(fact: DataSet) -> dict[str, Any]:
    """A data set as a document."""
    locations = [{"provider": at.provider_id, "region": at.region} for at in fact.locations]
    head = {"kind": "dataset", "name": fact.id, "size": size_text(fact.size_bytes), "locations": locations}
    return head | without_empty({"source": fact.source})


def transfer_data(fact: Transfer) -> dict[str, Any]:
    """A transfer as a document."""
    places = {
        "from_provider": fact.from_provider_id,
        "from_region": fact.from_region,
        "to_provider": fact.to_provider_id,
        "to_region": fact.to_region,
    }
    return {
        "kind": "transfer",
        "name": fact.id,
        **without_empty(places),
        "usd_per_gb": usd_text(fact.micro_usd_per_gb),
        "per_second": size_text(fact.bytes_per_s),
        "source": fact.source,
        "as_of": fact.as_of,
    }


def valuation_data(fact: Valuation) -> dict[str, Any]:
    """The valuation as a document, every setting in it."""
    return {
        "kind": "valuation",
        "name": fact.id,
        "value_markup": percent_text(fact.value_markup_bps),
        "value_per_priority": percent_text(fact.value_per_priority_bps),
        "ageing_per_hour": percent_text(fact.ageing_bps_per_hour),
        "ageing_max": percent_text(fact.ageing_bps_max),
        "deadline_max": percent_text(fact.deadline_bps_max),
        "switching_horizon": duration_text(fact.switching_horizon_ms),
        "restart": duration_text(fact.restart_ms),
        "look": duration_text(fact.look_ms),
        "egress_usd_per_gb": usd_text(fact.egress_micro_usd_per_gb),
        "transfer_per_second": size_text(fact.transfer_bytes_per_s),
        "accelerator_spread": percent_text(fact.accelerator_spread_bps),
        "count_spread": percent_text(fact.count_spread_bps),
        "stated_spread": percent_text(fact.stated_spread_bps),
        "caution": decimal_text(fact.caution_milli, 3),
        "options_max": fact.options_max,
    }
