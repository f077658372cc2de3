"""Columns to the points of a figure: few enough to draw, and what each of them stands for said here.

Pure. Nothing here knows how a figure looks.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.simulator.results.columns import ProviderResult, Results, Whole, round_lengths_ms
from multihome.units.money import MICRO_PER_UNIT

POINTS_MAX = 400
"""Points of one line: more than a figure is wide cannot be seen."""

POOLS_DRAWN_MAX = 6
"""Lines of one figure: more cannot be told apart."""

BARS_MAX = 10
"""Bars of one figure; the rest are one bar."""

Points = NDArray[np.float64]


class Line(msgspec.Struct, frozen=True, eq=False):
    """One line of a figure: its name, and as many `y` as `x`."""

    name: str
    x: Points
    y: Points


class Bar(msgspec.Struct, frozen=True):
    """One bar of a figure."""

    name: str
    value: float


def distribution(name: str, values: Whole, scale: float) -> Line:
    """The share of values (in %) that are at most `x`, in their unit divided by `scale`.

    Where there are more values than points, points lie at equal steps of the share.
    """
    ordered = np.sort(values)
    index = np.unique(np.linspace(0, max(len(ordered) - 1, 0), POINTS_MAX).round().astype(np.int64))[: len(ordered)]
    return Line(name, ordered[index] / scale, (index + 1) * 100.0 / max(len(ordered), 1))


def utilisation(results: Results) -> Line:
    """Chips in use, in % of those there were, over time in ms; a point is the mean over its stretch."""
    lengths = round_lengths_ms(results)
    starts = _starts(len(lengths))
    used = _over(results.rounds.used_chips.sum(axis=1) * lengths.astype(np.float64), starts)
    there = _over(results.rounds.capacity_chips.sum(axis=1) * lengths.astype(np.float64), starts)
    return _to_the_end(results, Line("utilisation", _at_ms(results, starts), 100.0 * used / np.maximum(there, 1.0)))


def counts(results: Results, name: str) -> Line:
    """The column `queued` or `running` over time in ms; a point is the mean over its stretch."""
    return _to_the_end(results, Line(name, *_means(results, getattr(results.rounds, name))))


def prices(results: Results) -> tuple[Line, ...]:
    """Price in USD a chip-hour over time in ms, of the pools that were used most, in order of their use."""
    rounds = results.rounds
    used = (rounds.used_chips * round_lengths_ms(results).astype(np.float64)[:, None]).sum(axis=0)
    lines: list[Line] = []
    for index in np.argsort(-used, kind="stable")[:POOLS_DRAWN_MAX]:
        at_ms, mean = _means(results, rounds.price_micro_usd_per_chip_hour[:, index])
        lines.append(_to_the_end(results, Line(rounds.pools[int(index)].pool, at_ms, mean / MICRO_PER_UNIT)))
    return tuple(lines)


def costs(providers: tuple[ProviderResult, ...]) -> tuple[Bar, ...]:
    """Cost in USD by provider, the largest first; those beyond the limit are one bar."""
    ordered = sorted(providers, key=lambda provider: (-provider.cost_micro_usd, provider.provider))
    bars = [Bar(provider.provider, provider.cost_micro_usd / MICRO_PER_UNIT) for provider in ordered]
    if len(bars) <= BARS_MAX:
        return tuple(bars)
    rest = bars[BARS_MAX - 1 :]
    return (*bars[: BARS_MAX - 1], Bar(f"{len(rest)} others", sum(bar.value for bar in rest)))


def _to_the_end(results: Results, line: Line) -> Line:
    """The line with its last value kept until the simulation's end; a line of steps would stop before."""
    end = float(max(results.end_ms, *line.x[-1:].tolist(), 0.0))
    return Line(line.name, np.append(line.x, end), np.append(line.y, line.y[-1:])) if len(line.x) else line


def _starts(rounds: int) -> Whole:
    """The first round of each stretch that becomes one point."""
    return np.unique(np.linspace(0, rounds, min(rounds, POINTS_MAX), endpoint=False).astype(np.int64))


def _over(values: Points, starts: Whole) -> Points:
    return np.add.reduceat(values, starts) if len(values) else values


def _at_ms(results: Results, starts: Whole) -> Points:
    return results.rounds.at_ms[starts].astype(np.float64)


def _means(results: Results, values: Whole) -> tuple[Points, Points]:
    """Instants of stretches, and the means over them, weighted by how long rounds last."""
    # The last round may last no time at all; it then counts as a moment.
    lengths = np.maximum(round_lengths_ms(results), 1).astype(np.float64)
    starts = _starts(len(lengths))
    return _at_ms(results, starts), _over(values * lengths, starts) / np.maximum(_over(lengths, starts), 1.0)
