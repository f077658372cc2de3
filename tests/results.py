"""Results of a simulation that a test can read: three jobs in two pools over four rounds, and none at all."""

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

POOLS = (PoolName("alpha-h100", "alpha"), PoolName("beta-v5p", "beta"))
RATE = 2_500_000


def job(name: str, arrival_ms: int, first_start_ms: int, end_ms: int, rho_milli: int) -> JobResult:
    return JobResult(
        name=name,
        tenant="lab/red",
        model="LM",
        accelerators=("H100-SXM-80GB", "TPU-v5p"),
        chips=8,
        arrival_ms=arrival_ms,
        first_start_ms=first_start_ms,
        end_ms=end_ms,
        preemptions=1,
        restarts=2,
        lost_ms=30_000,
        chip_ms=8_000_000,
        cost_micro_usd=5_555_556,
        rho_milli=rho_milli,
    )


def round_at(at_ms: int, used: tuple[int, int], useful_chip_ms: int) -> RoundResult:
    pools = tuple(PoolAt(16, chips, RATE + index + at_ms) for index, chips in enumerate(used))
    return RoundResult(at_ms, queued=2, running=1, useful_chip_ms=useful_chip_ms, pools=pools)


def some_results() -> Results:
    jobs = (
        job("first", 1_000, 1_000, 1_001_000, 900),
        job("second", 2_000, 62_000, 3_602_000, 2_500),
        job("third", 5_000, NEVER_MS, NEVER_MS, UNKNOWN_MILLI),
    )
    rounds = (
        round_at(0, (8, 0), 2_000_000),
        round_at(360_000, (16, 8), 5_000_000),
        round_at(720_000, (16, 16), 0),
        round_at(1_440_000, (0, 0), 0),
    )
    paid = (ProviderResult("alpha", 12_000_000, 9_000_000), ProviderResult("beta", 4_000_000, 3_000_000))
    return Results("a.trace", "fifo", 7, 1_800_000, job_columns(jobs), round_columns(POOLS, rounds), paid)


def no_results() -> Results:
    return Results("none", "fifo", 0, 0, job_columns(()), round_columns((), ()), ())
