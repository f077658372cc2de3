"""What a command works with: the client of the control plane, and a way to say things."""

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import typer

from multihome.cli.launchers import Launchers
from multihome.cli.options import actor_default
from multihome.client.refused import RefusedError
from multihome.files.problems import FileProblem
from multihome.wire.refusals import RefusalOut

if TYPE_CHECKING:
    from rich.console import RenderableType

    from multihome.client.client import Client, Reply
    from multihome.files.origins import Origin

WRONG_FILES = 2
"""Exit code where files or arguments are wrong; 1 is a refusal or a failure."""

_T = TypeVar("_T")


class FilesWrongError(Exception):
    """Files cannot be used, and everything that is wrong with them."""

    def __init__(self, problems: tuple[FileProblem, ...]) -> None:
        """Carry the problems, at least one."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class ArgumentsWrongError(Exception):
    """Arguments of a command do not say what it can do, and why."""


class FilesRefusedError(Exception):
    """The control plane said no to what files say; with where in them everything stands."""

    def __init__(self, refusal: RefusalOut, origins: "Sequence[Origin]") -> None:
        """Carry the refusal, and the origins of the documents in the order in which they were sent."""
        super().__init__(f"{refusal.subject}: {refusal.text}")
        self.refusal = refusal
        self.origins = origins


@contextmanager
def sending(origins: "Sequence[Origin]") -> Generator[None]:
    """Within it documents are sent, and a refusal gets their places.

    Raises:
        FilesRefusedError: the control plane said no.
    """
    try:
        yield
    except RefusedError as error:
        raise FilesRefusedError(error.refusal, origins) from None


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
