"""Campaign `placement`: small random problems with every kind of row, answered by the core and solved exactly.

An answer passes when no gang is split, no quota exceeded and no row overfull, counted again in exact fractions; and
when what the exact solution reaches is within the bound and the gap that the answer tells.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from multihome.adapters.solver_highs import HighsSolver
from multihome.domain.solves import SolveLimits
from multihome.runtime.solving import decide_with
from multihome.scheduling.core.exact import Gangs, Unsolved, exact, numbered
from multihome.scheduling.core.problem import NO_ROW, Problem
from multihome.scheduling.core.solve import Answer, solve
from multihome.simulator.placement_instances import small_problem
from multihome.simulator.placement_truth import counted, objective_of, whole, wrongs_of

SMALL_PROBLEMS = 200
FULL_PROBLEMS = 10_000
CLASSES_MAX = 12
LIMITS = SolveLimits(nodes_max=100_000, iterations_max=1_000_000)
_PROGRESS_EVERY = 1_000
_MET = 1e-6
"""A gap that is no more than what floating point loses."""
_SHOWN_MAX = 3


class WrongAnswer(msgspec.Struct, frozen=True):
    """A problem whose answer is wrong, and why, in words."""

    seed: int
    wrongs: tuple[str, ...]


class PlacementCampaignResult(msgspec.Struct, frozen=True):
    """How a campaign went; `coverage` counts answers in which each thing came to pass.

    `missed_mean` is what answers at alpha 0 miss of the best objective on average, as a share of the bound.
    """

    passed: int
    failed: tuple[WrongAnswer, ...]
    coverage: dict[str, int]
    missed_mean: float


def run_placement_campaign(
    seeds: Sequence[int], answer: Callable[[Problem], Answer], say: Callable[[str], None]
) -> PlacementCampaignResult:
    """Answer every problem and solve it exactly; `say` takes progress, and last `N passed, N failed`."""
    failed: list[WrongAnswer] = []
    coverage: Counter[str] = Counter()
    missed: list[float] = []
    for done, seed in enumerate(seeds, start=1):
        problem = small_problem(seed, CLASSES_MAX)
        given = answer(problem)
        best = best_of(problem)
        wrongs = wrongs_of(problem, given, best)
        coverage.update(_seen(problem, given))
        if problem.is_linear:
            missed.append(max(0.0, best - given.worth.objective) / max(1.0, given.bound))
        if wrongs:
            failed.append(WrongAnswer(seed, wrongs))
            say(f"seed {seed}")
            for wrong in wrongs[:_SHOWN_MAX]:
                say(f"  {wrong}")
        if done % _PROGRESS_EVERY == 0:
            say(f"{done} of {len(seeds)} problems, {len(failed)} failed")
    for name, count in sorted(coverage.items()):
        say(f"  {name}: {count:,}")
    mean = sum(missed) / max(1, len(missed))
    say(f"{len(seeds)} problems: {100 * mean:.2f} % of the bound missed on average, of {len(missed)} at alpha 0")
    say(f"{len(seeds) - len(failed)} passed, {len(failed)} failed")
    return PlacementCampaignResult(len(seeds) - len(failed), tuple(failed), dict(coverage), mean)


def best_of(problem: Problem) -> float:
    """What an exact solution with whole gangs reaches, counted gang by gang; at alpha 0 nothing reaches more."""
    found = decide_with(HighsSolver(), exact(problem, numbered(problem), Gangs.WHOLE, LIMITS))
    assert not isinstance(found, Unsolved), f"HiGHS ended with {found.status}"
    again = counted(problem, whole(found.counts))
    assert not again.wrongs, f"the exact solution is none: {again.wrongs}"
    return objective_of(problem, again)


def _seen(problem: Problem, given: Answer) -> list[str]:
    """What an answer shows: only what is seen often enough has been tried."""
    found = counted(problem, given.counts)
    sources = np.unique(problem.source[problem.source != NO_ROW])
    names = {
        "a gang placed": bool(given.counts.any()),
        "a member waits": bool((given.counts.sum(axis=0) < problem.members).any()),
        "a class without options": bool((problem.bundle == problem.no_bundle).all(axis=0).any()),
        "a tenant without classes": len(np.unique(problem.tenant)) < len(problem.fairness.weight),
        "lent or borrowed": any(found.use[int(row)] > 0 for row in sources),
        "a guarantee kept": found.subsidy > 0,
        "members together": bool((given.counts > 1).any()),
        "fair between tenants": problem.fairness.alpha > 0,
        "the bound met": given.gap < _MET,
    }
    return [name for name, is_so in names.items() if is_so]


def answered(problem: Problem) -> Answer:
    """The core's answer."""
    return solve(problem)
