"""Campaign `clauses-oracle`: random contract-and-usage histories, settled by the clauses and by the oracle.

A history passes when every figure of both statements is the same, to the micro-unit and the chip-millisecond.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from multihome.simulator.clause_histories import Figure, random_history
from multihome.simulator.clause_oracle import expected
from multihome.simulator.clause_statements import ClauseFunctions, statement

SMALL_HISTORIES = 200
FULL_HISTORIES = 10_000
HOUSE_FUNCTIONS = ClauseFunctions()
_PROGRESS_EVERY = 1_000
_SHOWN_MAX = 3


class Difference(msgspec.Struct, frozen=True):
    """A history whose statements differ: figures that only the clauses have, and figures that only the oracle has."""

    seed: int
    clauses: tuple[Figure, ...]
    oracle: tuple[Figure, ...]


class ClauseCampaignResult(msgspec.Struct, frozen=True):
    """How a campaign went; `figures` counts by name how many figures were compared that were not nothing."""

    passed: int
    failed: tuple[Difference, ...]
    clauses: dict[str, int]
    figures: dict[str, int]


def run_clause_campaign(
    seeds: Sequence[int], functions: ClauseFunctions, say: Callable[[str], None]
) -> ClauseCampaignResult:
    """Settle every history twice; `say` takes progress, and last `N passed, N failed`."""
    failed: list[Difference] = []
    clauses: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    for done, seed in enumerate(seeds, start=1):
        history = random_history(seed)
        found, wanted = statement(history, functions), expected(history)
        clauses.update(type(terms).__name__ for terms in history.clauses)
        figures.update(figure.name for figure in wanted if figure.value)
        if found != wanted:
            difference = _difference(seed, found, wanted)
            failed.append(difference)
            _tell(difference, say)
        if done % _PROGRESS_EVERY == 0:
            say(f"{done} of {len(seeds)} histories, {len(failed)} failed")
    for name, count in sorted((*clauses.items(), *figures.items())):
        say(f"  {name}: {count:,}")
    say(f"{len(seeds)} histories: {figures.total():,} figures other than 0")
    say(f"{len(seeds) - len(failed)} passed, {len(failed)} failed")
    return ClauseCampaignResult(len(seeds) - len(failed), tuple(failed), dict(clauses), dict(figures))


def _difference(seed: int, found: tuple[Figure, ...], wanted: tuple[Figure, ...]) -> Difference:
    return Difference(
        seed,
        tuple(figure for figure in found if figure not in wanted),
        tuple(figure for figure in wanted if figure not in found),
    )


def _tell(difference: Difference, say: Callable[[str], None]) -> None:
    say(f"seed {difference.seed}")
    for who, figures in (("clauses", difference.clauses), ("oracle", difference.oracle)):
        for figure in figures[:_SHOWN_MAX]:
            say(f"  {who}: {figure.name} at {figure.at_ms}: {figure.value:,}")
