"""What a tranche delivered, what was taken of it, and what is forecast, over the interval in which a clause counts.

Prices and the report ask here, so that both count the same.
"""

from collections.abc import Callable, Iterable, Iterator

from multihome.clauses.delivery import delivered_chip_ms
from multihome.clauses.periods import first_counted_ms, metered_stretches
from multihome.controller.state import RunState, State, taken_key
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.runs import Stopping
from multihome.units.time import FOREVER_MS, Interval, Now

Forecast = Callable[[Contract, Tranche, Interval], int]
"""Chip-milliseconds of a tranche that are expected to be used in an interval, from its start to its end."""


def began_ms(state: State) -> int:
    """The contract time with which the journal begins; nothing is counted before it."""
    return state.began_ms if state.began_ms is not None else state.last.contract_ms


def counted_from_ms(state: State, tranche: Tranche) -> int | None:
    """From when on clauses count a tranche: its first acceptance, not before the journal; None before any."""
    return first_counted_ms(state.deliveries.values(), tranche, began_ms(state))


def delivered_in(state: State, tranche: Tranche, interval: Interval) -> int:
    """Chip-milliseconds of a tranche that are at our disposal in an interval, by what is known now.

    What its provider lost, and what a suspension covers, was not.
    """
    pool = state.pools[tranche.pool_id]
    return delivered_chip_ms(
        state.deliveries.values(),
        tranche,
        tranche.nodes_per_domain * pool.chips_per_node,
        interval,
        disjoint([*state.provider_state(pool.provider_id).outages, *_suspensions(state, tranche)]),
    )


def taken_in(
    state: State, contract: Contract, tranche: Tranche, runs: Iterable[RunState], interval: Interval, now: Now
) -> int:
    """Chip-milliseconds used of a tranche in an interval: what is metered, and what its `runs` have used since."""
    metered = sum(
        state.taken_chip_ms.get(taken_key(tranche.id, stretch.start_ms), 0)
        for stretch in metered_stretches(contract, interval)
    )
    return metered + sum(
        run.allocation.chips * interval.overlap_ms(Interval(run.metered_until_ms, now.contract_ms))
        for run in runs
        if run.started is not None
    )


def running_on(state: State, now: Now) -> Forecast:
    """The forecast in the absence of a better one: what is taken so far, and what runs now goes on to the end.

    A run ends with its tranche, and with its own maximum run time where it has one; one that was asked to stop adds
    nothing. Work that is not there yet is not foreseen.
    """
    by_tranche: dict[str, list[RunState]] = {}
    for run in state.runs.values():
        if not run.replaced:
            by_tranche.setdefault(run.allocation.tranche_id, []).append(run)

    def forecast(contract: Contract, tranche: Tranche, interval: Interval) -> int:
        runs = by_tranche.get(tranche.id, [])
        coming = sum(
            run.allocation.chips
            * interval.overlap_ms(Interval(now.contract_ms, min(tranche.ends_ms, _run_ends_ms(state, run, now))))
            for run in runs
            if not isinstance(run.phase, Stopping)
        )
        return taken_in(state, contract, tranche, runs, interval, now) + coming

    return forecast


def disjoint(intervals: Iterable[Interval]) -> list[Interval]:
    """The same instants in intervals that do not overlap."""
    joined: list[Interval] = []
    for interval in sorted(intervals, key=lambda one: one.start_ms):
        if joined and interval.start_ms <= joined[-1].end_ms:
            joined[-1] = Interval(joined[-1].start_ms, max(joined[-1].end_ms, interval.end_ms))
        else:
            joined.append(interval)
    return joined


def _run_ends_ms(state: State, run: RunState, now: Now) -> int:
    workload = state.workloads.get(run.workload_id)
    if workload is None or not workload.spec.run_ms_max:
        return FOREVER_MS
    ran_ms = now.process_ms - run.started.process_ms if run.started is not None else 0
    return now.contract_ms + max(0, workload.spec.run_ms_max - ran_ms)


def _suspensions(state: State, tranche: Tranche) -> Iterator[Interval]:
    contract_id = tranche.id.rpartition("/")[0]
    for suspension in state.suspensions.values():
        if suspension.contract_id == contract_id and tranche.id in (suspension.tranche_ids or (tranche.id,)):
            yield suspension.interval
