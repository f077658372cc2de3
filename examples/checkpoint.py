"""Checkpoints that survive a crash at any moment, and that a superseded writer cannot touch.

A checkpoint is one file, `step-0000000120.npz`, that ends in the SHA-256 of all before it. It appears under its name
only once the disk has all of it. Under the lock of the directory, a writer first compares its generation with the one
in the file GENERATION: whoever starts a newer attempt raises that number, and every older writer is fenced from then.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

Arrays = dict[str, NDArray[Any]]

KEPT = 2
"""The newest and the one before it, in case a disk damages the newest."""
CHECKPOINT_BYTES_MAX = 256 * 1024 * 1024
LOCK_SECONDS_MAX = 10.0
"""A lock is held for one write; a holder that is frozen must not freeze its successor for ever."""
LOCK_POLL_SECONDS = 0.02

_NAME = re.compile(r"step-(\d{10})\.npz")
_DIGEST_BYTES = 32


class FencedError(Exception):
    """A newer attempt owns the checkpoint; nothing was written."""


class DamagedError(Exception):
    """The bytes are no checkpoint, or not all of one."""


@dataclass(frozen=True)
class Checkpoint:
    """The named arrays as they stood after `step`."""

    step: int
    arrays: Arrays


def save(directory: Path, checkpoint: Checkpoint, generation: int) -> None:
    """Make a checkpoint durable and drop all but the newest ones.

    Raises:
        FencedError: the directory belongs to a higher generation.
        OSError: the disk refused, or the lock stayed taken; older checkpoints are as they were.
    """
    payload = encode(checkpoint)
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        owner = _generation(directory)
        if owner > generation:
            msg = f"generation {generation} may not write: {directory} belongs to generation {owner}"
            raise FencedError(msg)
        _write_durably(directory, directory / f"step-{checkpoint.step:010d}.npz", payload)
        _drop_superseded(directory, checkpoint.step)


def load_latest(directory: Path, newer_than: int = -1) -> Checkpoint | None:
    """The highest step above `newer_than` whose file is whole, or None; damaged files are skipped."""
    steps = sorted((step for step in _saved(directory) if step > newer_than), reverse=True)
    for step in steps:
        try:
            path = directory / f"step-{step:010d}.npz"
            if path.stat().st_size > CHECKPOINT_BYTES_MAX:
                continue
            checkpoint = decode(path.read_bytes())
        except (DamagedError, FileNotFoundError):
            # A writer may drop a file between the listing and the reading: then a newer one is there next time.
            continue
        if checkpoint.step == step:
            return checkpoint
    return None


def encode(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as the bytes of an .npz file, followed by their SHA-256."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, step=np.array(checkpoint.step, dtype=np.int64), **checkpoint.arrays)
    return buffer.getvalue() + hashlib.sha256(buffer.getbuffer()).digest()


def decode(payload: bytes) -> Checkpoint:
    """The checkpoint in these bytes.

    Raises:
        DamagedError: they are cut short, altered, or something else.
    """
    content, digest = payload[:-_DIGEST_BYTES], payload[-_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        msg = "the checksum does not match"
        raise DamagedError(msg)
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays: Arrays = {name: stored[name] for name in stored.files}
    return Checkpoint(int(arrays.pop("step")), arrays)


def _saved(directory: Path) -> list[int]:
    if not directory.is_dir():
        return []
    return [int(match[1]) for path in directory.iterdir() if (match := _NAME.fullmatch(path.name))]


def _generation(directory: Path) -> int:
    try:
        return int((directory / "GENERATION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0


@contextmanager
def _locked(directory: Path) -> Generator[None, None, None]:
    deadline = time.monotonic() + LOCK_SECONDS_MAX
    with (directory / "LOCK").open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOCK_POLL_SECONDS)
        yield


def _write_durably(directory: Path, path: Path, payload: bytes) -> None:
    for leftover in directory.glob(".step-*.tmp"):
        leftover.unlink()
    temporary = directory / f".{path.name}.tmp"
    with temporary.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    # The new name is a change of the directory: without this a power cut could take it back.
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _drop_superseded(directory: Path, newest: int) -> None:
    """Keep the newest files up to the step just saved; one above it is damaged, or this run would have begun there."""
    steps = _saved(directory)
    kept = sorted(step for step in steps if step <= newest)[-KEPT:]
    for step in set(steps).difference(kept):
        (directory / f"step-{step:010d}.npz").unlink(missing_ok=True)
