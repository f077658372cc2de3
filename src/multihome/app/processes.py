"""Control planes as processes: start one that outlives the caller, find it, stop it."""

import os
import select
import signal
import sys
from pathlib import Path

from multihome.app.state_directory import claimed, holder_pid
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
    # Here already, since a process that cannot write could not leave its reason behind either.
    with claimed(options.state):
        pass
    output = options.state / OUTPUT_FILE
    reader, writer = os.pipe()
    try:
        os.set_inheritable(writer, True)  # noqa: FBT003 -- the library's signature
        pid = _spawn(_command(options, writer), output)
    finally:
        os.close(writer)
    try:
        # The pipe ends when the process does.
        ready, _, _ = select.select([reader], [], [], START_S_MAX)
        if ready and os.read(reader, 16):
            return read_server(options.state)
    finally:
        os.close(reader)
    if not ready:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    said = output.read_text("utf-8", "replace").strip()
    raise LaunchError(said or f"the control plane did not come up; see {options.state}")


def _command(options: StartOptions, ready_fd: int) -> list[str]:
    command = [sys.executable, "-m", "multihome.app.main", "up", "--foreground", "--ready-fd", str(ready_fd)]
    command += ["--state", str(options.state), "--port", str(options.port)]
    return command if options.clock_start is None else [*command, "--clock-start", options.clock_start]


def _spawn(command: list[str], output: Path) -> int:
    """Start a process in a session of its own, which prints into a file; its id."""
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), writing, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, os.environ, file_actions=files, setsid=True)


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
