"""Commands of procurement: needs, offers, first-refusal notices, awards, and what was allowed when."""

from typing import Annotated

import typer

from multihome.cli import options
from multihome.cli.session import client_of, tell

Effective = Annotated[str, typer.Option(metavar="DATE", help="When it took effect; now when left out, never ahead.")]
Chips = Annotated[int, typer.Option(min=1, help="How many chips.")]
ChipsTaken = Annotated[int | None, typer.Option("--chips", min=1, help="How many it takes; as noticed if left out.")]
Start = Annotated[str, typer.Option("--start", metavar="DATE", help="From when.")]
End = Annotated[str, typer.Option("--end", metavar="DATE", help="Until when.")]
Accelerator = Annotated[str, typer.Option("--accelerator", help="Of which accelerator, in any spelling.")]
FirstRefusal = Annotated[str, typer.Option("--clause", metavar="CONTRACT/CLAUSE", help="The right of first refusal.")]
Need = Annotated[str, typer.Argument(metavar="NEED")]
Notice = Annotated[str, typer.Argument(metavar="NOTICE")]
Offer = Annotated[str, typer.Argument(metavar="OFFER")]


def need_list(
    context: typer.Context,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """List all needs, with what was granted of each and what is still open."""
    from multihome.cli import procurement_tables  # noqa: PLC0415

    tell(client_of(context, state).needs(as_of=as_of), as_json, procurement_tables.needs)


def need_show(
    context: typer.Context,
    need: Need,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show one need: offers, notices and awards for it, obtainability and time to capacity."""
    from multihome.cli import procurement_tables  # noqa: PLC0415

    tell(client_of(context, state).need(need, as_of=as_of), as_json, procurement_tables.need)


def need_ask(  # noqa: PLR0913, PLR0917 -- one argument an option
    context: typer.Context,
    need: Need,
    clause: FirstRefusal,
    accelerator: Accelerator,
    region: Annotated[str, typer.Option(help="Where.")],
    chips: Chips,
    rate_cap: Annotated[str, typer.Option(metavar="USD", help="The highest rate per chip-hour.")],
    start: Start,
    end: End,
    why: options.Why = "the capacity is needed",
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Ask the holder of a first refusal for it, before anybody made an offer; its window runs from then on."""
    from multihome.cli import tables  # noqa: PLC0415

    body = _without_empty(
        clause=clause,
        accelerator=accelerator,
        region=region,
        chips=chips,
        rate_usd_per_chip_hour=rate_cap,
        starts=start,
        ends=end,
        effective=effective,
        actor=actor,
        why=why,
    )
    tell(client_of(context, state).ask_first(need, body), as_json, tables.accepted)


def offer_list(
    context: typer.Context,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """List all offers, with what was taken of each."""
    from multihome.cli import procurement_tables  # noqa: PLC0415

    tell(client_of(context, state).offers(as_of=as_of), as_json, procurement_tables.offers)


def offer_show(
    context: typer.Context,
    offer: Offer,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show one offer with all its terms."""
    from multihome.cli import procurement_tables  # noqa: PLC0415

    tell(client_of(context, state).offer(offer, as_of=as_of), as_json, procurement_tables.offer)


def notice_serve(  # noqa: PLR0913, PLR0917 -- one argument an option
    context: typer.Context,
    offer: Offer,
    clause: FirstRefusal,
    chips: Chips,
    start: Start,
    end: End,
    why: options.Why = "an offer was received",
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Serve the holder of a first refusal a notice of an offer's terms; its window runs from then on."""
    from multihome.cli import tables  # noqa: PLC0415

    body = _without_empty(
        offer=offer, clause=clause, chips=chips, starts=start, ends=end, effective=effective, actor=actor, why=why
    )
    tell(client_of(context, state).serve_notice(body), as_json, tables.accepted)


def notice_answer(  # noqa: PLR0913, PLR0917 -- one argument an option
    context: typer.Context,
    notice: Notice,
    answer: Annotated[str, typer.Argument(metavar="matched|matched_in_part|declined")],
    chips: ChipsTaken = None,
    rate: Annotated[str, typer.Option(metavar="USD", help="At which rate per chip-hour.")] = "",
    start: Start = "",
    end: End = "",
    accelerator: Accelerator = "",
    why: options.Why = "the holder's answer",
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Record what the holder said; what is left out is as noticed."""
    from multihome.cli import tables  # noqa: PLC0415

    body = _without_empty(
        answer=answer,
        chips=chips,
        rate_usd_per_chip_hour=rate,
        starts=start,
        ends=end,
        accelerator=accelerator,
        effective=effective,
        actor=actor,
        why=why,
    )
    tell(client_of(context, state).answer_notice(notice, body), as_json, tables.accepted)


def notice_show(
    context: typer.Context,
    notice: Annotated[str | None, typer.Argument(metavar="[NOTICE]", help="Show this one's text and answer.")] = None,
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show the notices that were served, or the whole of one."""
    from multihome.cli import procurement_tables  # noqa: PLC0415

    client = client_of(context, state)
    if notice is None:
        tell(client.notices(as_of=as_of), as_json, procurement_tables.notices)
    else:
        tell(client.notice(notice, as_of=as_of), as_json, procurement_tables.notice)


def award(  # noqa: PLR0913, PLR0917 -- one argument an option
    context: typer.Context,
    offer: Offer,
    chips: Chips,
    start: Start,
    end: End,
    replaces: Annotated[str, typer.Option(metavar="PROVIDER", help="A lost provider that it stands in for.")] = "",
    why: options.Why = "the capacity is needed",
    effective: Effective = "",
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say who permits it, what caps make of it and what falls due; take nothing."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Take an offer; where a clause stands against it, say which, and from when on it could be permitted."""
    from multihome.cli import procurement_tables, tables  # noqa: PLC0415

    body = _without_empty(
        offer=offer, chips=chips, starts=start, ends=end, replaces=replaces, effective=effective, actor=actor, why=why
    )
    client = client_of(context, state)
    if dry_run:
        tell(client.award_preview(body), as_json, procurement_tables.award_preview)
    else:
        tell(client.award(body), as_json, tables.accepted)


def was_allowed(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="AWARD|RUN|TRANCHE")],
    as_of: Annotated[str, typer.Option(metavar="DATE", help="By what was on record then.")] = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Tell whether it was allowed: by what was on record at an instant, and by what is known now."""
    from multihome.cli import procurement_tables  # noqa: PLC0415

    tell(client_of(context, state).was_allowed(subject, as_of), as_json, procurement_tables.was_allowed)


def _without_empty(**fields: object) -> dict[str, object]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value not in {"", None}}
