"""The `resources` of a workload document: accelerators however they are spelt, and where they should be.

Resolves spellings against the accelerators the caller knows; asks no pool whether it has them.
"""

import re
from typing import Annotated, ClassVar, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from multihome.domain.accelerators import AcceleratorRequest, parse_accelerator
from multihome.domain.workloads import Infra
from multihome.wire.fields import Name, Shape, decimal_text, known_accelerators, parse_size, shown, size_text

CHOICES_MAX = 16
SPELLING_CHARACTERS_MAX = 64

CPUS_MAX = 1_000_000
MEMORY_BYTES_MAX = 512 * 1024**4
BYTES_PER_GIB = 1024**3

_AT_LEAST = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?) ?([A-Za-z]{1,3})?\+?", re.ASCII)
_PORT = re.compile("[0-9]{1,5}", re.ASCII)
_SIZED_BY_POOL = "leave it out: a node's {} follow from its pool"
_MACHINES = "leave it out: the machine follows from `accelerators` and the pool"


def _request_items(value: object) -> object:
    """Every spelling that SkyPilot has for accelerators, as a list of `name:count`."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        spellings = cast("dict[str, object]", value)
        if len(spellings) > CHOICES_MAX:
            msg = f"expected at most {CHOICES_MAX} accelerators, not {len(spellings)}"
            raise ValueError(msg)
        return [f"{name}:{count}" for name, count in spellings.items()]
    if isinstance(value, list):
        return cast("list[object]", value)
    msg = f"expected accelerators like H100:8, not {shown(value)}"
    raise ValueError(msg)


def _request(value: object, info: ValidationInfo) -> AcceleratorRequest:
    if not isinstance(value, str) or len(value) > SPELLING_CHARACTERS_MAX:
        msg = f"expected an accelerator like H100:8, not {shown(value)}"
        raise ValueError(msg)
    return parse_accelerator(value, known_accelerators(info))


def _distinct(requests: list[AcceleratorRequest]) -> list[AcceleratorRequest]:
    names = [request.name for request in requests]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"{twice} is named twice, in one spelling or in two"
        raise ValueError(msg)
    return requests


AcceleratorRequests = Annotated[
    list[Annotated[AcceleratorRequest, PlainValidator(_request)]],
    Field(min_length=1, max_length=CHOICES_MAX),
    BeforeValidator(_request_items),
    AfterValidator(_distinct),
    WithJsonSchema(
        {
            "description": "accelerators per node: H100:8, or a mapping or list of which any one will do",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
            ],
        }
    ),
]


def _infra(value: object) -> Infra:
    parts = value.split("/") if isinstance(value, str) else []
    if not parts or len(parts) > 3 or not all(part == "*" or _is_place(part) for part in parts):  # noqa: PLR2004 -- provider, region, zone
        msg = f"expected provider/region/zone, where * is any and the end may be left out, not {shown(value)}"
        raise ValueError(msg)
    provider, region, zone = ("" if part == "*" else part for part in (*parts, "*", "*")[:3])
    return Infra(provider=provider, region=region, zone=zone)


def _is_place(part: str) -> bool:
    return part.isascii() and part.replace("-", "").replace("_", "").replace(".", "").isalnum()


InfraIn = Annotated[
    Infra,
    PlainValidator(_infra),
    WithJsonSchema({"type": "string", "description": "provider/region/zone, * for any", "examples": ["gcp/us-east5"]}),
]


def _port(value: object) -> object:
    ports = cast("list[object]", value) if isinstance(value, list) else [value]
    if len(ports) != 1:
        msg = f"expected one port, not {len(ports)}"
        raise ValueError(msg)
    return int(ports[0]) if isinstance(ports[0], str) and _PORT.fullmatch(ports[0]) else ports[0]


Port = Annotated[
    int,
    Field(ge=1, le=65_535),
    BeforeValidator(_port),
    WithJsonSchema({"type": ["integer", "string", "array"], "description": "one port"}),
]


def _cpus(value: object) -> int:
    """CPUs times 1,000. `8` and `8+` say the same: nothing is gained by a node that has no more."""
    match = _AT_LEAST.fullmatch(str(value)) if isinstance(value, str | int) else None
    cpus_milli = _thousandths(match[1]) if match and not match[2] else 0
    if not 0 < cpus_milli <= CPUS_MAX * 1_000:
        msg = f"expected a number of CPUs like 8 or 8+, up to {CPUS_MAX}, not {shown(value)}"
        raise ValueError(msg)
    return cpus_milli


def _memory(value: object) -> int:
    """Bytes: of GiB as SkyPilot counts, or of a size with its unit. `64` and `64+` say the same."""
    match = _AT_LEAST.fullmatch(str(value)) if isinstance(value, str | int) else None
    size_bytes = 0
    if match and match[2]:
        size_bytes = parse_size(match[1] + match[2]) or 0
    elif match:
        size_bytes = _thousandths(match[1]) * BYTES_PER_GIB // 1_000
    if not 0 < size_bytes <= MEMORY_BYTES_MAX:
        msg = f"expected GiB of memory like 64 or 64+, or a size like 64GiB, not {shown(value)}"
        raise ValueError(msg)
    return size_bytes


def _thousandths(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(3, "0"))


Cpus = Annotated[
    int,
    BeforeValidator(_cpus),
    WithJsonSchema(
        {"type": ["integer", "number", "string"], "description": "at least so many CPUs", "examples": ["8+"]}
    ),
]
Memory = Annotated[
    int,
    BeforeValidator(_memory),
    WithJsonSchema(
        {"type": ["integer", "number", "string"], "description": "at least so many GiB", "examples": ["64+"]}
    ),
]


class ResourcesIn(Shape):
    """What each node needs, and where."""

    unsupported: ClassVar[dict[str, str]] = {
        "any_of": "list the accelerators under `resources.accelerators`; any one of them will do",
        "ordered": "list the accelerators under `resources.accelerators`; the cheapest permitted is taken",
        "use_spot": "leave it out: capacity comes from contracts, and borrowed chips are what may be taken back",
        "spot_recovery": "use `restart`",
        "job_recovery": "use `restart`",
        "autostop": "leave it out: a run's chips are given back when it ends; `max_run_time` limits it",
        "priority": "use `priority` at the top of the file",
        "disk_size": _SIZED_BY_POOL.format("disks"),
        "disk_tier": _SIZED_BY_POOL.format("disks"),
        "local_disk": _SIZED_BY_POOL.format("disks"),
        "network_tier": _SIZED_BY_POOL.format("networks"),
        "instance_type": _MACHINES,
        "accelerator_args": _MACHINES,
        "image_id": "leave it out and install what is needed in `setup`: engines start no images",
        "hooks": "leave it out: a run that is asked to end gets SIGTERM, and saves its checkpoint then",
        "labels": "leave it out: usage is accounted by `tenant` and `product`",
        "max_hourly_cost": "leave it out: rates follow from contracts; `value_usd_per_hour` says what an hour is worth",
        "volumes": "leave it out and read data from `setup` or `run`",
    }

    infra: InfraIn | None = None
    cloud: Name | None = None
    """SkyPilot's older way to say the provider."""
    region: Name | None = None
    zone: Name | None = None
    accelerators: AcceleratorRequests
    """For each node."""
    ports: Port | None = None
    """SkyPilot's way to say a service's port."""
    cpus: Cpus = 0
    """At least so many on each node, like 8+. Kept and shown, and not placed by: the engine's node decides."""
    memory: Memory = 0
    """At least so much on each node, in GiB like 64+. Kept and shown, and not placed by: the engine's node decides."""

    @field_validator("cloud", "region", "zone")
    @classmethod
    def _one_way_to_say_where(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("infra") is not None:
            msg = "`infra` says where already; keep one of the two"
            raise ValueError(msg)
        return value

    def to_infra(self) -> Infra:
        """Where the workload wants to run."""
        return self.infra or Infra(provider=self.cloud or "", region=self.region or "", zone=self.zone or "")


def node_data(cpus_milli: int, memory_bytes: int) -> dict[str, str]:
    """What each node was asked to have at least, as a file has it; what was not asked for is left out."""
    return ({"cpus": f"{decimal_text(cpus_milli, 3)}+"} if cpus_milli else {}) | (
        {"memory": f"{size_text(memory_bytes)}+"} if memory_bytes else {}
    )


def infra_text(infra: Infra) -> str:
    """Where a workload wants to run, as a file has it; empty for anywhere."""
    parts = [part or "*" for part in (infra.provider, infra.region, infra.zone)]
    while parts and parts[-1] == "*":
        parts.pop()
    return "/".join(parts)
