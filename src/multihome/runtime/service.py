"""The live loop: gathers inputs, drives the runtime, performs effects in worker threads, and watches engines.

One task changes the state. Whoever reads waits until nothing is undecided (`settled`), so that nobody ever sees what is
not durable.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor

import msgspec

from multihome.controller.state import State
from multihome.domain.commands import Accepted, Command, Input, PlaceDue, Recovered, Request, Tick
from multihome.domain.effects import Effect
from multihome.domain.ids import ProviderId
from multihome.domain.refusals import Refusal
from multihome.ports.clock import Clock, IdMint
from multihome.ports.engine import Engine
from multihome.ports.journal import HistoryRow, JournalFullError
from multihome.ports.notifier import Notifier
from multihome.runtime.adoption import Adoption
from multihome.runtime.engines import EngineFactory, observe, perform
from multihome.runtime.loop import Batch, Runtime

INBOX_MAX = 10_000
BATCH_MAX = 512
TICK_MS = 250
OBSERVE_MS = 200
WORKERS = 8
ROUND_SHARE = 4
"""A placement round may take at most one part in so many of the loop's time; the next one waits accordingly."""
RETRY_MS = 1_000
"""Pause after a failed write of the journal."""

_ENCODER = msgspec.json.Encoder(order="deterministic")


class BusyError(Exception):
    """The inbox is full; nothing was taken."""


class JournalUnavailableError(Exception):
    """The command was not kept, since the journal cannot be written; reads go on."""


class Waiting(msgspec.Struct):
    """An input, and who waits for its answer."""

    message: Input
    reply: "asyncio.Future[Accepted | Refusal] | None"


class Service:
    """The running control plane."""

    def __init__(
        self,
        runtime: Runtime,
        clock: Clock,
        mint: IdMint,
        make_engine: EngineFactory,
        notifier: Notifier,
        adoption: Adoption | None = None,
    ) -> None:
        """Take a recovered runtime; nothing runs until `run`.

        `adoption` is there when the journal was restored from a backup: no placement round until it is over.
        """
        self._runtime = runtime
        self._clock = clock
        self._mint = mint
        self._make_engine = make_engine
        self._notifier = notifier
        self._adoption = adoption
        self._inbox: asyncio.Queue[Waiting] = asyncio.Queue(INBOX_MAX)
        self._settled = asyncio.Event()
        self._settled.set()
        self._engines: dict[ProviderId, Engine] = {}
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="engine")
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._tasks: set[asyncio.Task[None]] = set()
        self._followers: set[asyncio.Event] = set()
        self._post_first: list[Input] = []
        self._tick_due_ms = 0
        self._round_due_ms = 0
        self.journal_error = ""
        self.rounds = 0
        """Placement rounds since the start."""
        self.last_round_ms = 0
        """How long the last batch with a placement round took to decide, in real milliseconds."""

    @property
    def state(self) -> State:
        """The state; read it only after awaiting `settled`, and without awaiting anything in between."""
        return self._runtime.state

    @property
    def runtime(self) -> Runtime:
        """The core that is driven, for views that need its head and time."""
        return self._runtime

    def engine(self, provider_id: ProviderId) -> Engine:
        """The engine of a provider that has been applied."""
        return self._engines[provider_id]

    async def settled(self) -> State:
        """The state, once everything in it is durable."""
        await self._settled.wait()
        return self._runtime.state

    async def request(self, command: Command, key: str, actor: str) -> Accepted | Refusal:
        """Answer a command once it is durable. An empty key makes the command its own, never repeated one.

        Raises:
            BusyError: the inbox is full.
            JournalUnavailableError: the journal cannot be written.
        """
        minted_id = self._mint.mint()
        request = Request(
            key=key or minted_id,
            body_sha256=hashlib.sha256(_ENCODER.encode(command)).hexdigest(),
            minted_id=minted_id,
            actor=actor,
            command=command,
        )
        reply: asyncio.Future[Accepted | Refusal] = asyncio.get_running_loop().create_future()
        try:
            self._inbox.put_nowait(Waiting(request, reply))
        except asyncio.QueueFull:
            msg = f"{INBOX_MAX} inputs wait already"
            raise BusyError(msg) from None
        return await reply

    async def history(self, read: Callable[[], list[HistoryRow]]) -> list[HistoryRow]:
        """Run a query on the store's history in a worker thread."""
        await self._settled.wait()
        return await asyncio.get_running_loop().run_in_executor(self._workers, read)

    @contextlib.contextmanager
    def woken(self) -> Generator[asyncio.Event]:
        """A signal, set whenever records have become durable; who waits for it clears it and reads the journal."""
        signal = asyncio.Event()
        self._followers.add(signal)
        try:
            yield signal
        finally:
            self._followers.remove(signal)

    async def run(self) -> None:
        """Drive the loop until cancelled; on the way out a snapshot is kept."""
        self._post_first = self._first_inputs()
        try:
            while True:
                await self._step()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._workers.shutdown(wait=True, cancel_futures=True)
            self._committer.shutdown(wait=True)
            if self._settled.is_set():
                with contextlib.suppress(JournalFullError):
                    self._runtime.snapshot_if_due(force=True)

    async def _step(self) -> None:
        waiting = await self._gather()
        self._settled.clear()
        batch = self._decide(waiting)
        if batch.rows:
            try:
                await asyncio.get_running_loop().run_in_executor(self._committer, self._runtime.commit, batch)
            except JournalFullError as error:
                self._undo(waiting, error)
                await asyncio.sleep(RETRY_MS / 1_000)
                self._post_first = self._first_inputs()
                return
        self.journal_error = ""
        self._settled.set()
        if self._adoption is not None and self._adoption.is_over(
            self._runtime.state, (item.message for item in waiting)
        ):
            self._adoption = None
        self._answer(waiting, batch)
        for effect in batch.effects:
            self._spawn(self._perform(effect))
        self._watch_new_providers()
        # A snapshot only makes the next start quicker: one that does not fit on the disk is tried again later.
        with contextlib.suppress(JournalFullError):
            self._runtime.snapshot_if_due()

    def _first_inputs(self) -> list[Input]:
        """What a life of the loop begins with: after a restore every provider is silent until it is heard."""
        silences = self._adoption.first_inputs(self._runtime.state) if self._adoption is not None else []
        return [*silences, Recovered()]

    def _decide(self, waiting: list[Waiting]) -> Batch:
        """Decide a batch; after a long placement round the next one waits in proportion."""
        started_ms = self._clock.monotonic_ms()
        batch = self._runtime.decide([item.message for item in waiting])
        if any(isinstance(item.message, PlaceDue) for item in waiting):
            ended_ms = self._clock.monotonic_ms()
            self.rounds += 1
            self.last_round_ms = ended_ms - started_ms
            self._round_due_ms = ended_ms + ROUND_SHARE * self.last_round_ms
        return batch

    async def _gather(self) -> list[Waiting]:
        """What has come in, with the tick and the placement round that are due."""
        waiting = [Waiting(message, None) for message in self._post_first]
        self._post_first = []
        # Not `asyncio.wait_for`, which in Python 3.11 loses a cancellation that comes together with an input.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s()):
                waiting.append(await self._inbox.get())
        while len(waiting) < BATCH_MAX and not self._inbox.empty():
            waiting.append(self._inbox.get_nowait())
        now_ms = self._clock.monotonic_ms()
        if now_ms >= self._tick_due_ms:
            waiting.append(Waiting(Tick(), None))
            self._tick_due_ms = now_ms + TICK_MS
        if now_ms >= self._round_due_ms and self._adoption is None:
            waiting.append(Waiting(PlaceDue(), None))
        return waiting

    def _pause_s(self) -> float:
        due_ms = self._tick_due_ms - self._clock.monotonic_ms()
        return max(0, due_ms) / 1_000

    def _undo(self, waiting: list[Waiting], error: JournalFullError) -> None:
        """Nothing of the batch happened: go back to the journal, and tell those who wait."""
        self.journal_error = str(error)
        self._runtime.abandon()
        self._settled.set()
        for item in waiting:
            if item.reply is not None and not item.reply.done():
                item.reply.set_exception(JournalUnavailableError(str(error)))

    def _answer(self, waiting: list[Waiting], batch: Batch) -> None:
        for item, answer in zip(waiting, batch.answers, strict=True):
            if item.reply is not None and answer is not None and not item.reply.done():
                item.reply.set_result(answer)
        if batch.rows:
            for signal in self._followers:
                signal.set()

    async def _perform(self, effect: Effect) -> None:
        loop = asyncio.get_running_loop()
        message = await loop.run_in_executor(self._workers, perform, self._engines, self._notifier, effect)
        if message is not None:
            await self._inbox.put(Waiting(message, None))

    async def _watch(self, engine: Engine) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await loop.run_in_executor(self._workers, observe, engine)
            await self._inbox.put(Waiting(message, None))
            await asyncio.sleep(OBSERVE_MS / 1_000)

    def _watch_new_providers(self) -> None:
        for provider in self._runtime.state.providers.values():
            if provider.id not in self._engines:
                engine = self._make_engine(provider)
                self._engines[provider.id] = engine
                self._spawn(self._watch(engine))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
