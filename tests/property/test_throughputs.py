"""Estimates of throughput equal those of exact normal equations, and learning is the weighted mean it claims to be."""

import math
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.domain.accelerators import AcceleratorType
from multihome.domain.ids import AcceleratorName
from multihome.domain.throughputs import LearnedRate, ThroughputSource, cell_key, model_key
from multihome.domain.valuation import Valuation
from multihome.domain.workloads import Precision
from multihome.scheduling.options.throughput import (
    DRIFT_VARIANCE,
    LOOK_SPREAD,
    MICRO,
    OWN,
    STEPS,
    Cell,
    Reading,
    Scale,
    estimate,
    learn,
)
from tests.builders import RED, accelerator, training

NAMES = [AcceleratorName(name) for name in ("slow", "middle", "fast")]
KINDS: dict[AcceleratorName, AcceleratorType] = {
    name: accelerator(name, bf16_flops=flops * 10**14) for name, flops in zip(NAMES, (1, 3, 10), strict=True)
}
VALUATION = Valuation()

cells = st.builds(Cell, st.sampled_from(NAMES), st.sampled_from([1, 8, 16, 64]))
scales = st.sampled_from([STEPS, OWN, Scale("scaling", "slow")])
readings = st.builds(
    Reading,
    cell=cells,
    scale=scales,
    log_rate=st.floats(-5, 15, allow_nan=False),
    variance=st.floats(0.001, 1.0),
    source=st.just(ThroughputSource.MEASURED),
    words=st.just("somebody said so"),
)


def solved(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Gauss and Jordan, in exact fractions."""
    size = len(matrix)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = next(row for row in range(column, size) if rows[row][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for row in range(size):
            if row != column and rows[row][column]:
                factor = rows[row][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column], strict=True)]
    return [row[-1] for row in rows]


def oracle(wanted: list[Cell], told: list[Reading]) -> list[tuple[float, float]]:
    """Mean and variance by least squares over explicit effects: one for each accelerator, each cell and each scale.

    The unknowns stand in the normal equations themselves, with a precision each (none for a scale); no covariance
    between cells is ever written down.
    """
    scale_list = list(dict.fromkeys(reading.scale for reading in told))
    scale = next((each for each in (STEPS, OWN) if each in scale_list), None)
    everything = list(dict.fromkeys([*wanted, *(reading.cell for reading in told)]))
    unknowns: list[object] = [*NAMES, *everything, *scale_list]
    place = {unknown: index for index, unknown in enumerate(unknowns)}
    by_accelerator = Fraction(math.log(VALUATION.accelerator_spread_bps / 10_000) ** 2)
    by_count = Fraction(math.log(VALUATION.count_spread_bps / 10_000) ** 2)
    size = len(unknowns)
    normal = [[Fraction(0)] * size for _ in range(size)]
    right = [Fraction(0)] * size
    for name in NAMES:
        normal[place[name]][place[name]] += 1 / by_accelerator
    for cell in everything:
        normal[place[cell]][place[cell]] += 1 / by_count
    for reading in told:
        at = [place[reading.cell.accelerator], place[reading.cell], place[reading.scale]]
        weight = 1 / Fraction(reading.variance)
        value = Fraction(reading.log_rate) - Fraction(peak(reading.cell))
        for row in at:
            right[row] += weight * value
            for column in at:
                normal[row][column] += weight
    best = solved(normal, right)
    found: list[tuple[float, float]] = []
    for cell in wanted:
        at = [place[cell.accelerator], place[cell], *([place[scale]] if scale is not None else [])]
        picks = [Fraction(index in at) for index in range(size)]
        spread = solved(normal, picks)
        mean = Fraction(peak(cell)) + sum(best[index] for index in at)
        found.append((float(mean), float(sum(spread[index] for index in at))))
    return found


def peak(cell: Cell) -> float:
    return math.log(KINDS[cell.accelerator].bf16_flops * cell.chips)


@given(st.lists(cells, min_size=1, max_size=4, unique=True), st.lists(readings, max_size=5))
@settings(max_examples=60, deadline=None)
def test_estimates_are_those_of_exact_normal_equations(wanted: list[Cell], told: list[Reading]) -> None:
    found = estimate(wanted, told, KINDS, Precision.BF16, VALUATION)
    for cell, (mean, variance) in zip(wanted, oracle(wanted, told), strict=True):
        assert abs(found.cells[cell].log_micro - mean * MICRO) <= 5
        assert abs(found.cells[cell].variance_micro - variance * MICRO) <= 5


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**9)), min_size=1, max_size=12))
def test_learning_is_the_mean_weighted_by_inverse_variances_with_drift(looks: list[tuple[int, int]]) -> None:
    spec = training(model="m")
    known: dict[str, dict[str, LearnedRate]] = {}
    mean = precision = 0.0
    for number, (steps, elapsed) in enumerate(looks):
        learned = learn(known, spec, Cell(NAMES[0], 8), steps, elapsed, number)
        known = {model_key(RED, "m"): {cell_key(NAMES[0], 8): learned}}
        if precision:
            precision = 1 / (1 / precision + DRIFT_VARIANCE)
        weight = 1 / (LOOK_SPREAD**2 + 1 / steps)
        log_rate = math.log(steps) + math.log(3_600_000) - math.log(elapsed)
        mean = (precision * mean + weight * log_rate) / (precision + weight)
        precision += weight
        # The variance is rounded between looks; a leap of ten in the logarithm shows it as a thousandth at most.
        assert abs(learned.log_micro / MICRO - mean) < 1e-3
        assert abs(learned.variance_micro / MICRO - 1 / precision) < 1e-5
        assert learned.observations == number + 1
