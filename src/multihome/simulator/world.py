"""What is true at the providers, whoever knows it: processes, tombstones, checkpoints, silences. Knows no contract.

Adversity is bounded, as the failure model is: what is late, delayed or left out is so for `LATE_MS_MAX` at most, and
providers declare an absence delay that covers three such delays one after another.
"""

from collections import Counter

import msgspec

from multihome.domain.ids import Generation, ProviderId, RunId, WorkloadId
from multihome.domain.runs import Inventory, LaunchIntent, Progress, ReportState, RunReport
from multihome.simulator.clock import SimClock
from multihome.simulator.dice import Dice
from multihome.units.time import FOREVER_MS, MS_PER_HOUR, MS_PER_MINUTE

LATE_MS_MAX = 14 * MS_PER_MINUTE
ABSENCE_DELAY_MS = 45 * MS_PER_MINUTE
WORK_MINUTES = "WORK_MINUTES"
"""The environment variable that tells a simulated program how much there is to do."""
WORK_MINUTES_DEFAULT = 600
"""How much work a program is that does not say."""
_MS_PER_STEP = MS_PER_MINUTE
_KILLED = 137
_TERMINATED = 143


class Process(msgspec.Struct):
    """A gang that runs, or ran, somewhere. `hidden` is when reports leave it out; `stuck_ms` when it stops moving."""

    intent: LaunchIntent
    up_ms: int
    ends_ms: int
    exit_code: int
    first_step: int
    stuck_ms: int
    hidden_from_ms: int
    hidden_to_ms: int
    written_to: int
    """The newest checkpoint step that was let through."""
    ended_ms: int | None = None

    @property
    def unit(self) -> tuple[WorkloadId, int]:
        """The unit of a workload that it executes."""
        return self.intent.workload_id, self.intent.unit

    def step_at(self, at_ms: int) -> int:
        """The step it is at; one step takes a minute."""
        moved_ms = min(at_ms, self.stuck_ms, self.ends_ms) - self.up_ms
        return self.first_step + max(0, moved_ms) // _MS_PER_STEP


class Site(msgspec.Struct):
    """A provider as it really is."""

    silent_until_ms: int = 0
    tombstones: set[RunId] = msgspec.field(default_factory=set[RunId])
    known: dict[RunId, list[Process]] = msgspec.field(default_factory=dict[RunId, list[Process]])
    """By run, newest last. More than one live process of a run is what must never be."""
    late: list[tuple[int, LaunchIntent]] = msgspec.field(default_factory=list[tuple[int, LaunchIntent]])
    """Launches that were not answered and happen at an instant."""


class World:
    """The truth of a simulation. `quiet` is set for the end of it, when nothing goes wrong any more."""

    def __init__(self, clock: SimClock, dice: Dice) -> None:
        """An empty world."""
        self.clock = clock
        self.dice = dice
        self.quiet = False
        self.sites: dict[ProviderId, Site] = {}
        self.fences: dict[str, Generation] = {}
        self.checkpoints: dict[str, int] = {}
        self.finished: set[WorkloadId] = set()
        self.faults: Counter[str] = Counter()

    def site(self, provider_id: ProviderId) -> Site:
        """The truth at one provider."""
        site = self.sites.get(provider_id)
        if site is None:
            site = self.sites[provider_id] = Site()
        return site

    def is_silent(self, provider_id: ProviderId) -> bool:
        """Say whether its engine answers nothing now."""
        return self.clock.true_ms < self.site(provider_id).silent_until_ms

    def live(self) -> list[Process]:
        """Every process that runs now, anywhere."""
        return [
            process
            for site in self.sites.values()
            for processes in site.known.values()
            for process in processes
            if process.ended_ms is None
        ]

    def fault(self, name: str, per_mille: int) -> bool:
        """Roll for a fault, and count it when it happens; never in the quiet phase."""
        if self.quiet or not self.dice.chance(per_mille):
            return False
        self.faults[name] += 1
        return True

    def advance(self) -> None:
        """Let everything happen that was due by now."""
        now_ms = self.clock.true_ms
        for site in self.sites.values():
            if site.late:
                due = [intent for at_ms, intent in site.late if at_ms <= now_ms]
                site.late = [(at_ms, intent) for at_ms, intent in site.late if at_ms > now_ms]
                for intent in due:
                    self.spawn(intent)
        for process in self.live():
            self._write_checkpoint(process, min(now_ms, process.ends_ms))
            if process.ends_ms <= now_ms:
                self._end(process)

    def spawn(self, intent: LaunchIntent) -> str:
        """Start a process unless something forbids it; says what forbade it, or nothing when it was started.

        A repeat is not recognised: whoever launches a run twice has it twice, and the checks see it.
        """
        site = self.site(intent.provider_id)
        if intent.run_id in site.tombstones:
            return "it was stopped before it was launched"
        if intent.generation < self.fences.get(intent.checkpoint_key, 0):
            return "a newer generation was launched"
        self.fences[intent.checkpoint_key] = intent.generation
        site.known.setdefault(intent.run_id, []).append(self._process(intent))
        return ""

    def stop(self, provider_id: ProviderId, run_id: RunId, grace_ms: int) -> None:
        """End a run within its grace; a well-behaved program saves a checkpoint first and says 0."""
        site = self.site(provider_id)
        if run_id not in site.known:
            site.tombstones.add(run_id)
        for process in site.known.get(run_id, ()):
            ends_ms = self.clock.true_ms + self.dice.between(0, grace_ms)
            if process.ended_ms is None and ends_ms < process.ends_ms:
                process.ends_ms = ends_ms
                process.exit_code = self.dice.pick((0, _TERMINATED))

    def lose(self, provider_id: ProviderId) -> None:
        """All that runs at a provider dies without a trace, and what was on its way to it never arrives."""
        site = self.site(provider_id)
        site.known.clear()
        site.late.clear()

    def raise_fence(self, checkpoint_key: str, generation: Generation) -> None:
        """Refuse checkpoint writes below a generation; it never goes down."""
        self.fences[checkpoint_key] = max(generation, self.fences.get(checkpoint_key, generation))

    def inventory(self, provider_id: ProviderId) -> Inventory:
        """What an engine reports now."""
        site = self.site(provider_id)
        now_ms = self.clock.true_ms
        reports: list[RunReport] = []
        for processes in site.known.values():
            process = processes[-1]
            if not self.quiet and process.hidden_from_ms <= now_ms < process.hidden_to_ms:
                self.faults["run missing from a report"] += 1
                continue
            reports.append(self._report(process))
        foreign = ("somebody-elses",) if self.fault("foreign thing seen", 5) else ()
        return Inventory(provider_id=provider_id, reports=tuple(reports), foreign=foreign)

    def _process(self, intent: LaunchIntent) -> Process:
        now_ms = self.clock.true_ms
        up_ms = now_ms + self.dice.between(0, 6 * MS_PER_MINUTE)
        first_step = self.checkpoints.get(intent.checkpoint_key, 0)
        work_minutes = work_minutes_of(intent)
        ends_ms, exit_code = up_ms + max(1, work_minutes - first_step) * _MS_PER_STEP, 0
        stuck_ms = FOREVER_MS
        if intent.service is not None:
            ends_ms = FOREVER_MS
        lives_ms = min(ends_ms - up_ms, 24 * MS_PER_HOUR)
        if self.fault("program fails", 60):
            ends_ms, exit_code = up_ms + self.dice.between(0, lives_ms - 1), self.dice.pick((1, 2, _KILLED))
        elif self.fault("program hangs", 30):
            ends_ms, stuck_ms = FOREVER_MS, up_ms + self.dice.between(0, lives_ms)
        hidden_from_ms = up_ms + self.dice.between(0, lives_ms) if self.dice.chance(300) else FOREVER_MS
        return Process(
            intent=intent,
            up_ms=up_ms,
            ends_ms=ends_ms,
            exit_code=exit_code,
            first_step=first_step,
            stuck_ms=stuck_ms,
            hidden_from_ms=hidden_from_ms,
            hidden_to_ms=hidden_from_ms + self.dice.between(1, LATE_MS_MAX),
            written_to=first_step,
        )

    def _write_checkpoint(self, process: Process, at_ms: int) -> None:
        """What the program saved by an instant, unless a newer generation refuses its writes."""
        intent = process.intent
        every = intent.checkpoint_interval_steps
        if not every or intent.generation < self.fences.get(intent.checkpoint_key, 0):
            return
        newest = process.step_at(at_ms) // every * every
        if newest > process.written_to:
            process.written_to = newest
            self.checkpoints[intent.checkpoint_key] = newest

    def _end(self, process: Process) -> None:
        process.ended_ms = process.ends_ms
        intent = process.intent
        is_whole = process.step_at(process.ends_ms) >= work_minutes_of(intent)
        if process.exit_code == 0 and intent.service is None and is_whole:
            self.finished.add(intent.workload_id)

    def _report(self, process: Process) -> RunReport:
        intent = process.intent
        now_ms = self.clock.true_ms
        if process.ended_ms is not None:
            state, exit_code = ReportState.ENDED, process.exit_code
        else:
            state, exit_code = (ReportState.RUNNING if now_ms >= process.up_ms else ReportState.STARTING), None
        is_ready = intent.service is not None and state is ReportState.RUNNING
        progress = None
        if state is not ReportState.STARTING and intent.service is None:
            progress = Progress(
                step=process.step_at(now_ms),
                checkpoint_step=process.written_to,
                resumed_from_step=process.first_step,
            )
        return RunReport(
            run_id=intent.run_id,
            generation=intent.generation,
            token=intent.token,
            state=state,
            exit_code=exit_code,
            ready=is_ready,
            endpoint=f"http://{intent.run_id}" if is_ready else "",
            progress=progress,
        )


def work_minutes_of(intent: LaunchIntent) -> int:
    """How many minutes of work a simulated program has, as its environment says."""
    return int(intent.envs.get(WORK_MINUTES, WORK_MINUTES_DEFAULT))
