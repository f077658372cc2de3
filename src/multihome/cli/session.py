"""What a command works with: the client of the control plane, and a way to say things."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import typer

from multihome.cli.launchers import Launchers
from multihome.cli.options import actor_default

if TYPE_CHECKING:
    from rich.console import RenderableType

    from multihome.client.client import Client, Reply

WRONG_FILES = 2
"""Exit code where files or arguments are wrong; 1 is a refusal or a failure."""

_T = TypeVar("_T")


class FilesWrongError(Exception):
    """Files cannot be used; the problems, one a line."""


def launchers_of(context: typer.Context) -> Launchers:
    """What `app` handed in."""
    return cast("Launchers", context.find_root().obj)


def client_of(context: typer.Context, state: Path) -> "Client":
    """The client of the control plane on a state directory."""
    from multihome.client.client import Client  # noqa: PLC0415

    return Client(state, launchers_of(context).mint, actor_default())


def tell(reply: "Reply[_T]", as_json: bool, show: "Callable[[_T], RenderableType]") -> None:  # noqa: FBT001
    """Print an answer: as it came, or as it is shown to people."""
    if as_json:
        say(reply.raw.decode())
    else:
        show_on_terminal(show(reply.value))


def say_either(as_json: bool, facts: Mapping[str, object], words: str) -> None:  # noqa: FBT001
    """Print what a command did that asks no API: its facts as one JSON object, or the words for people."""
    if as_json:
        import msgspec  # noqa: PLC0415

        say(msgspec.json.encode(facts).decode())
    else:
        say(words)


def show_on_terminal(*shown: "RenderableType") -> None:
    """Print for people. Tables are as wide as the terminal is; a sentence is one line, which the terminal wraps."""
    from rich.console import Console, Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    for part in shown:
        if isinstance(part, Group):
            show_on_terminal(*part.renderables)
        else:
            console.print(part, soft_wrap=isinstance(part, Text))


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def warn(text: str) -> None:
    """Print a line where errors go."""
    sys.stderr.write(text + "\n")
