"""Listens to what the control plane decides, and makes the columns of results with what the engine knows was done."""

from collections.abc import Mapping, Sequence

import msgspec

from multihome.controller.state import State
from multihome.domain.events import ChipTimeMetered, Event, RunEnded, RunStopAsked
from multihome.domain.ids import domain_id_of
from multihome.domain.runs import StopCause
from multihome.simulator.replay.cluster import PROVIDER, ClusterPool
from multihome.simulator.replay.engine import EngineMemory, Work
from multihome.simulator.replay.jobs import ReplayJob
from multihome.simulator.results.columns import (
    NEVER_MS,
    UNKNOWN_MILLI,
    JobResult,
    PoolAt,
    PoolName,
    ProviderResult,
    Results,
    RoundResult,
    job_columns,
    round_columns,
)
from multihome.units.money import Rounding, divide
from multihome.units.time import MS_PER_HOUR

ROUNDS_KEPT_MAX = 200_000
"""Beyond so many rounds every second one is dropped: the series get coarser and never larger."""


class Metered(msgspec.Struct):
    """What a workload used: chip-milliseconds, and their cost in 1/3,600,000 of a micro-unit."""

    chip_ms: int = 0
    cost: int = 0


class Collected(msgspec.Struct):
    """What was heard so far, as data that a checkpoint can carry."""

    metered: dict[str, Metered] = {}
    moves: dict[str, int] = {}
    rounds: list[RoundResult] = []
    every: int = 1
    seen: int = 0
    useful_chip_ms: int = 0
    """How much of the engine's the rounds kept have."""


def hear(collected: Collected, events: Sequence[Event]) -> int:
    """Take in events; how many runs they say have ended."""
    ended = 0
    for event in events:
        if type(event) is ChipTimeMetered:
            metered = collected.metered.setdefault(event.workload_id, Metered())
            metered.chip_ms += event.chip_ms
            metered.cost += event.chip_ms * event.rate_micro_usd_per_chip_hour
        elif type(event) is RunStopAsked:
            if event.cause is StopCause.MOVED:
                workload_id = event.run_id.rsplit(".", 2)[0]
                collected.moves[workload_id] = collected.moves.get(workload_id, 0) + 1
        elif type(event) is RunEnded:
            ended += 1
    return ended


def note_round(
    collected: Collected, state: State, pools: Sequence[ClusterPool], memory: EngineMemory, at_ms: int
) -> None:
    """Keep a round as it stands after it was decided."""
    collected.seen += 1
    rounds = collected.rounds
    if collected.seen % collected.every or (rounds and rounds[-1].at_ms == at_ms):
        return
    used = [
        PoolAt(
            pool.chips,
            sum(state.held.get(domain_id_of(f"cluster/{pool.accelerator}", 0), {}).values()),  # pyright: ignore[reportArgumentType]
            pool.rate_micro_usd_per_chip_hour,
        )
        for pool in pools
    ]
    useful = memory.useful_chip_ms - collected.useful_chip_ms
    collected.useful_chip_ms = memory.useful_chip_ms
    queued = sum(map(len, state.waiting.values()))
    rounds.append(RoundResult(at_ms, queued, len(state.runs), useful, tuple(used)))
    if len(rounds) > ROUNDS_KEPT_MAX:
        _thin(collected)


def results_of(
    collected: Collected,
    jobs: Mapping[str, ReplayJob],
    memory: EngineMemory,
    pools: Sequence[ClusterPool],
    about: tuple[str, str, int],
    end_ms: int,
) -> Results:
    """The columns of a replay that is over; `about` is the trace's name, the policy in words, and the seed."""
    trace, policy, seed = about
    names = [PoolName(pool.id, PROVIDER) for pool in pools]
    rows = [_job(collected, memory, workload_id, job) for workload_id, job in jobs.items()]
    chip_ms = sum(metered.chip_ms for metered in collected.metered.values())
    cost = divide(sum(metered.cost for metered in collected.metered.values()), MS_PER_HOUR, Rounding.HALF_EVEN)
    paid = (ProviderResult(PROVIDER, chip_ms, cost),)
    # What was done after the last round that is kept belongs to it.
    rounds = collected.rounds
    if rounds:
        last = rounds[-1]
        rest = memory.useful_chip_ms - collected.useful_chip_ms
        rounds = [*rounds[:-1], msgspec.structs.replace(last, useful_chip_ms=last.useful_chip_ms + rest)]
    return Results(trace, policy, seed, end_ms, job_columns(rows), round_columns(names, rounds), paid)


def _job(collected: Collected, memory: EngineMemory, workload_id: str, job: ReplayJob) -> JobResult:
    work = memory.work.get(workload_id) or Work()
    metered = collected.metered.get(workload_id) or Metered()
    has_ended = work.end_ms >= 0
    alone_ms = job.alone_ms
    shared_ms = work.end_ms - job.arrival_ms
    return JobResult(
        name=job.spec.name,
        tenant=job.spec.tenant_id,
        model=job.model,
        accelerators=tuple(work.accelerators),
        chips=job.chips,
        arrival_ms=job.arrival_ms,
        first_start_ms=work.first_start_ms if work.first_start_ms >= 0 else NEVER_MS,
        end_ms=work.end_ms if has_ended else NEVER_MS,
        preemptions=collected.moves.get(workload_id, 0),
        restarts=max(0, work.launches - 1),
        lost_ms=work.lost_ms,
        chip_ms=metered.chip_ms,
        cost_micro_usd=divide(metered.cost, MS_PER_HOUR, Rounding.HALF_EVEN),
        rho_milli=divide(shared_ms * 1_000, alone_ms, Rounding.HALF_EVEN) if has_ended else UNKNOWN_MILLI,
    )


def _thin(collected: Collected) -> None:
    """Drop every second round; what was done in it belongs to the one before."""
    kept: list[RoundResult] = []
    for number, row in enumerate(collected.rounds):
        if number % 2 == 0:
            kept.append(row)
        else:
            kept[-1] = msgspec.structs.replace(kept[-1], useful_chip_ms=kept[-1].useful_chip_ms + row.useful_chip_ms)
    collected.rounds = kept
    collected.every *= 2
