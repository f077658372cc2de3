"""Commands of procurement: needs, offers, first-refusal notices, awards, and what was allowed when."""

from typing import TYPE_CHECKING, Annotated

import typer

from multihome.cli import options
from multihome.cli.session import ArgumentsWrongError, client_of, say, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rich.console import RenderableType


Effective = Annotated[str, typer.Option(metavar="DATE", help="When it took effect; now when left out, never ahead.")]
Chips = Annotated[int, typer.Option(min=1, help="How many chips.")]
Start = Annotated[str, typer.Option(metavar="DATE", help="From when.")]
End = Annotated[str, typer.Option(metavar="DATE", help="Until when.")]
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
    need: Annotated[str, typer.Argument(metavar="NEED")],
    as_of: options.AsOf = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show one need: offers, notices and awards for it, obtainability and time to capacity."""
    from multihome.cli import procurement_tables  # noqa: PLC0415

    reply = client_of(context, state).needs(as_of=as_of)
    found = [row for row in reply.value.needs if row.need.id == need]
    _only(found, "need", need, [row.need.id for row in reply.value.needs])
    _tell_one(found[0], as_json, procurement_tables.need)


def need_ask(  # noqa: PLR0913, PLR0917 -- one argument an option
    context: typer.Context,
    need: Annotated[str, typer.Argument(metavar="NEED")],
    clause: Annotated[str, typer.Option(metavar="CONTRACT/CLAUSE", help="A first refusal in the mode first_offer.")],
    accelerator: Annotated[str, typer.Option(help="Of which accelerator.")],
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

    reply = client_of(context, state).offers(as_of=as_of)
    found = [row for row in reply.value.offers if row.offer.id == offer]
    _only(found, "offer", offer, [row.offer.id for row in reply.value.offers])
    _tell_one(found[0], as_json, procurement_tables.offer)


def notice_serve(  # noqa: PLR0913, PLR0917 -- one argument an option
    context: typer.Context,
    offer: Offer,
    clause: Annotated[str, typer.Option(metavar="CONTRACT/CLAUSE", help="The right of first refusal.")],
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
    notice: Annotated[str, typer.Argument(metavar="NOTICE")],
    answer: Annotated[str, typer.Argument(metavar="matched|matched_in_part|declined")],
    chips: Annotated[int | None, typer.Option(min=1, help="How many it takes; as noticed when left out.")] = None,
    rate: Annotated[str, typer.Option(metavar="USD", help="At which rate per chip-hour.")] = "",
    start: Annotated[str, typer.Option(metavar="DATE", help="From when.")] = "",
    end: Annotated[str, typer.Option(metavar="DATE", help="Until when.")] = "",
    accelerator: Annotated[str, typer.Option(help="Of which accelerator.")] = "",
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

    reply = client_of(context, state).notices(as_of=as_of)
    if notice is None:
        tell(reply, as_json, procurement_tables.notices)
        return
    found = [row for row in reply.value.notices if row.notice.id == notice]
    _only(found, "notice", notice, [row.notice.id for row in reply.value.notices])
    _tell_one(found[0], as_json, procurement_tables.notice)


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
    as_json: options.Json = False,
) -> None:
    """Take an offer; where a clause stands against it, say which, and from when on it could be permitted."""
    from multihome.cli import tables  # noqa: PLC0415

    body = _without_empty(
        offer=offer, chips=chips, starts=start, ends=end, replaces=replaces, effective=effective, actor=actor, why=why
    )
    tell(client_of(context, state).award(body), as_json, tables.accepted)


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


def _only(found: "Sequence[object]", what: str, name: str, names: "Sequence[str]") -> None:
    if not found:
        wrong = f"no {what} is called {name}; there are: {', '.join(names) or 'none'}"
        raise ArgumentsWrongError(wrong)


def _tell_one(row: object, as_json: bool, show: "Callable[[Any], RenderableType]") -> None:  # noqa: FBT001
    """Print one row of a view, as JSON or for people."""
    import msgspec  # noqa: PLC0415

    from multihome.cli.session import show_on_terminal  # noqa: PLC0415

    if as_json:
        say(msgspec.json.encode(row).decode())
    else:
        show_on_terminal(show(row))
