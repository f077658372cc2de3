"""What the files of a run directory say, and how a run stands by them."""

from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TypeVar

import msgspec

from multihome.adapters.engine_local.layout import Layout, locked_if_free, write_durably
from multihome.adapters.engine_local.processes import Identity, is_alive
from multihome.domain.ids import Generation, RunId
from multihome.domain.runs import LaunchIntent

STOPPED_EXIT = 128 + 15
KILLED_EXIT = 128 + 9
NEVER_STARTED_EXIT = 125
_FILE_BYTES_MAX = 64 << 10

Record = TypeVar("Record", bound=msgspec.Struct)


class Exit(msgspec.Struct, frozen=True):
    """exit.json: how a run ended; `is_up` says whether all its ranks had started."""

    exit_code: int
    detail: str
    is_up: bool


class Ready(msgspec.Struct, frozen=True):
    """ready.json: where a service answers, `address:port`."""

    endpoint: str


class Stop(msgspec.Struct, frozen=True):
    """stop.json and tombstones: what was asked to end."""

    generation: Generation
    grace_ms: int


class Standing(Enum):
    """How a run stands by its files, read in the one order in which they are written."""

    UNDECIDED = "undecided"
    STARTING = "starting"
    UP = "up"
    GONE = "gone"
    """Its shim is dead and has recorded no end."""
    ENDED = "ended"


def standing_of(run_dir: Path) -> Standing:
    """How a run stands now."""
    if (run_dir / "exit.json").exists():
        return Standing.ENDED
    shim = read(run_dir / "shim.json", Identity)
    if shim is None:
        return Standing.UNDECIDED
    if is_alive(shim):
        return Standing.UP if (run_dir / "up.json").exists() else Standing.STARTING
    # It may have recorded the end just after the first look.
    return Standing.ENDED if (run_dir / "exit.json").exists() else Standing.GONE


def read(path: Path, kind: type[Record]) -> Record | None:
    """A small record, None when the file is not there.

    Raises:
        msgspec.DecodeError: the file is no such record.
    """
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_FILE_BYTES_MAX), type=kind)
    except FileNotFoundError:
        return None


def read_intent(run_dir: Path) -> LaunchIntent | None:
    """The intent of a run that is ours, None for anything else."""
    try:
        return msgspec.json.decode((run_dir / "intent.json").read_bytes(), type=LaunchIntent)
    except (OSError, msgspec.DecodeError):
        return None


def write_exit(run_dir: Path, record: Exit) -> None:
    """Record the end of a run that has no shim to do so; the caller holds its lock `SHIM`."""
    write_durably(run_dir / "exit.json", msgspec.json.encode(record))


def end_undecided(run_dir: Path, record: Exit) -> bool:
    """End a run of which nothing has started, so that nothing will; false if a shim is at it or has been."""
    with locked_if_free(run_dir / "SHIM") as is_free:
        if not is_free or standing_of(run_dir) is not Standing.UNDECIDED:
            return False
        write_exit(run_dir, record)
        return True


def give_up(layout: Layout, run_id: RunId, detail: str) -> bool:
    """Take a run of which nothing has started out of the reports for good; false if a shim is at it or has been."""
    run_dir = layout.run(run_id)
    with locked_if_free(run_dir / "SHIM") as is_free:
        if not is_free or standing_of(run_dir) is not Standing.UNDECIDED:
            return False
        # On a full disk the move alone says the same, and a late shim looks whether its directory was moved.
        with suppress(OSError):
            write_exit(run_dir, Exit(NEVER_STARTED_EXIT, detail, is_up=False))
        run_dir.rename(layout.ended_run(run_id))
        return True
