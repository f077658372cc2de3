"""Whether a class of workloads may use a lot at all, apart from room and quota."""

from multihome.clauses.book import Book, MissingPermission, earliest_ms, forbidding, preferring
from multihome.clauses.scope import allows_use
from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.placements import (
    AwardNotPermitted,
    Blocker,
    CapacityEnded,
    ForbiddenByClause,
    GangLargerThanDomain,
    NotDelivered,
    NotQualified,
    OutsideJurisdiction,
    OutsideUse,
)
from multihome.domain.workloads import AcceleratorChoice, WorkloadSpec, workload_chips
from multihome.scheduling.snapshot import Lot


def choice_for(spec: WorkloadSpec, lot: Lot) -> AcceleratorChoice | None:
    """The accelerator choice of a workload that a lot could serve, where the infrastructure asked for allows it."""
    wanted = spec.infra
    if wanted.provider and not lot.provider.is_called(wanted.provider):
        return None
    if wanted.region not in {"", lot.pool.region} or wanted.zone not in {"", lot.pool.zone}:
        return None
    return next((choice for choice in spec.choices if choice.accelerator == lot.pool.accelerator), None)


def standing_blocker(
    book: Book, spec: WorkloadSpec, choice: AcceleratorChoice, lot: Lot, kind: AcceleratorKind, at_ms: int
) -> Blocker | None:
    """The first rule that keeps the class out of the lot whatever room there is; None lets it in.

    In the order in which a person can least change it: clause, permission, use, qualification, place, delivery, size.
    """
    pool_id = lot.pool.id
    forbidden = forbidding(book, lot.pool, spec.kind, spec.product, at_ms)
    if forbidden:
        return ForbiddenByClause(
            pool_id=pool_id, clause=forbidden.clause, holder_id=forbidden.holder_id, until_ms=forbidden.until_ms
        )
    if isinstance(lot.permission, MissingPermission):
        return AwardNotPermitted(
            pool_id=pool_id,
            tranche_id=lot.tranche.id,
            clause=lot.permission.clause,
            missing=lot.permission.missing,
            earliest_ms=earliest_ms(book, lot.permission.clause, at_ms),
        )
    if not allows_use(lot.tranche.use, spec.kind, spec.product):
        return OutsideUse(pool_id=pool_id, tranche_id=lot.tranche.id, use=lot.tranche.use)
    if not _is_qualified(choice, kind, at_ms):
        return NotQualified(pool_id=pool_id, accelerator=choice.accelerator, qualified_ms=choice.qualified_ms)
    if spec.jurisdictions and lot.provider.jurisdiction not in spec.jurisdictions:
        return OutsideJurisdiction(pool_id=pool_id, jurisdiction=lot.provider.jurisdiction, allowed=spec.jurisdictions)
    if not fits_empty_domain(spec, choice, lot):
        return GangLargerThanDomain(
            pool_id=pool_id,
            chips=workload_chips(spec, choice),
            nodes=spec.num_nodes,
            largest_domain_chips=lot.domain_chips,
        )
    if at_ms >= lot.tranche.ends_ms:
        return CapacityEnded(pool_id=pool_id, tranche_id=lot.tranche.id, ended_ms=lot.tranche.ends_ms, by=lot.ended_by)
    if lot.standing.forbidden is not None:
        # The contract itself is over: its standing begins with its end.
        ended_ms = lot.standing.interval.start_ms
        return CapacityEnded(
            pool_id=pool_id, tranche_id=lot.tranche.id, ended_ms=ended_ms, clause=lot.standing.forbidden
        )
    if not lot.domains:
        return NotDelivered(pool_id=pool_id, tranche_id=lot.tranche.id, promised_ms=lot.tranche.promised_ms)
    return lot.closed


def fits_empty_domain(spec: WorkloadSpec, choice: AcceleratorChoice, lot: Lot) -> bool:
    """Say whether a gang fits one of the lot's domains when nothing else runs there."""
    if choice.chips_per_node > lot.pool.chips_per_node:
        return False
    per_node = lot.pool.chips_per_node // choice.chips_per_node
    return spec.num_nodes <= lot.tranche.nodes_per_domain * per_node


def preference(book: Book, spec: WorkloadSpec, lot: Lot, at_ms: int) -> ClauseRef | None:
    """The clause that puts this lot's provider before the others for such a workload, if any."""
    return preferring(book, lot.pool, spec.kind, spec.product, at_ms)


def _is_qualified(choice: AcceleratorChoice, kind: AcceleratorKind, at_ms: int) -> bool:
    if choice.qualified_ms is None:
        return kind is AcceleratorKind.GPU
    return choice.qualified_ms <= at_ms
