"""Commands of deliveries and terminations: steps of tranches, credits, breaches, and notices that contracts end."""

from typing import Annotated

import typer

from multihome.cli import options
from multihome.cli.procuring import Effective
from multihome.cli.session import ArgumentsWrongError, client_of, tell

Tranche = Annotated[str, typer.Argument(metavar="CONTRACT/TRANCHE")]
Contract = Annotated[str, typer.Argument(metavar="CONTRACT")]


def tranche_move(  # noqa: PLR0913, PLR0917 -- one argument an option
    context: typer.Context,
    tranche: Tranche,
    step: Annotated[str, typer.Argument(metavar="STEP", help="confirmed, accepted ...: see the table of sequences.")],
    why: options.Why,
    domains: Annotated[int | None, typer.Option(min=1, help="How many were accepted.")] = None,
    promised: Annotated[str, typer.Option(metavar="DATE", help="The new date of what is rescheduled.")] = "",
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Record a step of a tranche's delivery, or its end. An acceptance is a delivery: billing begins there."""
    from multihome.cli import tables  # noqa: PLC0415

    fields = {
        "step": step,
        "domains": domains,
        "promised": promised,
        "effective": effective,
        "actor": actor,
        "why": why,
    }
    body = {name: value for name, value in fields.items() if value not in {"", None}}
    tell(client_of(context, state).move_tranche(_whole(tranche), body), as_json, tables.accepted)


def tranche_show(
    context: typer.Context,
    tranche: Annotated[str | None, typer.Argument(metavar="[CONTRACT/TRANCHE]", help="All when left out.")] = None,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show where tranches stand; of one its steps, dates, lateness with figures, rights to end and credit."""
    from multihome.cli import sequence_tables  # noqa: PLC0415

    client = client_of(context, state)
    if tranche is None:
        tell(client.tranches(as_of=as_of), as_json, sequence_tables.tranches)
    else:
        tell(client.tranche(_whole(tranche), as_of=as_of), as_json, sequence_tables.tranche)


def credit_list(
    context: typer.Context,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """List credits that are due and that nobody has claimed."""
    from multihome.cli import sequence_tables  # noqa: PLC0415

    tell(client_of(context, state).credits(as_of=as_of), as_json, sequence_tables.credits_due)


def credit_claim(
    context: typer.Context,
    tranche: Tranche,
    why: options.Why,
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Claim the credit that is due for a tranche; from then on it counts."""
    from multihome.cli import tables  # noqa: PLC0415

    body = {"actor": actor, "why": why}
    tell(client_of(context, state).claim_credit(_whole(tranche), body), as_json, tables.accepted)


def contract_breach(
    context: typer.Context,
    contract: Contract,
    cause: Annotated[str, typer.Argument(metavar="CAUSE", help="As the termination clause names it.")],
    why: options.Why,
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Record that the provider was told of a breach; its time to cure it begins."""
    from multihome.cli import tables  # noqa: PLC0415

    body = {"cause": cause, "actor": actor, "why": why} | ({"effective": effective} if effective else {})
    tell(client_of(context, state).tell_breach(contract, body), as_json, tables.accepted)


def contract_cure(
    context: typer.Context,
    contract: Contract,
    why: options.Why,
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Record that a breach is over."""
    from multihome.cli import tables  # noqa: PLC0415

    body = {"actor": actor, "why": why} | ({"effective": effective} if effective else {})
    tell(client_of(context, state).cure_breach(contract, body), as_json, tables.accepted)


def contract_terminate(  # noqa: PLR0913 -- one argument an option
    context: typer.Context,
    contract: Contract,
    ground: Annotated[str, typer.Option(metavar="convenience|cause", help="On which ground.")],
    why: options.Why,
    cause: Annotated[str, typer.Option(help="The breach that was told and not cured.")] = "",
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show end, fee and refund; give no notice.")] = False,
    as_json: options.Json = False,
) -> None:
    """Give notice that a contract ends: for convenience at the clause's fee, or for a cause that was not cured."""
    from multihome.cli import tables  # noqa: PLC0415

    said = {"cause": cause, "effective": effective}
    body = {"ground": ground, "actor": actor, "why": why} | {name: text for name, text in said.items() if text}
    tell(client_of(context, state).terminate(contract, body, dry_run=dry_run), as_json, tables.accepted)


def _whole(tranche: str) -> str:
    contract, _, name = tranche.partition("/")
    if not contract or not name or "/" in name:
        wrong = f"{tranche!r} is no tranche: write CONTRACT/TRANCHE"
        raise ArgumentsWrongError(wrong)
    return tranche
