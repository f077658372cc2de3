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
    work_steps: int = 0
    """Steps that the program takes in all, where that is known; 0 is unknown. Policies that may know order by it."""

    @property
    def units(self) -> int:
        """How many gangs are placed: the replicas of a service, else one."""
        return self.service.replicas if self.service else 1


def workload_chips(spec: WorkloadSpec, choice: AcceleratorChoice) -> int:
    """Chips of one whole gang on that accelerator."""
    return choice.chips_per_node * spec.num_nodes
