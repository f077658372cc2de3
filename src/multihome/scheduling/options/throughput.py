"""How fast a model runs on a number of chips, with a variance and a source, where it was measured and where it was not.

Works on natural logarithms, so that a factor is a difference. Peak FLOP/s times chips is where every estimate begins;
readings move it, each on a scale whose unit is unknown. Reads facts; knows no queue, price or place.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.domain.accelerators import AcceleratorType
from multihome.domain.ids import AcceleratorName
from multihome.domain.tenants import lineage
from multihome.domain.throughputs import LearnedRate, ThroughputSource, ThroughputTable, cell_key, model_key, model_of
from multihome.domain.valuation import Valuation
from multihome.domain.workloads import Precision, WorkloadSpec
from multihome.units.money import WHOLE_BPS
from multihome.units.time import MS_PER_HOUR, format_date

MICRO = 1_000_000
RELATIVE_PPM_MAX = 10**12
"""A million times as fast as the reference: beyond it a figure is a mistake, and is cut."""
LOOK_SPREAD = 0.1
"""Standard deviation of the log rate seen over one stretch, from what the machines and the network add to it."""
DRIFT_VARIANCE = 0.0004
"""By how much the variance of a learned log rate grows between two looks, 2 % of the rate squared: programs change, and
what was seen long ago counts less and less."""

_Floats = NDArray[np.float64]


class Scale(msgspec.Struct, frozen=True):
    """The unit that readings share: `steps` an hour, the workload's `own`, or a `scaling` on one accelerator."""

    unit: str
    accelerator: str = ""


STEPS = Scale("steps")
OWN = Scale("own")
PEAK = Scale("peak")
"""Peak FLOP/s of the whole gang: the scale of a model of which nothing is known."""


class Cell(msgspec.Struct, frozen=True, order=True):
    """So many chips of an accelerator."""

    accelerator: AcceleratorName
    chips: int


class Reading(msgspec.Struct, frozen=True):
    """What somebody says of a cell: the logarithm of a rate on a scale, its variance, and who says so."""

    cell: Cell
    scale: Scale
    log_rate: float
    variance: float
    source: ThroughputSource
    words: str


class Estimate(msgspec.Struct, frozen=True):
    """The log of a cell's rate on a stated scale and its variance, both times 1,000,000, and where they come from."""

    log_micro: int
    variance_micro: int
    source: ThroughputSource
    words: str


class Estimates(msgspec.Struct, frozen=True):
    """Estimates of cells on one scale: steps an hour where anybody ever counted steps."""

    scale: Scale
    cells: dict[Cell, Estimate]


class KnownRates(msgspec.Struct, frozen=True):
    """What estimates rest on: accelerators, tables by their id, and learned rates by `model_key` and `cell_key`."""

    accelerators: Mapping[AcceleratorName, AcceleratorType]
    tables: Mapping[str, ThroughputTable]
    learned: Mapping[str, Mapping[str, LearnedRate]]


def estimates_for(spec: WorkloadSpec, cells: Sequence[Cell], known: KnownRates, valuation: Valuation) -> Estimates:
    """The throughput of a workload on each of the cells, from everything that is known of its model."""
    readings = (*_stated(spec, valuation), *_measured(spec, known.tables.values()), *_learned(spec, known.learned))
    told = [reading for reading in readings if reading.cell.accelerator in known.accelerators]
    return estimate(cells, told, known.accelerators, spec.precision, valuation)


def estimate(
    cells: Sequence[Cell],
    readings: Sequence[Reading],
    accelerators: Mapping[AcceleratorName, AcceleratorType],
    precision: Precision,
    valuation: Valuation,
) -> Estimates:
    """Gaussian conditioning with an unknown constant for each scale.

    log rate of cell i on scale k = ln(peak FLOP/s × chips) + accelerator effect + count effect + constant of k. Effects
    are independent with the valuation's spreads; constants have a flat prior. Source: Rasmussen and Williams, Gaussian
    Processes for Machine Learning (2006), equations 2.41 and 2.42 in the limit of a vague prior.
    """
    scales = list(dict.fromkeys(reading.scale for reading in readings))
    scale = next((wanted for wanted in (STEPS, OWN) if wanted in scales), PEAK)
    base = np.array([_log_peak(cell, accelerators, precision) for cell in cells])
    prior = _covariance(cells, cells, valuation)
    mean, variance = base, np.diag(prior)
    if readings:
        mean, variance = _conditioned(cells, readings, scales, scale, (base, prior), accelerators, precision, valuation)
    return Estimates(
        scale,
        {
            cell: _estimate(cell, float(mean[index]), float(variance[index]), readings, precision, valuation)
            for index, cell in enumerate(cells)
        },
    )


def _conditioned(
    cells: Sequence[Cell],
    readings: Sequence[Reading],
    scales: Sequence[Scale],
    scale: Scale,
    start: tuple[_Floats, _Floats],
    accelerators: Mapping[AcceleratorName, AcceleratorType],
    precision: Precision,
    valuation: Valuation,
) -> tuple[_Floats, _Floats]:
    """Mean and variance of every cell given the readings; `h` says which constant a reading has."""
    base, prior = start
    at = [reading.cell for reading in readings]
    noise = np.diag([reading.variance for reading in readings])
    y = np.array([reading.log_rate - _log_peak(reading.cell, accelerators, precision) for reading in readings])
    h = np.array([[reading.scale == each for each in scales] for reading in readings], dtype=np.float64)
    h_cells = np.tile([float(each == scale) for each in scales], (len(cells), 1))
    across = _covariance(cells, at, valuation)
    solved = np.linalg.solve(_covariance(at, at, valuation) + noise, np.column_stack([y, h, across.T]))
    count = len(scales)
    k_y, k_h, k_across = solved[:, 0], solved[:, 1 : 1 + count], solved[:, 1 + count :]
    constants_precision = h.T @ k_h
    constants = np.linalg.solve(constants_precision, h.T @ k_y)
    mean = base + h_cells @ constants + across @ (k_y - k_h @ constants)
    left = h_cells - across @ k_h
    of_constants = np.einsum("ij,ji->i", left, np.linalg.solve(constants_precision, left.T))
    variance = np.diag(prior) - np.einsum("ij,ji->i", across, k_across) + of_constants
    return mean, np.maximum(variance, 0.0)


def _covariance(rows: Sequence[Cell], columns: Sequence[Cell], valuation: Valuation) -> _Floats:
    """Of the effects: shared by cells of one accelerator, and more by those of one count."""
    by_accelerator, by_count = _variance(valuation.accelerator_spread_bps), _variance(valuation.count_spread_bps)
    return np.array(
        [
            [
                by_accelerator * (row.accelerator == column.accelerator) + by_count * (row == column)
                for column in columns
            ]
            for row in rows
        ],
        dtype=np.float64,
    ).reshape(len(rows), len(columns))


def _variance(spread_bps: int) -> float:
    return math.log(spread_bps / WHOLE_BPS) ** 2


def _log_peak(cell: Cell, accelerators: Mapping[AcceleratorName, AcceleratorType], precision: Precision) -> float:
    """The log of peak FLOP/s of the whole gang; a chip without the precision runs the wider one."""
    accelerator = accelerators[cell.accelerator]
    narrow = accelerator.fp8_flops if precision is Precision.FP8 else None
    return math.log((narrow or accelerator.bf16_flops) * cell.chips)


def _estimate(
    cell: Cell, mean: float, variance: float, readings: Sequence[Reading], precision: Precision, valuation: Valuation
) -> Estimate:
    here = [reading for reading in readings if reading.cell == cell]
    ranks = list(ThroughputSource)
    best = max(here, key=lambda reading: ranks.index(reading.source), default=None)
    words = best.words if best else _prior_words(cell, bool(readings), precision, valuation)
    source = best.source if best else ThroughputSource.PRIOR
    return Estimate(round(mean * MICRO), round(variance * MICRO), source, words)


def _prior_words(cell: Cell, has_readings: bool, precision: Precision, valuation: Valuation) -> str:  # noqa: FBT001 -- what the words say, no mode
    spread = valuation.accelerator_spread_bps / WHOLE_BPS
    held = " held against what is known elsewhere" if has_readings else ""
    return f"nobody measured {cell.chips} {cell.accelerator}: peak {precision.value} FLOP/s{held}, within ×{spread:g}"


def _stated(spec: WorkloadSpec, valuation: Valuation) -> Iterable[Reading]:
    """What the workload states: rates at full size in its own unit, and how they shrink with fewer nodes."""
    variance = _variance(valuation.stated_spread_bps)
    source = ThroughputSource.STATED
    for choice in spec.choices:
        full = Cell(choice.accelerator, choice.chips_per_node * spec.num_nodes)
        if choice.throughput_milli:
            words = f"stated by the workload as {choice.throughput_milli / 1_000:g} of its own unit"
            yield Reading(full, OWN, math.log(choice.throughput_milli / 1_000), variance, source, words)
        if spec.scaling:
            scale = Scale("scaling", choice.accelerator)
            yield Reading(full, scale, 0.0, variance, source, "the full size, to which the workload states its scaling")
        for point in spec.scaling:
            cell = Cell(choice.accelerator, choice.chips_per_node * point.nodes)
            share = point.throughput_bps / WHOLE_BPS
            words = f"stated by the workload as {share * 100:g} % of its full size"
            yield Reading(cell, Scale("scaling", choice.accelerator), math.log(share), variance, source, words)


def _measured(spec: WorkloadSpec, tables: Iterable[ThroughputTable]) -> Iterable[Reading]:
    """What tables say of the workload's model, of its own tenant's and of those above it."""
    above = set(lineage(spec.tenant_id))
    for table in tables:
        if table.model != model_of(spec) or table.tenant_id not in above:
            continue
        for found in table.measurements:
            rate = found.steps_per_hour_milli / 1_000
            words = f"measured by {found.by} on {format_date(found.measured_ms)} as {rate:g} steps an hour"
            variance = (found.spread_bps / WHOLE_BPS) ** 2
            cell = Cell(found.accelerator, found.chips)
            yield Reading(cell, STEPS, math.log(rate), variance, ThroughputSource.MEASURED, words)


def _learned(spec: WorkloadSpec, learned: Mapping[str, Mapping[str, LearnedRate]]) -> Iterable[Reading]:
    of_model = learned.get(model_key(spec.tenant_id, model_of(spec)), {})
    return (learned_reading(found) for found in of_model.values())


def learned_reading(found: LearnedRate) -> Reading:
    """What was learned, as a reading of its cell."""
    rate = math.exp(found.log_micro / MICRO)
    spread = math.sqrt(found.variance_micro / MICRO) * 100
    words = (
        f"learned from {found.observations} look{'s' * (found.observations > 1)} until {format_date(found.learned_ms)} "
        f"as {rate:.4g} steps an hour, ±{spread:.2g} %"
    )
    variance = max(found.variance_micro, 1) / MICRO
    cell = Cell(found.accelerator, found.chips)
    return Reading(cell, STEPS, found.log_micro / MICRO, variance, ThroughputSource.LEARNED, words)


def learn(
    known: Mapping[str, Mapping[str, LearnedRate]],
    spec: WorkloadSpec,
    cell: Cell,
    steps: int,
    elapsed_ms: int,
    at_ms: int,
) -> LearnedRate:
    """What is known of a cell after a run did so many steps in so many milliseconds, both above 0.

    A scalar Kalman filter on the log rate: variance of the look = LOOK_SPREAD² + 1/steps (counting error), weights the
    inverse of variances, drift DRIFT_VARIANCE between looks. Source: Kalman, Journal of Basic Engineering 82 (1960).
    """
    model = model_of(spec)
    log_rate = math.log(steps * MS_PER_HOUR / elapsed_ms)
    variance = LOOK_SPREAD**2 + 1 / steps
    of_model = known.get(model_key(spec.tenant_id, model), {})
    before = of_model.get(cell_key(cell.accelerator, cell.chips))
    observations = 1
    if before is not None:
        predicted = before.variance_micro / MICRO + DRIFT_VARIANCE
        gain = predicted / (predicted + variance)
        log_rate = before.log_micro / MICRO + gain * (log_rate - before.log_micro / MICRO)
        variance *= gain
        observations = before.observations + 1
    return LearnedRate(
        tenant_id=spec.tenant_id,
        model=model,
        accelerator=cell.accelerator,
        chips=cell.chips,
        log_micro=round(log_rate * MICRO),
        variance_micro=round(variance * MICRO),
        observations=observations,
        learned_ms=at_ms,
    )


def relative_ppm(estimate_there: Estimate, reference: Estimate) -> int:
    """How fast a cell is against another of the same scale, in millionths, cut to what a column may hold; above 0."""
    difference = min((estimate_there.log_micro - reference.log_micro) / MICRO, math.log(RELATIVE_PPM_MAX / MICRO))
    return max(1, min(RELATIVE_PPM_MAX, round(math.exp(difference) * MICRO)))


def steps_per_hour_milli(found: Estimates, cell: Cell, caution_milli: int) -> int | None:
    """Steps an hour times 1,000, so many thousandths of a standard deviation below the middle, rounded down.

    None where nobody ever counted steps of the model.
    """
    if found.scale != STEPS:
        return None
    here = found.cells[cell]
    deviation = math.sqrt(here.variance_micro / MICRO)
    return int(math.exp(here.log_micro / MICRO - caution_milli / 1_000 * deviation) * 1_000)
