"""A control plane in this process: claim the state directory, wire ports to adapters, serve until told to stop."""

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from multihome.adapters.clock_os.clock import OsClock, OsIdMint
from multihome.adapters.engine_local.engine import LocalEngine
from multihome.adapters.engine_local.environment import control_plane_environ, read_secrets
from multihome.adapters.engine_local.layout import Layout
from multihome.adapters.relational.sqlite import open_sqlite
from multihome.api.application import application
from multihome.api.context import Context
from multihome.api.metrics import Metrics
from multihome.app.engines import SilentEngine
from multihome.app.late import LateNotifier, LateSolver
from multihome.app.logs import log_to
from multihome.app.measuring import MeasuredJournal
from multihome.app.state_directory import RESTORED_FILE, announced, claimed, token_of
from multihome.app.version import VERSION
from multihome.cli.launchers import LaunchError, StartOptions
from multihome.client.directory import ServerInfo
from multihome.domain.commands import Command, DeclareClock, Install
from multihome.domain.ids import ProviderId
from multihome.domain.refusals import Refusal
from multihome.domain.supply import Provider
from multihome.ports.engine import Engine
from multihome.runtime.adoption import Adoption
from multihome.runtime.loop import Runtime
from multihome.runtime.service import Service
from multihome.units.time import parse_instant

HOST = "127.0.0.1"
CLOSE_S_MAX = 3
"""How long open answers may go on after a stop was asked for."""
BACKLOG = 1_024

_LOG = logging.getLogger("multihome.app")


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us, so that a stop ends with a snapshot and exit code 0."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def serve(options: StartOptions) -> None:
    """Run a control plane until SIGTERM or SIGINT; runs go on without it.

    Raises:
        LaunchError: the directory or the port cannot be had.
        JournalBrokenError: the journal does not hold together, or comes from a newer version.
    """
    with ExitStack() as undo:
        undo.enter_context(claimed(options.state))
        log_to(options.state)
        listener = undo.enter_context(_listener(options))
        clock, mint, metrics = OsClock(), OsIdMint(), Metrics()
        journal = MeasuredJournal(open_sqlite(options.state, f"multihome {VERSION}"), metrics)
        undo.callback(journal.close)
        runtime = Runtime(journal, clock)
        restored = options.state / RESTORED_FILE
        adoption = Adoption(done=restored.unlink) if restored.exists() else None
        service = Service(
            runtime,
            clock,
            mint,
            lambda provider: _engine(options.state, provider, clock),
            _notifier(options.state, clock),
            adoption,
        )
        context = Context(service, clock, metrics, VERSION, LateSolver())
        app = application(context, token_of(options.state, mint))
        uvloop.run(_run(options, service, context, app, listener))


def _notifier(state: Path, clock: OsClock) -> LateNotifier:
    """Signs with the same secrets that programs get, and calls only hosts that the setting allows."""
    environ = control_plane_environ()

    def read_secret(name: str) -> str:
        return read_secrets((name,), Layout(state, ProviderId("webhooks")), environ)[name]

    hosts = environ.get("MULTIHOME_WEBHOOK_HOSTS", "")
    return LateNotifier(clock, read_secret, [host.strip() for host in hosts.split(",") if host.strip()])


def _engine(state: Path, provider: Provider, clock: OsClock) -> Engine:
    if provider.engine == "local":
        return LocalEngine(state, provider.id, clock)
    _LOG.warning(
        "provider %s wants engine %r, which is not known; it is treated as silent", provider.id, provider.engine
    )
    return SilentEngine(provider.id, provider.engine)


@contextmanager
def _listener(options: StartOptions) -> Generator[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, options.port))
            listener.listen(BACKLOG)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = (
                "another program listens there; choose another with `--port`, or 0 for any" if taken else str(error)
            )
            msg = f"{HOST}:{options.port} cannot be used: {reason}"
            raise LaunchError(msg) from error
        yield listener
    finally:
        listener.close()


async def _run(
    options: StartOptions, service: Service, context: Context, app: ASGIApp, listener: socket.socket
) -> None:
    """Serve until a signal, or until the service or the server ends by itself."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = _Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=CLOSE_S_MAX,
        )
    )
    working = asyncio.create_task(service.run())
    serving: asyncio.Task[None] | None = None
    try:
        await _first_commands(service, options)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        port = listener.getsockname()[1]
        with announced(options.state, ServerInfo(f"http://{HOST}:{port}", os.getpid())):
            _LOG.info("multihome %s answers at %s:%d on %s", VERSION, HOST, port, options.state)
            if options.ready_fd is not None:
                os.write(options.ready_fd, b"ready\n")
            await asyncio.wait(
                {working, serving, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
    finally:
        context.closing.set()
        server.should_exit = True
        if serving is not None:
            await serving
        if not working.done():
            working.cancel()
        await asyncio.wait({working})
        _LOG.info("stopped")
    if not working.cancelled():
        working.result()


async def _first_commands(service: Service, options: StartOptions) -> None:
    """Give an empty journal its installation, and its scenario clock where one is asked for."""
    state = await service.settled()
    commands: list[Command] = []
    if not state.installation_id:
        commands.append(Install(installation_id=OsIdMint().mint()))
    if options.clock_start is not None and state.scenario_start_ms != parse_instant(options.clock_start):
        # Where another start was declared, or work was done without one, this is refused.
        commands.append(DeclareClock(start_ms=parse_instant(options.clock_start)))
    for command in commands:
        answer = await service.request(command, "", "multihome up")
        if isinstance(answer, Refusal):
            msg = f"{answer.subject}: {answer.text}"
            raise LaunchError(msg)
