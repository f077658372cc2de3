"""The scope test that several kinds of clause share."""

from multihome.domain.clause_terms import Scope
from multihome.domain.ids import AcceleratorName
from multihome.domain.workloads import WorkloadKind


def covers_workload(scope: Scope, kind: WorkloadKind, product: str, accelerator: AcceleratorName) -> bool:
    """Say whether such a workload on such chips lies in scope; an empty list in the scope excludes nothing."""
    return (
        (not scope.workload_kinds or kind in scope.workload_kinds)
        and (not scope.products or product in scope.products)
        and (not scope.accelerators or accelerator in scope.accelerators)
    )


def covers_capacity(scope: Scope, accelerator: AcceleratorName, *, new_capacity: bool) -> bool:
    """Say whether capacity lies in scope: new or not, and its accelerator."""
    return (new_capacity or not scope.new_capacity_only) and (
        not scope.accelerators or accelerator in scope.accelerators
    )
