"""The loop's core: decide and fold a batch, make it durable, then hand out answers and effects.

Live the service drives it, in a simulation the simulator does; both run this code. A batch is folded into memory before
it is durable, so nothing may be read from the state, answered or performed between `decide` and `commit`; when the
journal refuses a batch, `abandon` goes back to what the journal holds.
"""

import gc
from collections.abc import Sequence

import msgspec

from multihome.controller.apply import apply, keep_answer, touch
from multihome.controller.decide import decide, effects_of
from multihome.controller.state import STATE_VERSION, State
from multihome.domain.commands import Accepted, Input, Request
from multihome.domain.effects import Effect
from multihome.domain.events import ClockJumped, Event
from multihome.domain.refusals import Refusal
from multihome.ports.clock import Clock
from multihome.ports.journal import (
    GENESIS_HASH,
    HistoryRow,
    Journal,
    JournalBrokenError,
    JournalRow,
    Snapshot,
    chain_hash,
)
from multihome.runtime.records import ENCODER, FOLDED, Record, cause_of
from multihome.units.time import MS_PER_MINUTE, Now
from multihome.views.history import history_row

SNAPSHOT_EVERY = 20_000
"""Records between snapshots: a start replays less than half a second's worth."""
CLOCK_JUMP_MS = MS_PER_MINUTE


class Batch(msgspec.Struct):
    """What a number of inputs led to, not durable yet. `answers` are in the order of the inputs."""

    rows: list[JournalRow] = []
    history: list[HistoryRow] = []
    events: list[Event] = []
    effects: list[Effect] = []
    answers: list[Accepted | Refusal | None] = []


class Runtime:
    """The state, and the only code that changes it."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        """Replay the journal, from the newest snapshot on.

        Raises:
            JournalBrokenError: the chain does not hold, or a record cannot be read.
        """
        self.journal = journal
        self._clock = clock
        self.state, self._seq, self._hash = replay(journal)
        self._snapshot_seq = self._seq
        self._restart_clock()
        self._jumped = False

    def now(self) -> Now:
        """The instant to decide by. Contract time is a scenario's where one was declared, else the process clock's.

        The process clock runs on the monotonic one, so a jump of the wall clock expires nothing.
        """
        process_ms = self._base_ms + self._clock.monotonic_ms()
        scenario_ms = self.state.scenario_ms
        return Now(process_ms if scenario_ms is None else scenario_ms, process_ms)

    def decide(self, messages: Sequence[Input]) -> Batch:
        """Decide inputs in order, each on the state that the ones before it left."""
        batch = Batch(rows=[], history=[], events=[], effects=[], answers=[])
        for message in messages:
            now = self.now()
            decision = decide(self.state, message, now)
            events = (*decision.events, *self._clock_events(now))
            batch.answers.append(decision.answer)
            for event in events:
                apply(self.state, event, now)
                batch.effects.extend(effects_of(self.state, event))
            batch.effects.extend(decision.effects)
            if events or self._is_new(message, decision.answer):
                self._record(batch, message, now, events, decision.answer)
        return batch

    def commit(self, batch: Batch) -> None:
        """Make a batch durable. Called from a worker thread; touches nothing but the journal.

        Raises:
            JournalFullError: nothing was kept; the caller must `abandon`.
            StaleWriterError: another control plane has taken over; the caller must stop.
        """
        if batch.rows:
            self.journal.append(batch.rows, batch.history)

    def abandon(self) -> None:
        """Forget what was decided since the last commit: go back to what the journal holds."""
        self.state, self._seq, self._hash = replay(self.journal)

    def snapshot_if_due(self, *, force: bool = False) -> None:
        """Keep a snapshot when enough records have come since the last one. Call it only when nothing is undecided."""
        due = self._seq - self._snapshot_seq >= SNAPSHOT_EVERY
        if due or (force and self._seq > self._snapshot_seq):
            body = ENCODER.encode(self.state)
            self.journal.save_snapshot(Snapshot(self._seq, self._hash, STATE_VERSION, body))
            self._snapshot_seq = self._seq

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last record that was decided."""
        return self._seq, self._hash

    def _record(
        self,
        batch: Batch,
        message: Input,
        now: Now,
        events: tuple[Event, ...],
        answer: Accepted | Refusal | None,
    ) -> None:
        # A repeat of a key is told what it was told before; recorded again, it would stand for two commands.
        request = message if isinstance(message, Request) and self._is_new(message, answer) else None
        record = Record(
            at=now,
            wall_ms=self._clock.wall_ms(),
            cause=cause_of(message),
            events=events,
            request=request,
            accepted=answer if request and isinstance(answer, Accepted) else None,
            refused=answer if request and isinstance(answer, Refusal) else None,
        )
        touch(self.state, now)
        if request is not None and answer is not None:
            keep_answer(self.state, request.key, request.body_sha256, answer)
        body = ENCODER.encode(record)
        self._seq += 1
        self._hash = chain_hash(self._hash, body)
        batch.rows.append(JournalRow(self._seq, body, self._hash))
        batch.events.extend(events)
        for event in events:
            row = history_row(self._seq, event, now)
            if row is not None:
                batch.history.append(row)

    def _is_new(self, message: Input, answer: Accepted | Refusal | None) -> bool:
        """Whether a command without events (it changed nothing) still has to be remembered by its key."""
        return isinstance(message, Request) and answer is not None and message.key not in self.state.answers

    def _clock_events(self, now: Now) -> tuple[Event, ...]:
        """Flags the wall clock's parting from the process clock, once each time it happens."""
        jumped = abs(self._clock.wall_ms() - now.process_ms) > CLOCK_JUMP_MS
        flag = jumped and not self._jumped
        self._jumped = jumped
        return (ClockJumped(wall_ms=self._clock.wall_ms(), process_ms=now.process_ms),) if flag else ()

    def _restart_clock(self) -> None:
        """The process clock goes on from the wall's time, or from the last record where the wall is behind it."""
        start_ms = max(self._clock.wall_ms(), self.state.last.process_ms)
        self._base_ms = start_ms - self._clock.monotonic_ms()


def replay(journal: Journal) -> tuple[State, int, str]:
    """The state that the journal's events add up to, with the number and hash of its last record.

    Raises:
        JournalBrokenError: a hash does not follow from the one before, or a record cannot be read.
    """
    # A fold makes no cycles, and the collector would walk all that is alive again and again: half of a replay's time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _replay(journal)
    finally:
        if collects:
            gc.enable()


def _replay(journal: Journal) -> tuple[State, int, str]:
    snapshot = journal.latest_snapshot()
    if snapshot is not None and snapshot.version == STATE_VERSION:
        state = msgspec.json.decode(snapshot.body, type=State)
        seq, last_hash = snapshot.seq, snapshot.hash
    else:
        state, seq, last_hash = State(), 0, GENESIS_HASH
    for row in journal.read(seq):
        # Bytes by the port's word; but a database that was tampered with may hold text, which has no hash.
        if row.seq != seq + 1 or type(row.body) is not bytes or chain_hash(last_hash, row.body) != row.hash:
            msg = f"record {row.seq} does not follow from record {seq}: the journal was changed or damaged"
            raise JournalBrokenError(msg)
        _fold(state, row)
        seq, last_hash = row.seq, row.hash
    return state, seq, last_hash


def _fold(state: State, row: JournalRow) -> None:
    try:
        record = FOLDED.decode(row.body)
    except msgspec.MsgspecError as error:
        msg = f"record {row.seq} cannot be read by this version: {error}"
        raise JournalBrokenError(msg) from error
    for event in record.events:
        apply(state, event, record.at)
    touch(state, record.at)
    answer = record.accepted or record.refused
    if record.request is not None and answer is not None:
        keep_answer(state, record.request.key, record.request.body_sha256, answer)
