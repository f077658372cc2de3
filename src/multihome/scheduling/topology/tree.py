"""The switches of one domain as ranges of its nodes, layer over layer. Knows what stands where, not what is free."""

from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate, pairwise

import msgspec

from multihome.domain.supply import DOMAIN_LAYER, SwitchLayer, Topology

TREES_MAX = 256
"""Trees kept: one for each shape of a domain, not one for each domain."""
ACCESS = 0
"""The level next to the nodes; levels are counted from there up."""


class Level(msgspec.Struct, frozen=True):
    """The switches of one level, in order of the nodes below them.

    `starts` has the first node of each and, last, the number of nodes; `switch_of` has the switch of each node.
    `parents` has each one's switch a level above, and `children` the first of each one's switches a level below and,
    last, their number; the top has no parents, and the access level's children are its nodes. `largest_nodes` is the
    size of its largest switch.
    """

    name: str
    starts: tuple[int, ...]
    switch_of: tuple[int, ...]
    parents: tuple[int, ...]
    children: tuple[int, ...]
    largest_nodes: int


class Tree(msgspec.Struct, frozen=True):
    """A domain's switches: the access level first, the whole domain last; on `uncut` and above no gang is cut."""

    levels: tuple[Level, ...]
    uncut: int

    @property
    def top(self) -> int:
        """The level of the one switch over all nodes."""
        return len(self.levels) - 1


def topology_problem(topology: Topology, nodes: int) -> str:
    """What keeps a topology from being that of a domain of so many nodes; empty when nothing does."""
    above: tuple[int, ...] = (0, nodes)
    above_name = DOMAIN_LAYER
    for layer in topology.layers:
        if len(layer.nodes) > 1 and sum(layer.nodes) != nodes:
            return f"the switches of layer {layer.name} have {sum(layer.nodes)} nodes, and a domain has {nodes}"
        starts = _starts(layer, nodes)
        known = set(starts)
        torn = next((start for start in above if start not in known), None)
        if torn is not None:
            pair = f"nodes {torn - 1} and {torn}"
            return f"a switch of layer {layer.name} has {pair}, which layer {above_name} keeps apart"
        above, above_name = starts, layer.name
    return ""


@lru_cache(maxsize=TREES_MAX)
def tree_of(topology: Topology, nodes: int) -> Tree:
    """The tree of a domain of so many nodes; the topology must have no problem with that."""
    assert not topology_problem(topology, nodes), "documents are tested before they become facts"
    names: list[str] = [*(layer.name for layer in reversed(topology.layers)), DOMAIN_LAYER]
    starts: list[tuple[int, ...]] = [*(_starts(layer, nodes) for layer in reversed(topology.layers)), (0, nodes)]
    levels = tuple(
        Level(
            name=name,
            starts=own,
            switch_of=_switch_of(own),
            parents=_parents(own, starts[number + 1]) if number + 1 < len(starts) else (),
            children=tuple(bisect_left(starts[number - 1], start) for start in own) if number else own,
            largest_nodes=max((end - start for start, end in pairwise(own)), default=0),
        )
        for number, (name, own) in enumerate(zip(names, starts, strict=True))
    )
    return Tree(levels, names.index(topology.uncut or DOMAIN_LAYER))


def _starts(layer: SwitchLayer, nodes: int) -> tuple[int, ...]:
    """Where the switches of a layer begin, and where the last one ends."""
    if len(layer.nodes) == 1:
        return (*range(0, nodes, layer.nodes[0]), nodes)
    return (0, *accumulate(layer.nodes))


def _switch_of(starts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(switch for switch, (start, end) in enumerate(pairwise(starts)) for _ in range(start, end))


def _parents(starts: tuple[int, ...], above: tuple[int, ...]) -> tuple[int, ...]:
    """The switch above each switch: the last that begins no later."""
    return tuple(bisect_left(above, start + 1) - 1 for start in starts[:-1])
