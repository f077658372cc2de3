"""Simulations of traces as the command line starts them: reads the files, replays, and writes what came of it."""

import sys
from pathlib import Path
from typing import TypeVar

from multihome.adapters.clock_os.clock import OsClock
from multihome.cli.launchers import LaunchError, Simulated, SimulateOptions
from multihome.domain.policy import Knowledge, Objective, Order, PlacementPolicy, Preemption
from multihome.simulator.replay.checkpoint import load_checkpoint, save_checkpoint
from multihome.simulator.replay.cluster import ClusterPool, parse_cluster
from multihome.simulator.replay.driver import Replay, ReplayError, Story
from multihome.simulator.replay.jobs import ReplayJob, replay_jobs
from multihome.simulator.results.columns import Results
from multihome.simulator.results.parquet import write_parquet
from multihome.simulator.results.report import write_report
from multihome.simulator.results.summary import summary
from multihome.simulator.traces.facts import ReadSettings, Trace, rates_by_cell
from multihome.simulator.traces.gavel_throughputs import read_throughputs
from multihome.simulator.traces.table import read_trace
from multihome.units.time import MS_PER_MINUTE, MS_PER_SECOND, format_duration

CHECKPOINT_EVERY_MS = 10 * MS_PER_SECOND
PROGRESS_EVERY_MS = 250
CHIPS_PER_NODE = 8
"""What a node counts as where a log tells nodes and no accelerators."""
REPORT = "report.html"
E = TypeVar("E", Order, Objective, Knowledge)
_MOVING = frozenset({Order.PRICES, Order.MAX_MIN})


def simulate(options: SimulateOptions) -> Simulated:
    """Replay a trace through the real loop.

    Raises:
        LaunchError: a file or an argument is wrong, or the replay cannot go on; the message says what would do.
    """
    policy = _policy(options)
    trace, jobs, pools = _inputs(options)
    story = Story(trace.file, trace.start_ms, jobs, pools, policy, options.seed)
    try:
        checkpoint = load_checkpoint(options.checkpoint, story) if options.resume and options.checkpoint else None
        replay = Replay(story, checkpoint)
        results = replay.run(_Watch(options, len(jobs)).look)
    except ReplayError as error:
        raise LaunchError(str(error)) from error
    written = _write(results, options.out) if options.out is not None else ()
    return _told(results, trace, replay, written)


def _policy(options: SimulateOptions) -> PlacementPolicy:
    order = _word(Order, "--policy", options.policy)
    return PlacementPolicy(
        objective=_word(Objective, "--objective", options.objective),
        order=order,
        knowledge=_word(Knowledge, "--knowledge", options.knowledge),
        alpha_milli=options.alpha_milli,
        preemption=Preemption.ROUNDS if order in _MOVING else Preemption.NEVER,
        round_ms=options.round_ms,
        restart_ms=options.restart_ms,
    )


def _word(kind: type[E], option: str, word: str) -> E:
    try:
        return kind(word)
    except ValueError:
        msg = f"{option} {word}: give one of {', '.join(one.value for one in kind)}"
        raise LaunchError(msg) from None


def _inputs(options: SimulateOptions) -> tuple[Trace, tuple[ReplayJob, ...], tuple[ClusterPool, ...]]:
    try:
        pools = parse_cluster(options.cluster)
    except ValueError as error:
        msg = f"--cluster {error}"
        raise LaunchError(msg) from error
    trace = read_trace(options.trace, options.form, ReadSettings(MS_PER_MINUTE, CHIPS_PER_NODE))
    _refuse(tuple(map(str, trace.problems)))
    if not trace.jobs:
        msg = f"{trace.file} is a trace of demand for services, and has no jobs to place"
        raise LaunchError(msg)
    rates: dict[tuple[str, int, str], int] = {}
    if options.throughputs is not None:
        table = read_throughputs(options.throughputs)
        _refuse(tuple(map(str, table.problems)))
        rates = rates_by_cell(table)
    jobs, problems = replay_jobs(trace, pools, rates)
    _refuse(tuple(f"{trace.file}: {problem.job}: {problem.text}" for problem in problems))
    return trace, jobs, pools


def _refuse(problems: tuple[str, ...]) -> None:
    if problems:
        raise LaunchError("\n".join(problems))


def _write(results: Results, folder: Path) -> tuple[Path, ...]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = write_parquet(results, folder)
        write_report(results, folder / REPORT)
    except OSError as error:
        msg = f"the results cannot be written to {folder}: {error.strerror}"
        raise LaunchError(msg) from error
    return (*files, folder / REPORT)


def _told(results: Results, trace: Trace, replay: Replay, written: tuple[Path, ...]) -> Simulated:
    found = summary(results)
    policy = replay.story.policy
    return Simulated(
        trace=trace.file,
        format=trace.format,
        policy=policy.order.value,
        objective=policy.objective.value,
        knowledge=policy.knowledge.value,
        seed=replay.story.seed,
        jobs=found.jobs,
        ended=found.ended,
        rounds=replay.standing.collected.seen,
        mean_completion_s=found.completion_ms.mean / MS_PER_SECOND,
        p50_completion_s=found.completion_ms.p50 / MS_PER_SECOND,
        p95_completion_s=found.completion_ms.p95 / MS_PER_SECOND,
        p99_completion_s=found.completion_ms.p99 / MS_PER_SECOND,
        mean_queue_delay_s=found.queue_delay_ms.mean / MS_PER_SECOND,
        makespan_s=found.makespan_ms / MS_PER_SECOND,
        utilisation_percent=found.utilisation_bps / 100,
        goodput_percent=found.goodput_bps / 100,
        mean_fairness_rho=found.rho_milli.mean / 1_000,
        worst_fairness_rho=found.rho_milli.largest / 1_000,
        preemptions=found.preemptions,
        restarts=found.restarts,
        lost_s=found.lost_ms / MS_PER_SECOND,
        chip_hours=found.chip_ms / 3_600_000,
        cost_usd=found.cost_micro_usd / 1_000_000,
        journal_records=replay.runtime.head[0],
        journal_head=replay.runtime.head[1],
        files=tuple(map(str, written)),
    )


class _Watch:
    """Looks at a replay after every round: shows how far it is where somebody watches, and saves checkpoints."""

    def __init__(self, options: SimulateOptions, jobs: int) -> None:
        self._checkpoint = options.checkpoint
        self._jobs = jobs
        self._clock = OsClock()
        self._began_ms = self._shown_ms = self._saved_ms = self._clock.monotonic_ms()
        self._finished_before = -1
        self._is_watched = sys.stderr.isatty()

    def look(self, replay: Replay) -> None:
        """After a round."""
        if not self._is_watched and self._checkpoint is None:
            return
        now_ms = self._clock.monotonic_ms()
        if self._finished_before < 0:
            self._finished_before = replay.standing.finished
        is_over = replay.standing.finished == self._jobs
        if self._is_watched and (is_over or now_ms - self._shown_ms >= PROGRESS_EVERY_MS):
            self._shown_ms = now_ms
            sys.stderr.write(f"\r\x1b[K{self._line(replay, now_ms)}" + ("\n" if is_over else ""))
            sys.stderr.flush()
        if self._checkpoint is not None and now_ms - self._saved_ms >= CHECKPOINT_EVERY_MS:
            save_checkpoint(replay, self._checkpoint)
            self._saved_ms = self._clock.monotonic_ms()

    def _line(self, replay: Replay, now_ms: int) -> str:
        finished, elapsed_ms = replay.standing.finished, max(1, now_ms - self._began_ms)
        done = finished - self._finished_before
        rate = done * MS_PER_SECOND / elapsed_ms
        left = ""
        if done:
            left_ms = (self._jobs - finished) * elapsed_ms // done // MS_PER_SECOND * MS_PER_SECOND
            left = f", {format_duration(left_ms)} left" if left_ms else ""
        share = finished * 100 // self._jobs
        return f"{share:3} % {finished:,} of {self._jobs:,} jobs, {rate:,.0f} jobs/s{left}"
