"""Campaigns of evidence, by name."""

import sys
from collections.abc import Callable, Mapping

import msgspec

from multihome.cli.launchers import LaunchError
from multihome.simulator import campaign as simulation
from multihome.simulator import clause_campaign as clauses
from multihome.simulator import placement_campaign as placement
from multihome.simulator import refusal_campaign, tampering
from multihome.simulator.driver import Plant


class Result(msgspec.Struct, frozen=True):
    """What a campaign found, as its own type tells it, and whether all of it passed."""

    found: msgspec.Struct
    passed: bool


class Campaign(msgspec.Struct, frozen=True):
    """How many seeds each size has where nobody says how many, and what runs so many of them."""

    seeds: Mapping[str, int]
    run: Callable[[int, Callable[[str], None]], Result]


def _simulation(count: int, say: Callable[[str], None]) -> Result:
    found = simulation.run_campaign(range(count), simulation.DAYS, Plant.NONE, say)
    return Result(found, not found.failed)


def _clauses_oracle(count: int, say: Callable[[str], None]) -> Result:
    found = clauses.run_clause_campaign(range(count), clauses.HOUSE_FUNCTIONS, say)
    return Result(found, not found.failed)


def _refusals(count: int, say: Callable[[str], None]) -> Result:
    found = refusal_campaign.run_refusals(count, say)
    return Result(found, not found.failed)


def _tamper(count: int, say: Callable[[str], None]) -> Result:
    found = tampering.run_tamperings(count, say)
    return Result(found, not found.failed)


def _placement(count: int, say: Callable[[str], None]) -> Result:
    found = placement.run_placement_campaign(range(count), placement.answered, say)
    return Result(found, not found.failed)


CAMPAIGNS: Mapping[str, Campaign] = {
    "simulation": Campaign({"small": simulation.SMALL_SEEDS, "full": simulation.FULL_SEEDS}, _simulation),
    "clauses-oracle": Campaign({"small": clauses.SMALL_HISTORIES, "full": clauses.FULL_HISTORIES}, _clauses_oracle),
    "first-refusal": Campaign(
        {"small": refusal_campaign.SMALL_HISTORIES, "full": refusal_campaign.FULL_HISTORIES}, _refusals
    ),
    "placement": Campaign({"small": placement.SMALL_PROBLEMS, "full": placement.FULL_PROBLEMS}, _placement),
    "tamper": Campaign({"small": tampering.SMALL_TAMPERINGS, "full": tampering.FULL_TAMPERINGS}, _tamper),
}


def campaign(name: str, size: str, seeds: int, *, as_json: bool) -> int:
    """Run a campaign; its exit code. As JSON its progress goes where errors go, and its result is one object.

    Raises:
        LaunchError: there is none of that name or size.
    """
    known = CAMPAIGNS.get(name)
    if known is None or size not in known.seeds:
        names = ", ".join(f"`{each}`" for each in CAMPAIGNS)
        msg = f"no campaign is called {name!r} of size {size!r}; there are {names}, of size small or full"
        raise LaunchError(msg)
    result = known.run(seeds or known.seeds[size], _to_stderr if as_json else _to_stdout)
    if as_json:
        sys.stdout.write(msgspec.json.encode(result.found).decode() + "\n")
    return 0 if result.passed else 1


def _to_stdout(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
