"""The lots that a class of workloads may use, best first, and the rules that keep it out of the others."""

from collections.abc import Mapping

import msgspec

from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.ids import AcceleratorName, TrancheId
from multihome.domain.placements import Blocker, NoPool, Price
from multihome.domain.workloads import AcceleratorChoice, Infra, WorkloadSpec, workload_chips
from multihome.scheduling.eligibility import choice_for, marginal_price, preference, standing_blocker
from multihome.scheduling.snapshot import Lot, Snapshot


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
    prepaid_chips: Mapping[TrancheId, int],
    spec: WorkloadSpec,
    kinds: Mapping[AcceleratorName, AcceleratorKind],
    at_ms: int,
) -> Candidates:
    """Test every lot against every standing rule; rank what remains: clause preference, then cost, then name."""
    usable: list[Candidate] = []
    ruled_out: list[Blocker] = []
    for lot in snapshot.lots:
        choice = choice_for(spec, lot)
        if choice is None:
            continue
        blocker = standing_blocker(snapshot.book, spec, choice, lot, kinds[choice.accelerator], at_ms)
        if blocker is not None:
            ruled_out.append(blocker)
            continue
        chips = workload_chips(spec, choice)
        price = marginal_price(lot, prepaid_chips[lot.tranche.id], chips, at_ms)
        usable.append(
            Candidate(
                lot=lot,
                choice=choice,
                price=price,
                preferred_by=preference(snapshot.book, spec, lot, at_ms),
                cost=_cost(spec, choice, price.micro_usd_per_chip_hour * chips),
            )
        )
    if not usable and not ruled_out:
        names = tuple(choice.accelerator for choice in spec.choices)
        ruled_out.append(NoPool(accelerators=names, infra=infra_text(spec.infra)))
    return Candidates(tuple(sorted(usable, key=_rank)), tuple(ruled_out))


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
