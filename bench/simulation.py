"""How good rounds are on Gavel's trace, and what a simulation costs: every figure is of a replay of the real loop."""

import time

import msgspec

from bench.completion_bound import completion_bound_s, makespan_bound_s
from bench.published import data_folder
from bench.registry import Measurement, Size, at_most, figure
from multihome.domain.policy import Knowledge, Objective, Order, PlacementPolicy, Preemption
from multihome.simulator.dice import Dice
from multihome.simulator.replay.cluster import parse_cluster
from multihome.simulator.replay.driver import Replay, Story
from multihome.simulator.replay.jobs import replay_jobs
from multihome.simulator.results.summary import Summary, summary
from multihome.simulator.traces.facts import ReadSettings, Trace, TraceJob, rates_by_cell
from multihome.simulator.traces.gavel_throughputs import read_throughputs
from multihome.simulator.traces.table import AUTO, read_trace
from multihome.units.time import MS_PER_SECOND

CLUSTER = "v100:8,p100:16,k80:24"
STATED_COMPLETION_S = 10_317
"""The lower bound on mean completion that the goals are stated against."""
STATED_MAKESPAN_S = 61_327
"""The lower bound on the makespan that the goals are stated against."""
INTERVAL_S = 720.0
HORIZON_S = 110_000.0
SMOKE_INTERVAL_S = 500.0
SMOKE_HORIZON_S = 20_000.0
PHILLY_GPUS = 2_490
SEED = 3

_ROUNDS = PlacementPolicy(
    objective=Objective.COMPLETION, preemption=Preemption.ROUNDS, round_ms=360_000, restart_ms=30_000
)
_KNOWN = msgspec.structs.replace(_ROUNDS, knowledge=Knowledge.KNOWN)
_MAKESPAN = msgspec.structs.replace(_KNOWN, objective=Objective.MAKESPAN)
_FIRST_COME = msgspec.structs.replace(_ROUNDS, order=Order.FIFO, preemption=Preemption.NEVER)


class _Replayed(msgspec.Struct, frozen=True):
    """A replay that is over, its CPU time and what the journal's head is."""

    found: Summary
    cpu_s: float
    wall_s: float
    head: str


@figure(
    name="gavel_jct_ratio_blind",
    unit="x",
    goal=at_most(1.30),
    against="the lower bound of 10,317 s that the goal names; ours, recomputed here by HiGHS, stands beside it",
)
def gavel_jct_ratio_blind(size: Size) -> Measurement:
    """Mean completion on Gavel's trace, where work left is not known."""
    return _completion(size, _ROUNDS)


@figure(
    name="gavel_jct_ratio_known",
    unit="x",
    goal=at_most(1.25),
    against="the lower bound of 10,317 s that the goal names; ours, recomputed here by HiGHS, stands beside it",
)
def gavel_jct_ratio_known(size: Size) -> Measurement:
    """Mean completion on Gavel's trace, where rounds may use the work that is left."""
    return _completion(size, _KNOWN)


@figure(
    name="gavel_makespan_ratio",
    unit="x",
    goal=at_most(1.02),
    against="the lower bound of 61,327 s that the goal names; ours, recomputed here by HiGHS, stands beside it",
)
def gavel_makespan_ratio(size: Size) -> Measurement:
    """The makespan on Gavel's trace, where that is the objective."""
    story = _story(size, _MAKESPAN)
    done = _replay(story)
    ours_s = makespan_bound_s(story.jobs, {str(pool.accelerator): pool.chips for pool in story.pools})
    stated_s = STATED_MAKESPAN_S if size is Size.FULL else ours_s
    return _ratio(done, done.found.makespan_ms / MS_PER_SECOND, stated_s, ours_s)


@figure(
    name="sim_cpu_ms_per_job",
    unit="ms",
    goal=at_most(4),
    against="the 36 to 60 CPU-ms a job of Gavel's own simulator that the goal names; it is not run here",
)
def sim_cpu_ms_per_job(size: Size) -> Measurement:
    """CPU time of a replay of Gavel's trace, after the makespan."""
    done = _replay(_story(size, _MAKESPAN))
    jobs = done.found.jobs
    return Measurement(done.cpu_s * 1_000 / jobs, f"{jobs:,} jobs, {done.cpu_s:.3f} CPU-s", done.head)


@figure(
    name="sim_philly_wall_s",
    unit="s",
    goal=at_most(300),
    against="the goal: the jobs of Microsoft's Philly trace on 2,490 GPUs, rounds of 360 s that may move every gang",
)
def sim_philly_wall_s(size: Size) -> Measurement:
    """Wall time of a replay of the Philly trace, rounds that move gangs; beside it first come, first served."""
    if size is Size.FULL:
        trace = read_trace(data_folder() / "philly" / "philly.csv", AUTO, _SETTINGS)
        gpus = PHILLY_GPUS
    else:
        trace, gpus = _lasting_trace(200), 64
    pools = parse_cluster(f"gpu:{gpus}")
    jobs, problems = replay_jobs(trace, pools, {})
    assert not problems, "every job fits the cluster"
    done = _replay(Story(trace.file, trace.start_ms, jobs, pools, _ROUNDS, SEED))
    first = _replay(Story(trace.file, trace.start_ms, jobs, pools, _FIRST_COME, SEED))
    told = f"{len(jobs):,} jobs on {gpus:,} GPUs; first come, first served {first.wall_s:,.1f} s"
    return Measurement(done.wall_s, told, f"{done.head} {first.head}")


def _completion(size: Size, policy: PlacementPolicy) -> Measurement:
    story = _story(size, policy)
    done = _replay(story)
    chips = {str(pool.accelerator): pool.chips for pool in story.pools}
    is_full = size is Size.FULL
    interval_s, horizon_s = (INTERVAL_S, HORIZON_S) if is_full else (SMOKE_INTERVAL_S, SMOKE_HORIZON_S)
    ours_s = completion_bound_s(story.jobs, chips, interval_s, horizon_s)
    mean_s = done.found.completion_ms.mean / MS_PER_SECOND
    return _ratio(done, mean_s, STATED_COMPLETION_S if is_full else ours_s, ours_s)


def _ratio(done: _Replayed, found_s: float, stated_s: float, ours_s: float) -> Measurement:
    assert found_s >= ours_s, "nothing comes below a lower bound"
    stated = f"stated bound {stated_s:,.0f} s; " if stated_s != ours_s else ""
    told = f"{done.found.jobs:,} jobs: {found_s:,.0f} s; {stated}our bound {ours_s:,.0f} s, {found_s / ours_s:.3f} x"
    return Measurement(found_s / stated_s, told, done.head)


def _replay(story: Story) -> _Replayed:
    started, wall = time.process_time(), time.perf_counter()
    replay = Replay(story, None)
    results = replay.run(lambda _: None)
    elapsed_s, wall_s = time.process_time() - started, time.perf_counter() - wall
    found = summary(results)
    assert found.ended == found.jobs, "every job ends"
    return _Replayed(found, elapsed_s, wall_s, replay.runtime.head[1])


_SETTINGS = ReadSettings(window_ms=60_000, chips_per_node=8)


def _story(size: Size, policy: PlacementPolicy) -> Story:
    """Gavel's trace on its cluster, or at smoke size a dozen jobs on a sixth of it."""
    if size is Size.FULL:
        folder = data_folder() / "gavel"
        trace = read_trace(folder / "max_min_fairness.trace", AUTO, _SETTINGS)
        table = read_throughputs(folder / "simulation_throughputs.json")
        assert not trace.problems, trace.problems
        assert not table.problems, table.problems
        pools, rates = parse_cluster(CLUSTER), rates_by_cell(table)
    else:
        trace, rates = _stepping_trace(12)
        pools = parse_cluster("v100:2,p100:2")
    jobs, problems = replay_jobs(trace, pools, rates)
    assert not problems, problems
    return Story(trace.file, trace.start_ms, jobs, pools, policy, SEED)


def _stepping_trace(count: int) -> tuple[Trace, dict[tuple[str, int, str], int]]:
    dice = Dice(SEED, "bench")
    rates = {
        ("m", chips, name): rate * chips
        for chips in (1, 2)
        for name, rate in (("v100", 3_000_000), ("p100", 2_000_000))
    }
    jobs = [
        TraceJob(
            f"job-{number}", number * 200_000, "", "m", dice.pick((1, 1, 2)), 0, dice.between(300, 6_000), 1_000, ""
        )
        for number in range(count)
    ]
    return Trace("smoke", "made", 0, tuple(jobs), (), (), ()), rates


def _lasting_trace(count: int) -> Trace:
    dice = Dice(SEED, "lasting")
    jobs = [
        TraceJob(
            f"job-{number}",
            number * 60_000,
            "",
            "",
            dice.pick((1, 2, 8)),
            dice.between(60_000, 10_000_000),
            0,
            1_000,
            "",
        )
        for number in range(count)
    ]
    return Trace("smoke", "made", 0, tuple(jobs), (), (), ())
