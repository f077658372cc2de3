"""What one more chip-hour would cost a workload in each pool that has its accelerators, and which clause says so."""

import msgspec

from multihome.controller.prices import vested_micro_usd_per_chip_hour
from multihome.controller.rounds import accelerator_kinds, snapshot_of
from multihome.controller.state import State
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.ids import PoolId, TrancheId
from multihome.domain.placements import (
    AwardNotPermitted,
    Blocker,
    CapacityEnded,
    ForbiddenByClause,
    NoPool,
    ServedLater,
)
from multihome.domain.workloads import WorkloadSpec
from multihome.scheduling.candidates import Candidate, candidates
from multihome.scheduling.room import room_of
from multihome.units.time import Now
from multihome.views.words import describe


class PriceRow(msgspec.Struct, frozen=True):
    """One pool's price, or why it has none: both figures are None then.

    `clause` set the price, or forbids the pool (`is_forbidden`). The effective price is lower by what vested equity in
    the provider is worth per chip-hour ordered; nothing is decided by it.
    """

    pool_id: PoolId
    tranche_id: TrancheId | None
    micro_usd_per_chip_hour: int | None
    effective_micro_usd_per_chip_hour: int | None
    clause: ClauseRef | None
    is_forbidden: bool
    rule: str


def price_rows(state: State, spec: WorkloadSpec, now: Now) -> tuple[PriceRow, ...]:
    """A row for every lot with the workload's accelerators: those it may use, best first, then the others."""
    snapshot = snapshot_of(state, now)
    found = candidates(snapshot, room_of(snapshot), spec, accelerator_kinds(state), now.contract_ms)
    usable = [_priced(state, candidate) for candidate in found.usable]
    return (*usable, *(_ruled_out(blocker) for blocker in found.ruled_out if not isinstance(blocker, NoPool)))


def _priced(state: State, candidate: Candidate) -> PriceRow:
    lot, price = candidate.lot, candidate.price
    return PriceRow(
        pool_id=lot.pool.id,
        tranche_id=lot.tranche.id,
        micro_usd_per_chip_hour=price.micro_usd_per_chip_hour,
        effective_micro_usd_per_chip_hour=price.micro_usd_per_chip_hour
        - vested_micro_usd_per_chip_hour(state, lot.contract),
        clause=price.clause,
        is_forbidden=False,
        rule=price.rule,
    )


def _ruled_out(blocker: Blocker) -> PriceRow:
    assert not isinstance(blocker, NoPool | ServedLater), "a row is of a pool"
    clause = blocker.clause if isinstance(blocker, ForbiddenByClause | AwardNotPermitted | CapacityEnded) else None
    return PriceRow(
        pool_id=blocker.pool_id,
        tranche_id=getattr(blocker, "tranche_id", None),
        micro_usd_per_chip_hour=None,
        effective_micro_usd_per_chip_hour=None,
        clause=clause,
        is_forbidden=clause is not None,
        rule=describe(blocker).removeprefix(f"{blocker.pool_id}: "),
    )
