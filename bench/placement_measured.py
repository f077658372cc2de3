"""Measures the placement core, in a process of its own: `python -m bench.placement_measured NAME SIZE` prints JSON."""

import hashlib
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from bench.placement_instances import Shape, changed, fleet_problem
from bench.placement_lp import relaxed_by_highs
from bench.placement_maxmin import maxmin_share, worst_off_share
from bench.registry import Measurement, Size
from multihome.scheduling.core.prices import cold_prices
from multihome.scheduling.core.problem import Problem
from multihome.scheduling.core.solve import Answer, solve, solve_again

_Found = TypeVar("_Found")
ROUNDS = 10
HIGHS_S_MAX = 240.0
"""HiGHS is stopped after so long; the ratio is then what it is at least."""
FAIR_TRIALS = 5


def _size(size: Size, classes: int) -> int:
    return classes if size is Size.FULL else min(classes, 400)


def _gap(domains: int) -> Callable[[Size], Measurement]:
    def measure(size: Size) -> Measurement:
        problem = fleet_problem(Shape(classes=_size(size, 100_000), domains=domains))
        cpu_s, answer = _timed(lambda: solve(problem))
        text = f"{_told(problem, domains)}, {cpu_s:.2f} CPU-s"
        return Measurement(100 * (1 - answer.gap), text, _hash([answer]))

    return measure


def _cold(alpha: float) -> Callable[[Size], Measurement]:
    def measure(size: Size) -> Measurement:
        problem = fleet_problem(Shape(classes=_size(size, 100_000), domains=24, alpha=alpha))
        cpu_s, answer = _timed(lambda: solve(problem))
        return Measurement(cpu_s, f"{_told(problem, 24)}, gap {100 * answer.gap:.3f} %", _hash([answer]))

    return measure


def _warm(classes: int, members: int) -> Callable[[Size], Measurement]:
    def measure(size: Size) -> Measurement:
        problem = fleet_problem(Shape(classes=_size(size, classes), domains=24, members=members))
        answers = [solve(problem)]
        taken: list[float] = []
        for number in range(ROUNDS):
            problem, others = changed(problem, number, 2)
            held = answers[-1].counts.copy()
            held[:, others] = 0
            last, now = answers[-1].prices, problem
            cpu_s, answer = _timed(lambda last=last, now=now, held=held: solve_again(now, last, held))
            taken.append(cpu_s)
            answers.append(answer)
        gaps = ", ".join(f"{100 * gap:.3f}" for gap in (answers[0].gap, max(answer.gap for answer in answers[1:])))
        resident_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        text = f"{_told(problem, 24)}, mean of {ROUNDS} rounds, gap % cold and worst warm {gaps}; {resident_mb:.0f} MB"
        return Measurement(statistics.mean(taken), text, _hash(answers))

    return measure


def _against_highs(classes: int) -> Callable[[Size], Measurement]:
    def measure(size: Size) -> Measurement:
        problem = fleet_problem(Shape(classes=_size(size, classes), domains=24))
        # The first time loads what numpy loads late.
        cold_prices(fleet_problem(Shape(classes=50, domains=8)))
        cpu_s, best = _timed(lambda: cold_prices(problem).bound)
        highs = relaxed_by_highs(problem, HIGHS_S_MAX)
        if highs.is_solved:
            ended = f"the bound is {100 * (best / highs.objective - 1):.3f} % above its optimum"
        else:
            ended = "it was stopped, so that the ratio is higher"
        text = f"{_told(problem, 24)}: {cpu_s:.3f} CPU-s, HiGHS {highs.cpu_s:.2f} CPU-s, {ended}"
        return Measurement(highs.cpu_s / cpu_s, text, hashlib.sha256(f"{best:.9e}".encode()).hexdigest())

    return measure


def _maxmin(size: Size) -> Measurement:
    jobs = 256 if size is Size.FULL else 16
    found = [(worst_off_share(jobs, seed), maxmin_share(jobs, seed)) for seed in range(FAIR_TRIALS)]
    worst = min(share / best for share, best in found)
    text = f"{jobs} jobs, three accelerators, the worst of {FAIR_TRIALS} problems"
    return Measurement(
        100 * worst, text, hashlib.sha256(repr([f"{share:.9f}" for share, _ in found]).encode()).hexdigest()
    )


def _told(problem: Problem, domains: int) -> str:
    workloads = int(problem.members.sum())
    return (
        f"{workloads:,} workloads in {len(problem.members):,} classes, {domains} domains, {len(problem.source):,} rows"
    )


def _timed(measured: Callable[[], _Found]) -> tuple[float, _Found]:
    started = time.process_time()
    found = measured()
    return time.process_time() - started, found


def _hash(answers: Sequence[Answer]) -> str:
    """Of the whole gangs, which are the answer."""
    told = hashlib.sha256()
    for answer in answers:
        told.update(np.ascontiguousarray(answer.counts).tobytes())
    return told.hexdigest()


MEASURED: dict[str, Callable[[Size], Measurement]] = {
    "gap_24": _gap(24),
    "gap_96": _gap(96),
    "gap_1000": _gap(1_000),
    "cold": _cold(0.0),
    "cold_fair": _cold(1.0),
    "warm": _warm(100_000, 1),
    "warm_1m": _warm(1_000, 1_000),
    "highs_100k": _against_highs(100_000),
    "highs_1k": _against_highs(1_000),
    "maxmin": _maxmin,
}

if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(MEASURED[sys.argv[1]](Size(sys.argv[2]))))
