"""What people ask for: training gangs and inference services."""

from enum import StrEnum

from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName, TenantId


class WorkloadKind(StrEnum):
    """Training is one gang; inference is a number of replicas, each a gang of its own."""

    TRAINING = "training"
    INFERENCE = "inference"


class AcceleratorChoice(Fact, frozen=True, kw_only=True):
    """One accelerator that a workload accepts: chips on each node, and since when it is qualified there.

    `throughput_milli` is the workload's measured rate there (samples, tokens: its own unit) times 1,000; 0 is unknown.
    GPUs need no qualification to be used when named; TPUs and custom chips do (`qualified_ms` None is not qualified).
    """

    accelerator: AcceleratorName
    chips_per_node: int
    throughput_milli: int = 0
    qualified_ms: int | None = None


class Infra(Fact, frozen=True, kw_only=True):
    """Where a workload wants to run, `provider/region/zone` with `*` for any; empty strings are any."""

    provider: str = ""
    region: str = ""
    zone: str = ""


class RestartPolicy(Fact, frozen=True, kw_only=True):
    """How often a failed attempt is repeated, after which pause, and for which exit codes (empty: every failure).

    A stall is a failure that is repeated whatever `exit_codes` says: its code is the stop's, not the program's.
    """

    restarts_max: int
    backoff_ms: int
    backoff_ms_max: int
    exit_codes: tuple[int, ...] = ()


class Checkpointing(Fact, frozen=True, kw_only=True):
    """A workload that resumes: how often it saves, and how large a checkpoint is."""

    interval_steps: int
    size_bytes: int = 0


class Precision(StrEnum):
    """The arithmetic a model mostly runs in: it says which peak FLOP/s compares accelerators."""

    BF16 = "bf16"
    FP8 = "fp8"


class NodeScaling(Fact, frozen=True, kw_only=True):
    """Measured: on so many nodes a gang runs at this share (basis points) of its throughput at full size."""

    nodes: int
    throughput_bps: int


class Service(Fact, frozen=True, kw_only=True):
    """An inference service: replicas, and the path that answers 200 when one is ready."""

    replicas: int
    readiness_path: str
    port: int = 0


class WorkloadSpec(Fact, frozen=True, kw_only=True):
    """All that was asked for, as it was asked. Secrets are names; their values never enter the journal."""

    name: str
    tenant_id: TenantId
    kind: WorkloadKind
    product: str
    choices: tuple[AcceleratorChoice, ...]
    num_nodes: int
    infra: Infra
    jurisdictions: tuple[str, ...] = ()
    priority: int
    value_micro_usd_per_hour: int
    setup: str
    run: str
    envs: dict[str, str] = {}
    secrets: tuple[str, ...] = ()
    workdir: str = ""
    restart: RestartPolicy
    run_ms_max: int
    stall_ms: int
    checkpointing: Checkpointing | None = None
    service: Service | None = None
    model_from: str = ""
    """The name of a training workload whose newest checkpoint this one reads."""
    node_cpus_milli: int = 0
    """CPUs times 1,000 that each node was asked to have at least; 0 says nothing. Kept, and never placed by."""
    node_memory_bytes: int = 0
    """Memory that each node was asked to have at least; 0 says nothing. Kept, and never placed by."""
    nodes_min: int = 0
    """The fewest nodes an elastic training runs on; 0 is no fewer than `num_nodes`, which is always the most."""
    scaling: tuple[NodeScaling, ...] = ()
    """How its throughput was measured to shrink with fewer nodes."""
    model: str = ""
    """What is run, shared by workloads that run alike: what is learned of its throughput counts for all of them."""
    precision: Precision = Precision.BF16
    steps: int = 0
    """Steps that make it complete; 0 is not said."""
    deadline_ms: int | None = None
    """When its last step is to be done."""
    data_sets: tuple[str, ...] = ()
    """Data sets that it reads, which have to be where it runs."""

    @property
    def units(self) -> int:
        """How many gangs are placed: the replicas of a service, else one."""
        return self.service.replicas if self.service else 1


def workload_chips(spec: WorkloadSpec, choice: AcceleratorChoice) -> int:
    """Chips of one whole gang on that accelerator."""
    return choice.chips_per_node * spec.num_nodes
