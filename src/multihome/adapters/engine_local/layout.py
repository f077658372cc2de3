"""Where everything of a provider lies on disk, how it is locked, and how a file is written that no crash tears."""

import errno
import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec

from multihome.domain.ids import ProviderId, RunId
from multihome.ports.clock import Clock

_LOCK_POLL_S = 0.002


class Layout(msgspec.Struct, frozen=True):
    """The paths of one provider's engine under the state directory `root`."""

    root: Path
    provider_id: ProviderId

    @property
    def home(self) -> Path:
        """All of this provider."""
        return self.root / "engines" / component(self.provider_id)

    @property
    def lock(self) -> Path:
        """Held while a run is claimed, or stopped."""
        return self.home / "LOCK"

    @property
    def silent(self) -> Path:
        """While this exists the provider does not answer."""
        return self.home / "SILENT"

    @property
    def runs(self) -> Path:
        """Runs that are reported."""
        return self.home / "runs"

    @property
    def ended(self) -> Path:
        """Runs that are forgotten; their logs are here."""
        return self.home / "ended"

    @property
    def staging(self) -> Path:
        """Run directories in the making."""
        return self.home / "staging"

    @property
    def tombstones(self) -> Path:
        """Runs that were stopped before they were launched."""
        return self.home / "tombstones"

    def run(self, run_id: RunId) -> Path:
        """A run that is reported."""
        return self.runs / component(run_id)

    def ended_run(self, run_id: RunId) -> Path:
        """A run that is forgotten."""
        return self.ended / component(run_id)

    def tombstone(self, run_id: RunId) -> Path:
        """Says that a run must not start."""
        return self.tombstones / component(run_id)

    def checkpoint(self, checkpoint_key: str) -> Path:
        """A checkpoint, shared by all providers: it stands for a replicated object store."""
        return self.root / "checkpoints" / component(checkpoint_key)

    def secret(self, name: str) -> Path:
        """A secret's value; `name` has been checked."""
        return self.root / "secrets" / name

    def create(self) -> None:
        """Make the directories, readable by their owner only."""
        for path in (self.runs, self.ended, self.staging, self.tombstones):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_directory(self.home)


def component(name: str) -> str:
    """One path component for any name, another for every other name; no name leaves its directory."""
    quoted = quote(name, safe="")
    if not quoted:
        return "%"
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted


def write_durably(path: Path, body: bytes) -> None:
    """Replace a file, durably on return; a crash leaves the old or the new one. The caller holds a lock."""
    part = path.with_name(f".{path.name}.part")
    with os.fdopen(_create(part, os.O_TRUNC), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _sync_directory(path.parent)


def write_private(path: Path, body: bytes) -> None:
    """Write a new file that its owner only can read."""
    with os.fdopen(_create(path, os.O_EXCL), "wb") as file:
        file.write(body)


@contextmanager
def locked(path: Path, clock: Clock, wait_ms: int) -> Generator[None]:
    """Hold the lock on a file, which its holder's death frees.

    Raises:
        TimeoutError: another holds it for longer than `wait_ms`.
    """
    descriptor = _open_lock(path)
    try:
        deadline_ms = clock.monotonic_ms() + wait_ms
        while not _try_lock(descriptor):
            if clock.monotonic_ms() >= deadline_ms:
                raise TimeoutError(errno.ETIMEDOUT, "another holds the lock", str(path))
            time.sleep(_LOCK_POLL_S)  # noqa: TID251 - no event tells that a lock has become free
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_if_free(path: Path) -> Generator[bool]:
    """Hold the lock on a file if nobody else does, and say whether that is so."""
    descriptor = _open_lock(path)
    try:
        yield _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _create(path: Path, how: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
