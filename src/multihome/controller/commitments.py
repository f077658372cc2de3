"""What was contracted, lost, taken, charged and forecast over the interval in which a clause counts.

Prices, the report and settlements ask here, so that all count the same.
"""

from collections.abc import Callable, Iterable, Iterator

from multihome.clauses.delay_remedy import suspended_chip_ms
from multihome.clauses.periods import first_counted_ms, metered_stretches
from multihome.clauses.ramp import chip_ms_in, contracted_steps
from multihome.clauses.take_or_pay import NOTHING_CARRIED, PeriodUse
from multihome.controller.state import RunState, State, settled_key, taken_key
from multihome.domain.balances import TakeOrPayBalance
from multihome.domain.clause_terms import ChipStep, ClauseRef, MinimumCommitment, Ramp
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import TrancheId
from multihome.domain.runs import Stopping
from multihome.units.money import Rounding, divide
from multihome.units.time import FOREVER_MS, MS_PER_HOUR, Interval, Now

Forecast = Callable[[Contract, Tranche, Interval], int]
"""Chip-milliseconds of a tranche that are expected to be used in an interval, from its start to its end."""


def began_ms(state: State) -> int:
    """The contract time with which the journal begins; nothing is counted before it."""
    return state.began_ms if state.began_ms is not None else state.last.contract_ms


def counted_from_ms(state: State, tranche: Tranche) -> int | None:
    """From when on clauses count a tranche: its first acceptance, not before the journal; None before any."""
    return first_counted_ms(state.deliveries.values(), tranche, began_ms(state))


def use_in(state: State, contract: Contract, tranche: Tranche, interval: Interval, taken_chip_ms: int) -> PeriodUse:
    """What was contracted of a tranche in an interval, by what is known now, and what of it was not there to be used.

    Time in which the provider was declared lost is under-delivery, and what a suspension covers beyond it is force
    majeure: no instant comes off twice.
    """
    steps = _contracted(state, contract, tranche)
    lost = state.provider_state(state.pools[tranche.pool_id].provider_id).outages
    under = _chip_ms_within(steps, interval, lost)
    stopped = _chip_ms_within(steps, interval, [*lost, *_suspensions(state, tranche)])
    return PeriodUse(
        contracted_chip_ms=chip_ms_in(steps, interval),
        taken_chip_ms=taken_chip_ms,
        under_delivered_chip_ms=under,
        force_majeure_chip_ms=stopped - under,
    )


def balance_before(state: State, clause: ClauseRef, tranche_id: TrancheId, start_ms: int) -> TakeOrPayBalance:
    """What the period settled last hands on to one that begins where it ended; nothing over a gap."""
    settled = state.settled.get(settled_key(clause, tranche_id))
    if settled is None or settled.period.end_ms != start_ms:
        return NOTHING_CARRIED
    return TakeOrPayBalance(make_up=settled.make_up, carried_chip_ms=settled.carried_chip_ms)


def settled_until(state: State, clause: ClauseRef, tranche_id: TrancheId) -> int | None:
    """The end of the last settled period of a clause for a tranche, or for the whole contract; None before any."""
    last = state.settled.get(settled_key(clause, tranche_id))
    return last.period.end_ms if last is not None else None


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


def charged_in(state: State, contract: Contract, tranches: Iterable[Tranche], interval: Interval) -> int:
    """What metered usage of tranches costs in an interval, as one line in micro-units, rounded half to even."""
    starts = [stretch.start_ms for stretch in metered_stretches(contract, interval)]
    parts = sum(state.charged.get(taken_key(tranche.id, at_ms), 0) for tranche in tranches for at_ms in starts)
    return divide(parts, MS_PER_HOUR, Rounding.HALF_EVEN)


def late_micro_usd(state: State, contract: Contract, interval: Interval) -> int:
    """What capacity that was promised and outstanding in an interval would have cost, as one line."""
    parts = 0
    for tranche in contract.tranches:
        per_domain = chips_per_domain(state, tranche)
        accepted = [
            (one.domains, one.effective_ms) for one in state.deliveries.values() if one.tranche_id == tranche.id
        ]
        outstanding = tranche.domains - sum(domains for domains, _ in accepted)
        for domains, at_ms in (*accepted, (max(0, outstanding), FOREVER_MS)):
            late = suspended_chip_ms(domains * per_domain, tranche.promised_ms, min(at_ms, tranche.ends_ms), interval)
            parts += late * tranche.rate_micro_usd_per_chip_hour
    return divide(parts, MS_PER_HOUR, Rounding.HALF_EVEN)


def due_in(state: State, contract: Contract, interval: Interval) -> int:
    """What settled periods that ended in an interval made due beside usage, other minimums left out."""
    minimums = {terms.id for terms in contract.clauses if isinstance(terms, MinimumCommitment)}
    return sum(
        line.due_micro_usd
        for line in state.due_lines.get(contract.id, ())
        if interval.start_ms < line.end_ms <= interval.end_ms and line.clause_id not in minimums
    )


def chips_per_domain(state: State, tranche: Tranche) -> int:
    """Chips of one interconnect domain of a tranche."""
    return tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node


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


def _contracted(state: State, contract: Contract, tranche: Tranche) -> tuple[ChipStep, ...]:
    """The chips of a tranche that are contracted, as steps: what was accepted, as far as the ramp goes, to its end."""
    steps: list[ChipStep] = []
    domains = 0
    accepted = (one for one in state.deliveries.values() if one.tranche_id == tranche.id)
    for delivery in sorted(accepted, key=lambda one: (one.effective_ms, one.id)):
        if delivery.effective_ms < tranche.ends_ms:
            domains = min(tranche.domains, domains + delivery.domains)
            chips = domains * chips_per_domain(state, tranche)
            # Of two acceptances at one instant the later record holds both.
            steps = [step for step in steps if step.from_ms != delivery.effective_ms]
            steps.append(ChipStep(from_ms=delivery.effective_ms, chips=chips))
    found = (*steps, ChipStep(from_ms=tranche.ends_ms, chips=0))
    name = tranche.id.rpartition("/")[2]
    for terms in contract.clauses:
        if isinstance(terms, Ramp) and terms.tranche == name:
            found = contracted_steps(terms, found)
    return found


def _chip_ms_within(steps: tuple[ChipStep, ...], interval: Interval, spans: Iterable[Interval]) -> int:
    """Chip-milliseconds of steps in those instants of an interval that lie in any of the spans."""
    return sum(
        chip_ms_in(steps, Interval(max(span.start_ms, interval.start_ms), min(span.end_ms, interval.end_ms)))
        for span in disjoint(spans)
        if span.overlap_ms(interval)
    )
