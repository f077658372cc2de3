"""The figures a simulation is judged by, reckoned from its columns alone. Whole numbers, rounded once, half to even.

Nothing here knows how the columns came about, so that two simulators can be compared by it.
"""

import msgspec
import numpy as np

from multihome.simulator.results.columns import NEVER_MS, UNKNOWN_MILLI, Results, Whole, round_lengths_ms
from multihome.units.money import WHOLE_BPS, Rounding, divide, share_bps

SAFE_SUM = 2**62
"""Below this a sum of 64-bit numbers cannot have wrapped round; beyond, Python's own integers add them."""


class Spread(msgspec.Struct, frozen=True):
    """How values lie, in their own unit; all 0 when there are none.

    Percentiles are the smallest value that so large a share does not exceed: definition 1 of Hyndman and Fan, "Sample
    Quantiles in Statistical Packages", The American Statistician 50 (1996). They are values that occurred.
    """

    count: int
    mean: int
    p50: int
    p95: int
    p99: int
    largest: int


class Summary(msgspec.Struct, frozen=True):
    """What came of a simulation. A share is in basis points, a fairness in thousandths, money in micro-USD.

    - `queue_delay_ms`: first start − arrival, over jobs that started.
    - `completion_ms`: end − arrival, over jobs that ended (Narayanan et al., Gavel, OSDI 2020).
    - `makespan_ms`: last end − first arrival (Pinedo, *Scheduling*), over jobs that ended.
    - `utilisation_bps`: chip-time in use ÷ chip-time there was.
    - `goodput_bps`: checkpointed progress at the ideal rate, as chip-time ÷ chip-time there was.
    - `rho_milli`: finish-time fairness, time shared ÷ time alone (Mahajan et al., Themis, NSDI 2020), where known.
    - `cost_micro_usd`, and of it `largest_share_bps` to one provider and the Herfindahl–Hirschman index `hhi`:
      Σ (share in %)², from 0 to 10,000 (US Department of Justice, Merger Guidelines, 2023). Shares are of what is paid:
      a provider that owes us more than we owe it has none.
    """

    jobs: int
    started: int
    ended: int
    queue_delay_ms: Spread
    completion_ms: Spread
    makespan_ms: int
    utilisation_bps: int
    goodput_bps: int
    rho_milli: Spread
    preemptions: int
    restarts: int
    lost_ms: int
    chip_ms: int
    cost_micro_usd: int
    largest_share_bps: int
    hhi: int


def summary(results: Results) -> Summary:
    """Every figure of a simulation; of an empty one all are 0."""
    jobs = results.jobs
    lengths_ms = round_lengths_ms(results)
    capacity_chip_ms = _product_sum(results.rounds.capacity_chips.sum(axis=1), lengths_ms)
    used_chip_ms = _product_sum(results.rounds.used_chips.sum(axis=1), lengths_ms)
    has_ended = jobs.end_ms != NEVER_MS
    costs = [provider.cost_micro_usd for provider in results.providers]
    paid = [max(cost, 0) for cost in costs]
    return Summary(
        jobs=len(jobs.name),
        started=int(np.count_nonzero(jobs.first_start_ms != NEVER_MS)),
        ended=int(np.count_nonzero(has_ended)),
        queue_delay_ms=spread(queue_delays_ms(results)),
        completion_ms=spread(completions_ms(results)),
        makespan_ms=int(jobs.end_ms.max() - jobs.arrival_ms.min()) if has_ended.any() else 0,
        utilisation_bps=share_bps(used_chip_ms, capacity_chip_ms),
        goodput_bps=share_bps(total(results.rounds.useful_chip_ms), capacity_chip_ms),
        rho_milli=spread(fairness_milli(results)),
        preemptions=total(jobs.preemptions),
        restarts=total(jobs.restarts),
        lost_ms=total(jobs.lost_ms),
        chip_ms=total(jobs.chip_ms),
        cost_micro_usd=sum(costs),
        largest_share_bps=share_bps(max(paid, default=0), sum(paid)),
        hhi=herfindahl(paid),
    )


def queue_delays_ms(results: Results) -> Whole:
    """First start − arrival of every job that started."""
    started = results.jobs.first_start_ms != NEVER_MS
    return (results.jobs.first_start_ms - results.jobs.arrival_ms)[started]


def completions_ms(results: Results) -> Whole:
    """End − arrival of every job that ended."""
    ended = results.jobs.end_ms != NEVER_MS
    return (results.jobs.end_ms - results.jobs.arrival_ms)[ended]


def fairness_milli(results: Results) -> Whole:
    """Finish-time fairness of every job that has one."""
    return results.jobs.rho_milli[results.jobs.rho_milli != UNKNOWN_MILLI]


def spread(values: Whole) -> Spread:
    """How values lie."""
    if not len(values):
        return Spread(0, 0, 0, 0, 0, 0)
    mean = divide(total(values), len(values), Rounding.HALF_EVEN)
    ordered = np.sort(values)
    p50, p95, p99 = (int(ordered[-(-len(ordered) * percent // 100) - 1]) for percent in (50, 95, 99))
    return Spread(len(values), mean, p50, p95, p99, int(ordered[-1]))


def herfindahl(amounts: list[int]) -> int:
    """Σ (share in %)² of amounts, none of them negative; 0 when they are nothing."""
    whole = sum(amounts)
    squares = sum(amount * amount for amount in amounts)
    return divide(squares * WHOLE_BPS, whole * whole, Rounding.HALF_EVEN) if whole else 0


def total(values: Whole) -> int:
    """The exact sum, however large."""
    if not len(values) or int(np.abs(values).max()) * len(values) < SAFE_SUM:
        return int(values.sum())
    return sum(values.tolist())


def _product_sum(chips: Whole, lengths_ms: Whole) -> int:
    """Σ chips × milliseconds, exactly."""
    largest = int(chips.max(initial=0)) * int(lengths_ms.max(initial=0)) * len(chips)
    if largest < SAFE_SUM:
        return int((chips * lengths_ms).sum())
    return sum(one * length for one, length in zip(chips.tolist(), lengths_ms.tolist(), strict=True))
