"""Campaigns of evidence, by name."""

import sys
from collections.abc import Callable

import msgspec

from multihome.cli.launchers import LaunchError
from multihome.simulator import campaign as simulation
from multihome.simulator import refusal_campaign, tampering
from multihome.simulator.driver import Plant

Say = Callable[[str], None]


def campaign(name: str, size: str, seeds: int, *, as_json: bool) -> int:
    """Run a campaign; its exit code. As JSON its progress goes where errors go, and its result is one object.

    Raises:
        LaunchError: there is none of that name or size.
    """
    found = CAMPAIGNS.get(name)
    if found is None or size not in found[0]:
        sizes = found[0] if found else CAMPAIGNS["simulation"][0]
        msg = (
            f"no campaign is called {name!r} of size {size!r}; there are {', '.join(CAMPAIGNS)}, of size "
            f"{' or '.join(sizes)}"
        )
        raise LaunchError(msg)
    sizes, run = found
    result, failed = run(seeds or sizes[size], _to_stderr if as_json else _to_stdout)
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    return 1 if failed else 0


def _refusals(count: int, say: Say) -> tuple[msgspec.Struct, bool]:
    result = refusal_campaign.run_refusals(count, say)
    return result, result.failed > 0


def _simulation(count: int, say: Say) -> tuple[msgspec.Struct, bool]:
    result = simulation.run_campaign(range(count), simulation.DAYS, Plant.NONE, say)
    return result, bool(result.failed)


def _tampering(count: int, say: Say) -> tuple[msgspec.Struct, bool]:
    result = tampering.run_tamperings(count, say)
    return result, result.failed > 0


CAMPAIGNS: dict[str, tuple[dict[str, int], Callable[[int, Say], tuple[msgspec.Struct, bool]]]] = {
    "first-refusal": (
        {"small": refusal_campaign.SMALL_HISTORIES, "full": refusal_campaign.FULL_HISTORIES},
        _refusals,
    ),
    "simulation": (
        {"small": simulation.SMALL_SEEDS, "full": simulation.FULL_SEEDS},
        _simulation,
    ),
    "tamper": (
        {"small": tampering.SMALL_TAMPERINGS, "full": tampering.FULL_TAMPERINGS},
        _tampering,
    ),
}
"""Every campaign: how many of its cases each size has, and what runs so many and says whether any failed."""


def _to_stdout(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
