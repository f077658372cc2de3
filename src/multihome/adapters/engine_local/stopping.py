"""Asking a run to end, so that the request is neither lost nor sent to the wrong process."""

import signal

import msgspec

from multihome.adapters.engine_local.layout import Layout, locked, write_durably
from multihome.adapters.engine_local.processes import Identity, send
from multihome.adapters.engine_local.records import STOPPED_EXIT, Exit, Stop, end_undecided, read
from multihome.adapters.engine_local.settings import LOCK_MS_MAX
from multihome.domain.ids import Generation, RunId
from multihome.ports.clock import Clock


def stop_run(layout: Layout, clock: Clock, run_id: RunId, generation: Generation, grace_ms: int) -> None:
    """Stop a run, or leave a tombstone for one that is not there.

    Raises:
        OSError: it may or may not be asked to end.
    """
    marker = msgspec.json.encode(Stop(generation, grace_ms))
    run_dir = layout.run(run_id)
    with locked(layout.lock, clock, LOCK_MS_MAX):
        if not run_dir.exists():
            if not layout.ended_run(run_id).exists():
                write_durably(layout.tombstone(run_id), marker)
            return
        if (run_dir / "exit.json").exists():
            return
        write_durably(run_dir / "stop.json", marker)
    # The shim looks for stop.json after it has written shim.json: one of the two sees the other.
    shim = read(run_dir / "shim.json", Identity)
    if shim is not None:
        send(shim, signal.SIGTERM)
    else:
        end_undecided(run_dir, Exit(STOPPED_EXIT, "stopped before it started", is_up=False))
