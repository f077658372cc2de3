"""How fast a model runs on so many chips of a kind: what somebody measured, and what was learned by looking.

A model here is what workloads that run alike have in common; two scales are kept apart, since a workload may state its
rates in a unit of its own, and only steps are ever observed.
"""

from enum import StrEnum

from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName, TenantId
from multihome.domain.workloads import WorkloadSpec


class ThroughputSource(StrEnum):
    """Where a figure comes from, the best last."""

    PRIOR = "prior"
    STATED = "stated"
    MEASURED = "measured"
    LEARNED = "learned"


class Measurement(Fact, frozen=True, kw_only=True):
    """Somebody measured a rate: steps an hour times 1,000 of a whole gang of so many chips.

    `spread_bps` is one standard deviation as a share of the rate in basis points.
    """

    accelerator: AcceleratorName
    chips: int
    steps_per_hour_milli: int
    spread_bps: int
    by: str
    measured_ms: int


class ThroughputTable(Fact, frozen=True, kw_only=True):
    """Measured rates of one model; they hold for workloads of the tenant and of all below it that name the model."""

    id: str
    tenant_id: TenantId
    model: str
    measurements: tuple[Measurement, ...]
    source: str = ""


class LearnedRate(Fact, frozen=True, kw_only=True):
    """What runs of one tenant's model have shown of its rate on so many chips.

    `log_micro` is the natural logarithm of steps an hour, times 1,000,000; `variance_micro` its variance, times
    1,000,000. Whole numbers, so that the journal has the same figure on every machine.
    """

    tenant_id: TenantId
    model: str
    accelerator: AcceleratorName
    chips: int
    log_micro: int
    variance_micro: int
    observations: int
    learned_ms: int


def model_of(spec: WorkloadSpec) -> str:
    """The model whose throughput a workload shares: the one it names, else what it reads, else its own name."""
    return spec.model or spec.model_from or spec.name


def model_key(tenant_id: TenantId, model: str) -> str:
    """Names what one tenant knows of a model; tenants never share what was learned, since a name is no permission."""
    return f"{tenant_id}:{model}"


def cell_key(accelerator: AcceleratorName, chips: int) -> str:
    """Names so many chips of an accelerator."""
    return f"{accelerator}:{chips}"
