"""Where in a domain a whole gang sits: under the lowest switch that holds it, the fullest of those, or a cut as data.

The rules of a buddy allocator in a tree whose switches may have any number of children: what is small goes where little
is left, so that large blocks stay whole. A gang that no single child of its switch holds takes the fewest children, of
those the smallest that suffice, and its last part is placed by the same rules. One placement looks at each switch about
once, and at the nodes of the access switches that it takes.
"""

from bisect import bisect_left
from itertools import accumulate

import msgspec

from multihome.domain.placements import BlockPart, Cut, NodeShare
from multihome.scheduling.topology.blocks import Blocks, Counts, counts_for
from multihome.scheduling.topology.tree import ACCESS, Tree


class Seat(msgspec.Struct, frozen=True):
    """Nodes for every rank of a gang, and the level of the lowest switch over all of them."""

    level: int
    nodes: tuple[NodeShare, ...]


class _Switch(msgspec.Struct, frozen=True):
    level: int
    number: int


def wanted_level(tree: Tree, node_chips: int, ranks: int, share_chips: int) -> int:
    """The level on which a gang is not cut: the lowest, from `uncut` up, of which an empty switch could hold it."""
    per_node = node_chips // share_chips
    for level in range(tree.uncut, tree.top):
        if tree.levels[level].largest_nodes * per_node >= ranks:
            return level
    return tree.top


def seat_gang(blocks: Blocks, ranks: int, share_chips: int, level: int) -> Seat | Cut:
    """A seat under one switch of `level` for a gang of `ranks` shares of so many chips, or what it would be cut into.

    Nothing is taken. Among the switches of the lowest level that has one with room, the one with the fewest shares free
    is chosen; between equals, the one under the fuller switch, then the first.
    """
    counts = counts_for(blocks, share_chips)
    top = _Switch(blocks.tree.top, 0)
    found = _lowest(blocks.tree, counts, top, level, ranks)
    if found is None:
        return _cut(blocks.tree, counts, level, ranks, share_chips)
    nodes: list[NodeShare] = []
    _fill(blocks, counts, found, ranks, share_chips, nodes)
    return Seat(found.level, tuple(nodes))


def _lowest(tree: Tree, counts: Counts, within: _Switch, highest: int, ranks: int) -> _Switch | None:
    """The fullest switch with room for so many ranks, on the lowest level below `within` that has one."""
    start, end = _nodes_under(tree, within)
    if counts[within.level][within.number] < ranks:
        return None
    for level in range(highest + 1):
        switch_of = tree.levels[level].switch_of
        first, last = switch_of[start], switch_of[end - 1]
        of_level = counts[level]
        least = min((count for count in of_level[first : last + 1] if count >= ranks), default=None)
        if least is not None:
            equal = [number for number in range(first, last + 1) if of_level[number] == least]
            return _Switch(level, min(equal, key=lambda number: (_above(tree, counts, level, number), number)))
    return None


def _above(tree: Tree, counts: Counts, level: int, number: int) -> tuple[int, ...]:
    """Shares free under each switch above one, from its parent up."""
    free: list[int] = []
    for above in range(level, tree.top):
        number = tree.levels[above].parents[number]
        free.append(counts[above + 1][number])
    return tuple(free)


def _nodes_under(tree: Tree, switch: _Switch) -> tuple[int, int]:
    starts = tree.levels[switch.level].starts
    return starts[switch.number], starts[switch.number + 1]


def _fill(
    blocks: Blocks, counts: Counts, switch: _Switch, ranks: int, share_chips: int, nodes: list[NodeShare]
) -> None:
    """Put ranks under a switch that has room for them, and none of whose children has."""
    if switch.level == ACCESS:
        nodes.extend(_shares(blocks, switch, ranks, share_chips))
        return
    children = blocks.tree.levels[switch.level].children
    first, end = children[switch.number], children[switch.number + 1]
    below = switch.level - 1
    for child, part in fewest(counts[below][first:end], ranks):
        found = _lowest(blocks.tree, counts, _Switch(below, first + child), below, part)
        assert found is not None, "a child was chosen because it has room"
        _fill(blocks, counts, found, part, share_chips, nodes)


def _shares(blocks: Blocks, switch: _Switch, ranks: int, share_chips: int) -> list[NodeShare]:
    """Nodes of an access switch, the fullest that still fits first, each filled up before the next."""
    start, end = _nodes_under(blocks.tree, switch)
    fitting = sorted((blocks.free[node], node) for node in range(start, end) if blocks.free[node] >= share_chips)
    shares: list[NodeShare] = []
    for free, node in fitting:
        here = min(free // share_chips, ranks - len(shares))
        shares.extend([NodeShare(node=node, chips=share_chips)] * here)
        if len(shares) == ranks:
            break
    assert len(shares) == ranks, "a switch was chosen because it has room"
    return shares


def fewest(free: list[int], ranks: int) -> list[tuple[int, int]]:
    """Split ranks over the fewest of these blocks: places in `free`, in their order, each with its part.

    Of the splits into so many, the smallest block is used first that leaves enough in the largest of the others, so
    that the largest stay whole where they can. Nothing when all of them together do not suffice.
    """
    left = sorted((count, number) for number, count in enumerate(free) if count)
    largest = [0, *accumulate(count for count, _ in reversed(left))]
    blocks = next((number for number, together in enumerate(largest) if together >= ranks), 0)
    parts: list[tuple[int, int]] = []
    for others in range(blocks - 1, -1, -1):
        count, number = left.pop(bisect_left(left, (ranks - largest[others], -1)))
        part = min(count, ranks)
        parts.append((number, part))
        ranks -= part
    return sorted(parts)


def _cut(tree: Tree, counts: Counts, level: int, ranks: int, share_chips: int) -> Cut:
    free = counts[level]
    return Cut(
        layer=tree.levels[level].name,
        wanted_nodes=ranks,
        chips_per_node=share_chips,
        largest_free_block_nodes=max(free, default=0),
        parts=tuple(BlockPart(switch=number, nodes=part) for number, part in fewest(free, ranks)),
    )
