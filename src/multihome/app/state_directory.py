"""The state directory: one control plane at a time, readable by its owner only, and of a format that is understood."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from multihome.app.version import VERSION
from multihome.cli.launchers import LaunchError
from multihome.client.directory import SERVER_FILE, TOKEN_FILE, ServerInfo
from multihome.ports.clock import IdMint

FORMAT = 1
"""Raised when an older program could not read what this one writes."""
LOCK_FILE = "lock"
FORMAT_FILE = "format.json"
RESTORED_FILE = "restored"
"""There from a restore on, until every provider has been heard: what runs at them the backup may not know."""
PROBE_FILE = "probe"
PROBE_BYTES = 256 * 1024
"""What the disk must take for a start: more than an empty journal and its log need."""
_TOKEN_MINTS = 5


class Format(msgspec.Struct, frozen=True):
    """Who wrote a state directory, and in which format."""

    format: int
    written_by: str


@contextmanager
def claimed(state: Path) -> Generator[None]:
    """Hold a state directory, which is made where it is missing, against every other control plane.

    Raises:
        LaunchError: another holds it, it is from a newer version, or it cannot be written.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.chmod(0o700)
        lock = os.open(state / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(state, error) from error
    try:
        try:
            _lock(lock, state)
            _check_format(state)
            _probe(state)
        except OSError as error:
            raise _unusable(state, error) from error
        yield
    finally:
        os.close(lock)


def holder_pid(state: Path) -> int | None:
    """The process that holds a state directory, if any does."""
    try:
        lock = os.open(state / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(lock, 20, 0) or b"0")
    finally:
        os.close(lock)
    return None


def token_of(state: Path, mint: IdMint) -> str:
    """The directory's token, made on first use and readable by its owner only."""
    path = state / TOKEN_FILE
    if not path.exists():
        _write(path, "".join(mint.mint() for _ in range(_TOKEN_MINTS)).encode("ascii") + b"\n")
    return path.read_text("ascii").strip()


@contextmanager
def announced(state: Path, info: ServerInfo) -> Generator[None]:
    """Say in the directory where this control plane answers, for as long as it does."""
    path = state / SERVER_FILE
    _write(path, msgspec.json.encode(info))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _unusable(state: Path, error: OSError) -> LaunchError:
    is_file = isinstance(error, FileExistsError | NotADirectoryError)
    reason = "it is a file, or lies below one" if is_file else error.strerror
    return LaunchError(f"state directory {state} cannot be used: {reason}")


def _probe(state: Path) -> None:
    """Fail now where the disk takes nothing, rather than half-way through a start.

    Raises:
        OSError: it takes nothing.
    """
    probe = state / PROBE_FILE
    try:
        _write(probe, bytes(PROBE_BYTES))
    finally:
        probe.unlink(missing_ok=True)
        _part_of(probe).unlink(missing_ok=True)


def _lock(lock: int, state: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        msg = f"process {pid} runs a control plane on {state} already; stop it with `multihome down --state {state}`"
        raise LaunchError(msg) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode("ascii"), 0)
    # A control plane that was killed could not take its announcement back.
    (state / SERVER_FILE).unlink(missing_ok=True)


def _check_format(state: Path) -> None:
    path = state / FORMAT_FILE
    with suppress(FileNotFoundError):
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Format)
        except msgspec.MsgspecError as error:
            msg = f"{path} cannot be read: {error}"
            raise LaunchError(msg) from error
        if found.format > FORMAT:
            msg = (
                f"state directory {state} has format {found.format}, written by {found.written_by}; this is Multihome "
                f"{VERSION}, which knows formats up to {FORMAT}: use the newer version"
            )
            raise LaunchError(msg)
        if found.format == FORMAT:
            return
    _write(path, msgspec.json.encode(Format(FORMAT, f"Multihome {VERSION}")))


def _write(path: Path, body: bytes) -> None:
    """Give a file its whole content at once, readable by its owner only."""
    part = _part_of(path)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
