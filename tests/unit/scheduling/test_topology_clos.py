"""A stream of gangs through a real Clos of 847 hosts (Lingjun, 2023): what is kept whole, against simpler rules."""

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path

import msgspec
import pytest

from multihome.domain.supply import SwitchLayer, Topology
from multihome.scheduling.topology.blocks import Blocks, blocks_of, counts_for, largest_free_blocks
from multihome.scheduling.topology.placer import Seat, seat_gang, wanted_level
from multihome.scheduling.topology.tree import ACCESS, tree_of

HOST_CHIPS = 8
POD = 1
GANGS = 3_000
BUSY = 0.85
"""The share of the hosts that the stream keeps in use, as far as gangs fit at all."""
SIZES = (1, 1, 1, 2, 2, 4, 4, 8, 8, 16, 32)

Rule = Callable[[Blocks, int, random.Random], tuple[int, ...] | None]


class Told(msgspec.Struct, frozen=True):
    placed: int
    uncut: int
    whole_access: float
    """Access switches that were wholly free when a gang came, on average."""
    largest_block: float
    """Hosts free under the pod switch that had most of them, on average."""


def read_clos(path: Path) -> tuple[Topology, int]:
    """The topology of the hosts: an access switch is told by its name and its pod's, since pods repeat names."""
    with path.open() as lines:
        rows = list(csv.DictReader(lines))
    pods: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        pods[row["DSW"], row["PSW"]][row["ASW"]] += 1
    cores: Counter[str] = Counter()
    for (core, _), hosts in sorted(pods.items()):
        cores[core] += hosts.total()
    ordered = [hosts for _, hosts in sorted(pods.items())]
    layers = (
        SwitchLayer(name="DSW", nodes=tuple(cores.values())),
        SwitchLayer(name="PSW", nodes=tuple(hosts.total() for hosts in ordered)),
        SwitchLayer(name="ASW", nodes=tuple(count for hosts in ordered for _, count in sorted(hosts.items()))),
    )
    return Topology(layers=layers, uncut="ASW"), len(rows)


@pytest.fixture
def clos(data_dir: Path) -> tuple[Topology, int]:
    return read_clos(data_dir / "lingjun_2023" / "topo.csv")


def in_tree(blocks: Blocks, hosts: int, _: random.Random) -> tuple[int, ...] | None:
    seat = seat_gang(blocks, hosts, HOST_CHIPS, blocks.tree.top)
    return tuple(share.node for share in seat.nodes) if isinstance(seat, Seat) else None


def first_fit(blocks: Blocks, hosts: int, _: random.Random) -> tuple[int, ...] | None:
    found = tuple(islice((node for node, free in enumerate(blocks.free) if free), hosts))
    return found if len(found) == hosts else None


def first_switch(blocks: Blocks, hosts: int, dice: random.Random) -> tuple[int, ...] | None:
    """The first switch of the lowest layer that holds the gang, whatever is left in it, and its first hosts."""
    for level, counts in zip(blocks.tree.levels, counts_for(blocks, HOST_CHIPS), strict=True):
        for (start, end), count in zip(pairwise(level.starts), counts, strict=True):
            if count >= hosts:
                return tuple(islice((node for node in range(start, end) if blocks.free[node]), hosts))
    return first_fit(blocks, hosts, dice)


def at_random(blocks: Blocks, hosts: int, dice: random.Random) -> tuple[int, ...] | None:
    free = [node for node, chips in enumerate(blocks.free) if chips]
    return tuple(dice.sample(free, hosts)) if len(free) >= hosts else None


def stream(topology: Topology, hosts: int, choose: Rule) -> Told:
    """The same gangs for every rule: one comes; while too much is busy, one that the dice name leaves before."""
    tree = tree_of(topology, hosts)
    blocks = blocks_of(tree, HOST_CHIPS, [HOST_CHIPS] * hosts)
    dice, rule_dice = random.Random(2023), random.Random(7)
    running: list[tuple[int, ...]] = []
    placed = uncut = whole = largest = 0
    for _ in range(GANGS):
        size = dice.choice(SIZES)
        leaves = dice.random()
        while running and blocks.free_chips < (1 - BUSY) * hosts * HOST_CHIPS + size * HOST_CHIPS:
            for node in running.pop(int(leaves * len(running))):
                blocks.release(node, HOST_CHIPS)
        whole += whole_access(blocks)
        largest += largest_free_blocks(blocks, POD, HOST_CHIPS)[0].shares
        nodes = choose(blocks, size, rule_dice)
        if nodes is None:
            continue
        level = wanted_level(tree, HOST_CHIPS, size, HOST_CHIPS)
        placed += 1
        uncut += len({tree.levels[level].switch_of[node] for node in nodes}) == 1
        for node in nodes:
            blocks.take(node, HOST_CHIPS)
        running.append(nodes)
    return Told(placed, uncut, whole / GANGS, largest / GANGS)


def whole_access(blocks: Blocks) -> int:
    starts = blocks.tree.levels[ACCESS].starts
    sizes = [end - start for start, end in pairwise(starts)]
    return sum(count == size for count, size in zip(counts_for(blocks, HOST_CHIPS)[ACCESS], sizes, strict=True))


def test_the_file_is_a_clos_of_847_hosts(clos: tuple[Topology, int]) -> None:
    topology, hosts = clos
    tree = tree_of(topology, hosts)
    assert hosts == 847
    assert [(level.name, len(level.starts) - 1) for level in tree.levels] == [
        ("ASW", 119),
        ("PSW", 3),
        ("DSW", 1),
        ("domain", 1),
    ]
    blocks = blocks_of(tree, HOST_CHIPS, [HOST_CHIPS] * hosts)
    assert largest_free_blocks(blocks, ACCESS, HOST_CHIPS)[0].shares == 8


def test_a_stream_of_gangs_is_cut_less_than_by_simpler_rules(clos: tuple[Topology, int]) -> None:
    tree, switch, first, dice = (stream(*clos, rule) for rule in (in_tree, first_switch, first_fit, at_random))
    rows = {"in the tree": tree, "first switch": switch, "first fit": first, "at random": dice}
    print(*(f"{name}: {told}" for name, told in rows.items()), sep="\n")  # noqa: T201 -- `pytest -s` shows the figures
    assert {told.placed for told in rows.values()} == {GANGS}
    assert tree.uncut == GANGS
    assert tree.uncut > switch.uncut > first.uncut > dice.uncut
    # First fit keeps a larger block still, since it fills gaps with gangs that it cuts: more than half of them.
    assert tree.largest_block > switch.largest_block > dice.largest_block
    assert tree.whole_access > dice.whole_access


def test_a_gang_that_waits_for_an_access_switch_is_told_the_largest_block(clos: tuple[Topology, int]) -> None:
    topology, hosts = clos
    tree = tree_of(topology, hosts)
    blocks = blocks_of(tree, HOST_CHIPS, [HOST_CHIPS] * hosts)
    for start, end in pairwise(tree.levels[ACCESS].starts):
        for node in range(start, max(start, end - 3)):
            blocks.take(node, HOST_CHIPS)
    level = wanted_level(tree, HOST_CHIPS, 8, HOST_CHIPS)
    cut = seat_gang(blocks, 8, HOST_CHIPS, level)
    assert not isinstance(cut, Seat)
    assert (cut.layer, cut.wanted_nodes, cut.largest_free_block_nodes, len(cut.parts)) == ("ASW", 8, 3, 3)
    assert isinstance(seat_gang(blocks, 8, HOST_CHIPS, level + 1), Seat)
