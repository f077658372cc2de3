"""The generation below which checkpoint writes are refused: a number in the checkpoint's own directory.

A writer takes the same lock, reads the number and refuses to write when it is higher than its own.
"""

from pathlib import Path

from multihome.adapters.engine_local.layout import Layout, locked, write_durably
from multihome.adapters.engine_local.settings import LOCK_MS_MAX
from multihome.domain.ids import Generation
from multihome.ports.clock import Clock


def raise_generation(layout: Layout, clock: Clock, checkpoint_key: str, generation: Generation) -> Generation:
    """Raise the number to `generation` unless it is that high already; returns what it is now. It never goes down.

    Raises:
        TimeoutError: a writer holds the lock for too long.
        OSError: the directory cannot be written.
    """
    directory = layout.checkpoint(checkpoint_key)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "GENERATION"
    with locked(directory / "LOCK", clock, LOCK_MS_MAX):
        known = _read(path)
        if known < generation:
            write_durably(path, str(generation).encode())
        return Generation(max(known, generation))


def _read(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return -1
