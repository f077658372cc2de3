"""Commands that show contracts: which there are, what is in force under one, and what falls when."""

from typing import Annotated

import typer

from multihome.cli import options
from multihome.cli.session import client_of, tell

Until = Annotated[str, typer.Option("--until", metavar="DATE", help="How far to look; a year when left out.")]


def contract_list(
    context: typer.Context,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """List contracts, with what falls next under each."""
    from multihome.cli import contract_tables  # noqa: PLC0415

    tell(client_of(context, state).contracts(as_of=as_of), as_json, contract_tables.contracts)


def contract_show(
    context: typer.Context,
    contract: Annotated[str, typer.Argument(metavar="CONTRACT")],
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show a contract: parties, clauses in force with all their terms, amendments, tranches, what is settled."""
    from multihome.cli import contract_tables  # noqa: PLC0415

    tell(client_of(context, state).contract(contract, as_of=as_of), as_json, contract_tables.contract)


def contract_calendar(
    context: typer.Context,
    contract: Annotated[str, typer.Argument(metavar="[CONTRACT]", help="Of this one; of all when left out.")] = "",
    until: Until = "",
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show deadlines, next first; before them what is past due and still open."""
    from multihome.cli import contract_tables  # noqa: PLC0415

    client = client_of(context, state)
    tell(client.calendar(contract, as_of=as_of, until=until), as_json, contract_tables.calendar)
