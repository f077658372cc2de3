"""The scope test that several kinds of clause share: of a workload in a place, and of an award."""

import msgspec

from multihome.domain.clause_terms import Scope, Use
from multihome.domain.ids import AcceleratorName, ProviderId
from multihome.domain.procurement import Terms
from multihome.domain.supply import ProviderKind
from multihome.domain.workloads import WorkloadKind


class Awarded(msgspec.Struct, frozen=True):
    """What is, or would be, awarded: all that clauses ask of it, and when. `replaces` is a lost provider."""

    provider_id: ProviderId
    provider_kind: ProviderKind | None
    jurisdiction: str
    new_capacity: bool
    use: Use
    terms: Terms
    awarded_ms: int
    replaces: ProviderId | None = None


def covers_workload(
    scope: Scope, kind: WorkloadKind, product: str, accelerator: AcceleratorName, places: tuple[str, ...]
) -> bool:
    """Say whether such a workload on such chips lies in scope; an empty list in the scope excludes nothing.

    `places` are the region and the jurisdiction of the chips: a territory names either.
    """
    return (
        (not scope.workload_kinds or kind in scope.workload_kinds)
        and (not scope.products or product in scope.products)
        and (not scope.accelerators or accelerator in scope.accelerators)
        and _in_territory(scope, places)
    )


def covers_award(scope: Scope, awarded: Awarded) -> bool:
    """Say whether an award lies in scope.

    Capacity whose use is declared lies in scope by that use; capacity for which no use is declared may be used for
    anything, and so lies in every scope of kinds and products.
    """
    return (
        (awarded.new_capacity or not scope.new_capacity_only)
        and _may_meet(scope.workload_kinds, awarded.use.workload_kinds)
        and _may_meet(scope.products, awarded.use.products)
        and (not scope.accelerators or awarded.terms.accelerator in scope.accelerators)
        and _in_territory(scope, (awarded.terms.region, awarded.jurisdiction))
    )


def allows_use(use: Use, kind: WorkloadKind, product: str) -> bool:
    """Say whether capacity that is meant for a use may take such a workload."""
    return (not use.workload_kinds or kind in use.workload_kinds) and (not use.products or product in use.products)


def within_use(use: Use, of: Use) -> bool:
    """Say whether everything that one use allows, another allows too; an empty list allows anything."""
    return _all_in(use.workload_kinds, of.workload_kinds) and _all_in(use.products, of.products)


def _may_meet(scope: tuple[str, ...], declared: tuple[str, ...]) -> bool:
    return not scope or not declared or any(one in scope for one in declared)


def _all_in(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    return not wide or (bool(narrow) and all(one in wide for one in narrow))


def _in_territory(scope: Scope, places: tuple[str, ...]) -> bool:
    return not scope.territories or any(place in scope.territories for place in places)
