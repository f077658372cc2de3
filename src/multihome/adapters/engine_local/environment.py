"""What a rank finds in its environment, and where each name and number comes from."""

import hashlib
import ipaddress
import os
import re
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from multihome.adapters.engine_local.layout import Layout
from multihome.adapters.engine_local.processes import TOKEN_VARIABLE
from multihome.domain.ids import RunId
from multihome.domain.runs import LaunchIntent
from multihome.ports.engine import LaunchRefusedError

SECRET_VARIABLE_PREFIX = "MULTIHOME_SECRET_"  # noqa: S105 - a name, no secret
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FIRST_ADDRESS = int(ipaddress.IPv4Address("127.64.0.0"))
_ADDRESS_BITS = 22
_READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Place(msgspec.Struct, frozen=True):
    """Where a run's ranks are reached: one loopback address each, and the port of its service on the first."""

    addresses: tuple[str, ...]
    port: int


def place_of(intent: LaunchIntent) -> Place:
    """The addresses of a run and its port: the one its service names, else a free one on the first rank's address."""
    addresses = rank_addresses(intent.run_id, len(intent.nodes))
    port = intent.service.port if intent.service else 0
    return Place(addresses, port or _free_port(addresses[0]))


def rank_addresses(run_id: RunId, ranks: int) -> tuple[str, ...]:
    """An address in 127.64.0.0/10 for each rank, the same each time, so that fixed ports do not collide."""
    taken: dict[int, None] = {}
    for rank in range(ranks):
        digest = hashlib.sha256(f"{run_id}/{rank}".encode()).digest()
        offset = int.from_bytes(digest[:4]) % (1 << _ADDRESS_BITS)
        while offset in taken:
            offset = (offset + 1) % (1 << _ADDRESS_BITS)
        taken[offset] = None
    return tuple(str(ipaddress.IPv4Address(_FIRST_ADDRESS + offset)) for offset in taken)


def read_secrets(names: tuple[str, ...], layout: Layout, environ: Mapping[str, str]) -> dict[str, str]:
    """The values of secrets: files under `secrets/`, or variables of the control plane.

    Raises:
        LaunchRefusedError: some are missing, ill-named, or in files that others may read; it names each of them.
    """
    found: dict[str, str] = {}
    refused: list[str] = []
    for name in names:
        try:
            found[name] = _read_secret(name, layout, environ)
        except LaunchRefusedError as error:
            refused.append(str(error))
    if refused:
        raise LaunchRefusedError("; ".join(refused))
    return found


def check_names(envs: Mapping[str, str]) -> None:
    """Refuse what no environment can hold.

    Raises:
        LaunchRefusedError: a name is no variable's name, or a value holds a NUL.
    """
    for name, value in envs.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            msg = f"the environment variable {name!r} has a name or a value that no process can be given"
            raise LaunchRefusedError(msg)


def rank_environment(
    intent: LaunchIntent, rank: int, place: Place, layout: Layout, secrets: Mapping[str, str]
) -> dict[str, str]:
    """All variables of one rank; what the engine sets wins over what the workload asks for under the same name."""
    run_dir = layout.run(intent.run_id)
    rank_dir = str(run_dir / f"rank-{rank}")
    base = {
        "PATH": f"{Path(sys.executable).parent}:{_SYSTEM_PATH}",
        "HOME": rank_dir,
        "LANG": "C.UTF-8",
        "TMPDIR": str(run_dir / "tmp"),
    }
    nodes = str(len(intent.nodes))
    addresses = "\n".join(place.addresses)
    chips = str(intent.nodes[rank].chips)
    ours = {
        TOKEN_VARIABLE: intent.token,
        "MULTIHOME_RUN_ID": intent.run_id,
        "MULTIHOME_RUN_DIR": str(run_dir),
        "MULTIHOME_WORKDIR": rank_dir,
        "MULTIHOME_PROGRESS_FILE": str(run_dir / "progress.json"),
        "MULTIHOME_GENERATION": str(intent.generation),
        "MULTIHOME_REPLICA": str(intent.unit),
        "MULTIHOME_NODE_RANK": str(rank),
        "MULTIHOME_NODE_IPS": addresses,
        "MULTIHOME_NODE_IP": place.addresses[rank],
        "MULTIHOME_NUM_NODES": nodes,
        "MULTIHOME_PORT": str(place.port),
        "MULTIHOME_ACCELERATOR": intent.accelerator,
        "MULTIHOME_ACCELERATORS_PER_NODE": chips,
        "MULTIHOME_CHECKPOINT_DIR": str(layout.checkpoint(intent.checkpoint_key)),
        "MULTIHOME_CHECKPOINT_INTERVAL_STEPS": str(intent.checkpoint_interval_steps),
        "SKYPILOT_TASK_ID": intent.run_id,
        "SKYPILOT_NODE_RANK": str(rank),
        "SKYPILOT_NODE_IPS": addresses,
        "SKYPILOT_NUM_NODES": nodes,
        "SKYPILOT_NUM_GPUS_PER_NODE": chips,
    }
    if intent.model_key:
        ours["MULTIHOME_MODEL_DIR"] = str(layout.checkpoint(intent.model_key))
    return {**base, **intent.envs, **secrets, **ours}


def _read_secret(name: str, layout: Layout, environ: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is no name of a secret"
        raise LaunchRefusedError(msg)
    variable = SECRET_VARIABLE_PREFIX + name
    path = layout.secret(name)
    if path.exists():
        if stat.S_IMODE(path.stat().st_mode) & _READABLE_BY_OTHERS:
            msg = f"the secret {name} may be read by others; run chmod 600 {path}"
            raise LaunchRefusedError(msg)
        value = path.read_text(encoding="utf-8").removesuffix("\n")
    elif variable in environ:
        value = environ[variable]
    else:
        msg = f"the secret {name} is missing; put its value into {path} (mode 600) or into {variable}"
        raise LaunchRefusedError(msg)
    check_names({name: value})
    return value


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def control_plane_environ() -> Mapping[str, str]:
    """The variables of this process, in which secrets may stand."""
    return os.environ
