"""The lots that a class of workloads may use, best first, and the rules that keep it out of the others."""

from collections.abc import Mapping

import msgspec
import numpy as np

from multihome.clauses.pricing import Questions, price
from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.ids import AcceleratorName
from multihome.domain.placements import Blocker, NoPool, Price
from multihome.domain.workloads import AcceleratorChoice, Infra, WorkloadSpec, workload_chips
from multihome.scheduling.eligibility import choice_for, preference, standing_blocker
from multihome.scheduling.price_words import price_in_words
from multihome.scheduling.room import Room
from multihome.scheduling.snapshot import Lot, Snapshot
from multihome.units.time import FOREVER_MS, Interval


class Candidate(msgspec.Struct, frozen=True):
    """A lot that a class may use, apart from room and quota.

    `cost` orders candidates: micro-USD per hour of the whole gang, divided by its throughput there where that is known.
    """

    lot: Lot
    choice: AcceleratorChoice
    price: Price
    preferred_by: ClauseRef | None
    cost: int


class Candidates(msgspec.Struct, frozen=True):
    """Where a class may go, best first, and why it may not go elsewhere."""

    usable: tuple[Candidate, ...]
    ruled_out: tuple[Blocker, ...]


def candidates(
    snapshot: Snapshot,
    room: Room,
    spec: WorkloadSpec,
    kinds: Mapping[AcceleratorName, AcceleratorKind],
    at_ms: int,
) -> Candidates:
    """Test every lot against every standing rule; rank what remains: clause preference, then cost, then name."""
    allowed: list[tuple[int, AcceleratorChoice]] = []
    ruled_out: list[Blocker] = []
    for index, lot in enumerate(snapshot.lots):
        choice = choice_for(spec, lot)
        if choice is None:
            continue
        blocker = standing_blocker(snapshot.book, spec, choice, lot, kinds[choice.accelerator], at_ms)
        if blocker is not None:
            ruled_out.append(blocker)
        else:
            allowed.append((index, choice))
    if not allowed and not ruled_out:
        names = tuple(choice.accelerator for choice in spec.choices)
        ruled_out.append(NoPool(accelerators=names, infra=infra_text(spec.infra)))
    usable = [_candidate(snapshot, room, spec, index, choice, at_ms) for index, choice in allowed]
    return Candidates(tuple(sorted(usable, key=_rank)), tuple(ruled_out))


def _candidate(
    snapshot: Snapshot, room: Room, spec: WorkloadSpec, index: int, choice: AcceleratorChoice, at_ms: int
) -> Candidate:
    lot, chips = snapshot.lots[index], workload_chips(spec, choice)
    found = prices_of(snapshot, room, chips, expected_use(spec, at_ms))[index]
    assert found is not None, "what a clause forbids was ruled out before"
    return Candidate(
        lot=lot,
        choice=choice,
        price=found,
        preferred_by=preference(snapshot.book, spec, lot, at_ms),
        cost=_cost(spec, choice, found.micro_usd_per_chip_hour * chips),
    )


def expected_use(spec: WorkloadSpec, at_ms: int) -> Interval:
    """How long a gang is expected to use what it gets: for its maximum run time, or on and on."""
    return Interval(at_ms, at_ms + spec.run_ms_max if spec.run_ms_max else FOREVER_MS)


def prices_of(snapshot: Snapshot, room: Room, chips: int, use: Interval) -> tuple[Price | None, ...]:
    """What a chip-hour of a gang costs in every lot, all of them at once; what is known already is not asked again."""
    known = room.prices.get((chips, use))
    if known is not None:
        return known
    count = len(snapshot.lots)
    prices = price(
        room.columns,
        Questions(
            lot=np.arange(count),
            start_ms=np.full(count, use.start_ms),
            end_ms=np.full(count, use.end_ms),
            chips=np.full(count, chips),
            use=np.zeros(count, dtype=np.int64),
        ),
    )
    found = tuple(price_in_words(room.columns, prices, index, lot) for index, lot in enumerate(snapshot.lots))
    room.prices[chips, use] = found
    return found


def infra_text(infra: Infra) -> str:
    """The infrastructure asked for as people write it: `gcp/us-east5`, `*` for any."""
    parts = [infra.provider or "*", infra.region or "*", infra.zone or "*"]
    while len(parts) > 1 and parts[-1] == "*":
        parts.pop()
    return "/".join(parts)


def _rank(candidate: Candidate) -> tuple[bool, int, str]:
    return candidate.preferred_by is None, candidate.cost, candidate.lot.tranche.id


def _cost(spec: WorkloadSpec, choice: AcceleratorChoice, gang_micro_usd_per_hour: int) -> int:
    """Cost per unit of work where every choice was measured, else per hour: unmeasured ones cannot be compared."""
    if any(option.throughput_milli == 0 for option in spec.choices):
        return gang_micro_usd_per_hour
    return gang_micro_usd_per_hour * 1_000 // choice.throughput_milli
