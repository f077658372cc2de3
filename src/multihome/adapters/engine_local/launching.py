"""From an intent to a running gang: stage, claim, start, wait for the verdict. A process may die at any."""

import os
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from multihome.adapters.engine_local.environment import check_names, place_of, rank_environment, read_secrets
from multihome.adapters.engine_local.fencing import raise_generation
from multihome.adapters.engine_local.layout import Layout, component, locked, locked_if_free, write_private
from multihome.adapters.engine_local.processes import TOKEN_VARIABLE
from multihome.adapters.engine_local.records import Exit, Standing, Stop, give_up, read, read_intent, standing_of
from multihome.adapters.engine_local.settings import (
    LOCK_MS_MAX,
    PAYLOAD_BYTES_MAX,
    RANKS_MAX,
    START_MS_MAX,
    EngineSettings,
    Failpoint,
)
from multihome.adapters.engine_local.workdir import check_workdir, copy_workdir
from multihome.domain.runs import LaunchIntent
from multihome.ports.clock import Clock
from multihome.ports.engine import LaunchRefusedError

TOKEN = re.compile(r"[A-Za-z0-9_-]{8,128}")
_SHIM = Path(__file__).with_name("shim.py")
_BASH = "/bin/bash"
_SETUP_THEN_RUN = f'{_BASH} -c "$1" || exit $?; exec {_BASH} -c "$2"'
_VERDICT_POLL_S = 0.002

_children: set[int] = set()
"""Shims that this process has started and not yet reaped, whichever of its engines did: children are the process's."""


class Site(msgspec.Struct, frozen=True):
    """Where runs are launched, and with what."""

    layout: Layout
    clock: Clock
    settings: EngineSettings
    environ: Mapping[str, str]
    failpoint: Failpoint


class UndecidedError(Exception):
    """A launch has no verdict in time; what it asked for may yet happen."""


class SilentError(Exception):
    """The provider does not answer."""


def check_not_silent(layout: Layout) -> None:
    """Answer only while the provider does.

    Raises:
        SilentError: it does not.
    """
    if layout.silent.exists():
        raise SilentError


def check_intent(intent: LaunchIntent, site: Site) -> None:
    """Refuse what this engine can never run.

    Raises:
        LaunchRefusedError: says what is wrong with it.
    """
    if intent.provider_id != site.layout.provider_id:
        msg = f"{intent.run_id} is meant for {intent.provider_id}, and this is {site.layout.provider_id}"
        raise LaunchRefusedError(msg)
    if not TOKEN.fullmatch(intent.token):
        msg = f"{intent.run_id} has no token of 8 to 128 letters, digits, dashes or underscores"
        raise LaunchRefusedError(msg)
    if not 1 <= len(intent.nodes) <= RANKS_MAX:
        msg = f"{intent.run_id} asks for {len(intent.nodes)} ranks; from 1 to {RANKS_MAX} are possible"
        raise LaunchRefusedError(msg)
    if not intent.checkpoint_key:
        msg = f"{intent.run_id} names no checkpoint, so no older attempt could be fenced"
        raise LaunchRefusedError(msg)
    check_names(intent.envs)


def is_known(intent: LaunchIntent, layout: Layout) -> bool:
    """Say whether the run is here already.

    Raises:
        LaunchRefusedError: it was here and never started, or what is here under its name is another.
    """
    for run_dir in (layout.run(intent.run_id), layout.ended_run(intent.run_id)):
        if not run_dir.exists():
            continue
        known = read_intent(run_dir)
        if known is None or known.token != intent.token:
            msg = f"{run_dir} is there already and does not carry the token of {intent.run_id}"
            raise LaunchRefusedError(msg)
        if run_dir.parent == layout.ended:
            _refuse_if_never_up(run_dir)
        return True
    return False


def claim(intent: LaunchIntent, site: Site) -> None:
    """Make the run known, once: build its directory aside and rename it into place.

    Raises:
        LaunchRefusedError: a newer generation, a tombstone or the disk forbids it; nothing is left behind.
    """
    layout = site.layout
    if intent.workdir:
        check_workdir(Path(intent.workdir), site.settings)
    known = raise_generation(layout, site.clock, intent.checkpoint_key, intent.generation)
    if known > intent.generation:
        msg = f"generation {intent.generation} of {intent.checkpoint_key} is stale; {known} is the newest"
        raise LaunchRefusedError(msg)
    with _staged(intent, site) as staged:
        site.failpoint("staged")
        with locked(layout.lock, site.clock, LOCK_MS_MAX):
            tombstone = read(layout.tombstone(intent.run_id), Stop)
            if tombstone is not None and tombstone.generation >= intent.generation:
                msg = f"{intent.run_id} was stopped before it was launched"
                raise LaunchRefusedError(msg)
            if not is_known(intent, layout):
                staged.rename(layout.run(intent.run_id))
    site.failpoint("claimed")


def start(intent: LaunchIntent, site: Site) -> None:
    """Have a known run started unless it has been; returns when all its ranks are up, or it is known to have ended.

    Raises:
        LaunchRefusedError: nothing was started, and nothing will be.
        UndecidedError: no verdict in time.
        SilentError: the provider fell silent meanwhile.
    """
    run_dir = site.layout.run(intent.run_id)
    with locked(run_dir / "LAUNCH", site.clock, START_MS_MAX):
        check_not_silent(site.layout)
        reason = ""
        if standing_of(run_dir) is Standing.UNDECIDED:
            verdict = _spawn_or_give_up(intent, site)
            site.failpoint("spawned")
            reason = _read_until_closed(verdict, START_MS_MAX).decode(errors="replace")
        _await_verdict(intent, site, reason)
    site.failpoint("up")


def reap() -> None:
    """Let go of shims that have ended, so that no zombies gather."""
    for pid in tuple(_children):
        try:
            is_over = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            is_over = True
        if is_over:
            _children.discard(pid)


def clear_staging(site: Site) -> None:
    """Remove what launchers that died have left behind."""
    with locked(site.layout.lock, site.clock, LOCK_MS_MAX):
        for path in site.layout.staging.iterdir():
            with locked_if_free(path / "BUILDER") as is_free:
                if is_free:
                    shutil.rmtree(path)


@contextmanager
def _staged(intent: LaunchIntent, site: Site) -> Generator[Path]:
    """A run directory in the making; gone at the end unless it was renamed into place."""
    layout = site.layout
    with ExitStack() as cleanup:
        # The engine's lock keeps `clear_staging` away until this builder is seen to be alive.
        with locked(layout.lock, site.clock, LOCK_MS_MAX):
            aside = Path(tempfile.mkdtemp(dir=layout.staging))
            cleanup.enter_context(locked(aside / "BUILDER", site.clock, 0))
            cleanup.callback(shutil.rmtree, aside, ignore_errors=True)
        staged = aside / component(intent.run_id)
        staged.mkdir(mode=0o700)
        write_private(staged / "intent.json", msgspec.json.encode(intent))
        (staged / "tmp").mkdir(mode=0o700)
        for rank in range(len(intent.nodes)):
            rank_dir = staged / f"rank-{rank}"
            rank_dir.mkdir(mode=0o700)
            if intent.workdir:
                copy_workdir(Path(intent.workdir), rank_dir)
        yield staged


def _spawn_or_give_up(intent: LaunchIntent, site: Site) -> int:
    """Start a shim and return its verdict pipe; what keeps it from starting makes the run refused for good."""
    try:
        pid, verdict = _spawn(site.layout.run(intent.run_id), intent.token, _payload(intent, site))
    except (OSError, LaunchRefusedError) as error:
        if give_up(site.layout, intent.run_id, str(error)):
            raise LaunchRefusedError(str(error)) from error
        raise UndecidedError from error
    _children.add(pid)
    return verdict


def _payload(intent: LaunchIntent, site: Site) -> bytes:
    settings = site.settings
    secrets = read_secrets(intent.secrets, site.layout, site.environ)
    place = place_of(intent)
    argv = [_BASH, "-c", intent.run]
    if intent.setup:
        argv = [_BASH, "-c", _SETUP_THEN_RUN, "multihome", intent.setup, intent.run]
    environments = [rank_environment(intent, rank, place, site.layout, secrets) for rank in range(len(intent.nodes))]
    service = intent.service
    # No RLIMIT_NPROC: it counts all processes of the user, not those of the run.
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": settings.open_files_max,
        "RLIMIT_AS": settings.address_space_bytes_max,
    }
    payload = msgspec.json.encode(
        {
            "token": intent.token,
            "ranks": [
                {"argv": argv, "cwd": f"rank-{rank}", "env": environment}
                for rank, environment in enumerate(environments)
            ],
            "probe": service and {"host": place.addresses[0], "port": place.port, "path": service.readiness_path},
            "nice": settings.nice,
            "limits": {name: limit for name, limit in limits.items() if limit != resource.RLIM_INFINITY},
            "gang_grace_ms": settings.gang_grace_ms,
            "log_segment_bytes_max": settings.log_segment_bytes_max,
            "log_segments_max": settings.log_segments_max,
        }
    )
    if len(payload) > PAYLOAD_BYTES_MAX:
        msg = f"scripts and environments of {intent.run_id} take {len(payload)} bytes; {PAYLOAD_BYTES_MAX} are possible"
        raise LaunchRefusedError(msg)
    return payload


def _spawn(run_dir: Path, token: str, payload: bytes) -> tuple[int, int]:
    """Start a shim in a session of its own; returns its number and the pipe that it closes with its verdict.

    The payload lies in memory, whole before the shim exists, so that a dying launcher cannot leave half of it.
    """
    source = os.memfd_create("payload")
    verdict, verdict_write = os.pipe()
    try:
        os.write(source, payload)
        os.lseek(source, 0, os.SEEK_SET)
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(_SHIM), str(run_dir)],
            {TOKEN_VARIABLE: token, "LANG": "C.UTF-8"},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, 0),
                (os.POSIX_SPAWN_DUP2, verdict_write, 1),
                (os.POSIX_SPAWN_OPEN, 2, str(run_dir / "shim.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
        )
    except OSError:
        os.close(verdict)
        raise
    finally:
        os.close(source)
        os.close(verdict_write)
    return pid, verdict


def _read_until_closed(descriptor: int, wait_ms: int) -> bytes:
    """What comes until the other side closes, or nothing more comes for `wait_ms`."""
    chunks: list[bytes] = []
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    try:
        while poller.poll(wait_ms) and (chunk := os.read(descriptor, select.PIPE_BUF)):
            chunks.append(chunk)
    finally:
        os.close(descriptor)
    return b"".join(chunks)


def _await_verdict(intent: LaunchIntent, site: Site, reason: str) -> None:
    """Wait until the disk says how it went; another control plane's shim may be the one at work."""
    run_dir = site.layout.run(intent.run_id)
    deadline_ms = site.clock.monotonic_ms() + START_MS_MAX
    while True:
        standing = standing_of(run_dir)
        if standing in {Standing.UP, Standing.GONE}:
            return
        if standing is Standing.ENDED:
            _retire_if_never_up(intent, site)
            return
        if standing is Standing.UNDECIDED:
            detail = reason or "its supervisor ended before it could decide; see shim.log"
            if give_up(site.layout, intent.run_id, detail):
                raise LaunchRefusedError(detail)
        if site.clock.monotonic_ms() >= deadline_ms:
            raise UndecidedError
        time.sleep(_VERDICT_POLL_S)  # noqa: TID251 - the shim may be another launcher's, with no pipe to here


def _retire_if_never_up(intent: LaunchIntent, site: Site) -> None:
    run_dir = site.layout.run(intent.run_id)
    try:
        _refuse_if_never_up(run_dir)
    except LaunchRefusedError:
        run_dir.rename(site.layout.ended_run(intent.run_id))
        raise


def _refuse_if_never_up(run_dir: Path) -> None:
    end = read(run_dir / "exit.json", Exit)
    if end is None or not end.is_up:
        raise LaunchRefusedError(end.detail if end else f"{run_dir.name} was given up before it started")
