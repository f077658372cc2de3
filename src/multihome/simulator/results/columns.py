"""The columns a simulation leaves, one entry a job, a round, or a round and pool; and making them from rows.

Whole numbers, the unit last. Instants count from the trace's start.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]

NEVER_MS = -1
"""An instant that did not come: a job that never started or never ended."""

UNKNOWN_MILLI = -1
"""A fairness that nobody reckoned, as of a job that never ended."""


class JobResult(msgspec.Struct, frozen=True):
    """What became of one job.

    `lost_ms` is the time that its restarts cost: work since the last checkpoint and starting again. `chip_ms` is what
    it used in all, `cost_micro_usd` what that cost. `rho_milli` is its finish-time fairness in thousandths: time shared
    over time alone.
    """

    name: str
    tenant: str
    model: str
    accelerators: tuple[str, ...]
    chips: int
    arrival_ms: int
    first_start_ms: int
    end_ms: int
    preemptions: int
    restarts: int
    lost_ms: int
    chip_ms: int
    cost_micro_usd: int
    rho_milli: int


class JobColumns(msgspec.Struct, frozen=True, eq=False):
    """All jobs; every column has their number. Each is a field of `JobResult`."""

    name: tuple[str, ...]
    tenant: tuple[str, ...]
    model: tuple[str, ...]
    accelerators: tuple[tuple[str, ...], ...]
    chips: Whole
    arrival_ms: Whole
    first_start_ms: Whole
    end_ms: Whole
    preemptions: Whole
    restarts: Whole
    lost_ms: Whole
    chip_ms: Whole
    cost_micro_usd: Whole
    rho_milli: Whole


class PoolAt(msgspec.Struct, frozen=True):
    """One pool in one round: chips it has, chips in use, and its price."""

    capacity_chips: int
    used_chips: int
    price_micro_usd_per_chip_hour: int


class RoundResult(msgspec.Struct, frozen=True):
    """One round, which lasts until the next. `useful_chip_ms` is checkpointed progress at the ideal rate in it."""

    at_ms: int
    queued: int
    running: int
    useful_chip_ms: int
    pools: tuple[PoolAt, ...]


class PoolName(msgspec.Struct, frozen=True):
    """A pool and whose it is."""

    pool: str
    provider: str


class RoundColumns(msgspec.Struct, frozen=True, eq=False):
    """All rounds in order of time; the last three are arrays of rounds × pools."""

    pools: tuple[PoolName, ...]
    at_ms: Whole
    queued: Whole
    running: Whole
    useful_chip_ms: Whole
    capacity_chips: Whole
    used_chips: Whole
    price_micro_usd_per_chip_hour: Whole


class ProviderResult(msgspec.Struct, frozen=True):
    """What one provider gave and was paid over the whole simulation."""

    provider: str
    chip_ms: int
    cost_micro_usd: int


class Results(msgspec.Struct, frozen=True, eq=False):
    """A simulation's results, and what was simulated. `end_ms` is where the last round ends."""

    trace: str
    policy: str
    seed: int
    end_ms: int
    jobs: JobColumns
    rounds: RoundColumns
    providers: tuple[ProviderResult, ...]


TEXT_COLUMNS = ("name", "tenant", "model", "accelerators")
WHOLE_COLUMNS = tuple(name for name in JobResult.__struct_fields__ if name not in TEXT_COLUMNS)
ROUND_COLUMNS = ("at_ms", "queued", "running", "useful_chip_ms")
POOL_COLUMNS = PoolAt.__struct_fields__


def job_columns(jobs: Iterable[JobResult]) -> JobColumns:
    """Rows of jobs as columns, in their order."""
    rows = tuple(jobs)
    return JobColumns(
        name=tuple(row.name for row in rows),
        tenant=tuple(row.tenant for row in rows),
        model=tuple(row.model for row in rows),
        accelerators=tuple(row.accelerators for row in rows),
        **{name: _whole([getattr(row, name) for row in rows]) for name in WHOLE_COLUMNS},
    )


def round_columns(pools: Sequence[PoolName], rounds: Iterable[RoundResult]) -> RoundColumns:
    """Rows of rounds as columns; each round has all pools in the order of `pools`, and comes after the one before."""
    rows = tuple(rounds)
    assert all(len(row.pools) == len(pools) for row in rows), "a round has every pool"
    assert all(before.at_ms < after.at_ms for before, after in pairwise(rows)), "time goes on"
    shape = (len(rows), len(pools))
    grids = {
        name: _whole([getattr(pool, name) for row in rows for pool in row.pools]).reshape(shape)
        for name in POOL_COLUMNS
    }
    return RoundColumns(
        tuple(pools), **{name: _whole([getattr(row, name) for row in rows]) for name in ROUND_COLUMNS}, **grids
    )


def round_lengths_ms(results: Results) -> Whole:
    """How long each round lasts: until the next begins, the last until the simulation's end."""
    return np.diff(results.rounds.at_ms, append=np.int64(max(results.end_ms, *results.rounds.at_ms[-1:].tolist(), 0)))


def _whole(values: Sequence[int]) -> Whole:
    return np.array(values, dtype=np.int64)
