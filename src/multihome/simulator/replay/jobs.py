"""Jobs of a trace as workloads, with the rate of each on every accelerator of a cluster that it can run on."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from multihome.domain.ids import AcceleratorName, TenantId
from multihome.domain.workloads import (
    AcceleratorChoice,
    Checkpointing,
    Infra,
    RestartPolicy,
    WorkloadKind,
    WorkloadSpec,
)
from multihome.simulator.replay.cluster import ORGANISATION, ClusterPool
from multihome.simulator.traces.facts import MICRO_PER_UNIT, Trace, TraceJob
from multihome.units.time import MS_PER_SECOND

DURATION_MICRO_STEPS_PER_S = MS_PER_SECOND * MICRO_PER_UNIT
"""Where a trace tells durations, a step is a millisecond of running."""
PROBLEMS_MAX = 20

NODE_CHIPS_MAX = 1_000_000
_NOT_A_NAME = re.compile(r"[^a-z0-9-]+")


class ReplayJob(msgspec.Struct, frozen=True, gc=False):
    """A job to be fed: when, as what, its work in steps, and its exact rate by accelerator in micro-steps a second."""

    arrival_ms: int
    spec: WorkloadSpec
    model: str
    chips: int
    steps: int
    micro_steps_per_s: dict[str, int]

    @property
    def alone_ms(self) -> int:
        """How long it takes on its best accelerator without waiting for anything; rounded up."""
        return ceil_ms(self.steps, max(self.micro_steps_per_s.values()))


class JobProblem(msgspec.Struct, frozen=True):
    """A job that can run nowhere, and why."""

    job: str
    text: str


def ceil_ms(steps: int, micro_steps_per_s: int) -> int:
    """Milliseconds that steps take at a rate, rounded up."""
    return -(-steps * MICRO_PER_UNIT * MS_PER_SECOND // micro_steps_per_s)


def tenant_of(job: TraceJob) -> TenantId:
    """The tenant that stands for a job's; the organisation where the trace names none."""
    name = _NOT_A_NAME.sub("-", job.tenant.lower()).strip("-")
    return TenantId(f"{ORGANISATION}/{name}") if name else ORGANISATION


def replay_jobs(
    trace: Trace, pools: Sequence[ClusterPool], rates: Mapping[tuple[str, int, str], int]
) -> tuple[tuple[ReplayJob, ...], tuple[JobProblem, ...]]:
    """Every job as a workload, or what is wrong with those that cannot be one; at most `PROBLEMS_MAX` are told."""
    jobs: list[ReplayJob] = []
    problems: list[JobProblem] = []
    node_chips = min(pool.chips_per_node for pool in pools)
    for job in trace.jobs:
        known = _rates(job, pools, rates)
        fitting = {pool.accelerator: known[pool.accelerator] for pool in pools if pool.accelerator in known}
        roomy = {pool.accelerator for pool in pools if pool.chips >= job.chips}
        usable = {name: rate for name, rate in fitting.items() if name in roomy}
        if usable:
            jobs.append(_job(job, usable, node_chips))
            continue
        problems.append(JobProblem(job.name, _why_nowhere(job, pools, fitting)))
        if len(problems) >= PROBLEMS_MAX:
            break
    return tuple(jobs), tuple(problems)


def _rates(
    job: TraceJob, pools: Sequence[ClusterPool], rates: Mapping[tuple[str, int, str], int]
) -> dict[AcceleratorName, int]:
    """Micro-steps a second by accelerator; a job whose duration is known runs as long on any it may use."""
    if job.duration_ms:
        names = [pool.accelerator for pool in pools]
        named = [name for name in names if name == job.accelerator]
        return dict.fromkeys(named or names[:1] if len(names) == 1 else named, DURATION_MICRO_STEPS_PER_S)
    found = {pool.accelerator: rates.get((job.model, job.chips, pool.accelerator), 0) for pool in pools}
    return {name: rate for name, rate in found.items() if rate > 0}


def _why_nowhere(job: TraceJob, pools: Sequence[ClusterPool], fitting: Mapping[AcceleratorName, int]) -> str:
    names = ", ".join(f"{pool.accelerator}:{pool.chips}" for pool in pools)
    if fitting:
        return f"its gang of {job.chips} chips fits no pool of {names}"
    if job.duration_ms:
        return f"a duration is known on one type of accelerator, and the cluster is {names}; give a cluster of one type"
    return (
        f"no rate above 0 is known for ({job.model!r}, {job.chips}) on any of {names}; give a table with --throughputs"
    )


def _job(job: TraceJob, usable: Mapping[AcceleratorName, int], node_chips: int) -> ReplayJob:
    per_node = max(count for count in range(1, min(job.chips, node_chips) + 1) if job.chips % count == 0)
    steps = job.duration_ms or job.steps
    choices = tuple(
        AcceleratorChoice(accelerator=name, chips_per_node=per_node, throughput_milli=max(1, rate // 1_000))
        for name, rate in usable.items()
    )
    spec = WorkloadSpec(
        name=job.name,
        tenant_id=tenant_of(job),
        kind=WorkloadKind.TRAINING,
        product="",
        choices=choices,
        num_nodes=job.chips // per_node,
        infra=Infra(),
        priority=job.priority_weight_milli // 1_000,
        # An ordinary chip-hour is worth a dollar, so that weights and chips alone tell jobs apart.
        value_micro_usd_per_hour=job.priority_weight_milli * job.chips * 1_000,
        setup="",
        run="train",
        restart=RestartPolicy(restarts_max=0, backoff_ms=0, backoff_ms_max=0),
        run_ms_max=0,
        stall_ms=0,
        checkpointing=Checkpointing(interval_steps=1),
        steps=steps,
    )
    return ReplayJob(
        job.arrival_ms, spec, job.model, job.chips, steps, {str(name): rate for name, rate in usable.items()}
    )
