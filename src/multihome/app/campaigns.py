"""Campaigns of evidence, by name."""

import sys

import msgspec

from multihome.cli.launchers import LaunchError
from multihome.simulator import campaign as simulation
from multihome.simulator.driver import Plant

SEEDS = {"small": simulation.SMALL_SEEDS, "full": simulation.FULL_SEEDS}
"""How many seeds a campaign of each size has, where nobody says how many."""


def campaign(name: str, size: str, seeds: int, *, as_json: bool) -> int:
    """Run a campaign; its exit code. As JSON its progress goes where errors go, and its result is one object.

    Raises:
        LaunchError: there is none of that name.
    """
    if name != "simulation" or size not in SEEDS:
        msg = f"no campaign is called {name!r} of size {size!r}; there is `simulation`, of size {' or '.join(SEEDS)}"
        raise LaunchError(msg)
    count = seeds or SEEDS[size]
    if not as_json:
        return simulation.main(["--seeds", str(count)])
    result = simulation.run_campaign(range(count), simulation.DAYS, Plant.NONE, _to_stderr)
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    return 1 if result.failed else 0


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
