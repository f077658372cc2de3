"""The engine of a replay: runs go exactly at their rates, end exactly at their time, and it always answers.

Work is counted in steps × 10⁹, which is what a micro-step a second does in a millisecond times whole numbers only.
A start takes `restart_ms` in which nothing is done. Who is asked to stop saves where it is and ends at once.
"""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

import msgspec

from multihome.domain.ids import Generation, ProviderId, RunId
from multihome.domain.runs import Inventory, LaunchIntent, Progress, ReportState, RunReport
from multihome.ports.engine import EngineClass, LaunchRefusedError
from multihome.simulator.clock import SimClock
from multihome.simulator.replay.jobs import ReplayJob
from multihome.simulator.traces.facts import MICRO_PER_UNIT
from multihome.units.time import MS_PER_SECOND

WORK_PER_STEP = MICRO_PER_UNIT * MS_PER_SECOND
STOPPED_EXIT = 143
"""128 + SIGTERM."""


class Work(msgspec.Struct):
    """What has been done of a job, and what it cost: `useful_ms` is time in which it made progress."""

    done: int = 0
    first_start_ms: int = -1
    end_ms: int = -1
    launches: int = 0
    lost_ms: int = 0
    useful_ms: int = 0
    accelerators: list[str] = []


class TraceRun(msgspec.Struct):
    """A run that is up: at which rate (work a millisecond), since when it makes progress, and when it will end."""

    run_id: RunId
    workload_id: str
    generation: Generation
    token: str
    rate: int
    began_ms: int
    resumed: int
    end_ms: int


class EngineMemory(msgspec.Struct):
    """Everything the engine knows, as data that a checkpoint can carry."""

    work: dict[str, Work] = {}
    runs: dict[RunId, TraceRun] = {}
    ended: dict[RunId, RunReport] = {}
    news: list[RunReport] = []
    useful_chip_ms: int = 0


class TraceEngine:
    """The `Engine` port over a trace."""

    def __init__(
        self,
        provider_id: ProviderId,
        clock: SimClock,
        jobs: Mapping[str, ReplayJob],
        restart_ms: int,
        memory: EngineMemory,
    ) -> None:
        """An engine that executes the jobs of a trace, by the id of their workload."""
        self._provider_id = provider_id
        self._clock = clock
        self._jobs = jobs
        self._restart_ms = restart_ms
        self.memory = memory
        self._ends: list[tuple[int, RunId]] = []
        for run in memory.runs.values():
            heappush(self._ends, (run.end_ms, run.run_id))

    @property
    def provider_id(self) -> ProviderId:
        """See `Engine.provider_id`."""
        return self._provider_id

    @property
    def engine_class(self) -> EngineClass:
        """See `Engine.engine_class`."""
        return EngineClass.NAMED

    def launch(self, intent: LaunchIntent) -> None:
        """See `Engine.launch`."""
        memory = self.memory
        if intent.run_id in memory.runs:
            return
        job = self._jobs[intent.workload_id]
        rate = job.micro_steps_per_s.get(intent.accelerator)
        if rate is None:
            msg = f"{intent.name} has no rate on {intent.accelerator}"
            raise LaunchRefusedError(msg)
        now_ms = self._clock.true_ms
        work = memory.work.setdefault(intent.workload_id, Work(accelerators=[]))
        work.launches += 1
        if work.first_start_ms < 0:
            work.first_start_ms = now_ms
        if intent.accelerator not in work.accelerators:
            work.accelerators.append(intent.accelerator)
        began_ms = now_ms + self._restart_ms
        left = job.steps * WORK_PER_STEP - work.done
        run = TraceRun(
            run_id=intent.run_id,
            workload_id=intent.workload_id,
            generation=intent.generation,
            token=intent.token,
            rate=rate,
            began_ms=began_ms,
            resumed=work.done,
            end_ms=began_ms - (-left // rate),
        )
        memory.runs[run.run_id] = run
        heappush(self._ends, (run.end_ms, run.run_id))

    def stop(self, run_id: RunId, generation: Generation, grace_ms: int) -> None:
        """See `Engine.stop`: it saves and ends at once, whatever the grace."""
        del generation, grace_ms
        run = self.memory.runs.get(run_id)
        if run is not None:
            self._end(run, self._clock.true_ms, STOPPED_EXIT)

    def observe(self) -> Inventory:
        """See `Engine.observe`."""
        running = tuple(self._report(run) for run in self.memory.runs.values())
        return Inventory(provider_id=self._provider_id, reports=(*running, *self.memory.ended.values()))

    def forget(self, run_id: RunId) -> None:
        """See `Engine.forget`."""
        self.memory.ended.pop(run_id, None)

    def fence(self, checkpoint_key: str, generation: Generation) -> None:
        """See `Engine.fence`: nothing is ever replaced here while it runs."""
        del checkpoint_key, generation

    def logs(self, run_id: RunId, rank: int, follow_from: int) -> Iterator[bytes]:
        """See `Engine.logs`: simulated programs write nothing."""
        del run_id, rank, follow_from
        return iter(())

    def next_end_ms(self) -> int | None:
        """When the next run ends if nobody stops it; None while nothing runs."""
        while self._ends and self._ends[0][1] not in self.memory.runs:
            heappop(self._ends)
        return self._ends[0][0] if self._ends else None

    def pass_time(self) -> None:
        """End what has ended by now, each at its own time."""
        now_ms = self._clock.true_ms
        while (end_ms := self.next_end_ms()) is not None and end_ms <= now_ms:
            self._end(self.memory.runs[self._ends[0][1]], end_ms, 0)

    def take_news(self) -> tuple[RunReport, ...]:
        """What became of runs since this was last asked."""
        news, self.memory.news = tuple(self.memory.news), []
        return news

    def _end(self, run: TraceRun, at_ms: int, exit_code: int) -> None:
        job, work = self._jobs[run.workload_id], self.memory.work[run.workload_id]
        useful_ms = max(0, at_ms - run.began_ms)
        work.useful_ms += useful_ms
        work.lost_ms += min(self._restart_ms, at_ms - (run.began_ms - self._restart_ms))
        work.done = min(job.steps * WORK_PER_STEP, run.resumed + run.rate * useful_ms)
        if exit_code == 0:
            work.end_ms = at_ms
        self.memory.useful_chip_ms += useful_ms * job.chips
        del self.memory.runs[run.run_id]
        report = RunReport(
            run_id=run.run_id,
            generation=run.generation,
            token=run.token,
            state=ReportState.ENDED,
            exit_code=exit_code,
            progress=_progress(work.done, work.done, run.resumed),
        )
        self.memory.ended[run.run_id] = report
        self.memory.news.append(report)

    def _report(self, run: TraceRun) -> RunReport:
        done = run.resumed + run.rate * max(0, self._clock.true_ms - run.began_ms)
        return RunReport(
            run_id=run.run_id,
            generation=run.generation,
            token=run.token,
            state=ReportState.RUNNING,
            progress=_progress(done, run.resumed, run.resumed),
        )


def _progress(done: int, saved: int, resumed: int) -> Progress:
    return Progress(
        step=done // WORK_PER_STEP, checkpoint_step=saved // WORK_PER_STEP, resumed_from_step=resumed // WORK_PER_STEP
    )
