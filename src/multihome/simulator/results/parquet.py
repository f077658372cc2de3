"""Results as Parquet files in a folder, and back: `jobs`, `rounds`, `pools` (a row a round and pool), `providers`.

An instant that never came and a fairness that nobody knows are null. What was simulated stands in the metadata of each
file, under `multihome`. Equal results have equal bytes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from multihome.simulator.results.columns import (
    NEVER_MS,
    POOL_COLUMNS,
    ROUND_COLUMNS,
    UNKNOWN_MILLI,
    WHOLE_COLUMNS,
    JobColumns,
    PoolName,
    ProviderResult,
    Results,
    RoundColumns,
    Whole,
)

FORMAT = 1
"""The number of this layout; what is read must have it."""

ABSENT = {"first_start_ms": NEVER_MS, "end_ms": NEVER_MS, "rho_milli": UNKNOWN_MILLI}
"""Columns that may be null, and what stands for it in memory."""

_KEY = b"multihome"


class _About(msgspec.Struct, frozen=True):
    """What was simulated, as the files carry it."""

    format: int
    trace: str
    policy: str
    seed: int
    end_ms: int
    pools: tuple[PoolName, ...]


def write_parquet(results: Results, folder: Path) -> tuple[Path, ...]:
    """Write all files into a folder, which is made where it is missing; files of an earlier writing are replaced.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rounds = results.rounds
    about = _About(FORMAT, results.trace, results.policy, results.seed, results.end_ms, rounds.pools)
    tables = {
        "jobs": _job_table(results.jobs),
        "rounds": {name: _whole(getattr(rounds, name)) for name in ROUND_COLUMNS},
        "pools": _pool_table(rounds),
        "providers": {
            name: _listed([getattr(provider, name) for provider in results.providers], kind)
            for name, kind in (("provider", "string"), ("chip_ms", "int64"), ("cost_micro_usd", "int64"))
        },
    }
    return tuple(_write(folder / f"{name}.parquet", columns, about) for name, columns in tables.items())


def read_parquet(folder: Path) -> Results:
    """The results that `write_parquet` left in a folder.

    Raises:
        OSError: a file is missing or cannot be read.
        ValueError: a file is no Parquet, or of another layout.
    """
    jobs, about = _read(folder / "jobs.parquet")
    rounds, _ = _read(folder / "rounds.parquet")
    pools, _ = _read(folder / "pools.parquet")
    providers, _ = _read(folder / "providers.parquet")
    shape = (len(rounds["at_ms"]), len(about.pools))
    return Results(
        about.trace,
        about.policy,
        about.seed,
        about.end_ms,
        JobColumns(
            name=tuple(jobs["name"]),
            tenant=tuple(jobs["tenant"]),
            model=tuple(jobs["model"]),
            accelerators=tuple(map(tuple, jobs["accelerators"])),
            **{name: _filled(jobs[name], ABSENT.get(name, 0)) for name in WHOLE_COLUMNS},
        ),
        RoundColumns(
            pools=about.pools,
            **{name: _filled(rounds[name], 0) for name in ROUND_COLUMNS},
            **{name: _filled(pools[name], 0).reshape(shape) for name in POOL_COLUMNS},
        ),
        tuple(
            ProviderResult(provider, chip_ms, cost)
            for provider, chip_ms, cost in zip(
                providers["provider"], providers["chip_ms"], providers["cost_micro_usd"], strict=True
            )
        ),
    )


def _job_table(jobs: JobColumns) -> dict[str, Any]:
    texts = {name: _listed(getattr(jobs, name), "string") for name in ("name", "tenant", "model")}
    accelerators = {"accelerators": _listed(jobs.accelerators, "list")}
    wholes = {name: _nullable(getattr(jobs, name), name) for name in WHOLE_COLUMNS}
    return texts | accelerators | wholes


def _pool_table(rounds: RoundColumns) -> dict[str, Any]:
    """A row a round and pool: long rather than wide, so that any number of pools has the same columns."""
    count = len(rounds.at_ms)
    names = {
        "at_ms": _whole(np.repeat(rounds.at_ms, len(rounds.pools))),
        "pool": _listed([pool.pool for pool in rounds.pools] * count, "string"),
        "provider": _listed([pool.provider for pool in rounds.pools] * count, "string"),
    }
    return names | {name: _whole(getattr(rounds, name).reshape(-1)) for name in POOL_COLUMNS}


def _arrow() -> Any:  # noqa: ANN401 -- pyarrow has no types; it is loaded only when results are written or read
    import pyarrow  # noqa: ICN001, PLC0415  # pyright: ignore[reportMissingTypeStubs]

    return pyarrow


def _parquet() -> Any:  # noqa: ANN401 -- the same
    from pyarrow import parquet  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    return parquet


def _whole(values: Whole) -> Any:  # noqa: ANN401
    return _arrow().array(values, type=_arrow().int64())


def _nullable(values: Whole, name: str) -> Any:  # noqa: ANN401
    mask = values == ABSENT[name] if name in ABSENT else None
    return _arrow().array(values, type=_arrow().int64(), mask=mask)


def _listed(values: Sequence[object], kind: str) -> Any:  # noqa: ANN401
    arrow = _arrow()
    kinds = {"string": arrow.string(), "int64": arrow.int64(), "list": arrow.list_(arrow.string())}
    return arrow.array(values, type=kinds[kind])


def _write(path: Path, columns: Mapping[str, Any], about: _About) -> Path:
    table = _arrow().table(dict(columns)).replace_schema_metadata({_KEY: msgspec.json.encode(about)})
    _parquet().write_table(table, path, compression="zstd")
    return path


def _read(path: Path) -> tuple[dict[str, list[Any]], _About]:
    table = _parquet().read_table(path)
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    try:
        about = msgspec.json.decode(metadata.get(_KEY, b""), type=_About)
    except msgspec.DecodeError as error:
        msg = f"{path} holds no results of a simulation"
        raise ValueError(msg) from error
    if about.format != FORMAT:
        msg = f"{path} has the layout {about.format}; this program reads {FORMAT}"
        raise ValueError(msg)
    return table.to_pydict(), about


def _filled(values: Sequence[int | None], absent: int) -> Whole:
    return np.array([absent if value is None else value for value in values], dtype=np.int64)
