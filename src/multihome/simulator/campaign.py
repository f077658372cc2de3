"""Runs many seeds and says how many held. `python -m multihome.simulator.campaign --seeds 20` does so by hand."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from multihome.simulator.driver import Plant, SimResult, simulate

SMALL_SEEDS = 20
FULL_SEEDS = 10_000
DAYS = 3
_PROGRESS_EVERY = 100
_SHOWN_MAX = 3


class CampaignResult(msgspec.Struct, frozen=True):
    """How a campaign went; `failed` are the results of seeds that broke an invariant."""

    passed: int
    failed: tuple[SimResult, ...]
    steps: int
    faults: dict[str, int]
    coverage: dict[str, int]


def run_campaign(seeds: Sequence[int], days: int, plant: Plant, say: Callable[[str], None]) -> CampaignResult:
    """Run every seed over so many simulated days; `say` takes progress, and last `N passed, N failed`."""
    failed: list[SimResult] = []
    faults: Counter[str] = Counter()
    coverage: Counter[str] = Counter()
    steps = 0
    for done, seed in enumerate(seeds, start=1):
        result = simulate(seed, days, plant)
        faults.update(result.faults)
        coverage.update(result.coverage)
        steps += result.steps
        if result.violations:
            failed.append(result)
            say(f"seed {seed}: step {result.steps}, record {result.records}")
            for violation in result.violations[:_SHOWN_MAX]:
                say(f"  {violation.invariant} {violation.subject}: {violation.text}")
        if done % _PROGRESS_EVERY == 0:
            say(f"{done} of {len(seeds)} seeds, {len(failed)} failed, {sum(faults.values()):,} faults")
    for name, count in sorted((*faults.items(), *coverage.items())):
        say(f"  {name}: {count:,}")
    say(f"{len(seeds)} seeds × {days} days: {steps:,} steps, {sum(faults.values()):,} faults")
    say(f"{len(seeds) - len(failed)} passed, {len(failed)} failed")
    return CampaignResult(len(seeds) - len(failed), tuple(failed), steps, dict(faults), dict(coverage))


def main(arguments: Sequence[str]) -> int:
    """Run from a command line; the exit code is 1 when a seed failed."""
    parser = argparse.ArgumentParser(prog="python -m multihome.simulator.campaign", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SMALL_SEEDS, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--days", type=int, default=DAYS, help="simulated days of each")
    parser.add_argument("--plant", choices=[plant.value for plant in Plant], default=Plant.NONE.value)
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    result = run_campaign(seeds, options.days, Plant(options.plant), _say)
    return 1 if result.failed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
