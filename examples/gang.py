"""A gang that adds up vectors over TCP: every rank sends to rank 0, which answers all of them with the sum.

Each rank uses its own address only. A peer that closes its connection, or stays silent for too long, ends the gang for
everyone: a gang with a hole in it must stop, not wait. Knows no model and no file.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from launch import StopAskedError
from numpy.typing import NDArray

if TYPE_CHECKING:
    from launch import Launch, StopSignal

JOIN_SECONDS_MAX = 30.0
"""Ranks of one gang are launched together; on a crowded machine the last may still be seconds late."""
HELLO_SECONDS_MAX = 5.0
POLL_SECONDS = 0.05
HELLO_BYTES_MAX = 64 * 1024
FRAME_BYTES_MAX = 256 * 1024 * 1024

_LENGTH = struct.Struct("!Q")


class PeerLostError(Exception):
    """A peer died, fell silent, or never came."""


class MismatchError(Exception):
    """A peer was started with other settings; adding up its vectors would be meaningless."""


class Gang:
    """The connected ranks. On rank 0 `links` holds one connection per peer, by rank; elsewhere the one to rank 0."""

    def __init__(self, rank: int, links: list[socket.socket], silence_seconds_max: float) -> None:
        """Take over connected sockets; a peer may be silent for so long before it counts as lost."""
        self._rank = rank
        self._links = links
        for link in links:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.settimeout(silence_seconds_max)

    def all_reduce(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """The element-wise sum over all ranks, the same bits on each; also a barrier.

        Raises:
            PeerLostError: the gang is broken.
        """
        if self._rank != 0:
            _send(self._links[0], vector.tobytes())
            return np.frombuffer(_receive(self._links[0]), dtype=np.float64)
        total = vector.copy()
        for link in self._links:
            total += np.frombuffer(_receive(link), dtype=np.float64)
        self.broadcast(total.tobytes())
        return total

    def broadcast(self, payload: bytes) -> bytes:
        """Rank 0's payload, on every rank; what the others pass is ignored.

        Raises:
            PeerLostError: the gang is broken.
        """
        if self._rank != 0:
            return bytes(_receive(self._links[0]))
        for link in self._links:
            _send(link, payload)
        return payload

    def barrier(self) -> None:
        """Return once every rank has come here.

        Raises:
            PeerLostError: the gang is broken.
        """
        self.all_reduce(np.zeros(0))

    def close(self) -> None:
        """Let go of the peers; those that still wait see that this rank is gone."""
        for link in self._links:
            link.close()


def join(launch: Launch, settings: dict[str, Any], stop: StopSignal, silence_seconds_max: float) -> Gang:
    """Meet the other ranks of this launch at rank 0's address, and make sure that all have the same settings.

    Raises:
        PeerLostError: not all came in time.
        MismatchError: a peer has other settings.
        StopAskedError: a stop was asked meanwhile.
    """
    hello = {**settings, "ranks": launch.ranks, "generation": launch.generation}
    deadline = time.monotonic() + JOIN_SECONDS_MAX
    if launch.ranks == 1:
        links: list[socket.socket] = []
    elif launch.rank == 0:
        links = _accept_all(launch, hello, stop, deadline)
    else:
        links = [_connect(launch, hello, stop, deadline)]
    return Gang(launch.rank, links, silence_seconds_max)


def _accept_all(launch: Launch, hello: dict[str, Any], stop: StopSignal, deadline: float) -> list[socket.socket]:
    links: dict[int, socket.socket] = {}
    with socket.create_server((launch.addresses[0], launch.port), backlog=launch.ranks) as listener:
        listener.settimeout(POLL_SECONDS)
        while len(links) < launch.ranks - 1:
            _check_patience(stop, deadline, f"{launch.ranks - 1 - len(links)} of {launch.ranks} ranks")
            try:
                link, _ = listener.accept()
            except TimeoutError:
                continue
            rank = _welcome(link, hello)
            if rank is None or not 0 < rank < launch.ranks or rank in links:
                # Not one of ours, or not a second time: whoever it is must not disturb the gang.
                link.close()
                continue
            links[rank] = link
    return [links[rank] for rank in sorted(links)]


def _welcome(link: socket.socket, hello: dict[str, Any]) -> int | None:
    """The rank that a new connection says it is; None when it does not speak like a peer."""
    link.settimeout(HELLO_SECONDS_MAX)
    try:
        greeting = json.loads(bytes(_receive(link, HELLO_BYTES_MAX)))
        rank, settings = int(greeting["rank"]), greeting["settings"]
    except (PeerLostError, ValueError, KeyError, TypeError):
        return None
    if settings != hello:
        msg = f"rank {rank} was started with {settings}, rank 0 with {hello}"
        raise MismatchError(msg)
    return rank


def _connect(launch: Launch, hello: dict[str, Any], stop: StopSignal, deadline: float) -> socket.socket:
    target, source = (launch.addresses[0], launch.port), (launch.addresses[launch.rank], 0)
    while True:
        try:
            link = socket.create_connection(target, HELLO_SECONDS_MAX, source)
            break
        except OSError:
            stop.wait(POLL_SECONDS)
            _check_patience(stop, deadline, "rank 0")
    _send(link, json.dumps({"rank": launch.rank, "settings": hello}).encode())
    return link


def _check_patience(stop: StopSignal, deadline: float, missing: str) -> None:
    if stop.asked():
        msg = f"asked to stop while waiting for {missing}"
        raise StopAskedError(msg)
    if time.monotonic() > deadline:
        msg = f"{missing} did not come within {JOIN_SECONDS_MAX:g} s"
        raise PeerLostError(msg)


def _send(link: socket.socket, payload: bytes) -> None:
    try:
        link.sendall(_LENGTH.pack(len(payload)) + payload)
    except OSError as error:
        msg = f"a peer is gone: {error}"
        raise PeerLostError(msg) from error


def _receive(link: socket.socket, bytes_max: int = FRAME_BYTES_MAX) -> bytearray:
    (length,) = _LENGTH.unpack(_receive_exactly(link, _LENGTH.size))
    if length > bytes_max:
        msg = f"a peer announced {length} bytes, more than {bytes_max}"
        raise PeerLostError(msg)
    return _receive_exactly(link, length)


def _receive_exactly(link: socket.socket, length: int) -> bytearray:
    received = bytearray(length)
    rest = memoryview(received)
    while rest:
        try:
            count = link.recv_into(rest)
        except OSError as error:
            msg = f"a peer is gone or silent: {error}"
            raise PeerLostError(msg) from error
        if count == 0:
            msg = "a peer closed its connection"
            raise PeerLostError(msg)
        rest = rest[count:]
    return received
