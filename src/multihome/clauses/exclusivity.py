"""Exclusivity: in scope only the holder may be used. A hard constraint, never a price."""

from multihome.clauses.scope import Awarded, covers_award, covers_workload
from multihome.domain.clause_terms import Exclusivity
from multihome.domain.ids import AcceleratorName, ProviderId
from multihome.domain.workloads import WorkloadKind


def binds_workload(
    terms: Exclusivity,
    kind: WorkloadKind,
    product: str,
    accelerator: AcceleratorName,
    places: tuple[str, ...],
    at_ms: int,
) -> bool:
    """Say whether the clause keeps such a workload away from such chips of anyone but its holder at this instant.

    An exclusivity on new capacity only binds awards, not placements: see `binds_award`.
    """
    return (
        terms.interval.contains(at_ms)
        and not terms.scope.new_capacity_only
        and covers_workload(terms.scope, kind, product, accelerator, places)
    )


def on_loss(terms: Exclusivity) -> tuple[str, str]:
    """What the clause makes of its holder's loss: work in scope waits, it does not leave."""
    products = ", ".join(terms.scope.products) or "all products"
    return "waits_for_holder", f"work in scope ({products}) may not leave; its replicas wait for the holder"


def binds_award(terms: Exclusivity, holder: ProviderId, awarded: Awarded) -> bool:
    """Say whether the clause forbids an award: an exclusivity on new capacity, in force when it is made."""
    return (
        awarded.provider_id != holder
        and terms.scope.new_capacity_only
        and terms.interval.contains(awarded.awarded_ms)
        and covers_award(terms.scope, awarded)
    )
