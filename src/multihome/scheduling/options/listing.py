"""The options of a class of gangs: every lot and size that no rule forbids, with figures, the best of them kept."""

from collections.abc import Sequence

import msgspec

from multihome.domain.datasets import DataLocation
from multihome.domain.placements import Basis, Price
from multihome.domain.valuation import Valuation
from multihome.domain.workloads import AcceleratorChoice, WorkloadSpec
from multihome.scheduling.eligibility import choice_for, standing_blocker
from multihome.scheduling.options.data import Arrival, arrival, arrival_of_data
from multihome.scheduling.options.deadlines import (
    ANY,
    SAFE,
    Allowed,
    DeadlineRule,
    Race,
    allowed_bases,
    needed_bps,
    work_ms,
)
from multihome.scheduling.options.elastic import node_counts
from multihome.scheduling.options.rows import Course, Dropped, Figures, KnownFacts, OptionRow, Options, Prices
from multihome.scheduling.options.switching import (
    STAYING,
    Switching,
    horizon_ms,
    lost_ms,
    switching,
    switching_per_round,
)
from multihome.scheduling.options.throughput import Cell, Estimates, estimates_for, relative_ppm, steps_per_hour_milli
from multihome.scheduling.options.value import (
    HourlyValue,
    cost_per_round,
    dearest_work,
    hourly_value,
    urgency_bps,
    value_per_round,
    within_column,
)
from multihome.scheduling.snapshot import Lot
from multihome.units.time import Now


class _Place(msgspec.Struct, frozen=True):
    """A lot at a size that no rule forbids."""

    lot: Lot
    nodes: int
    cell: Cell
    price: Price


class _Basis(msgspec.Struct, frozen=True):
    """What all rows of a class share."""

    spec: WorkloadSpec
    facts: KnownFacts
    valuation: Valuation
    course: Course
    round_ms: int
    estimates: Estimates
    reference: Cell
    hourly: HourlyValue
    urgency: int
    allowed: Allowed


def options_for(
    spec: WorkloadSpec,
    priority: int,
    lots: Sequence[Lot],
    prices: Prices,
    facts: KnownFacts,
    valuation: Valuation,
    course: Course,
    time: tuple[Now, int],
) -> Options:
    """The options of a class, best surplus first and at most the valuation's number; `time` is now and a round in ms.

    The reference, on which the value per hour counts, is the first accelerator named at its full size. What the gang
    has now is always kept in the list. Costs about lots × sizes.
    """
    now, round_ms = time
    places, dropped = _places(spec, lots, prices, facts, course, now)
    reference = Cell(spec.choices[0].accelerator, spec.choices[0].chips_per_node * spec.num_nodes)
    cells = list(dict.fromkeys((reference, *_kept_cells(course), *(place.cell for place in places))))
    estimates = estimates_for(spec, cells, facts.rates, valuation)
    relative = {cell: relative_ppm(estimates.cells[cell], estimates.cells[reference]) for cell in cells}
    dearest = max((dearest_work(_gang_cost(place), relative[place.cell]) for place in places), default=0)
    race = _race(spec, places, estimates, valuation, course)
    allowed, needed = _deadline(spec, race, course, now)
    shared = _Basis(
        spec=spec,
        facts=facts,
        valuation=valuation,
        course=course,
        round_ms=round_ms,
        estimates=estimates,
        reference=reference,
        hourly=hourly_value(spec, priority, dearest, valuation),
        urgency=urgency_bps(course.waited_ms, needed, valuation),
        allowed=allowed,
    )
    in_time, late = _in_time(shared, race, places, now)
    rows = sorted((_row(shared, place) for place in in_time), key=_rank)
    kept, crowded = rows[: valuation.options_max], rows[valuation.options_max :]
    dropped.extend(late)
    dropped.extend(_crowded_out(row, kept) for row in crowded)
    return Options(tuple(kept), tuple(dropped), shared.hourly, allowed, estimates.scale)


def _places(
    spec: WorkloadSpec, lots: Sequence[Lot], prices: Prices, facts: KnownFacts, course: Course, now: Now
) -> tuple[list[_Place], list[Dropped]]:
    """Every lot at every size, tested against the standing rules; a lot that takes no size is told of once."""
    nodes_now = len(course.kept.allocation.nodes) if course.kept is not None else 0
    sizes = node_counts(spec, nodes_now)
    places: list[_Place] = []
    dropped: list[Dropped] = []
    for index, lot in enumerate(lots):
        choice = choice_for(spec, lot)
        if choice is None:
            dropped.append(Dropped(lot.tranche.id, 0, None, "it is not what or where the workload asks for"))
            continue
        for nodes in reversed(sizes):
            found = _place(spec, nodes, (index, lot), choice, prices, facts, now)
            if isinstance(found, _Place):
                places.append(found)
                continue
            dropped.append(found)
            if found.blocker is not None:
                # What a standing rule forbids at one size it forbids at every larger one.
                break
    return places, dropped


def _place(
    spec: WorkloadSpec,
    nodes: int,
    at: tuple[int, Lot],
    choice: AcceleratorChoice,
    prices: Prices,
    facts: KnownFacts,
    now: Now,
) -> _Place | Dropped:
    index, lot = at
    sized = msgspec.structs.replace(spec, num_nodes=nodes)
    blocker = standing_blocker(facts.book, sized, choice, lot, facts.kinds[choice.accelerator], now.contract_ms)
    if blocker is not None:
        return Dropped(lot.tranche.id, nodes, blocker, "a standing rule forbids it")
    chips = choice.chips_per_node * nodes
    price = prices(chips)[index]
    if price is None:
        return Dropped(lot.tranche.id, nodes, None, f"a clause sells no block of {chips} chips there")
    return _Place(lot, nodes, Cell(choice.accelerator, chips), price)


def _kept_cells(course: Course) -> tuple[Cell, ...]:
    if course.kept is None:
        return ()
    return (Cell(course.kept.allocation.accelerator, course.kept.allocation.chips),)


def _gang_cost(place: _Place) -> int:
    """Micro-USD per hour of the whole gang."""
    return place.price.micro_usd_per_chip_hour * place.cell.chips


def _race(
    spec: WorkloadSpec, places: Sequence[_Place], estimates: Estimates, valuation: Valuation, course: Course
) -> Race | None:
    """The workload against its deadline at the best cautious rate of all places; None where either is unknown."""
    rates = [steps_per_hour_milli(estimates, place.cell, valuation.caution_milli) or 0 for place in places]
    best = max(rates, default=0)
    if spec.deadline_ms is None or not spec.steps or not best:
        return None
    return Race(
        began_ms=course.asked_ms,
        deadline_ms=spec.deadline_ms,
        work_ms=work_ms(spec.steps, best),
        left_ms=work_ms(max(0, spec.steps - course.checkpoint_step), best),
        delay_ms=valuation.restart_ms,
        look_ms=valuation.look_ms,
    )


def _deadline(spec: WorkloadSpec, race: Race | None, course: Course, now: Now) -> tuple[Allowed, int]:
    """The bases that the deadline allows, and the share of the time left that the work needs."""
    if spec.deadline_ms is None:
        return Allowed(ANY, DeadlineRule.NONE), 0
    if race is None:
        # Nobody can say yet how long it takes: it runs where nothing is taken back until its steps were counted.
        return Allowed(SAFE, DeadlineRule.UNKNOWN_RATE), 0
    on: Basis | None = course.kept.basis if course.kept is not None else None
    return allowed_bases(race, on, now.contract_ms), needed_bps(race, now.contract_ms)


def _in_time(
    shared: _Basis, race: Race | None, places: Sequence[_Place], now: Now
) -> tuple[list[_Place], list[Dropped]]:
    """The places that make the deadline once nothing is to spare; all of them where none does."""
    if race is None or shared.allowed.rule is not DeadlineRule.SAFETY:
        return list(places), []
    time_ms = race.deadline_ms - now.contract_ms - race.delay_ms
    steps = max(0, shared.spec.steps - shared.course.checkpoint_step)
    fast: list[_Place] = []
    late: list[Dropped] = []
    for place in places:
        rate = steps_per_hour_milli(shared.estimates, place.cell, shared.valuation.caution_milli)
        if _is_kept(shared.course, place) or (rate and work_ms(steps, rate) <= time_ms):
            fast.append(place)
        else:
            late.append(Dropped(place.lot.tranche.id, place.nodes, None, "it is too slow to make the deadline"))
    return (fast, late) if any(not _is_kept(shared.course, place) for place in fast) else (list(places), [])


def _row(shared: _Basis, place: _Place) -> OptionRow:
    here = shared.estimates.cells[place.cell]
    relative = relative_ppm(here, shared.estimates.cells[shared.reference])
    is_kept = _is_kept(shared.course, place)
    moved = Arrival() if is_kept else _arrival(shared, place)
    once = STAYING if is_kept else _once(shared, relative, moved)
    over_ms = horizon_ms(_left_ms(shared, place.cell), shared.round_ms, shared.valuation)
    rent = cost_per_round(_gang_cost(place), shared.round_ms)
    return OptionRow(
        tranche_id=place.lot.tranche.id,
        pool_id=place.lot.pool.id,
        accelerator=place.cell.accelerator,
        nodes=place.nodes,
        chips=place.cell.chips,
        bases=shared.allowed.bases,
        is_kept=is_kept,
        value_micro_usd=value_per_round(shared.hourly.micro_usd_per_hour, relative, shared.urgency, shared.round_ms),
        cost_micro_usd=within_column(rent + switching_per_round(once, shared.round_ms, over_ms)),
        figures=Figures(
            throughput=here,
            relative_ppm=relative,
            value_micro_usd_per_hour=shared.hourly.micro_usd_per_hour,
            urgency_bps=shared.urgency,
            price=place.price,
            rent_micro_usd=rent,
            once=once,
            horizon_ms=over_ms,
        ),
        reasons=(f"value {shared.hourly.words}", f"throughput {here.words}", *moved.words),
    )


def _is_kept(course: Course, place: _Place) -> bool:
    """Whether the gang stays as it is: same lot, same size."""
    if course.kept is None:
        return False
    now = course.kept.allocation
    return now.tranche_id == place.lot.tranche.id and now.chips == place.cell.chips


def _arrival(shared: _Basis, place: _Place) -> Arrival:
    """What data and checkpoint take to come to a place."""
    to = DataLocation(provider_id=place.lot.pool.provider_id, region=place.lot.pool.region)
    at = shared.course.checkpoint_at
    is_running = shared.course.kept is not None
    data = arrival_of_data(
        shared.spec.data_sets, to, (at,) if at is not None and is_running else (), shared.facts.data, shared.valuation
    )
    saved = shared.spec.checkpointing
    if saved is None or at is None:
        return data
    transfers = shared.facts.data.transfers.values()
    return data + arrival("its checkpoint", saved.size_bytes, (at,), to, transfers, shared.valuation)


def _once(shared: _Basis, relative_there_ppm: int, moved: Arrival) -> Switching:
    kept = shared.course.kept
    value = shared.hourly.micro_usd_per_hour
    if kept is None:
        return switching(value, (0, 0), relative_there_ppm, moved, shared.valuation)
    cell = Cell(kept.allocation.accelerator, kept.allocation.chips)
    rate = steps_per_hour_milli(shared.estimates, cell, 0)
    ago_ms = lost_ms(kept.steps_lost, rate, kept.since_start_ms)
    relative_here = relative_ppm(shared.estimates.cells[cell], shared.estimates.cells[shared.reference])
    return switching(value, (ago_ms, relative_here), relative_there_ppm, moved, shared.valuation)


def _left_ms(shared: _Basis, cell: Cell) -> int | None:
    """How long the rest takes there at the middle of what is known; None where that is nothing."""
    rate = steps_per_hour_milli(shared.estimates, cell, 0)
    if not rate or not shared.spec.steps:
        return None
    return work_ms(max(0, shared.spec.steps - shared.course.checkpoint_step), rate)


def _rank(row: OptionRow) -> tuple[bool, int, str, int]:
    return not row.is_kept, -row.surplus_micro_usd, row.tranche_id, -row.nodes


def _crowded_out(row: OptionRow, kept: Sequence[OptionRow]) -> Dropped:
    least = min(better.surplus_micro_usd for better in kept if not better.is_kept)
    words = (
        f"{len(kept)} options are kept: its surplus of {row.surplus_micro_usd} micro-USD a round is not above "
        f"{least}, the least of theirs"
    )
    return Dropped(row.tranche_id, row.nodes, None, words)
