"""Exclusivity: in scope only the holder may be used. A hard constraint, never a price."""

from multihome.clauses.scope import covers_capacity, covers_workload
from multihome.domain.clause_terms import Exclusivity
from multihome.domain.contracts import Tranche
from multihome.domain.ids import AcceleratorName, ProviderId
from multihome.domain.workloads import WorkloadKind


def binds_workload(
    terms: Exclusivity,
    holder: ProviderId,
    provider: ProviderId,
    kind: WorkloadKind,
    product: str,
    accelerator: AcceleratorName,
    at_ms: int,
) -> bool:
    """Say whether the clause keeps such a workload away from such chips of `provider` at this instant.

    An exclusivity on new capacity only binds awards, not placements: see `permission`.
    """
    return (
        provider != holder
        and terms.interval.contains(at_ms)
        and not terms.scope.new_capacity_only
        and covers_workload(terms.scope, kind, product, accelerator)
    )


def on_loss(terms: Exclusivity) -> tuple[str, str]:
    """What the clause makes of its holder's loss: work in scope waits, it does not leave."""
    products = ", ".join(terms.scope.products) or "all products"
    return "waits_for_holder", f"work in scope ({products}) may not leave; its replicas wait for the holder"


def binds_award(
    terms: Exclusivity, holder: ProviderId, provider: ProviderId, tranche: Tranche, accelerator: AcceleratorName
) -> bool:
    """Say whether the clause forbade this award: an exclusivity on new capacity, in force when it was made."""
    return (
        provider != holder
        and terms.scope.new_capacity_only
        and terms.interval.contains(tranche.award.awarded_ms)
        and covers_capacity(terms.scope, accelerator, new_capacity=tranche.new_capacity)
    )
