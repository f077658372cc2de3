"""What stands in the way of more: limits with what one more chip would be worth, and how good what runs is, proved."""

import msgspec

from multihome.controller.rounds import accelerator_kinds, snapshot_of
from multihome.controller.state import RunState, State, WorkloadState, split_unit_key
from multihome.domain.ids import AcceleratorName, ClassId, WorkloadId
from multihome.scheduling.candidates import expected_use, prices_of
from multihome.scheduling.market import (
    Bidder,
    ChipLimit,
    LendingLimit,
    Limit,
    Priced,
    QuotaLimit,
    Wish,
    market_of,
    outlook,
)
from multihome.scheduling.options.data import KnownData
from multihome.scheduling.options.listing import options_for
from multihome.scheduling.options.rows import Course, Kept, KnownFacts, OptionRow
from multihome.scheduling.options.throughput import KnownRates
from multihome.scheduling.room import Room, room_of
from multihome.scheduling.snapshot import Snapshot
from multihome.units.money import Rounding, divide, format_usd
from multihome.units.time import MS_PER_HOUR, Now

_WHOLE_PPM = 1_000_000
_MICRO_PER_CENT = 10_000


class LimitRow(msgspec.Struct, frozen=True):
    """A limit that is full: what one more chip would be worth, in micro-USD per hour, and what it is, in words."""

    kind: str
    name: str
    micro_usd_per_chip_hour: int
    text: str


class WaitingRow(msgspec.Struct, frozen=True):
    """A class that waits: one of its workloads, its best option, and what an hour of it lacks to have that one."""

    class_id: ClassId
    workload_id: WorkloadId
    gangs: int
    chips: int
    accelerator: AcceleratorName
    pool_id: str
    value_micro_usd_per_hour: int
    lacking_micro_usd_per_hour: int
    limits: tuple[LimitRow, ...]
    text: str


class MarketView(msgspec.Struct, frozen=True):
    """What runs, in micro-USD of value beyond cost per hour, what nothing could exceed, and the gap in millionths."""

    worth_micro_usd_per_hour: int
    bound_micro_usd_per_hour: int
    gap_ppm: int
    limits: tuple[LimitRow, ...]
    waiting: tuple[WaitingRow, ...]


def market(state: State, now: Now) -> MarketView:
    """Work the market out anew: costs about (live runs + waiting classes) × lots, and the core's solve."""
    snapshot = snapshot_of(state, now)
    room = room_of(snapshot)
    running = (_running(state, snapshot, room, run, now) for run in _movable(state, snapshot))
    waiting = (_waiting(state, snapshot, room, class_id, now) for class_id in state.waiting)
    bidders = [bidder for bidder in (*running, *waiting) if bidder.rows]
    if not bidders:
        return MarketView(0, 0, 0, (), ())
    found = outlook(market_of(snapshot, bidders))
    missing = found.bound_micro_usd - found.worth_micro_usd
    gap_ppm = missing * _WHOLE_PPM // found.bound_micro_usd if found.bound_micro_usd > 0 else 0
    return MarketView(
        worth_micro_usd_per_hour=found.worth_micro_usd,
        bound_micro_usd_per_hour=found.bound_micro_usd,
        gap_ppm=gap_ppm,
        limits=tuple(_limit_row(priced) for priced in found.prices),
        waiting=tuple(_waiting_row(state, wish) for wish in found.wishes),
    )


def _movable(state: State, snapshot: Snapshot) -> list[RunState]:
    """Runs whose chips could be had by others: those that run and are not on their way out."""
    return [state.runs[one.run_id] for one in snapshot.occupants if not one.is_leaving]


def _running(state: State, snapshot: Snapshot, room: Room, run: RunState, now: Now) -> Bidder:
    workload = state.workloads[run.workload_id]
    progress, started = run.progress, run.started
    assert started is not None, "an occupant has started"
    course = Course(
        asked_ms=workload.submitted.contract_ms,
        waited_ms=0,
        checkpoint_step=progress.checkpoint_step if progress else 0,
        kept=Kept(
            allocation=run.allocation,
            basis=run.reason.basis,
            since_start_ms=now.process_ms - started.process_ms,
            steps_lost=progress.step - progress.checkpoint_step if progress else 0,
        ),
    )
    rows = _rows(state, snapshot, room, workload, course, now)
    if not any(row.is_kept for row in rows):
        # Where it may not stay it holds its chips all the same until somebody stops it.
        rows = ()
    return Bidder(
        class_id=workload.class_id,
        tenant_id=workload.spec.tenant_id,
        members=1,
        has_quota=not workload.quota_overridden_by,
        rows=rows,
        here=run.allocation,
    )


def _waiting(state: State, snapshot: Snapshot, room: Room, class_id: ClassId, now: Now) -> Bidder:
    workload = _first_waiting(state, class_id)
    course = Course(
        asked_ms=workload.submitted.contract_ms,
        waited_ms=max(0, now.process_ms - workload.submitted.process_ms),
    )
    return Bidder(
        class_id=class_id,
        tenant_id=workload.spec.tenant_id,
        members=len(state.waiting[class_id]),
        has_quota=not workload.quota_overridden_by,
        rows=_rows(state, snapshot, room, workload, course, now),
        here=None,
    )


def _first_waiting(state: State, class_id: ClassId) -> WorkloadState:
    key = next(iter(state.waiting[class_id]))
    return state.workloads[split_unit_key(key)[0]]


def _rows(
    state: State, snapshot: Snapshot, room: Room, workload: WorkloadState, course: Course, now: Now
) -> tuple[OptionRow, ...]:
    spec = workload.spec
    use = expected_use(spec, now.contract_ms)
    facts = KnownFacts(
        book=snapshot.book,
        kinds=accelerator_kinds(state),
        rates=KnownRates(state.accelerators, state.throughput_tables, state.learned_rates),
        data=KnownData(state.data_sets, state.transfers),
    )
    found = options_for(
        spec,
        workload.priority,
        snapshot.lots,
        lambda chips: prices_of(snapshot, room, chips, use),
        facts,
        state.valuation(),
        course,
        (now, MS_PER_HOUR),
    )
    return found.rows


def _limit_row(priced: Priced) -> LimitRow:
    kind, name, text = _told(priced.limit)
    price = usd(priced.micro_usd_per_hour)
    return LimitRow(kind, name, priced.micro_usd_per_hour, f"{text}: one more would be worth {price} an hour")


def usd(micro_usd: int) -> str:
    """Money to the cent: a price is as exact as the values that it comes from."""
    return format_usd(divide(micro_usd, _MICRO_PER_CENT, Rounding.HALF_EVEN) * _MICRO_PER_CENT)


def _told(limit: Limit) -> tuple[str, str, str]:
    match limit:
        case ChipLimit():
            return "chips", limit.domain_id, f"the chips of {limit.domain_id}"
        case QuotaLimit():
            return "quota", limit.quota_id, f"quota {limit.quota_id} of {limit.tenant_id} with what it may borrow"
        case LendingLimit():
            what = ", ".join(limit.accelerators) or "any accelerator"
            return "lending", limit.parent_id, f"what tenants under {limit.parent_id} lend each other of {what}"


def _waiting_row(state: State, wish: Wish) -> WaitingRow:
    limits = tuple(_limit_row(priced) for priced in wish.binding)
    row = wish.row
    where = f"{row.chips} {row.accelerator} in {row.pool_id}"
    if wish.lacking_micro_usd > 0:
        text = f"{where} would have to be worth {usd(wish.lacking_micro_usd)} an hour more than it is"
    else:
        text = f"{where} would be worth having if others moved to make room, or once what is asked back is free"
    return WaitingRow(
        class_id=wish.class_id,
        workload_id=_first_waiting(state, wish.class_id).id,
        gangs=len(state.waiting[wish.class_id]),
        chips=row.chips,
        accelerator=row.accelerator,
        pool_id=row.pool_id,
        value_micro_usd_per_hour=row.value_micro_usd,
        lacking_micro_usd_per_hour=max(0, wish.lacking_micro_usd),
        limits=limits,
        text=text,
    )
