"""Options that many commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

PORT_DEFAULT = 7777

State = Annotated[Path, typer.Option("--state", envvar="MULTIHOME_STATE", help="State directory of the control plane.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")]
Actor = Annotated[str, typer.Option("--actor", help="Who decides this.")]
Why = Annotated[str, typer.Option("--why", help="Why: kept with the decision.")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="DATE", help="What was recorded by then; now when left out.")]
Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders of files.")]
Env = Annotated[
    list[str], typer.Option("--env", metavar="NAME=VALUE", help="Set a variable of every workload; may be repeated.")
]
Workload = Annotated[str, typer.Argument(metavar="WORKLOAD", help="Id, or name of a live workload.")]
Provider = Annotated[str, typer.Argument(metavar="PROVIDER")]


def state_default() -> Path:
    """Where the state is when nobody says."""
    return Path("~/.multihome").expanduser()


def actor_default() -> str:
    """Whoever is logged in."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "unknown"
