"""What is free in one domain, block by block, kept up to date as chips are taken and given back.

A block is what is free under one switch. For every size of a share that was asked for, each switch has a count of how
many such shares fit below it. To take or give back a share changes one count on each level, so that blocks fall apart
and grow together again by themselves.
"""

from collections import Counter

import msgspec

from multihome.scheduling.topology.tree import Tree

Counts = list[list[int]]
"""Shares that fit under each switch, by level and switch."""


class Blocks(msgspec.Struct):
    """The free chips of a domain's nodes, in its tree; a round's own working copy.

    `node_chips` is what a whole node has; `counts` holds a table for each size of share that was asked for.
    """

    tree: Tree
    node_chips: int
    free: list[int]
    free_chips: int
    counts: dict[int, Counts]

    def take(self, node: int, chips: int) -> None:
        """Take chips of a node that are free."""
        assert 0 <= chips <= self.free[node], "a placement took chips that were not free"
        self._change(node, -chips)

    def release(self, node: int, chips: int) -> None:
        """Give chips of a node back."""
        assert 0 <= chips <= self.node_chips - self.free[node], "more came back than a node has"
        self._change(node, chips)

    def _change(self, node: int, chips: int) -> None:
        before = self.free[node]
        after = before + chips
        self.free[node] = after
        self.free_chips += chips
        for share_chips, counts in self.counts.items():
            more = after // share_chips - before // share_chips
            if more:
                for level, of_level in zip(self.tree.levels, counts, strict=True):
                    of_level[level.switch_of[node]] += more


class FreeBlocks(msgspec.Struct, frozen=True):
    """So many switches of a level have exactly so many shares free below them."""

    shares: int
    count: int


def blocks_of(tree: Tree, node_chips: int, free: list[int]) -> Blocks:
    """The blocks of a domain whose nodes have so many chips free each; the list is copied."""
    return Blocks(tree, node_chips, list(free), sum(free), {})


def counts_for(blocks: Blocks, share_chips: int) -> Counts:
    """How many shares of so many chips fit under each switch; the first question of a size looks at all nodes."""
    known = blocks.counts.get(share_chips)
    if known is None:
        known = blocks.counts[share_chips] = _counted(blocks, share_chips)
    return known


def largest_free_blocks(blocks: Blocks, level: int, share_chips: int) -> tuple[FreeBlocks, ...]:
    """The free blocks of a level, largest first, in shares of so many chips; switches with nothing free are left out.

    With `share_chips` of a whole node, shares are nodes. At most Σ count × (shares // n) gangs of n shares have room
    without a cut on this level: a row for whoever decides how many such gangs a domain gets.
    """
    sizes = Counter(count for count in counts_for(blocks, share_chips)[level] if count)
    return tuple(FreeBlocks(shares, count) for shares, count in sorted(sizes.items(), reverse=True))


def _counted(blocks: Blocks, share_chips: int) -> Counts:
    levels = blocks.tree.levels
    counts = [[0] * (len(level.starts) - 1) for level in levels]
    for chips, switch in zip(blocks.free, levels[0].switch_of, strict=True):
        counts[0][switch] += chips // share_chips
    for number, level in enumerate(levels[:-1]):
        for count, parent in zip(counts[number], level.parents, strict=True):
            counts[number + 1][parent] += count
    return counts
