"""The supervisor of one run: starts all its ranks or none, keeps their output, ends them together, records the end.

Executed as a file by a bare interpreter (`python -I -S`), so it imports the standard library only, and little of it. It
outlives the control plane, learns everything from a payload on its standard input, and must never read a clock: graces
are timers of the kernel. Its argument is the run directory. It closes its standard output when its verdict (`up.json`
or `exit.json`) is on disk; what it has written there before is the reason why it decided nothing.
"""
# pathlib, typing and contextlib would cost this interpreter as long to import as all the rest.
# ruff: noqa: PTH104, PTH108, PTH110, PTH121, PTH123, PTH208

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

READ_BYTES = 1 << 16
EXIT_BYTES = 4_096
PR_SET_CHILD_SUBREAPER = 36
PROBE_PAUSE_S = 0.1
PROBE_TIMEOUT_S = 1.0
KILLED_BASE = 128
CANNOT_START = 126
BROKEN = 125
TERM_GRACE_MS = 5_000
"""For a SIGTERM that comes with no stop.json, as at the machine's shutdown."""


def main() -> int:
    """Supervise one run to its end."""
    run_dir = sys.argv[1]
    payload = json.loads(read_all(0))
    os.dup2(os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC), 0)
    try:
        os.chdir(run_dir)
        lock = os.open("SHIM", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        if os.path.exists("shim.json") or os.path.exists("exit.json") or not os.path.samefile(".", run_dir):
            return 0
        reserve_exit()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        gang = Gang(payload)
        write_json("shim.json", identity(payload["token"]))
    except OSError as error:
        os.write(1, f"{error}".encode())
        return 1
    try:
        supervise(gang, payload)
    except BaseException as error:
        kill_descendants()
        write_exit(BROKEN, f"the supervisor failed: {error!r}", is_up=os.path.exists("up.json"))
        raise
    return 0


def supervise(gang: Gang, payload: dict[str, Any]) -> None:
    """From the decision to start until every process is dead."""
    if os.path.exists("stop.json"):
        write_exit(KILLED_BASE + signal.SIGTERM, "stopped before it started", is_up=False)
        return
    try:
        for rank, spec in enumerate(payload["ranks"]):
            gang.start(rank, spec)
    except OSError as error:
        kill_descendants()
        write_exit(CANNOT_START, f"{error}", is_up=False)
        return
    write_json("up.json", {"pids": list(gang.living)})
    # Closing the verdict's pipe tells the launcher to look; descriptor 1 stays taken.
    os.dup2(0, 1)
    if payload["probe"]:
        start_probe(payload["probe"])
    gang.keep()
    kill_descendants()
    gang.drain()
    write_exit(gang.exit_code, gang.detail, is_up=True)


class Gang:
    """All ranks of the run: alive together, ended together."""

    def __init__(self, payload: dict[str, Any]) -> None:
        """Take signals as bytes in a pipe, so that none comes between a look and a wait."""
        self.payload = payload
        self.living: dict[int, int] = {}
        self.logs: dict[int, Log] = {}
        self.exit_code = 0
        self.detail = ""
        self.is_ending = False
        self.wake, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, ignore)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.poller = select.poll()
        self.poller.register(self.wake, select.POLLIN)

    def start(self, rank: int, spec: dict[str, Any]) -> None:
        """Start one rank in a session of its own; an OSError says why it did not start."""
        out_read, out_write = os.pipe2(os.O_CLOEXEC)
        failure_read, failure_write = os.pipe2(os.O_CLOEXEC)
        log = Log(f"rank-{rank}.log", self.payload["log_segment_bytes_max"], self.payload["log_segments_max"])
        pid = os.fork()
        if pid == 0:
            become(spec, self.payload, out_write, failure_write)
        os.close(out_write)
        os.close(failure_write)
        os.set_blocking(out_read, False)
        self.living[pid] = rank
        self.logs[out_read] = log
        self.poller.register(out_read, select.POLLIN)
        failure = read_all(failure_read)
        os.close(failure_read)
        if failure:
            msg = f"cannot start rank {rank}: {failure.decode(errors='replace')}"
            raise OSError(msg)

    def keep(self) -> None:
        """Keep output and take signals until every rank has ended."""
        while self.living:
            for descriptor, _ in self.poller.poll():
                if descriptor != self.wake:
                    self.pump(descriptor)
                    continue
                for number in os.read(self.wake, READ_BYTES):
                    self.take(number)

    def take(self, number: int) -> None:
        """Act on one signal."""
        if number == signal.SIGCHLD:
            self.reap()
        elif number == signal.SIGALRM:
            self.signal_all(signal.SIGKILL)
        elif number == signal.SIGTERM:
            self.end(stop_grace_ms())

    def reap(self) -> None:
        """Note which ranks have ended; when one has failed the rest are ended. Orphans are reaped along with them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            rank = self.living.pop(pid, None)
            code = os.waitstatus_to_exitcode(status)
            if rank is None or code == 0:
                continue
            if self.exit_code == 0:
                self.exit_code = code if code > 0 else KILLED_BASE - code
                how = f"exited with {code}" if code > 0 else f"was killed by signal {-code}"
                self.detail = f"rank {rank} {how}"
            if self.living and not self.is_ending:
                self.end(self.payload["gang_grace_ms"])

    def end(self, grace_ms: int) -> None:
        """Ask all ranks to end, and kill them after the grace; of two graces the one that ends sooner counts."""
        self.is_ending = True
        self.signal_all(signal.SIGTERM)
        left_s = signal.getitimer(signal.ITIMER_REAL)[0]
        if grace_ms <= 0:
            self.signal_all(signal.SIGKILL)
        elif left_s == 0 or grace_ms / 1_000 < left_s:
            signal.setitimer(signal.ITIMER_REAL, grace_ms / 1_000)

    def signal_all(self, number: int) -> None:
        """Signal the process group of every living rank."""
        for pid in self.living:
            try:
                os.killpg(pid, number)
            except ProcessLookupError:
                continue

    def pump(self, descriptor: int) -> bool:
        """Move output that waits into its log; false when there is none."""
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return False
        if data:
            self.logs[descriptor].write(data)
        else:
            self.poller.unregister(descriptor)
            os.close(descriptor)
            del self.logs[descriptor]
        return bool(data)

    def drain(self) -> None:
        """Keep what the dead have left in their pipes."""
        for descriptor in list(self.logs):
            while self.pump(descriptor):
                pass


class Log:
    """A rank's output in segments: `rank-0.log`, then `rank-0.log.<offset of its first byte>`."""

    def __init__(self, name: str, segment_bytes_max: int, segments_max: int) -> None:
        """Begin the first segment."""
        self.name = name
        self.segment_bytes_max = segment_bytes_max
        self.segments_max = segments_max
        self.start = 0
        self.size = 0
        self.segments: list[str] = []
        self.file = -1
        self.begin(name)

    def begin(self, path: str) -> None:
        """Begin a segment, and drop the oldest beyond the limit."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self.file >= 0:
            os.close(self.file)
        self.file = file
        self.segments.append(path)
        if len(self.segments) > self.segments_max:
            os.unlink(self.segments.pop(0))

    def write(self, data: bytes) -> None:
        """Keep output; what the disk has no room for is lost, and the run goes on."""
        try:
            while data:
                written = os.write(self.file, data)
                self.size += written
                data = data[written:]
            if self.size >= self.segment_bytes_max:
                self.begin(f"{self.name}.{self.start + self.size}")
                self.start += self.size
                self.size = 0
        except OSError:
            return


def become(spec: dict[str, Any], payload: dict[str, Any], out_write: int, failure_write: int) -> NoReturn:
    """In the child: become the rank's program, or say why not."""
    try:
        os.setsid()
        os.dup2(out_write, 1)
        os.dup2(out_write, 2)
        os.chdir(spec["cwd"])
        os.nice(payload["nice"])
        for name, limit in payload["limits"].items():
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (limit, limit) if hard == resource.RLIM_INFINITY else (min(limit, hard), hard))
        # An interpreter ignores these two, and a program would inherit that.
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - a list, no shell's text
    except BaseException as error:  # noqa: BLE001
        os.write(failure_write, f"{error}".encode())
    os._exit(CANNOT_START)


def ignore(*_: object) -> None:
    """Leave it to the pipe of `set_wakeup_fd`."""


def kill_descendants() -> None:
    """Kill everything this run has started, orphans too: as their subreaper the shim is, in the end, parent of all."""
    while True:
        children: set[int] = set()
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as file:
                children.update(int(pid) for pid in file.read().split())
        if not children:
            return
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(-1, 0)


def start_probe(probe: dict[str, Any]) -> None:
    """Ask for the readiness path until it answers 200, then say so in ready.json."""
    # Only a service pays for these.
    import http.client  # noqa: PLC0415
    import threading  # noqa: PLC0415

    pause = threading.Event()

    def ask() -> None:
        while not is_ready():
            pause.wait(PROBE_PAUSE_S)
        write_json("ready.json", {"endpoint": f"{probe['host']}:{probe['port']}"})

    def is_ready() -> bool:
        connection = http.client.HTTPConnection(probe["host"], probe["port"], timeout=PROBE_TIMEOUT_S)
        try:
            connection.request("GET", probe["path"])
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    threading.Thread(target=ask, daemon=True).start()


def identity(token: str) -> dict[str, str | int]:
    """What this process is known by, as in `processes.Identity`."""
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        start_ticks = int(file.read().rpartition(")")[2].split()[19])
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    return {"pid": os.getpid(), "start_ticks": start_ticks, "boot_id": boot_id, "token": token}


def stop_grace_ms() -> int:
    """The grace of the stop that was asked for."""
    try:
        with open("stop.json", "rb") as file:
            return json.load(file)["grace_ms"]
    except FileNotFoundError:
        return TERM_GRACE_MS


def reserve_exit() -> None:
    """Take the room for exit.json now, so that a full disk cannot hide how the run ended."""
    file = os.open("exit.part", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.posix_fallocate(file, 0, EXIT_BYTES)
    os.close(file)


def write_exit(exit_code: int, detail: str, *, is_up: bool) -> None:
    """Record the end in the room reserved for it, padded with blanks; durable on return."""
    body = json.dumps({"exit_code": exit_code, "detail": detail[:500], "is_up": is_up}).encode()
    file = os.open("exit.part", os.O_RDWR | os.O_CLOEXEC)
    os.write(file, body.ljust(EXIT_BYTES))
    os.fsync(file)
    os.close(file)
    os.rename("exit.part", "exit.json")
    directory = os.open(".", os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def write_json(name: str, value: object) -> None:
    """Write a file that is seen whole or not at all."""
    part = f".{name}.part"
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        json.dump(value, out)
    os.rename(part, name)


def read_all(descriptor: int) -> bytes:
    """Everything until the other side closes."""
    chunks: list[bytes] = []
    while chunk := os.read(descriptor, READ_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


if __name__ == "__main__":
    status = main()
    # Not sys.exit: the probe's thread may still be asking, and must not delay the end.
    os._exit(status)
