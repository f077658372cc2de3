"""The workload document: a SkyPilot task file, with Multihome's own keys beside SkyPilot's.

A field of SkyPilot's that Multihome does not honour is refused by name with what to do instead, never ignored.
Knows the domain's facts; knows no queue and no pool.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from multihome.domain.ids import TenantId
from multihome.domain.workloads import (
    AcceleratorChoice,
    Checkpointing,
    RestartPolicy,
    Service,
    WorkloadKind,
    WorkloadSpec,
)
from multihome.units.time import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND
from multihome.wire.documents_resources import CHOICES_MAX, Port, ResourcesIn, infra_text, node_data
from multihome.wire.fields import (
    ENV_PATTERN,
    HTTP_PATH_PATTERN,
    LIST_ITEMS_MAX,
    UTC,
    Accelerator,
    Count,
    DurationMs,
    InstantMs,
    MicroUsd,
    Name,
    Script,
    Shape,
    SizeBytes,
    TenantPath,
    Thousandths,
    Word,
    decimal_text,
    duration_text,
    instant_text,
    shown,
    size_text,
    usd_text,
    without_empty,
)

NODES_MAX = 4_096
RUN_MS_DEFAULT = 365 * MS_PER_DAY
"""What `max_run_time` and `stall_timeout` are when a file is silent: long enough never to end anything by surprise."""
RESTART_DEFAULT = RestartPolicy(restarts_max=3, backoff_ms=5 * MS_PER_SECOND, backoff_ms_max=5 * MS_PER_MINUTE)

KUBERNETES_OBJECT = "this is a Kubernetes object; a workload here is written like a SkyPilot task"


def _probe(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class ReadinessIn(Shape):
    """How a replica shows that it is ready: a GET on the path answers 200."""

    unsupported: ClassVar[dict[str, str]] = {
        "post_data": "leave it out: the probe is a GET",
        "headers": "leave it out: the probe sends none",
        "initial_delay_seconds": "leave it out: a replica is ready once its probe answers 200, however long that takes",
        "timeout_seconds": "leave it out: the engine's own time limit holds",
    }

    path: Annotated[str, Field(pattern=HTTP_PATH_PATTERN, max_length=200)]


class ReplicaPolicyIn(Shape):
    """SkyPilot's way to say how many replicas; their number does not follow load."""

    _FIXED: ClassVar[str] = "leave it out: the number of replicas does not follow load; `min_replicas` is what runs"
    unsupported: ClassVar[dict[str, str]] = {
        "max_replicas": _FIXED,
        "num_overprovision": _FIXED,
        "target_qps_per_replica": _FIXED,
        "upscale_delay_seconds": _FIXED,
        "downscale_delay_seconds": _FIXED,
        "base_ondemand_fallback_replicas": _FIXED,
        "dynamic_ondemand_fallback": _FIXED,
    }

    min_replicas: Annotated[int, Field(ge=1, le=1_000)]


class ServiceIn(Shape):
    """An inference service."""

    unsupported: ClassVar[dict[str, str]] = {
        "load_balancing_policy": "leave it out: routes follow health and contracts",
        "tls": "leave it out: end TLS in front of the gateway",
        "pool": "leave it out: work is placed in pools by contract",
        "workers": "use `replicas`",
        "replica_port": "use `port`",
    }

    replicas: Annotated[int, Field(ge=1, le=1_000)] | None = None
    replica_policy: ReplicaPolicyIn | None = None
    readiness_probe: Annotated[
        ReadinessIn,
        BeforeValidator(_probe, json_schema_input_type=str | ReadinessIn),
    ]
    """A path, or a mapping with a path."""
    port: Port | None = None
    """The engine chooses when left out."""
    ports: Port | None = None

    @field_validator("replica_policy")
    @classmethod
    def _one_way_to_count(cls, value: ReplicaPolicyIn | None, info: ValidationInfo) -> ReplicaPolicyIn | None:
        if value is not None and info.data.get("replicas") is not None:
            msg = "`replicas` says how many already; keep one of the two"
            raise ValueError(msg)
        return value

    def to_fact(self, port: int | None) -> Service:
        """The service; `port` is what `resources.ports` says, 0 lets the engine choose."""
        policy_replicas = 1 if self.replica_policy is None else self.replica_policy.min_replicas
        return Service(
            replicas=policy_replicas if self.replicas is None else self.replicas,
            readiness_path=self.readiness_probe.path,
            port=self.port or self.ports or port or 0,
        )


class RestartIn(Shape):
    """How often a failed attempt is repeated."""

    max: Annotated[int, Field(ge=0, le=1_000)] = RESTART_DEFAULT.restarts_max
    """Repeats of a failed attempt."""
    backoff: DurationMs = RESTART_DEFAULT.backoff_ms
    """The first pause; it doubles."""
    backoff_max: DurationMs = RESTART_DEFAULT.backoff_ms_max
    """The longest pause."""
    exit_codes: list[Annotated[int, Field(ge=1, le=255)]] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Which failures are repeated; all when left out. A stall is repeated whatever they say."""

    def to_fact(self) -> RestartPolicy:
        """The policy."""
        return RestartPolicy(
            restarts_max=self.max,
            backoff_ms=self.backoff,
            backoff_ms_max=self.backoff_max,
            exit_codes=tuple(self.exit_codes),
        )


class CheckpointIn(Shape):
    """How often the program saves, and how large a checkpoint is."""

    interval_steps: Count
    """Steps between two saves."""
    size: SizeBytes = 0
    """Of one checkpoint."""


def _env_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value
    msg = f"expected text, not {shown(value)}; a variable that is only known at launch belongs in `secrets`"
    raise ValueError(msg)


def _secret_names(value: object) -> object:
    """Names of secrets, from a list or from a mapping whose values are empty; the values themselves are refused."""
    if not isinstance(value, dict):
        return value
    contents = cast("dict[str, object]", value)
    if any(content is not None for content in contents.values()):
        msg = "a secret's value never stands in a file; give its name alone, and the engine finds the value"
        raise ValueError(msg)
    return list(contents)


EnvName = Annotated[str, Field(pattern=ENV_PATTERN, max_length=128)]
EnvText = Annotated[
    str,
    Field(max_length=8_192),
    BeforeValidator(_env_text),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
SecretNames = Annotated[
    list[EnvName],
    Field(max_length=LIST_ITEMS_MAX),
    BeforeValidator(_secret_names),
    WithJsonSchema(
        {"type": ["array", "object"], "items": {"type": "string"}, "additionalProperties": {"type": "null"}}
    ),
]


class WorkloadIn(Shape):
    """A training job, or with `service` an inference service."""

    unsupported: ClassVar[dict[str, str]] = {
        "file_mounts": "copy what is needed in `setup`, or put it in `workdir`",
        "storage_mounts": "copy what is needed in `setup`, or put it in `workdir`",
        "volumes": "leave it out and read data from `setup` or `run`",
        "config": "leave it out: nothing of SkyPilot's configuration applies here",
        "event_callback": "leave it out and follow the events of the workload instead",
        "inputs": "leave it out: a workload names what it reads in `run`, or with `model_from`",
        "outputs": "leave it out: checkpoints are kept by the workload's name",
        "pool": "leave it out: work is placed in pools by contract",
        "experimental": "leave it out: nothing of SkyPilot's configuration applies here",
        "apiVersion": KUBERNETES_OBJECT,
        "metadata": KUBERNETES_OBJECT,
        "spec": KUBERNETES_OBJECT,
    }

    kind: Literal["workload", "task"] = "workload"
    name: Name
    """The file's name when left out."""
    tenant: TenantPath
    """Who asks, and whose quota counts."""
    resources: ResourcesIn
    num_nodes: Annotated[int, Field(ge=1, le=NODES_MAX)] = 1
    """All in one interconnect domain."""
    setup: Script | None = None
    """Shell commands before `run`, on each node."""
    run: Script
    """Shell commands, on each node."""
    envs: dict[EnvName, EnvText] = Field(default={}, max_length=LIST_ITEMS_MAX)
    secrets: SecretNames = Field(default=[])
    """Names only; the engine finds the values."""
    workdir: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None
    """A folder, from the place of the file and within the folder that is applied."""
    service: ServiceIn | None = None
    """Makes it an inference service."""
    product: Word | None = None
    """What it belongs to; clauses may be limited to products."""
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    """Higher goes first."""
    value_usd_per_hour: MicroUsd = 0
    """What an hour of it is worth."""
    qualified: dict[Accelerator, InstantMs] = Field(default={}, max_length=CHOICES_MAX)
    """Since when it is known to run there; TPUs and custom chips need it."""
    throughput: dict[Accelerator, Thousandths] = Field(default={}, max_length=CHOICES_MAX)
    """Measured rate on each accelerator, in a unit of its own."""
    jurisdictions: list[Word] = Field(default=[], max_length=64)
    """Where its data may go; anywhere when left out."""
    restart: RestartIn = RestartIn()
    max_run_time: DurationMs = RUN_MS_DEFAULT
    """An attempt is stopped after it: a training has then failed for good, a replica is renewed."""
    stall_timeout: DurationMs = RUN_MS_DEFAULT
    """An attempt that reports no step for so long is stopped, which counts as a failure that is repeated."""
    checkpoint: CheckpointIn | None = None
    """Left out for a program that cannot resume."""
    model_from: Name | None = None
    """A training workload whose newest checkpoint this one reads."""

    @field_validator("qualified", "throughput")
    @classmethod
    def _only_what_is_asked_for(cls, value: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        resources = info.data.get("resources")
        if not isinstance(resources, ResourcesIn):
            return value
        asked = {request.name for request in resources.accelerators}
        stray = next((name for name in value if name not in asked), None)
        if stray is not None:
            msg = f"{stray} is not among `resources.accelerators`"
            raise ValueError(msg)
        return value

    def to_spec(self) -> WorkloadSpec:
        """The workload as it was asked for. Chips per node are the chips of the request, of a TPU slice name too."""
        choices = (
            AcceleratorChoice(
                accelerator=request.name,
                chips_per_node=request.chips,
                throughput_milli=self.throughput.get(request.name, 0),
                qualified_ms=self.qualified.get(request.name),
            )
            for request in self.resources.accelerators
        )
        return WorkloadSpec(
            name=self.name,
            tenant_id=TenantId(self.tenant),
            kind=WorkloadKind.TRAINING if self.service is None else WorkloadKind.INFERENCE,
            product=self.product or "",
            choices=tuple(choices),
            num_nodes=self.num_nodes,
            infra=self.resources.to_infra(),
            jurisdictions=tuple(self.jurisdictions),
            priority=self.priority,
            value_micro_usd_per_hour=self.value_usd_per_hour,
            setup=self.setup or "",
            run=self.run,
            envs=dict(self.envs),
            secrets=tuple(self.secrets),
            workdir=self.workdir or "",
            restart=self.restart.to_fact(),
            run_ms_max=self.max_run_time,
            stall_ms=self.stall_timeout,
            checkpointing=self.checkpoint
            and Checkpointing(interval_steps=self.checkpoint.interval_steps, size_bytes=self.checkpoint.size),
            service=self.service and self.service.to_fact(self.resources.ports),
            model_from=self.model_from or "",
            node_cpus_milli=self.resources.cpus,
            node_memory_bytes=self.resources.memory,
        )


def workload_data(spec: WorkloadSpec) -> dict[str, Any]:
    """A workload as a document; its kind is said by whether it has a service."""
    resources: dict[str, Any] = without_empty({"infra": infra_text(spec.infra)}) | {
        "accelerators": {choice.accelerator: choice.chips_per_node for choice in spec.choices},
        **node_data(spec.node_cpus_milli, spec.node_memory_bytes),
    }
    optional = {
        "product": spec.product,
        "setup": spec.setup,
        "envs": dict(spec.envs),
        "secrets": list(spec.secrets),
        "workdir": spec.workdir,
        "service": spec.service and _service_data(spec.service),
        "qualified": _by_accelerator(spec, lambda choice: choice.qualified_ms, lambda at_ms: instant_text(at_ms, UTC)),
        "throughput": _by_accelerator(
            spec, lambda choice: choice.throughput_milli or None, lambda milli: decimal_text(milli, 3)
        ),
        "jurisdictions": list(spec.jurisdictions),
        "checkpoint": spec.checkpointing and _checkpoint_data(spec.checkpointing),
        "model_from": spec.model_from,
    }
    return {
        "name": spec.name,
        "tenant": spec.tenant_id,
        "resources": resources,
        "num_nodes": spec.num_nodes,
        "run": spec.run,
        "priority": spec.priority,
        "value_usd_per_hour": usd_text(spec.value_micro_usd_per_hour),
        "restart": _restart_data(spec.restart),
        "max_run_time": duration_text(spec.run_ms_max),
        "stall_timeout": duration_text(spec.stall_ms),
        **without_empty(optional),
    }


def _by_accelerator(
    spec: WorkloadSpec, figure: Callable[[AcceleratorChoice], int | None], text: Callable[[int], str]
) -> dict[str, str]:
    figures = {choice.accelerator: figure(choice) for choice in spec.choices}
    return {name: text(value) for name, value in figures.items() if value is not None}


def _service_data(service: Service) -> dict[str, Any]:
    head: dict[str, Any] = {"replicas": service.replicas, "readiness_probe": service.readiness_path}
    return head | without_empty({"port": service.port or None})


def _restart_data(restart: RestartPolicy) -> dict[str, Any]:
    head: dict[str, Any] = {
        "max": restart.restarts_max,
        "backoff": duration_text(restart.backoff_ms),
        "backoff_max": duration_text(restart.backoff_ms_max),
    }
    return head | without_empty({"exit_codes": list(restart.exit_codes)})


def _checkpoint_data(checkpointing: Checkpointing) -> dict[str, Any]:
    head: dict[str, Any] = {"interval_steps": checkpointing.interval_steps}
    return head | without_empty({"size": size_text(checkpointing.size_bytes) if checkpointing.size_bytes else None})
