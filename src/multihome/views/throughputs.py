"""How fast a workload is taken to run on each accelerator and size that it accepts, and where the figures come from."""

import math

import msgspec

from multihome.controller.state import State
from multihome.domain.ids import AcceleratorName
from multihome.domain.throughputs import ThroughputSource
from multihome.domain.workloads import WorkloadSpec
from multihome.scheduling.options.elastic import node_counts
from multihome.scheduling.options.throughput import (
    MICRO,
    PEAK,
    Cell,
    KnownRates,
    Scale,
    estimates_for,
    relative_ppm,
)

FLOPS_PER_TFLOPS = 10**12
RATE_MILLI_MAX = 10**18
"""Rates are shown in 64 bits; a faster one is a mistake."""


class ThroughputRow(msgspec.Struct, frozen=True):
    """A cell: `relative_ppm` is its rate in millionths of the first accelerator named, at its full size.

    `unit` is `steps` an hour, the workload's `own`, or `peak` TFLOP/s where nothing is known; `rate_milli` is in it,
    times 1,000, and no more than RATE_MILLI_MAX. `spread_bps` is one standard deviation of the logarithm, in basis
    points of one: about a share of the rate.
    """

    accelerator: AcceleratorName
    chips: int
    unit: str
    rate_milli: int
    relative_ppm: int
    spread_bps: int
    source: ThroughputSource
    words: str


def throughput_rows(state: State, spec: WorkloadSpec) -> tuple[ThroughputRow, ...]:
    """The rows of a workload, in the order in which it names accelerators, the largest size first."""
    cells = [
        Cell(choice.accelerator, choice.chips_per_node * nodes)
        for choice in spec.choices
        if choice.accelerator in state.accelerators
        for nodes in node_counts(spec, 0)
    ]
    if not cells:
        return ()
    known = KnownRates(state.accelerators, state.throughput_tables, state.learned_rates)
    found = estimates_for(spec, cells, known, state.valuation())
    reference = found.cells[cells[0]]
    return tuple(
        ThroughputRow(
            accelerator=cell.accelerator,
            chips=cell.chips,
            unit=found.scale.unit,
            rate_milli=_rate_milli(here.log_micro / MICRO, found.scale),
            relative_ppm=relative_ppm(here, reference),
            spread_bps=round(math.sqrt(here.variance_micro / MICRO) * 10_000),
            source=here.source,
            words=here.words,
        )
        for cell, here in found.cells.items()
    )


def _rate_milli(log_rate: float, scale: Scale) -> int:
    unit = math.log(FLOPS_PER_TFLOPS) if scale == PEAK else 0.0
    return round(math.exp(min(log_rate - unit + math.log(1_000), math.log(RATE_MILLI_MAX))))
