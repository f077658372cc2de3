"""Drives the real runtime through simulated days in which everything goes wrong, and checks after every step.

The loop under test is `runtime.loop.Runtime`; this drives it as the live service does, one thread and one seed, and
kills it between any two writes. Never decides anything the control plane decides.
"""

from collections import Counter
from collections.abc import Iterator
from enum import Enum

import msgspec

from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.controller.invariants import Violation, check
from multihome.domain.clause_terms import FirstRefusal
from multihome.domain.commands import Apply, AwardOffer, Input, PlaceDue, Recovered, Request, Tick
from multihome.domain.effects import Effect, StartRun
from multihome.domain.events import (
    Event,
    NoticeAnswered,
    RunEnded,
    RunIntended,
    RunStopAsked,
    TrancheMoved,
    WorkloadEnded,
)
from multihome.domain.ids import ProviderId, RunId
from multihome.domain.procurement import TrancheStep
from multihome.domain.runs import Intended, Unknown
from multihome.domain.supply import Provider
from multihome.ports.journal import GENESIS_HASH, JournalFullError, JournalRow, StaleWriterError
from multihome.runtime.engines import observe, perform
from multihome.runtime.loop import Batch, Runtime
from multihome.runtime.records import ENCODER
from multihome.simulator.clock import SimClock
from multihome.simulator.dice import Dice
from multihome.simulator.engines import SimEngine
from multihome.simulator.notifier import SimNotifier
from multihome.simulator.people import People
from multihome.simulator.scenario import HOLDER, NEO, START_MS, TENSOR, Given
from multihome.simulator.truth import Record, check_converged, check_promises, check_success, check_told, check_world
from multihome.simulator.world import LATE_MS_MAX, World
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE
from multihome.views.audit import audit

QUIET_MS = 6 * MS_PER_HOUR
WORKLOADS_PER_DAY = 10
_STEP_MS_MAX = 12 * MS_PER_MINUTE
_PROVIDERS = (HOLDER, NEO, TENSOR)
_CRASH = 8
_CRASH_WITH_EFFECTS = 120
_FULL = 6
_SNAPSHOT = 20
_WALL_JUMP = 2
_SILENCE = 4
_LOSS = 1


class Plant(Enum):
    """Bugs planted on purpose, which the checks must catch."""

    NONE = "none"
    NO_INTENT_BEFORE_LAUNCH = "no_intent_before_launch"
    """Effects are performed before their intents are durable."""
    DOUBLE_ADOPTION = "double_adoption"
    """After a restart a launch of unknown outcome is asked for again."""
    AWARD_UNASKED = "award_unasked"
    """Offers are awarded as if nobody held a first refusal."""
    FORGOTTEN_DELIVERY = "forgotten_delivery"
    """A tranche's acceptance is kept, and the capacity that it brought is forgotten."""
    DEAF_NOTIFIER = "deaf_notifier"
    """Notifications count as delivered and never arrive."""


class Moment(Enum):
    """Where in a step the control plane is killed."""

    NOWHERE = "nowhere"
    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    AMID_EFFECTS = "amid effects"


class SimResult(msgspec.Struct, frozen=True):
    """How a seed went. `digest` is the hash of the journal's last record; the same seed always has the same one."""

    seed: int
    steps: int
    records: int
    faults: dict[str, int]
    coverage: dict[str, int]
    digest: str
    violations: tuple[Violation, ...]


def _covered(event: Event) -> str:
    """What an event covers: its kind, and how or why a run ended or was asked to."""
    match event:
        case RunEnded() | WorkloadEnded():
            return f"{type(event).__name__} {event.outcome.value}"
        case RunStopAsked():
            return f"{type(event).__name__} {event.cause.value}"
        case RunIntended():
            return f"{type(event).__name__} {event.reason.basis.value}"
        case NoticeAnswered():
            return f"{type(event).__name__} {event.answer.kind.value}"
        case TrancheMoved():
            return f"{type(event).__name__} {event.step.value}"
        case _:
            return type(event).__name__


class _CrashError(Exception):
    """The control plane is killed while it writes."""


def simulate(seed: int, days: int, plant: Plant = Plant.NONE, given: Given | None = None) -> SimResult:
    """Run one seed over so many simulated days and a quiet time after them; stops at the first violation.

    The scenario is thrown by the seed's dice, unless one is given.
    """
    driver = _Driver(seed, days, plant, given)
    violations = driver.run()
    return SimResult(
        seed=seed,
        steps=driver.steps,
        records=len(driver.disk.rows),
        faults=dict(sorted(driver.world.faults.items())),
        coverage=dict(sorted(driver.coverage.items())),
        digest=driver.disk.rows[-1].hash if driver.disk.rows else GENESIS_HASH,
        violations=violations,
    )


def simulate_journal(seed: int, days: int, plant: Plant = Plant.NONE) -> list[JournalRow]:
    """The journal that a seed leaves, for whatever reads journals; up to the first violation where a bug is planted."""
    driver = _Driver(seed, days, plant, None)
    driver.run()
    return driver.disk.rows


def _providers(given: Given | None) -> tuple[ProviderId, ...]:
    if given is None:
        return _PROVIDERS
    return tuple(document.id for document in given.documents if isinstance(document, Provider))


class _Driver:
    """One simulation under way."""

    def __init__(self, seed: int, days: int, plant: Plant, given: Given | None) -> None:
        self._dice = Dice(seed, "driver")
        self._plant = plant
        self._clock = SimClock(START_MS)
        self._end_ms = START_MS + days * MS_PER_DAY
        self.world = World(self._clock, Dice(seed, "world"))
        self._engines = {one: SimEngine(self.world, one) for one in _providers(given)}
        self._notifier = SimNotifier(self.world, is_deaf=plant is Plant.DEAF_NOTIFIER)
        workloads = WORKLOADS_PER_DAY * days
        self._people = People(Dice(seed, "people"), self.world, START_MS, self._end_ms, workloads, given)
        self._mailbox: list[tuple[int, Input]] = []
        self._in_flight: list[tuple[int, Effect]] = []
        self._starts: dict[RunId, StartRun] = {}
        self._record = Record()
        self._moment = Moment.NOWHERE
        self._is_full = False
        self._recovered = False
        self._is_rebooting = False
        self._anchor = (0, GENESIS_HASH)
        self.disk = MemoryDisk()
        self.steps = 0
        self.coverage: Counter[str] = Counter()
        self._runtime = self._start()

    def run(self) -> tuple[Violation, ...]:
        """Faulty days, then quiet hours; the violations of the first step that had any."""
        while self._clock.true_ms < self._end_ms:
            self._clock.advance(self._dice.between(MS_PER_MINUTE, _STEP_MS_MAX))
            self._trouble()
            violations = self._guarded_step()
            if violations:
                return violations
        self._calm_down()
        while self._clock.true_ms < self._end_ms + QUIET_MS:
            self._clock.advance(5 * MS_PER_MINUTE)
            violations = self._guarded_step()
            if violations:
                return violations
        return tuple(self._final())

    def _guarded_step(self) -> tuple[Violation, ...]:
        """A step; an error of the code under test is a violation like any other."""
        self.steps += 1
        try:
            return tuple(self._step())
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            return (Violation("crash", f"step {self.steps}", f"{type(error).__name__}: {error}"),)

    def _step(self) -> Iterator[Violation]:
        self.world.advance()
        self._arrive_late()
        messages = self._gather()
        batch = self._decide(messages)
        self._moment = self._fate(batch)
        if self._plant is Plant.NO_INTENT_BEFORE_LAUNCH:
            self._perform(batch.effects)
        try:
            self._runtime.commit(batch)
        except JournalFullError:
            self._runtime.abandon()
            self._recovered = True
            return
        except _CrashError:
            yield from self._restart()
            return
        finally:
            self._is_full = False
        if self._moment is Moment.BEFORE_COMMIT:
            # There was nothing to write, and it dies all the same.
            yield from self._restart()
            return
        yield from self._after_commit(messages, batch)

    def _decide(self, messages: list[Input]) -> Batch:
        """The planted bug of awards: whoever decides them sees no first refusal."""
        state = self._runtime.state
        commands = [message.command for message in messages if isinstance(message, Request)]
        has_award = any(isinstance(command, AwardOffer) for command in commands)
        if self._plant is not Plant.AWARD_UNASKED or not has_award or any(isinstance(one, Apply) for one in commands):
            return self._runtime.decide(messages)
        seen = dict(state.contracts)
        for contract_id, contract in seen.items():
            clauses = tuple(terms for terms in contract.clauses if not isinstance(terms, FirstRefusal))
            state.contracts[contract_id] = msgspec.structs.replace(contract, clauses=clauses)
        batch = self._runtime.decide([message for message in messages if not isinstance(message, PlaceDue)])
        batch.answers.extend(None for message in messages if isinstance(message, PlaceDue))
        state.contracts.update(seen)
        return batch

    def _after_commit(self, messages: list[Input], batch: Batch) -> Iterator[Violation]:
        """The batch is durable: check it, answer, and do as much as fate allows."""
        self._take(batch.events)
        self._starts.update((effect.intent.run_id, effect) for effect in batch.effects if isinstance(effect, StartRun))
        if batch.events:
            yield from check(self._runtime.state, self._runtime.now())
        if self._moment is Moment.AFTER_COMMIT:
            self._lose(batch.effects)
            yield from self._restart()
            return
        for message, answer in zip(messages, batch.answers, strict=True):
            if isinstance(message, Request):
                self._people.answered(message, answer)
        if self._plant is not Plant.NO_INTENT_BEFORE_LAUNCH:
            done = self._dice.between(0, len(batch.effects)) if self._moment is Moment.AMID_EFFECTS else None
            self._perform(batch.effects[:done])
            if done is not None:
                self._lose(batch.effects[done:])
        yield from check_world(self.world, self._record, self._runtime.state)
        if self._moment is Moment.AMID_EFFECTS:
            yield from self._restart()
        elif self._dice.chance(_SNAPSHOT):
            self._runtime.snapshot_if_due(force=True)

    def _take(self, events: list[Event]) -> None:
        """Note what happened."""
        for event in events:
            self._record.take(event)
            self.coverage[_covered(event)] += 1
        if self._plant is Plant.FORGOTTEN_DELIVERY:
            self._forget_delivery(events)

    def _forget_delivery(self, events: list[Event]) -> None:
        """The planted bug of deliveries: what was accepted by a step is not there."""
        deliveries = self._runtime.state.deliveries
        for event in events:
            if isinstance(event, TrancheMoved) and event.step is TrancheStep.ACCEPTED:
                found = next(one.id for one in reversed(deliveries.values()) if one.tranche_id == event.tranche_id)
                del deliveries[found]

    def _fate(self, batch: Batch) -> Moment:
        """Roll where this step dies, if anywhere."""
        if self.world.fault("journal full", _FULL):
            self._is_full = True
        crash = _CRASH_WITH_EFFECTS if batch.effects else _CRASH
        is_rebooting, self._is_rebooting = self._is_rebooting, False
        if self.world.quiet or not (is_rebooting or self._dice.chance(crash)):
            return Moment.NOWHERE
        moment = self._dice.pick((Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT, Moment.AMID_EFFECTS))
        self.world.faults[f"crash {moment.value}"] += 1
        return moment

    def _before_commit(self) -> None:
        """What the journal calls before it keeps anything."""
        if self._is_full:
            raise JournalFullError
        if self._moment is Moment.BEFORE_COMMIT:
            raise _CrashError

    def _gather(self) -> list[Input]:
        """What comes in at this step, in any order; after a restart `Recovered` is first."""
        now_ms = self._clock.true_ms
        messages: list[Input] = [message for due_ms, message in self._mailbox if due_ms <= now_ms]
        self._mailbox = [(due_ms, message) for due_ms, message in self._mailbox if due_ms > now_ms]
        messages.extend(self._people.due(self._runtime.state, now_ms))
        for provider_id in self._runtime.state.providers:
            if self.world.quiet or self._dice.chance(700):
                messages.extend(self._observed(provider_id))
        messages = self._dice.shuffled(messages)
        messages.append(Tick())
        messages.append(PlaceDue())
        if self._recovered:
            messages.insert(0, Recovered())
            self._recovered = False
        return messages

    def _observed(self, provider_id: ProviderId) -> Iterator[Input]:
        """A report, which may also come late, or twice, the second time out of date."""
        message = observe(self._engines[provider_id])
        is_late = self.world.fault("report late", 60)
        if is_late or self.world.fault("report twice", 60):
            self._post(message, 1)
        if not is_late:
            yield message

    def _post(self, message: Input, delay_ms_min: int) -> None:
        delay_ms = self._dice.between(delay_ms_min, LATE_MS_MAX)
        self._mailbox.append((self._clock.true_ms + delay_ms, message))

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            message = perform(self._engines, self._notifier, effect)
            if message is None:
                continue
            if self.world.fault("answer late", 150):
                self._post(message, MS_PER_MINUTE)
            else:
                self._mailbox.append((self._clock.true_ms, message))

    def _lose(self, effects: list[Effect]) -> None:
        """Effects of a life that ended: each never happened, or is on its way and happens when nobody listens."""
        for effect in effects:
            if self._dice.chance(500):
                self.world.faults["effect lost"] += 1
                continue
            self.world.faults["effect late"] += 1
            delay_ms = self._dice.between(0, LATE_MS_MAX)
            self._in_flight.append((self._clock.true_ms + delay_ms, effect))

    def _arrive_late(self) -> None:
        now_ms = self._clock.true_ms
        due = [effect for due_ms, effect in self._in_flight if due_ms <= now_ms]
        self._in_flight = [(due_ms, effect) for due_ms, effect in self._in_flight if due_ms > now_ms]
        for effect in due:
            if not isinstance(effect, StartRun):
                perform(self._engines, self._notifier, effect)
            elif not self.world.is_silent(effect.intent.provider_id):
                # It is as late as anything may be already, and cannot be late a second time.
                self.world.spawn(effect.intent)

    def _start(self) -> Runtime:
        self._recovered = True
        return Runtime(MemoryJournal(self.disk, self._before_commit), self._clock)

    def _restart(self) -> Iterator[Violation]:
        """Throw the runtime away and recover another one from what the disk has."""
        was_committed = self._moment is not Moment.BEFORE_COMMIT
        self._moment = Moment.NOWHERE
        old = self._runtime
        before = ENCODER.encode(old.state)
        self._mailbox.clear()
        if self._dice.chance(300):
            self._clock.reboot()
        if self.disk.snapshots and self._dice.chance(200):
            self.world.faults["snapshot lost"] += 1
            self.disk.snapshots.clear()
        self._runtime = self._start()
        head = self._runtime.head
        if was_committed and ENCODER.encode(self._runtime.state) != before:
            yield Violation("I9", f"record {head[0]}", "the replayed state is not the one that was live")
        seq, last_hash = self._anchor
        if seq > head[0] or (seq and self.disk.rows[seq - 1].hash != last_hash):
            yield Violation("I9", f"record {seq}", "the journal does not extend what was anchored")
        self._anchor = head
        yield from self._old_writer(old)
        yield from check(self._runtime.state, self._runtime.now())
        yield from check_promises(self._people, self._runtime.state, self._record)
        if self._plant is Plant.DOUBLE_ADOPTION:
            self._repeat_launches()

    def _old_writer(self, old: Runtime) -> Iterator[Violation]:
        """I10: the runtime that was replaced goes on for a moment, and must not be able to write."""
        if not self._dice.chance(300):
            return
        self.world.faults["old writer goes on"] += 1
        head = len(self.disk.rows)
        batch = old.decide([Recovered(), Tick(), PlaceDue()])
        try:
            old.commit(batch)
        except StaleWriterError:
            batch.rows.clear()
        if batch.rows or len(self.disk.rows) != head:
            yield Violation("I10", f"record {head}", "a writer that was replaced could still write")

    def _repeat_launches(self) -> None:
        """The planted bug: what is not known to have started is started again."""
        for run in list(self._runtime.state.runs.values()):
            if isinstance(run.phase, Intended | Unknown) and run.id in self._starts:
                perform(self._engines, self._notifier, self._starts[run.id])

    def _trouble(self) -> None:
        """Spells that befall providers and the clock."""
        for provider_id in self._engines:
            site = self.world.site(provider_id)
            now_ms = self._clock.true_ms
            if now_ms < site.silent_until_ms:
                continue
            if self.world.fault("provider silent", _SILENCE):
                site.silent_until_ms = now_ms + self._dice.pick((1, 3, 18, 60, 100)) * 5 * MS_PER_MINUTE
            elif self.world.fault("provider lost", _LOSS):
                self.world.lose(provider_id)
                site.silent_until_ms = now_ms + self._dice.between(1, 10) * MS_PER_HOUR
        if self.world.fault("wall clock jumps", _WALL_JUMP):
            self._clock.skew_ms = self._dice.pick((0, 0, -6, -1, 1, 6)) * MS_PER_HOUR
            self._is_rebooting = self._dice.chance(700)

    def _calm_down(self) -> None:
        """From here on nothing goes wrong; what was closed is opened."""
        self.world.quiet = True
        self._clock.skew_ms = 0
        for site in self.world.sites.values():
            site.silent_until_ms = 0
        self._people.settle(self._runtime.state)

    def _final(self) -> Iterator[Violation]:
        state, now = self._runtime.state, self._runtime.now()
        yield from check_converged(self.world, state, now)
        yield from check_success(self.world, self._record)
        yield from check_told(self._notifier, self._record)
        yield from check_promises(self._people, state, self._record)
        for line in audit(self.disk.rows).lines:
            yield from line.violations
