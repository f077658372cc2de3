"""Campaigns of evidence, by name."""

from multihome.cli.launchers import LaunchError
from multihome.simulator import campaign as simulation

SEEDS_SMOKE = 5


def campaign(name: str, size: str, seeds: int) -> int:
    """Run a campaign; its exit code.

    Raises:
        LaunchError: there is none of that name.
    """
    if name != "simulation" or size not in {"smoke", "full"}:
        msg = f"no campaign is called {name!r} of size {size!r}; there is `simulation`, of size smoke or full"
        raise LaunchError(msg)
    return simulation.main(["--seeds", str(min(seeds, SEEDS_SMOKE) if size == "smoke" else seeds)])
