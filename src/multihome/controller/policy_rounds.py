"""Rounds under a policy that a person set: at a boundary they decide anew, between two they finish what was planned.

A gang that is to move is asked to stop first. Its chips are given to others, or its own new place to it, when its end
is known: the start stands in `State.planned` until then. So no round ever counts a chip twice.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

import msgspec

from multihome.controller.memo import Choice, Choices, FactsMemo, choices_of, facts_memo, free_blocks
from multihome.controller.reconcile import stop_event
from multihome.controller.state import RunState, State, WorkloadState, split_unit_key
from multihome.domain.events import ClassWaits, Event, RoundPlanned, RunIntended
from multihome.domain.ids import ClassId, Generation, WorkloadId, run_id_of
from multihome.domain.placements import Basis, Cut, NodeShare, PlacementReason, PlannedStart, ServedLater
from multihome.domain.policy import Order, Preemption
from multihome.domain.runs import Running, StopCause
from multihome.domain.workloads import WorkloadKind
from multihome.scheduling.place import allocation_of
from multihome.scheduling.quotas import Admitted, Used, admit
from multihome.scheduling.room import add_use, seat_in
from multihome.scheduling.rounds_policy import Gang, Option, assign, exchange, worth
from multihome.scheduling.topology.blocks import Blocks
from multihome.units.time import MS_PER_SECOND, Now

PROGRESS_MILLI = MS_PER_SECOND * 1_000
"""Divides thousandths of a step a second times milliseconds into steps."""


class _Chosen(msgspec.Struct, frozen=True):
    """A gang's new place: the seat by number and how it came to be chosen."""

    workload_id: WorkloadId
    unit: int
    choice: Choice
    seat: int
    admitted: Admitted


class _Working(msgspec.Struct):
    """What a round hands out: chips by seat and node, and quota use. Its own copies."""

    memo: FactsMemo
    held: dict[int, dict[int, int]]
    used: Used
    blocks: dict[int, Blocks]
    """Of seats into which something was fitted; kept in step with `held` from then on."""


def policy_round(state: State, now: Now) -> tuple[Event, ...]:
    """Decide anew at a boundary; between two, start what was planned and now has its chips."""
    if now.process_ms < state.next_round_process_ms:
        return tuple(_realised(state, now)) if state.planned else ()
    if not state.waiting and not state.runs:
        return ()
    moves = state.policy.preemption is Preemption.ROUNDS
    events = tuple(_anew(state, now) if moves else _in_order(state, now))
    return (*events, *_waits(state, events))


def next_round_ms(state: State, now: Now) -> int:
    """The boundary after an instant of the process clock; with rounds of no length the next instant."""
    round_ms = state.policy.round_ms or 1
    since_ms = state.policy_since_process_ms
    return since_ms + ((now.process_ms - since_ms) // round_ms + 1) * round_ms


# --- Rounds that move what runs ---


def _anew(state: State, now: Now) -> Iterator[Event]:
    memo = facts_memo(state, now)
    working = _working(state, memo)
    movable = [run for run in state.runs.values() if _may_move(state, memo, run)]
    for run in movable:
        _give_back(state, working, run)
    gangs = [
        *((run.workload_id, run.unit, memo.seat_numbers[run.allocation.domain_id]) for run in movable),
        *((workload_id, unit, -1) for workload_id, unit in _ready(state, now)),
    ]
    chosen = _assigned(state, memo, working, gangs, now)
    stops: list[RunState] = []
    starts: list[_Chosen] = []
    for number, found in enumerate(chosen):
        here = gangs[number][2]
        if found is not None and found.seat == here:
            _take_again(working, movable[number])
        elif number < len(movable):
            stops.append(movable[number])
        if found is not None and found.seat != here:
            starts.append(found)
    for run in stops:
        # Its chips are still held until its end is known.
        _take_again(working, run)
        yield stop_event(run, StopCause.MOVED, now)
    leaving = {memo.seat_numbers[run.allocation.domain_id] for run in stops}
    yield from _started_or_planned(state, working, starts, leaving, {run.workload_id for run in stops}, now)


def _may_move(state: State, memo: FactsMemo, run: RunState) -> bool:
    """Only training that runs, in a domain that is still there; services stay where they answer."""
    workload = state.workloads.get(run.workload_id)
    return (
        isinstance(run.phase, Running)
        and not run.replaced
        and workload is not None
        and not workload.cancelled
        and workload.spec.kind is WorkloadKind.TRAINING
        and run.allocation.domain_id in memo.seat_numbers
    )


def _assigned(
    state: State, memo: FactsMemo, working: _Working, gangs: list[tuple[WorkloadId, int, int]], now: Now
) -> list[_Chosen | None]:
    """Columns for the scheduler, and its answer as places. Gangs that run come first, then those that wait."""
    options: list[Option] = []
    choices: dict[tuple[int, int], Choice] = {}
    for number, (workload_id, unit, here) in enumerate(gangs):
        workload = state.workloads[workload_id]
        known = _choices(memo, workload, now)
        gang = _gang(state, workload, unit, known, now)
        for choice in known.usable:
            for seat in choice.seats:
                value = worth(state.policy, gang, choice.share, runs_here=seat == here)
                options.append(Option(number, seat, choice.chips, value))
                choices[number, seat] = choice
    free = [
        seat.nodes * seat.chips_per_node - sum(working.held.get(number, {}).values())
        for number, seat in enumerate(memo.seats)
    ]
    admitted: dict[int, Admitted] = {}

    def may_take(option: Option) -> bool:
        if not memo.has_quotas:
            return True
        workload = state.workloads[gangs[option.gang][0]]
        ruling = _admitted(state, working, workload, choices[option.gang, option.domain])
        if ruling is None:
            return False
        admitted[option.gang] = ruling
        _use(working, workload, choices[option.gang, option.domain])
        return True

    found = assign(options, free, len(gangs), may_take)
    if not memo.has_quotas:
        found = exchange(options, found, free)
    return [
        option
        and _Chosen(
            *gangs[number][:2],
            choices[number, option.domain],
            option.domain,
            admitted.get(number, _GUARANTEED),
        )
        for number, option in enumerate(found)
    ]


_GUARANTEED = Admitted(Basis.GUARANTEED, ())


def _gang(state: State, workload: WorkloadState, unit: int, known: Choices, now: Now) -> Gang:
    """What the policy may know of a gang: work done and left as time on its best accelerator."""
    spec = workload.spec
    chips = known.usable[0].chips if known.usable else 1
    value_milli = max(1, spec.value_micro_usd_per_hour // (1_000 * chips)) if spec.value_micro_usd_per_hour else 1_000
    steps = _steps_done(state, workload, unit, now)
    if not known.best_milli:
        return Gang(chips, value_milli, 0, 0)
    left_ms = max(1, (spec.steps - steps) * PROGRESS_MILLI // known.best_milli) if spec.steps else 0
    return Gang(chips, value_milli, left_ms, steps * PROGRESS_MILLI // known.best_milli)


def _steps_done(state: State, workload: WorkloadState, unit: int, now: Now) -> int:
    """Steps done so far: those reported, and what the measured rate makes of the time since, less a restart."""
    at = workload.units[unit]
    steps = at.progress.step if at.progress is not None else 0
    run = state.runs.get(at.run_id) if at.run_id is not None else None
    if run is None or run.started is None:
        return steps
    for choice in workload.spec.choices:
        if choice.accelerator == run.allocation.accelerator:
            since_ms = run.started.process_ms + state.policy.restart_ms
            if run.progress is not None:
                since_ms = max(since_ms, run.moved_process_ms)
            return steps + choice.throughput_milli * max(0, now.process_ms - since_ms) // PROGRESS_MILLI
    return steps


# --- Rounds that move nothing ---


def _in_order(state: State, now: Now) -> Iterator[Event]:
    memo = facts_memo(state, now)
    working = _working(state, memo)
    starts: list[_Chosen] = []
    strict = state.policy.order in {Order.FIFO, Order.PRIORITY}
    lines = {class_id: _ready_of(state, keys, now) for class_id, keys in state.waiting.items()}
    heads = [head for class_id, line in lines.items() if (head := _head(state, class_id, line)) is not None]
    heapify(heads)
    while heads:
        _, _, workload_id, unit, class_id = heappop(heads)
        found = _first_fit(state, memo, working, state.workloads[workload_id], unit, now)
        if found is not None:
            starts.append(found)
            following = _head(state, class_id, lines[class_id])
            if following is not None:
                heappush(heads, following)
        elif strict:
            break
    yield from _started_or_planned(state, _working(state, memo), starts, set(), set(), now)


_Head = tuple[int, int, WorkloadId, int, ClassId]


def _head(state: State, class_id: ClassId, line: Iterator[tuple[WorkloadId, int]]) -> _Head | None:
    """The next gang of a class, with its place in the order; of one instant the one that was submitted first."""
    for workload_id, unit in line:
        workload = state.workloads[workload_id]
        rank = -workload.priority if state.policy.order is Order.PRIORITY else 0
        return rank, workload.submitted.process_ms, workload_id, unit, class_id
    return None


def _first_fit(
    state: State, memo: FactsMemo, working: _Working, workload: WorkloadState, unit: int, now: Now
) -> _Chosen | None:
    """The first place in the order of the policy that has room for the whole gang."""
    known = _choices(memo, workload, now)
    for choice in _preferred(state, memo, working, known):
        ruling = _admitted(state, working, workload, choice) if memo.has_quotas else _GUARANTEED
        if ruling is None:
            continue
        for seat in choice.seats:
            nodes = _fit(working, workload, choice, seat)
            if nodes is not None:
                _hold(working, seat, nodes)
                _use(working, workload, choice)
                return _Chosen(workload.id, unit, choice, seat, ruling)
    return None


def _preferred(state: State, memo: FactsMemo, working: _Working, known: Choices) -> list[Choice]:
    """Choices in the order in which a policy tries them.

    Prices go by the rate, cheapest-first by cost for work; the others do not tell accelerators apart: emptiest first.
    """
    match state.policy.order:
        case Order.CHEAPEST:
            return list(known.usable)
        case Order.PRICES | Order.MAX_MIN:
            return sorted(known.usable, key=lambda choice: -choice.share)
        case Order.FIFO | Order.PRIORITY:
            return sorted(known.usable, key=lambda choice: -max(_free(memo, working, seat) for seat in choice.seats))


def _free(memo: FactsMemo, working: _Working, number: int) -> int:
    seat = memo.seats[number]
    return seat.nodes * seat.chips_per_node - sum(working.held.get(number, {}).values())


# --- Both ---


def _realised(state: State, now: Now) -> Iterator[Event]:
    """Start what was planned, where nobody is leaving any more."""
    memo = facts_memo(state, now)
    working = _working(state, memo)
    for key, start in state.planned.items():
        workload = state.workloads[start.workload_id]
        seat = memo.seat_numbers.get(start.domain_id)
        if key not in state.waiting.get(workload.class_id, {}) or seat is None or start.domain_id in state.leaving:
            continue
        for choice in _choices(memo, workload, now).usable:
            if seat not in choice.seats:
                continue
            ruling = _admitted(state, working, workload, choice) if memo.has_quotas else _GUARANTEED
            nodes = _fit(working, workload, choice, seat)
            if nodes is not None and ruling is not None:
                _hold(working, seat, nodes)
                _use(working, workload, choice)
                chosen = _Chosen(workload.id, start.unit, choice, seat, ruling)
                yield _intended(state, memo, chosen, nodes)


def _started_or_planned(
    state: State,
    working: _Working,
    starts: list[_Chosen],
    leaving: set[int],
    stopping: set[WorkloadId],
    now: Now,
) -> Iterator[Event]:
    """Starts where the chips are free and nobody is leaving; the rest is planned. What does not fit whole waits."""
    memo = working.memo
    intended: list[Event] = []
    planned: list[PlannedStart] = []
    for start in starts:
        seat = memo.seats[start.seat]
        if start.workload_id in stopping or start.seat in leaving or seat.domain_id in state.leaving:
            planned.append(
                PlannedStart(
                    workload_id=start.workload_id,
                    unit=start.unit,
                    tranche_id=seat.tranche_id,
                    domain_id=seat.domain_id,
                )
            )
            continue
        nodes = _fit(working, state.workloads[start.workload_id], start.choice, start.seat)
        if nodes is not None:
            _hold(working, start.seat, nodes)
            intended.append(_intended(state, memo, start, nodes))
    yield RoundPlanned(next_process_ms=next_round_ms(state, now), starts=tuple(planned))
    yield from intended


def _waits(state: State, events: tuple[Event, ...]) -> Iterator[Event]:
    """Once for each class of which a unit still waits: others are served first."""
    policy = state.policy
    left = {class_id: len(keys) for class_id, keys in state.waiting.items() if class_id not in state.class_blockers}
    for event in events if left else ():
        if isinstance(event, RunIntended):
            class_id = state.workloads[event.workload_id].class_id
            left[class_id] = left.get(class_id, 0) - 1
    for class_id, count in left.items():
        if count > 0:
            reason = ServedLater(order=policy.order.value, objective=policy.objective.value)
            yield ClassWaits(class_id=class_id, blockers=(reason,))


def _choices(memo: FactsMemo, workload: WorkloadState, now: Now) -> Choices:
    return choices_of(memo, workload.class_id, workload.spec, workload.quota_overridden_by, now)


def _ready(state: State, now: Now) -> Iterator[tuple[WorkloadId, int]]:
    for keys in state.waiting.values():
        yield from _ready_of(state, keys, now)


def _ready_of(state: State, keys: dict[str, None], now: Now) -> Iterator[tuple[WorkloadId, int]]:
    for key in keys:
        if state.backing_off.get(key, 0) <= now.process_ms:
            yield split_unit_key(key)


def _working(state: State, memo: FactsMemo) -> _Working:
    held = {
        memo.seat_numbers[domain]: dict(nodes) for domain, nodes in state.held.items() if domain in memo.seat_numbers
    }
    used = {tenant: dict(counts) for tenant, counts in state.used.items()} if memo.has_quotas else {}
    return _Working(memo, held, used, {})


def _give_back(state: State, working: _Working, run: RunState) -> None:
    """For a round that decides anew, what a movable gang holds is free."""
    nodes = working.held[working.memo.seat_numbers[run.allocation.domain_id]]
    for share in run.allocation.nodes:
        nodes[share.node] -= share.chips
    if working.memo.has_quotas:
        tenant_id = state.workloads[run.workload_id].spec.tenant_id
        add_use(working.used, tenant_id, run.allocation.accelerator, -run.allocation.chips)


def _take_again(working: _Working, run: RunState) -> None:
    _hold(working, working.memo.seat_numbers[run.allocation.domain_id], run.allocation.nodes)


def _hold(working: _Working, seat: int, shares: tuple[NodeShare, ...]) -> None:
    nodes = working.held.setdefault(seat, {})
    blocks = working.blocks.get(seat)
    for share in shares:
        nodes[share.node] = nodes.get(share.node, 0) + share.chips
        if blocks is not None:
            blocks.take(share.node, share.chips)


def _use(working: _Working, workload: WorkloadState, choice: Choice) -> None:
    if working.memo.has_quotas:
        add_use(working.used, workload.spec.tenant_id, choice.candidate.choice.accelerator, choice.chips)


def _fit(working: _Working, workload: WorkloadState, choice: Choice, number: int) -> tuple[NodeShare, ...] | None:
    blocks = working.blocks.get(number)
    if blocks is None:
        blocks = working.blocks[number] = free_blocks(working.memo.seats[number], working.held.get(number, {}))
    if blocks.free_chips < choice.chips:
        return None
    found = seat_in(blocks, workload.spec.num_nodes, choice.candidate.choice.chips_per_node)
    return None if isinstance(found, Cut) else found.nodes


def _admitted(state: State, working: _Working, workload: WorkloadState, choice: Choice) -> Admitted | None:
    """Whether quotas allow it; one that a person set aside does."""
    if workload.quota_overridden_by:
        return _GUARANTEED
    accelerator = choice.candidate.choice.accelerator
    spec = workload.spec
    found = admit(state.tenants, working.used, spec.tenant_id, accelerator, choice.chips, choice.candidate.lot.pool.id)
    return found if isinstance(found, Admitted) else None


def _intended(state: State, memo: FactsMemo, chosen: _Chosen, nodes: tuple[NodeShare, ...]) -> RunIntended:
    workload = state.workloads[chosen.workload_id]
    generation = Generation(workload.units[chosen.unit].generation + 1)
    return RunIntended(
        run_id=run_id_of(chosen.workload_id, chosen.unit, generation),
        workload_id=chosen.workload_id,
        unit=chosen.unit,
        generation=generation,
        allocation=allocation_of(chosen.choice.candidate, memo.seats[chosen.seat].domain_id, nodes),
        reason=_reason(chosen),
    )


def _reason(chosen: _Chosen) -> PlacementReason:
    reason = chosen.choice.reason
    if chosen.admitted == _GUARANTEED:
        return reason
    return msgspec.structs.replace(reason, basis=chosen.admitted.basis, lender_ids=chosen.admitted.lender_ids)
