"""Drives the real runtime through a trace: jobs arrive, runs end, rounds come, and time leaps from one to the next.

With rounds of a length everything that happens within one is told at its end, and chips come free then, as in Gavel's
simulator (Narayanan et al., OSDI 2020). With rounds of no length each arrival and each end has a round of its own.
Never decides who runs where.
"""

import gc
from collections.abc import Callable

import msgspec

from multihome.domain.commands import (
    Accepted,
    Apply,
    Command,
    EngineTold,
    Input,
    Install,
    PlaceDue,
    Request,
    SetPolicy,
    Submit,
    Tick,
)
from multihome.domain.effects import StopRun
from multihome.domain.notifications import Notification, Webhook
from multihome.domain.policy import PlacementPolicy, Preemption
from multihome.ports.journal import Journal, Snapshot
from multihome.runtime.engines import perform
from multihome.runtime.loop import Batch, Runtime
from multihome.simulator.clock import SimClock
from multihome.simulator.replay.cluster import PROVIDER, ClusterPool, cluster_documents
from multihome.simulator.replay.collector import Collected, hear, note_round, results_of
from multihome.simulator.replay.engine import EngineMemory, TraceEngine
from multihome.simulator.replay.jobs import ReplayJob
from multihome.simulator.replay.journal import HeadJournal
from multihome.simulator.results.columns import Results
from multihome.units.time import parse_instant

UNDATED_START_MS = parse_instant("2025-01-01")
"""Where contract time begins for a trace that has no dates."""
ACTOR = "simulation"
STALLED_ROUNDS_MAX = 10_000
"""Rounds in which nothing runs and nothing arrives, and something waits: nothing will ever change then."""


class ReplayError(Exception):
    """The replay cannot go on, and why."""


class Story(msgspec.Struct, frozen=True):
    """What is replayed: a trace's name and start, its jobs, a cluster, a policy, and a seed."""

    trace: str
    start_ms: int
    jobs: tuple[ReplayJob, ...]
    pools: tuple[ClusterPool, ...]
    policy: PlacementPolicy
    seed: int


class Standing(msgspec.Struct):
    """Where a replay stands, beside the control plane's own state: all that a checkpoint carries."""

    now_ms: int = 0
    fed: int = 0
    finished: int = 0
    idle_rounds: int = 0
    is_quiet: bool = False
    """Nothing has happened since the last round that it could use."""
    engine: EngineMemory = msgspec.field(default_factory=EngineMemory)
    collected: Collected = msgspec.field(default_factory=Collected)


class Checkpoint(msgspec.Struct, frozen=True):
    """A replay that was interrupted: of which story, the control plane's state at its head, and where it stood."""

    story_sha256: str
    snapshot: Snapshot
    standing: Standing


Watch = Callable[["Replay"], None]
"""Called after every round, for progress and checkpoints."""


class _Nobody:
    """The `Notifier` port where nobody is to be told."""

    def send(self, webhook: Webhook, notification: Notification) -> None:
        """See `Notifier.send`."""


class Replay:
    """One replay under way."""

    def __init__(self, story: Story, checkpoint: Checkpoint | None, journal: Journal | None = None) -> None:
        """Begin, or go on from a checkpoint of the same story.

        Raises:
            ReplayError: a command that describes the cluster was refused.
        """
        self.story = story
        self.standing = checkpoint.standing if checkpoint is not None else Standing()
        self._start_ms = story.start_ms or UNDATED_START_MS
        self.clock = SimClock(self._start_ms + self.standing.now_ms)
        self._jobs = {f"w-{number:07d}": job for number, job in enumerate(story.jobs)}
        self._ids = tuple(self._jobs)
        if journal is None:
            journal = HeadJournal(checkpoint.snapshot if checkpoint is not None else None)
        self.runtime = Runtime(journal, self.clock)
        self.engine = TraceEngine(PROVIDER, self.clock, self._jobs, story.policy.restart_ms, self.standing.engine)
        self._engines = {PROVIDER: self.engine}
        self._notifier = _Nobody()
        if checkpoint is None:
            self._describe()

    def run(self, watch: Watch) -> Results:
        """Replay to the end, and what came of it.

        Raises:
            ReplayError: something waits that will never run, or a job was refused.
        """
        collects = gc.isenabled()
        # The loop makes no cycles, and the collector would walk the state again and again.
        gc.disable()
        try:
            while self.standing.finished < len(self.story.jobs):
                self._step()
                watch(self)
        finally:
            if collects:
                gc.enable()
        return self._results()

    def snapshot(self) -> Snapshot:
        """The control plane's state at its journal's head; between two rounds."""
        self.runtime.snapshot_if_due(force=True)
        found = self.runtime.journal.latest_snapshot()
        assert found is not None, "the journal began with the cluster"
        return found

    def _describe(self) -> None:
        tenants = dict.fromkeys(job.spec.tenant_id for job in self.story.jobs)
        documents = cluster_documents(self.story.pools, tuple(tenants), self._start_ms)
        self._ask(Install(installation_id=f"replay-{self.story.seed}"), "install")
        self._ask(Apply(documents=documents, workloads=()), "cluster")
        self._ask(SetPolicy(policy=self.story.policy, actor=ACTOR, why="the policy that is simulated"), "policy")

    def _step(self) -> None:
        """Go to the next instant at which a round is due, feeding what arrives before it, and have the round."""
        standing = self.standing
        now_ms = self._next_ms()
        self._feed_until(now_ms)
        self._go_to(now_ms)
        self.engine.pass_time()
        told = self._told()
        quiet = not told and standing.is_quiet
        if quiet and self.story.policy.preemption is not Preemption.ROUNDS:
            standing.is_quiet = True
        else:
            batch = self._tell([*told, Tick(), PlaceDue()])
            if any(isinstance(effect, StopRun) for effect in batch.effects):
                # Who was asked to stop has ended at once: what was planned for their chips starts in the same instant.
                self._tell([*self._told(), PlaceDue()])
            standing.is_quiet = True
        self._notice_standstill()
        note_round(standing.collected, self.runtime.state, self.story.pools, self.engine.memory, now_ms)

    def _next_ms(self) -> int:
        """The next instant that has a round: a boundary, or where there are none the next arrival or end."""
        standing = self.standing
        arrival_ms = self.story.jobs[standing.fed].arrival_ms if standing.fed < len(self.story.jobs) else None
        end_ms = self.engine.next_end_ms()
        end_ms = end_ms - self._start_ms if end_ms is not None else None
        comings = [at_ms for at_ms in (arrival_ms, end_ms) if at_ms is not None]
        round_ms = self.story.policy.round_ms
        if not round_ms:
            if not comings:
                msg = f"{len(self.story.jobs) - standing.finished} jobs wait, and nothing will make room for them"
                raise ReplayError(msg)
            return max(standing.now_ms, min(comings))
        is_first = not standing.fed and not standing.now_ms
        after_ms = 0 if is_first else standing.now_ms // round_ms * round_ms + round_ms
        has_work = bool(self.runtime.state.workloads)
        moves = self.story.policy.preemption is Preemption.ROUNDS
        if comings and (not has_work or (not moves and standing.is_quiet)):
            # Rounds in which nothing has happened decide nothing.
            return max(after_ms, -(-min(comings) // round_ms) * round_ms)
        return after_ms

    def _feed_until(self, until_ms: int) -> None:
        """Submit what arrives up to an instant, each at its own."""
        standing = self.standing
        jobs = self.story.jobs
        while standing.fed < len(jobs) and jobs[standing.fed].arrival_ms <= until_ms:
            number = standing.fed
            job = jobs[number]
            self._go_to(job.arrival_ms)
            self._ask(Submit(spec=job.spec), self._ids[number].removeprefix("w-"))
            standing.fed += 1
            standing.is_quiet = False

    def _go_to(self, at_ms: int) -> None:
        self.clock.advance(self._start_ms + at_ms - self.clock.true_ms)
        self.standing.now_ms = at_ms

    def _told(self) -> list[Input]:
        reports = self.engine.take_news()
        if not reports:
            return []
        self.standing.is_quiet = False
        return [EngineTold(provider_id=PROVIDER, reports=reports)]

    def _tell(self, messages: list[Input]) -> Batch:
        """Decide, commit, listen and perform, as the service does; answers of engines are decided at once."""
        batch = self.runtime.decide(messages)
        self.runtime.commit(batch)
        self._hear(batch)
        answers: list[Input] = []
        for effect in batch.effects:
            answer = perform(self._engines, self._notifier, effect)
            if answer is not None:
                answers.append(answer)
        if answers:
            confirmed = self.runtime.decide(answers)
            self.runtime.commit(confirmed)
            self._hear(confirmed)
        return batch

    def _hear(self, batch: Batch) -> None:
        hear(self.standing.collected, batch.events)
        self.standing.finished = self.standing.fed - len(self.runtime.state.workloads)

    def _ask(self, command: Command, key: str) -> None:
        body = key
        request = Request(key=key, body_sha256=body, minted_id=key, actor=ACTOR, command=command)
        batch = self._tell([request])
        (answer,) = batch.answers
        if not isinstance(answer, Accepted):
            msg = f"{key}: {answer.subject}: {answer.text}" if answer is not None else key
            raise ReplayError(msg)

    def _notice_standstill(self) -> None:
        state, standing = self.runtime.state, self.standing
        is_still = bool(state.waiting) and not state.runs and standing.fed == len(self.story.jobs)
        standing.idle_rounds = standing.idle_rounds + 1 if is_still else 0
        if standing.idle_rounds > STALLED_ROUNDS_MAX:
            msg = f"{sum(map(len, state.waiting.values()))} jobs wait while nothing runs, and nothing will make room"
            raise ReplayError(msg)

    def _results(self) -> Results:
        policy = self.story.policy
        words = f"{policy.order.value}, {policy.objective.value}, {policy.knowledge.value}"
        memory = _since(self.engine.memory, self._start_ms)
        about = (self.story.trace, words, self.story.seed)
        return results_of(self.standing.collected, self._jobs, memory, self.story.pools, about, self.standing.now_ms)


def _since(memory: EngineMemory, start_ms: int) -> EngineMemory:
    """The engine's memory with instants of the trace in the place of the clock's."""
    work = {
        name: msgspec.structs.replace(
            one,
            first_start_ms=one.first_start_ms - start_ms if one.first_start_ms >= 0 else -1,
            end_ms=one.end_ms - start_ms if one.end_ms >= 0 else -1,
        )
        for name, one in memory.work.items()
    }
    return msgspec.structs.replace(memory, work=work)
