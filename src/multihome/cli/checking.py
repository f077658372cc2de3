"""The command that checks contracts against each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multihome.cli import options
from multihome.cli.session import FilesWrongError, client_of, launchers_of, say, show_on_terminal

if TYPE_CHECKING:
    from multihome.views.conflicts import ConflictsView

FAILED = 1


def contract_check(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH...]", help="Files, or folders of files; what is on record when left out."),
    ] = None,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Find clauses that cannot all be kept: a smallest set of them, each with its file and line.

    Files are checked without a control plane, and hold all that they refer to. Exit code 1 says that there are
    conflicts, or that the check was not settled.
    """
    import msgspec  # noqa: PLC0415

    from multihome.cli import conflicts  # noqa: PLC0415

    view = _of_files(context, paths) if paths else client_of(context, state).conflicts().value
    if as_json:
        say(msgspec.json.encode(view).decode())
    else:
        show_on_terminal(conflicts.conflicts(view))
    if view.conflicts or view.unsettled:
        raise typer.Exit(FAILED)


def _of_files(context: typer.Context, paths: list[Path]) -> "ConflictsView":
    from multihome.files.loading import load  # noqa: PLC0415
    from multihome.files.references import KnownNames  # noqa: PLC0415
    from multihome.views.conflicts import FileLine, book_of, conflicts_view  # noqa: PLC0415

    loaded = load(paths, known=KnownNames())
    if loaded.problems:
        raise FilesWrongError(loaded.problems)
    book, accelerators = book_of(loaded.documents)
    checked = launchers_of(context).check_contracts(book, accelerators)
    places = {
        contract_id: tuple(FileLine(place.file, place.line) for place in found)
        for contract_id, found in loaded.clause_places.items()
    }
    return conflicts_view(book, checked, places)
