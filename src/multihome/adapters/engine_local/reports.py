"""What is said of a run, read from its directory; settles what its shim can no longer settle."""

import math
from pathlib import Path

import msgspec

from multihome.adapters.engine_local.layout import Layout, locked_if_free
from multihome.adapters.engine_local.processes import kill_all_of
from multihome.adapters.engine_local.records import (
    KILLED_EXIT,
    Exit,
    Ready,
    Standing,
    give_up,
    read,
    standing_of,
    write_exit,
)
from multihome.adapters.engine_local.settings import START_MS_MAX
from multihome.domain.runs import LaunchIntent, Progress, ReportState, RunReport
from multihome.ports.clock import Clock

_MICRO = 1_000_000
_NS_PER_MS = 1_000_000
_GAVE_UP = "nobody has started it in time"


class ProgressFile(msgspec.Struct, frozen=True):
    """progress.json, as a program writes it; the loss is a number of its own."""

    step: int
    checkpoint_step: int = 0
    resumed_from_step: int = 0
    loss: float = 0.0


def report_of(intent: LaunchIntent, layout: Layout, clock: Clock) -> RunReport | None:
    """A run as it stands; None for one of which nothing has started and, from now on, nothing will."""
    run_dir = layout.run(intent.run_id)
    standing = standing_of(run_dir)
    if standing is Standing.UNDECIDED:
        if _settled_as_never_started(run_dir, intent, layout, clock):
            return None
        return _report(intent, ReportState.STARTING, detail="nobody has decided to start it yet")
    if standing is Standing.STARTING:
        return _report(intent, ReportState.STARTING, detail="its ranks are being started")
    progress = read_progress(run_dir / "progress.json")
    if standing is Standing.GONE and not _settled_as_killed(run_dir, intent):
        return _report(intent, ReportState.RUNNING, detail="killed, but processes of it are left", progress=progress)
    end = read(run_dir / "exit.json", Exit)
    if end is not None:
        return _report(intent, ReportState.ENDED, exit_code=end.exit_code, detail=end.detail, progress=progress)
    ready = read(run_dir / "ready.json", Ready)
    endpoint = ready.endpoint if ready else ""
    return _report(intent, ReportState.RUNNING, ready=ready is not None, endpoint=endpoint, progress=progress)


def read_progress(path: Path) -> Progress | None:
    """What a program says of itself; None when it says nothing, or nothing that can be understood."""
    try:
        told = read(path, ProgressFile)
    except (msgspec.DecodeError, OSError):
        return None
    if told is None or min(told.step, told.checkpoint_step, told.resumed_from_step) < 0:
        return None
    return Progress(
        step=told.step,
        checkpoint_step=told.checkpoint_step,
        resumed_from_step=told.resumed_from_step,
        loss_micro=round(told.loss * _MICRO) if math.isfinite(told.loss) else 0,
    )


def _settled_as_never_started(run_dir: Path, intent: LaunchIntent, layout: Layout, clock: Clock) -> bool:
    try:
        claimed_ms = (run_dir / "intent.json").stat().st_mtime_ns // _NS_PER_MS
        if clock.wall_ms() - claimed_ms < START_MS_MAX:
            return False
        with locked_if_free(run_dir / "LAUNCH") as is_free:
            return is_free and give_up(layout, intent.run_id, _GAVE_UP)
    except FileNotFoundError:
        # Another call has given it up, or forgotten it, meanwhile.
        return True


def _settled_as_killed(run_dir: Path, intent: LaunchIntent) -> bool:
    """Kill what is left of a run whose shim is gone, and record its end; false while something of it lives."""
    if not kill_all_of({intent.token}):
        return False
    with locked_if_free(run_dir / "SHIM") as is_free:
        if is_free and standing_of(run_dir) is Standing.GONE:
            write_exit(run_dir, Exit(KILLED_EXIT, "killed", is_up=(run_dir / "up.json").exists()))
    return True


def _report(
    intent: LaunchIntent,
    state: ReportState,
    *,
    exit_code: int | None = None,
    detail: str = "",
    ready: bool = False,
    endpoint: str = "",
    progress: Progress | None = None,
) -> RunReport:
    return RunReport(
        run_id=intent.run_id,
        generation=intent.generation,
        token=intent.token,
        state=state,
        exit_code=exit_code,
        detail=detail,
        ready=ready,
        endpoint=endpoint,
        progress=progress,
    )
