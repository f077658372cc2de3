"""The placement core at scale: how near whole gangs come to the bound, what a round costs, and what HiGHS takes.

Each figure is measured in a process of its own with one thread, so that its CPU seconds and its memory are its own.
"""

import os
import subprocess
import sys

import msgspec

from bench.registry import Measurement, Size, at_least, at_most, figure

BOUND = "the certified bound of the same round, with quotas, guarantees, step prices, blocks and switching costs"
HIGHS = "HiGHS on the same relaxation in the same run, one thread"
ISSUE = "the goal of the issue that asked for it; CPU seconds of one thread, all rows in"


def _measured(name: str, size: Size) -> Measurement:
    """Run one measurement of `bench.placement_measured` in a process whose linear algebra has one thread."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bench.placement_measured", name, size.value]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Measurement)


@figure(name="place_gap_100k_24", unit="% of the bound", goal=at_least(99.9), against=BOUND)
def place_gap_100k_24(size: Size) -> Measurement:
    """100,000 workloads in 24 domains, from nothing."""
    return _measured("gap_24", size)


@figure(name="place_gap_100k_96", unit="% of the bound", goal=at_least(99.5), against=BOUND)
def place_gap_100k_96(size: Size) -> Measurement:
    """100,000 workloads in 96 domains, from nothing."""
    return _measured("gap_96", size)


@figure(name="place_gap_100k_1000", unit="% of the bound", goal=at_least(99), against=BOUND)
def place_gap_100k_1000(size: Size) -> Measurement:
    """100,000 workloads in 1,000 domains, from nothing."""
    return _measured("gap_1000", size)


@figure(name="place_cold_cpu_s_100k", unit="CPU-s", goal=at_most(3), against=ISSUE)
def place_cold_cpu_s_100k(size: Size) -> Measurement:
    """A round from nothing of 100,000 workloads in 24 domains."""
    return _measured("cold", size)


@figure(name="place_cold_cpu_s_100k_fair", unit="CPU-s", goal=at_most(3), against=ISSUE)
def place_cold_cpu_s_100k_fair(size: Size) -> Measurement:
    """The same with proportional fairness between 200 tenants."""
    return _measured("cold_fair", size)


@figure(name="place_warm_cpu_s_100k", unit="CPU-s", goal=at_most(0.5), against=ISSUE)
def place_warm_cpu_s_100k(size: Size) -> Measurement:
    """Rounds in which 2 % of 100,000 workloads are others than in the round before."""
    return _measured("warm", size)


@figure(name="place_warm_cpu_s_1m", unit="CPU-s", goal=at_most(1), against=ISSUE)
def place_warm_cpu_s_1m(size: Size) -> Measurement:
    """Rounds with a million workloads in 1,000 classes, of which 2 % change."""
    return _measured("warm_1m", size)


@figure(name="place_vs_highs_100k", unit="x", goal=at_least(100), against=HIGHS)
def place_vs_highs_100k(size: Size) -> Measurement:
    """CPU time of HiGHS over that of the prices and their bound, 100,000 workloads in 24 domains."""
    return _measured("highs_100k", size)


@figure(name="place_vs_highs_1k", unit="x", goal=at_least(3), against=HIGHS)
def place_vs_highs_1k(size: Size) -> Measurement:
    """The same for 1,000 workloads."""
    return _measured("highs_1k", size)


@figure(
    name="fair_vs_maxmin",
    unit="% of the max-min share",
    goal=at_least(99),
    against="the worst-off tenant of Gavel's max-min LP (Narayanan et al., 2020), written again and solved by HiGHS",
)
def fair_vs_maxmin(size: Size) -> Measurement:
    """The worst-off of 256 tenants with one job each, with a large alpha, over rounds of whole gangs."""
    return _measured("maxmin", size)
