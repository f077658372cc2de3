"""Control planes as processes: start one that outlives the caller, find it, stop it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from multihome.app.state_directory import holder_pid
from multihome.cli.launchers import LaunchError, StartOptions
from multihome.client.directory import ServerInfo, read_server

START_S_MAX = 60
STOP_S_MAX = 60
OUTPUT_FILE = "server.out"
"""What the process itself prints: normally nothing."""


def start_detached(options: StartOptions) -> ServerInfo:
    """Start a control plane in a session of its own, and wait until it answers.

    Raises:
        LaunchError: it did not come up, and what it said.
    """
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    output = options.state / OUTPUT_FILE
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "multihome.app.main", "up", "--foreground", "--ready-fd", str(writer)]
    command += ["--state", str(options.state), "--port", str(options.port)]
    if options.clock_start is not None:
        command += ["--clock-start", options.clock_start]
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, pass_fds=[writer], start_new_session=True
        )
    os.close(writer)
    try:
        # The pipe ends when the process does.
        ready, _, _ = select.select([reader], [], [], START_S_MAX)
        if ready and os.read(reader, 16):
            return read_server(options.state)
    finally:
        os.close(reader)
    if not ready:
        process.kill()
        msg = f"it did not answer within {START_S_MAX} s; see {options.state}"
        raise LaunchError(msg)
    process.wait(START_S_MAX)
    raise LaunchError(output.read_text("utf-8", "replace").strip() or f"it ended at once; see {options.state}")


def stop(state: Path) -> int | None:
    """Stop the control plane of a state directory, and wait until it is gone; the process it was, None if none ran.

    Raises:
        LaunchError: it does not end.
    """
    pid = holder_pid(state)
    if not pid:
        return None
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        ended, _, _ = select.select([process], [], [], STOP_S_MAX)
    finally:
        os.close(process)
    if not ended:
        msg = f"process {pid} has not stopped within {STOP_S_MAX} s"
        raise LaunchError(msg)
    return pid
