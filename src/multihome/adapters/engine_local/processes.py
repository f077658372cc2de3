"""Which process is which: never by its number alone, for numbers are used again.

A process is known by number, start time, boot and the token in its environment. Descendants inherit the token, and are
found by it even when their supervisor is dead; one that wipes its environment and leaves its supervisor escapes.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

TOKEN_VARIABLE = "MULTIHOME_TOKEN"  # noqa: S105 - a name, no secret
_KILL_ROUNDS_MAX = 400
_KILL_PAUSE_S = 0.005
_EMPTY_SCANS = 2
"""A process that is just replacing its program shows no environment for a moment, so one empty scan proves nothing."""
_DEAD_STATES = {"Z", "X"}
_STATE_FIELD = 0
_START_FIELD = 19
"""Fields 3 and 22 of /proc/<pid>/stat, counted from what follows the command's closing parenthesis."""


class Identity(msgspec.Struct, frozen=True):
    """One process of one boot; `start_ticks` are clock ticks since that boot."""

    pid: int
    start_ticks: int
    boot_id: str
    token: str


@lru_cache(maxsize=1)
def boot_id() -> str:
    """The name of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def is_alive(identity: Identity) -> bool:
    """Say whether exactly this process lives; one that has ended and waits to be reaped does not."""
    return (
        identity.boot_id == boot_id()
        and _start_ticks(identity.pid) == identity.start_ticks
        and _carries(identity.pid, {identity.token})
    )


def send(identity: Identity, signal_number: signal.Signals) -> bool:
    """Signal exactly this process; false if it is gone."""
    return _signal_if(identity.pid, signal_number, lambda: is_alive(identity))


def kill_all_of(tokens: Collection[str]) -> bool:
    """Kill every process that carries one of the tokens; false if one is left, stuck in the kernel."""
    wanted = set(tokens)
    empty_scans = 0
    for _ in range(_KILL_ROUNDS_MAX):
        pids = list(_pids_of(wanted))
        empty_scans = 0 if pids else empty_scans + 1
        if empty_scans == _EMPTY_SCANS:
            return True
        for pid in pids:
            _signal_if(pid, signal.SIGKILL, lambda pid=pid: _carries(pid, wanted))
        time.sleep(_KILL_PAUSE_S)  # noqa: TID251 - not our children: no event tells of their death
    return False


def _pids_of(tokens: set[str]) -> Iterator[int]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for each process would cost more than the scan
        if name.isdigit() and _carries(int(name), tokens):
            yield int(name)


def _signal_if(pid: int, signal_number: signal.Signals, is_right: Callable[[], bool]) -> bool:
    # The descriptor is taken before the check, so that a process that takes over the number cannot be hit.
    try:
        descriptor = os.pidfd_open(pid)
    except (ProcessLookupError, ValueError):
        return False
    try:
        if not is_right():
            return False
        signal.pidfd_send_signal(descriptor, signal_number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _start_ticks(pid: int) -> int:
    """When a process started, -1 if it is dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return -1
    fields = stat.rpartition(")")[2].split()
    return -1 if fields[_STATE_FIELD] in _DEAD_STATES else int(fields[_START_FIELD])


def _carries(pid: int, tokens: set[str]) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    prefix = f"{TOKEN_VARIABLE}=".encode()
    return any(
        entry[len(prefix) :].decode(errors="replace") in tokens
        for entry in environment.split(b"\0")
        if entry.startswith(prefix)
    )
