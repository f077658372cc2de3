"""Lower bounds on mean completion and makespan of a trace on a cluster, by linear programs that HiGHS solves.

`y[j, m, k]` is how many seconds gang j runs whole on accelerator m within interval k. All its work is done, no
accelerator gives more than it has in an interval, and no gang runs longer than the interval. Work counts at the
beginning of its interval (or at the arrival, if later), and completion is later than the mean date of a gang's work by
half its shortest running time at least (Goemans et al., "Single machine scheduling with release dates", SIAM Journal
on Discrete Mathematics 15, 2002). So the optimum is never above what any schedule reaches, however it moves gangs, and
restarts are left out of it.
Shares nothing with the replay but the jobs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from multihome.simulator.replay.jobs import ReplayJob
from multihome.simulator.traces.facts import MICRO_PER_UNIT
from multihome.units.time import MS_PER_SECOND

Reals = NDArray[np.float64]
INFINITE = 1e30


class _Columns:
    """The y of a problem, and what every row is made of."""

    def __init__(self, jobs: Sequence[ReplayJob], chips: Mapping[str, int], edges: Reals) -> None:
        names = list(chips)
        self.arrival = np.array([job.arrival_ms / MS_PER_SECOND for job in jobs])
        rates = np.array([[job.micro_steps_per_s.get(name, 0) / MICRO_PER_UNIT for name in names] for job in jobs])
        steps = np.array([float(job.steps) for job in jobs])
        self.shortest = steps / rates.max(axis=1)
        self.width = np.array([float(job.chips) for job in jobs])
        self.capacity = np.array([float(count) for count in chips.values()])
        self.lengths = np.diff(edges)
        starts, ends = edges[:-1], edges[1:]
        able = (rates > 0)[:, :, None] & (ends[None, None, :] > self.arrival[:, None, None])
        self.gang, self.kind, self.interval = np.nonzero(able)
        self.date = np.maximum(starts[self.interval], self.arrival[self.gang])
        self.room = ends[self.interval] - self.date
        self.fraction = rates[self.gang, self.kind] / steps[self.gang]


def completion_bound_s(
    jobs: Sequence[ReplayJob], chips: Mapping[str, int], interval_s: float, horizon_s: float
) -> float:
    """A mean completion, arrival to end, below which no schedule comes that ends within the horizon."""
    columns = _Columns(jobs, chips, np.arange(0.0, horizon_s + interval_s, interval_s))
    count, gangs = len(columns.gang), len(jobs)
    rows = _Rows(count + gangs)
    _add_common(rows, columns, gangs)
    # C[j] - Σ date × fraction × y ≥ half the shortest running time.
    base = rows.add_block(columns.shortest / 2, np.full(gangs, INFINITE))
    rows.fill(base + columns.gang, np.arange(count), -columns.date * columns.fraction)
    rows.fill(base + np.arange(gangs), count + np.arange(gangs), np.ones(gangs))
    cost = np.concatenate([np.zeros(count), np.full(gangs, 1.0 / gangs)])
    lower = np.concatenate([np.zeros(count), columns.arrival + columns.shortest])
    upper = np.concatenate([columns.room, np.full(gangs, INFINITE)])
    return rows.minimum(cost, lower, upper) - float(columns.arrival.mean())


def makespan_bound_s(jobs: Sequence[ReplayJob], chips: Mapping[str, int]) -> float:
    """A last end, from the trace's start, before which no schedule is over. Intervals lie between arrivals."""
    edges = np.unique(np.array([0.0, *(job.arrival_ms / MS_PER_SECOND for job in jobs)]))
    # The last interval has no end of its own: `Z` is its length, one more column.
    columns = _Columns(jobs, chips, np.append(edges, edges[-1] + INFINITE))
    count, last = len(columns.gang), len(edges) - 1
    columns.lengths[last] = 0.0
    rows = _Rows(count + 1)
    capacity, together = _add_common(rows, columns, len(jobs))
    kinds = np.arange(len(columns.capacity))
    rows.fill(capacity + kinds * len(columns.lengths) + last, np.full(len(kinds), count), -columns.capacity)
    gangs = np.arange(len(jobs))
    rows.fill(together + gangs * len(columns.lengths) + last, np.full(len(gangs), count), -np.ones(len(gangs)))
    cost = np.append(np.zeros(count), 1.0)
    upper = np.append(np.where(columns.interval == last, INFINITE, columns.room), INFINITE)
    return float(edges[-1]) + rows.minimum(cost, np.zeros(count + 1), upper)


class _Rows:
    """Rows that are gathered, and solved as one model."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._parts: list[tuple[NDArray[Any], NDArray[Any], Reals]] = []
        self._lower: list[Reals] = []
        self._upper: list[Reals] = []
        self._count = 0

    def add_block(self, lower: Reals, upper: Reals) -> int:
        """Rows within limits; the number of the first."""
        base = self._count
        self._lower.append(lower)
        self._upper.append(upper)
        self._count += len(lower)
        return base

    def fill(self, rows: NDArray[Any], columns: NDArray[Any], values: Reals) -> None:
        """Entries of rows."""
        self._parts.append((rows, columns, values))

    def minimum(self, cost: Reals, lower: Reals, upper: Reals) -> float:
        """The optimum of the model."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.lexsort((rows, columns))
        model: Any = highspy.HighsLp()
        model.num_col_, model.num_row_ = self._columns, self._count
        model.col_cost_, model.col_lower_, model.col_upper_ = cost, lower, upper
        model.row_lower_, model.row_upper_ = np.concatenate(self._lower), np.concatenate(self._upper)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        starts = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=self._columns))])
        model.a_matrix_.start_ = starts.astype(np.int32)
        model.a_matrix_.index_ = rows[order].astype(np.int32)
        model.a_matrix_.value_ = values[order]
        highs: Any = highspy.Highs()
        highs.setOptionValue("output_flag", False)  # noqa: FBT003 -- HiGHS's own signature
        highs.setOptionValue("threads", 1)
        highs.passModel(model)
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal, "the horizon holds all work"
        return float(highs.getInfo().objective_function_value)


def _add_common(rows: _Rows, columns: _Columns, gangs: int) -> tuple[int, int]:
    """All work done, chips there are, one place at a time; the first rows of the latter two."""
    count, intervals = len(columns.gang), len(columns.lengths)
    every = np.arange(count)
    base = rows.add_block(np.ones(gangs), np.ones(gangs))
    rows.fill(base + columns.gang, every, columns.fraction)
    limits = np.outer(columns.capacity, columns.lengths).ravel()
    capacity = rows.add_block(np.full(len(limits), -INFINITE), limits)
    rows.fill(capacity + columns.kind * intervals + columns.interval, every, columns.width[columns.gang])
    room = np.tile(columns.lengths, gangs)
    together = rows.add_block(np.full(len(room), -INFINITE), room)
    rows.fill(together + columns.gang * intervals + columns.interval, every, np.ones(count))
    return capacity, together
