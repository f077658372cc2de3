"""The sizes at which a gang may run: one for most, a few for elastic training.

A replica of a service is a gang of its own and has one size.
"""

from multihome.domain.workloads import WorkloadKind, WorkloadSpec

SIZES_MAX = 6
"""Sizes of one gang that options are made of: each is a row for every lot."""


def node_counts(spec: WorkloadSpec, nodes_now: int) -> tuple[int, ...]:
    """Node counts to make options of, the full size first.

    The full size, the size it has now (0 where it does not run), the smallest, those whose scaling was measured, then
    halves of the full size: as many as SIZES_MAX of these, in this order.
    """
    most, least = spec.num_nodes, least_nodes(spec)
    wanted = [most, nodes_now, least, *sorted((point.nodes for point in spec.scaling), reverse=True)]
    half = most // 2
    while half > least:
        wanted.append(half)
        half //= 2
    allowed = [count for count in dict.fromkeys(wanted) if least <= count <= most]
    return tuple(sorted(allowed[:SIZES_MAX], reverse=True))


def least_nodes(spec: WorkloadSpec) -> int:
    """The fewest nodes that the gang runs on."""
    is_elastic = spec.kind is WorkloadKind.TRAINING and spec.nodes_min
    return min(spec.nodes_min, spec.num_nodes) if is_elastic else spec.num_nodes
