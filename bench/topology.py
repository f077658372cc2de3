"""How fast gangs find their seats in a Clos: counts kept up to date, against a scan of all hosts for every gang."""

import hashlib
import time
from collections.abc import Callable
from itertools import pairwise

from bench.registry import Measurement, Size, at_least, figure
from multihome.domain.supply import SwitchLayer, Topology
from multihome.scheduling.topology.blocks import Blocks, blocks_of
from multihome.scheduling.topology.placer import Seat, seat_gang
from multihome.scheduling.topology.tree import Tree, tree_of

HOST_CHIPS = 8
HOSTS = 1_024
POD_HOSTS = 256
ACCESS_HOSTS = 8
PODS_AND_ACCESS = Topology(
    layers=(SwitchLayer(name="pod", nodes=(POD_HOSTS,)), SwitchLayer(name="access", nodes=(ACCESS_HOSTS,)))
)
GANGS = {Size.SMOKE: 100, Size.FULL: 10_000}
SCANNED = {Size.SMOKE: 100, Size.FULL: 1_000}
"""How many of the gangs, from the first on, the scan places too: it is slow."""
RUNNING = 180
"""Gangs that run at once: about nine hosts in ten are then in use."""
SIZES = (1, 2, 4, 8, 16, 1, 2, 4, 8, 3)

Choose = Callable[[Blocks, int], tuple[int, ...]]


@figure(
    name="topology_places_per_s",
    unit="gangs/s",
    goal=at_least(5_000),
    against="the same seats from a scan of all hosts for every gang, in the same run",
)
def topology_places_per_s(size: Size) -> Measurement:
    """Let gangs come and go by both roads, which must choose the same hosts."""
    count = GANGS[size]
    seats, elapsed_s = _stream(count, _by_counts)
    scanned, naive_s = _stream(SCANNED[size], _by_scan)
    assert seats[: len(scanned)] == scanned, "both roads must come to the same seats"
    told = hashlib.sha256(repr(seats).encode()).hexdigest()
    ratio = naive_s / len(scanned) / (elapsed_s / count)
    text = f"{count:,} gangs on {HOSTS:,} hosts, {ratio:,.1f} x a scan"
    return Measurement(count / elapsed_s, text, told)


def _stream(count: int, choose: Choose) -> tuple[list[tuple[int, ...]], float]:
    """Seats of gangs without dice: multiples of primes name sizes, and who leaves."""
    blocks = blocks_of(tree_of(PODS_AND_ACCESS, HOSTS), HOST_CHIPS, [HOST_CHIPS] * HOSTS)
    running: list[tuple[int, ...]] = []
    seats: list[tuple[int, ...]] = []
    started = time.perf_counter()
    for number in range(count):
        if len(running) >= RUNNING:
            for node in running.pop(number * 7_919 % len(running)):
                blocks.release(node, HOST_CHIPS)
        nodes = choose(blocks, SIZES[number * 104_729 % len(SIZES)])
        for node in nodes:
            blocks.take(node, HOST_CHIPS)
        running.append(nodes)
        seats.append(nodes)
    return seats, time.perf_counter() - started


def _by_counts(blocks: Blocks, hosts: int) -> tuple[int, ...]:
    seat = seat_gang(blocks, hosts, HOST_CHIPS, blocks.tree.top)
    return tuple(share.node for share in seat.nodes) if isinstance(seat, Seat) else ()


def _by_scan(blocks: Blocks, hosts: int) -> tuple[int, ...]:
    """The naive road: every switch adds up its hosts again for each gang."""
    return _scan(blocks.tree, blocks.free, range(HOSTS), blocks.tree.top, hosts)


def _scan(tree: Tree, free: list[int], within: range, highest: int, hosts: int) -> tuple[int, ...]:
    def room(nodes: range) -> int:
        return sum(free[node] == HOST_CHIPS for node in nodes)

    def rank(level: int, nodes: range) -> tuple[int, ...]:
        above = (switch for higher in range(level + 1, tree.top + 1) for switch in _ranges(tree, higher, nodes))
        return room(nodes), *(room(switch) for switch in above), nodes[0]

    for level in range(highest + 1):
        fitting = [nodes for nodes in _ranges(tree, level, within) if room(nodes) >= hosts]
        if fitting:
            chosen = min(fitting, key=lambda nodes: rank(level, nodes))
            if level == 0:
                return tuple([node for node in chosen if free[node] == HOST_CHIPS][:hosts])
            return _scan_split(tree, free, chosen, level - 1, hosts)
    return ()


def _scan_split(tree: Tree, free: list[int], within: range, level: int, hosts: int) -> tuple[int, ...]:
    """The fewest children, each the smallest with which the others still suffice, found by trying them in order."""
    left = [
        (sum(free[node] == HOST_CHIPS for node in nodes), nodes[0], nodes) for nodes in _ranges(tree, level, within)
    ]
    left.sort(key=lambda block: block[:2])
    sizes = sorted((size for size, _, _ in left), reverse=True)
    parts: list[tuple[int, range, int]] = []
    for others in range(next(k for k in range(len(sizes) + 1) if sum(sizes[:k]) >= hosts) - 1, -1, -1):
        block = next(block for block in left if block[0] >= hosts - sum(sizes[:others]))
        left.remove(block)
        part = min(block[0], hosts)
        parts.append((block[1], block[2], part))
        hosts -= part
    parts.sort(key=lambda part: part[0])
    return tuple(node for _, nodes, part in parts for node in _scan(tree, free, nodes, level, part))


def _ranges(tree: Tree, level: int, within: range) -> list[range]:
    """The switches of a level that share hosts with a range: those in it, or the one around it."""
    starts = tree.levels[level].starts
    return [range(start, end) for start, end in pairwise(starts) if start < within.stop and within.start < end]
