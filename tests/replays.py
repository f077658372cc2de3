"""Small replays for tests: traces of a few jobs, whose completion can be reckoned by hand."""

from collections.abc import Sequence

from multihome.domain.policy import Knowledge, Objective, Order, PlacementPolicy, Preemption
from multihome.simulator.replay.cluster import parse_cluster
from multihome.simulator.replay.driver import Replay, Story
from multihome.simulator.replay.jobs import replay_jobs
from multihome.simulator.results.columns import JobResult, Results
from multihome.simulator.traces.facts import Trace, TraceJob

RATES = {
    ("fast", 1, "a"): 2_000_000,
    ("fast", 1, "b"): 1_000_000,
    ("fast", 2, "a"): 4_000_000,
    ("fast", 2, "b"): 2_000_000,
    ("only-b", 1, "b"): 1_000_000,
}
"""Micro-steps a second: two steps a second a chip on `a`, one on `b`."""

SHORTEST = PlacementPolicy(
    objective=Objective.COMPLETION,
    knowledge=Knowledge.KNOWN,
    preemption=Preemption.ROUNDS,
    round_ms=100_000,
    restart_ms=10_000,
)
FIFO = PlacementPolicy(order=Order.FIFO, preemption=Preemption.NEVER, round_ms=100_000, restart_ms=10_000)


def job(name: str, arrival_s: int, steps: int, chips: int = 1, model: str = "fast", weight: int = 1) -> TraceJob:
    return TraceJob(name, arrival_s * 1_000, "", model, chips, 0, steps, weight * 1_000, "")


def lasting(name: str, arrival_s: int, duration_s: int, chips: int = 1, tenant: str = "") -> TraceJob:
    return TraceJob(name, arrival_s * 1_000, tenant, "", chips, duration_s * 1_000, 0, 1_000, "")


def story(jobs: Sequence[TraceJob], cluster: str, policy: PlacementPolicy, seed: int = 0) -> Story:
    pools = parse_cluster(cluster)
    trace = Trace("small", "test", 0, tuple(jobs), (), (), ())
    ready, problems = replay_jobs(trace, pools, RATES)
    assert problems == ()
    return Story("small", 0, ready, pools, policy, seed)


def replayed(jobs: Sequence[TraceJob], cluster: str, policy: PlacementPolicy) -> Results:
    return Replay(story(jobs, cluster, policy), None).run(lambda _: None)


def ends_s(results: Results) -> dict[str, float]:
    """When each job ended, in seconds of the trace."""
    return {name: int(end) / 1_000 for name, end in zip(results.jobs.name, results.jobs.end_ms, strict=True)}


def row(results: Results, name: str) -> JobResult:
    """What became of one job."""
    at = results.jobs.name.index(name)
    columns = {field: getattr(results.jobs, field)[at] for field in JobResult.__struct_fields__}
    return JobResult(**columns)
