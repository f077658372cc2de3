"""How deliveries, credits and ends look to people."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from multihome.cli.tables import table_of
from multihome.domain.events import TrancheMoved
from multihome.units.money import format_usd
from multihome.units.time import format_date, format_instant
from multihome.views.sequences import CreditsView, Lateness, LatenessState, TrancheSequence, TranchesView
from multihome.views.words import clause_text


def tranches(view: TranchesView) -> RenderableType:
    """All tranches."""
    table = table_of("tranche", "phase", ">accepted", "=promised", "=ends", "lateness", ">credit")
    table.columns[0].no_wrap = True
    for row in view.tranches:
        table.add_row(
            row.id,
            row.phase.value.replace("_", " "),
            f"{row.accepted_domains}/{row.domains}",
            format_date(row.promised_ms),
            format_date(row.ends_ms),
            row.lateness.state.value.replace("_", " "),
            format_usd(row.credit.amount_micro_usd) if row.credit else "",
        )
    return table if view.tranches else Text("no tranches")


def tranche(row: TrancheSequence) -> RenderableType:
    """One tranche, with its steps."""
    chips = f"{row.accepted_domains * row.chips_per_domain:,} of {row.domains * row.chips_per_domain:,} chips"
    lines = [
        f"tranche {row.id} in {row.pool_id} of {row.provider_id}: {row.phase.value.replace('_', ' ')}",
        f"accepted  {row.accepted_domains} of {row.domains} domains, {chips}",
        f"promised  {_moved(row.promised_ms, row.ordered_promised_ms)}",
        f"ends      {_moved(row.ends_ms, row.ordered_ends_ms)}",
        *_lateness(row.lateness),
        *(f"right     {line}" for line in _rights(row)),
        *([f"credit    {format_usd(row.credit.amount_micro_usd)} due and not claimed"] if row.credit else []),
        f"next      {', '.join(step.value for step in row.may_follow) or 'nothing'}",
    ]
    steps = [line for move in row.steps for line in _step(move)]
    return Text("\n".join([*lines, "steps" if steps else "no steps so far", *steps]))


def credits_due(view: CreditsView) -> RenderableType:
    """All credits."""
    if not view.credits:
        return Text("no credit is due")
    table = table_of("tranche", "clause", ">amount", "for")
    table.columns[0].no_wrap = True
    for one in view.credits:
        table.add_row(one.tranche_id, clause_text(one.clause), format_usd(one.amount_micro_usd), one.text)
    return Group(table)


def _moved(now_ms: int, ordered_ms: int) -> str:
    was = "" if now_ms == ordered_ms else f" (ordered: {format_date(ordered_ms)})"
    return f"{format_date(now_ms)}{was}"


def _lateness(late: Lateness) -> Iterator[str]:
    if late.state is LatenessState.IN_TIME:
        yield "lateness  in time"
        return
    days = f"{late.late_days} days late"
    if late.clause is None:
        yield f"lateness  {days}, and no delay remedy was in force"
        return
    yield f"lateness  {late.state.value}: {days}, {late.grace_days} of grace (clause {clause_text(late.clause)})"
    if late.discount_bps:
        capped = " (capped)" if late.capped else ""
        owed = f", {format_usd(late.owed_micro_usd)} if accepted now" if late.owed_micro_usd else ""
        yield f"remedy    {late.discount_bps / 100:g} % of a thirty days' fee{capped}{owed}"


def _rights(row: TrancheSequence) -> Iterator[str]:
    for right in row.rights:
        since = "open since" if right.is_open else "opens on"
        by = f"clause {clause_text(right.clause)}"
        yield f"to end the {right.right.value}: {since} {format_date(right.opens_ms)} ({by})"


def _step(move: TrancheMoved) -> Iterator[str]:
    domains = f", {move.domains} domain{'s' if move.domains > 1 else ''}" if move.domains else ""
    to = f", to {format_date(move.promised_ms)}" if move.promised_ms else ""
    yield f"  {format_instant(move.effective_ms)}  {move.step.value.replace('_', ' ')}{domains}{to}"
    yield f"    by {move.actor}: {move.why}" if move.actor else f"    {move.why}"
