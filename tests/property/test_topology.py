"""A gang's seat in a tree of switches, held against an oracle that looks at every subtree and every split."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from multihome.domain.placements import Cut, NodeShare
from multihome.domain.supply import FLAT, SwitchLayer, Topology
from multihome.scheduling.topology.blocks import Blocks, FreeBlocks, blocks_of, counts_for, largest_free_blocks
from multihome.scheduling.topology.placer import Seat, fewest, seat_gang, wanted_level
from multihome.scheduling.topology.tree import Tree, topology_problem, tree_of

NODE_CHIPS = 4
SHARES = (1, 2, 3, 4)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Two layers of any sizes, told switch by switch, or one number for a layer, or nothing."""
    pods = draw(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=3), min_size=1, max_size=3))
    pod_layer = SwitchLayer(name="pod", nodes=tuple(sum(pod) for pod in pods))
    access = SwitchLayer(name="access", nodes=tuple(size for pod in pods for size in pod))
    nodes = sum(access.nodes)
    even = SwitchLayer(name="access", nodes=(draw(st.integers(1, 3)),))
    shapes = [Topology(layers=(pod_layer, access)), Topology(layers=(even,)), FLAT]
    chosen = draw(st.sampled_from(shapes))
    names = [layer.name for layer in chosen.layers]
    told = Topology(layers=chosen.layers, uncut=draw(st.sampled_from(["", *names])))
    # A layer of one number means every switch: with a single pod or switch, that is the same.
    if topology_problem(told, nodes):
        told = FLAT
    return tree_of(told, nodes)


@st.composite
def domains(draw: st.DrawFn) -> Blocks:
    tree = draw(trees())
    nodes = tree.levels[-1].starts[-1]
    free = draw(st.lists(st.sampled_from([0, 1, 2, 4, 4, 4]), min_size=nodes, max_size=nodes))
    return blocks_of(tree, NODE_CHIPS, free)


def subtrees(tree: Tree, level: int) -> list[range]:
    return [range(start, end) for start, end in pairwise(tree.levels[level].starts)]


def room(blocks: Blocks, nodes: range, share: int) -> int:
    return sum(blocks.free[node] // share for node in nodes)


def under(tree: Tree, level: int, shares: tuple[NodeShare, ...]) -> list[range]:
    """The subtrees of a level in which a seat has nodes."""
    used = {share.node for share in shares}
    return [nodes for nodes in subtrees(tree, level) if used & set(nodes)]


def fewest_possible(sizes: list[int], ranks: int) -> int:
    """How many blocks are needed at least, by trying every set of them; 0 where all do not suffice."""
    for count in range(1, len(sizes) + 1):
        if any(sum(some) >= ranks for some in combinations(sizes, count)):
            return count
    return 0


def first_fit_of_old(free: list[int], ranks: int, share: int) -> tuple[NodeShare, ...] | None:
    """How nodes of a flat domain have always been chosen: rank by rank, the fullest node that still fits."""
    left = list(free)
    shares: list[NodeShare] = []
    for _ in range(ranks):
        fitting = [(chips, node) for node, chips in enumerate(left) if chips >= share]
        if not fitting:
            return None
        _, node = min(fitting)
        left[node] -= share
        shares.append(NodeShare(node=node, chips=share))
    return tuple(shares)


def check_seat(blocks: Blocks, ranks: int, share: int, level: int, seat: Seat) -> None:
    tree = blocks.tree
    assert [place.chips for place in seat.nodes] == [share] * ranks
    for node in range(len(blocks.free)):
        assert sum(place.chips for place in seat.nodes if place.node == node) <= blocks.free[node]
    assert seat.level <= level
    lower = [nodes for below in range(seat.level) for nodes in subtrees(tree, below)]
    assert all(room(blocks, nodes, share) < ranks for nodes in lower), "a lower switch would have held it"
    (chosen,) = under(tree, seat.level, seat.nodes)
    fitting = [room(blocks, nodes, share) for nodes in subtrees(tree, seat.level)]
    assert room(blocks, chosen, share) == min(free for free in fitting if free >= ranks), "a fuller one would have"
    if seat.level:
        children = [nodes for nodes in subtrees(tree, seat.level - 1) if nodes[0] in chosen]
        sizes = [room(blocks, nodes, share) for nodes in children]
        assert len(under(tree, seat.level - 1, seat.nodes)) == fewest_possible(sizes, ranks)


def check_cut(blocks: Blocks, ranks: int, level: int, cut: Cut) -> None:
    sizes = [room(blocks, nodes, cut.chips_per_node) for nodes in subtrees(blocks.tree, level)]
    assert cut.largest_free_block_nodes == max(sizes) < ranks == cut.wanted_nodes
    assert cut.layer == blocks.tree.levels[level].name
    assert len(cut.parts) == fewest_possible(sizes, ranks)
    assert all(0 < part.nodes <= sizes[part.switch] for part in cut.parts)
    assert sum(part.nodes for part in cut.parts) == (ranks if sum(sizes) >= ranks else 0)


def check(blocks: Blocks, ranks: int, share: int, level: int) -> None:
    seat = seat_gang(blocks, ranks, share, level)
    if isinstance(seat, Cut):
        check_cut(blocks, ranks, level, seat)
    else:
        check_seat(blocks, ranks, share, level, seat)


@given(domains(), st.integers(1, 30), st.sampled_from(SHARES), st.data())
@settings(max_examples=500)
def test_the_lowest_and_fullest_switch_that_holds_a_gang_gets_it(
    blocks: Blocks, ranks: int, share: int, data: st.DataObject
) -> None:
    check(blocks, ranks, share, data.draw(st.integers(0, blocks.tree.top)))


@given(st.lists(st.sampled_from([0, 1, 2, 4]), min_size=1, max_size=8), st.integers(1, 12), st.sampled_from(SHARES))
def test_a_flat_domain_is_filled_as_ever(free: list[int], ranks: int, share: int) -> None:
    seat = seat_gang(blocks_of(tree_of(FLAT, len(free)), NODE_CHIPS, free), ranks, share, 0)
    assert (seat.nodes if isinstance(seat, Seat) else None) == first_fit_of_old(free, ranks, share)


@given(st.lists(st.integers(0, 6), max_size=7), st.integers(1, 25))
def test_a_split_uses_the_fewest_blocks_and_keeps_the_largest(free: list[int], ranks: int) -> None:
    parts = fewest(free, ranks)
    assert len(parts) == fewest_possible(free, ranks)
    if parts:
        assert sum(part for _, part in parts) == ranks
        assert all(0 < part <= free[number] for number, part in parts)
        used = {number for number, _ in parts}
        sets = [some for some in combinations(range(len(free)), len(parts)) if sum(free[n] for n in some) >= ranks]
        assert min(free[number] for number in used) == min(min(free[n] for n in some) for some in sets)


@given(domains(), st.integers(1, 30), st.sampled_from(SHARES))
def test_the_wanted_level_is_the_lowest_uncut_one_that_could_hold_the_gang(
    blocks: Blocks, ranks: int, share: int
) -> None:
    tree = blocks.tree
    level = wanted_level(tree, NODE_CHIPS, ranks, share)
    per_node = NODE_CHIPS // share
    could = [max(map(len, subtrees(tree, number))) * per_node >= ranks for number in range(tree.uncut, tree.top)]
    assert level == (tree.uncut + could.index(True) if True in could else tree.top)


def test_the_oracle_sees_a_seat_that_is_not_the_fullest() -> None:
    tree = tree_of(Topology(layers=(SwitchLayer(name="access", nodes=(2,)),)), 4)
    blocks = blocks_of(tree, NODE_CHIPS, [4, 4, 0, 4])
    check(blocks, 1, 4, tree.top)
    planted = Seat(0, (NodeShare(node=0, chips=4),))
    with pytest.raises(AssertionError, match="a fuller one would have"):
        check_seat(blocks, 1, 4, tree.top, planted)


class Domain(RuleBasedStateMachine):
    """Gangs come and go in one domain; its counts are those of a domain looked at afresh."""

    seats = Bundle("seats")

    def __init__(self) -> None:
        super().__init__()
        pods = Topology(
            layers=(SwitchLayer(name="pod", nodes=(6, 5)), SwitchLayer(name="access", nodes=(2, 2, 2, 3, 2)))
        )
        self.tree = tree_of(pods, 11)
        self.blocks = blocks_of(self.tree, NODE_CHIPS, [NODE_CHIPS] * 11)
        self.whole = self.all_blocks(self.blocks)
        self.held: list[tuple[NodeShare, ...]] = []

    def all_blocks(self, blocks: Blocks) -> list[tuple[FreeBlocks, ...]]:
        return [largest_free_blocks(blocks, level, share) for level in range(len(self.tree.levels)) for share in SHARES]

    @rule(target=seats, ranks=st.integers(1, 14), share=st.sampled_from(SHARES), level=st.integers(0, 2))
    def seat(self, ranks: int, share: int, level: int) -> tuple[NodeShare, ...]:
        check(self.blocks, ranks, share, level)
        seat = seat_gang(self.blocks, ranks, share, level)
        nodes = seat.nodes if isinstance(seat, Seat) else ()
        for place in nodes:
            self.blocks.take(place.node, place.chips)
        self.held.append(nodes)
        return nodes

    @rule(seat=consumes(seats))
    def leave(self, seat: tuple[NodeShare, ...]) -> None:
        self.held.remove(seat)
        for place in seat:
            self.blocks.release(place.node, place.chips)

    @invariant()
    def counts_are_those_of_a_fresh_look(self) -> None:
        fresh = blocks_of(self.tree, NODE_CHIPS, self.blocks.free)
        assert self.blocks.free_chips == sum(self.blocks.free)
        for share, counts in self.blocks.counts.items():
            assert counts == counts_for(fresh, share)

    @invariant()
    def no_chip_is_held_twice(self) -> None:
        for node, free in enumerate(self.blocks.free):
            assert free == NODE_CHIPS - sum(place.chips for seat in self.held for place in seat if place.node == node)

    @precondition(lambda self: not any(self.held))
    @invariant()
    def an_empty_domain_is_whole_again(self) -> None:
        assert self.all_blocks(self.blocks) == self.whole


TestDomain = Domain.TestCase
TestDomain.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
