"""How contracts and their deadlines look to people: tables and lines that fit a terminal of 80 columns."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from multihome.cli.tables import table_of
from multihome.controller.deadlines import Deadline
from multihome.units.calendar import format_local_date
from multihome.units.money import format_usd
from multihome.units.time import format_instant, format_moment
from multihome.views.contracts import ContractCalendar, ContractList, ContractView

LINES_MAX = 200
"""Deadlines that are shown; `--json` has them all."""


def contracts(view: ContractList) -> RenderableType:
    """All contracts."""
    if not view.contracts:
        return Text("no contract is on record")
    table = table_of("contract", "provider", "=until", ">chips", ">accepted", "next")
    table.columns[0].no_wrap = True
    for row in view.contracts:
        table.add_row(
            row.id,
            row.provider_id,
            format_local_date(row.until_ms, row.zone),
            f"{row.ordered_chips:,}",
            f"{row.delivered_chips:,}",
            "" if row.upcoming is None else f"{format_moment(row.upcoming.at_ms)}: {row.upcoming.text}",
        )
    return table


def contract(view: ContractView) -> RenderableType:
    """One contract."""
    row = view.row
    holidays = f", {len(view.holidays)} holidays" if view.holidays else ""
    term = f"{format_local_date(row.from_ms, row.zone)} to {format_local_date(row.until_ms, row.zone)}"
    lines = [
        f"{row.id}: {row.title}",
        f"with {row.provider_id}, {term}, as of {format_instant(view.as_of_ms)}",
        f"in {view.currency}; days count in {view.zone}{holidays}",
        f"source: {view.source}",
        *([view.ended] if view.ended else []),
    ]
    parts: list[RenderableType] = [Text("\n".join(lines))]
    parts += _section("Clauses in force", "\n".join(_clauses(view)))
    parts += _section("Amendments", "\n".join(_amendments(view)))
    if view.tranches:
        parts += [Text("\nTranches", style="bold"), _tranches(view), Text("\n".join(_awards(view)))]
    parts += _section("Settled", "\n".join(_settled(view)))
    parts += _section("Suspensions", "\n".join(f"  {line}" for line in view.suspensions))
    if row.upcoming is not None:
        parts.append(Text(f"\nnext: {format_moment(row.upcoming.at_ms)}: {row.upcoming.text}"))
    return Group(*parts)


def _section(title: str, text: str) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), Text(text)] if text else []


def _clauses(view: ContractView) -> Iterator[str]:
    for clause in view.clauses:
        term = f"{format_local_date(clause.from_ms, view.zone)} to {format_local_date(clause.until_ms, view.zone)}"
        yield f"  {clause.id} ({clause.kind}), {term}"
        for term in clause.terms:
            yield f"    {term}"
        yield f"    source: {clause.source}"


def _amendments(view: ContractView) -> Iterator[str]:
    for amendment in view.amendments:
        changed = ", ".join(amendment.clauses) or "no clause"
        effective = format_local_date(amendment.effective_ms, view.zone)
        yield f"  {amendment.id}, effective {effective}: {changed} ({amendment.source})"


def _tranches(view: ContractView) -> Table:
    """Figures and dates; pools, whose names are long, stand in the lines below it."""
    table = table_of("tranche", ">chips", ">accepted", "state", "=promised", "=ends", ">rate")
    for row in view.tranches:
        table.add_row(
            row.id.rpartition("/")[2],
            f"{row.chips:,}",
            f"{row.delivered_chips:,}",
            row.state.replace("_", " "),
            format_local_date(row.promised_ms, view.zone),
            format_local_date(row.ends_ms, view.zone),
            format_usd(row.rate_micro_usd_per_chip_hour),
        )
    return table


def _awards(view: ContractView) -> Iterator[str]:
    for row in view.tranches:
        use = f"; for {row.use}" if row.use else ""
        yield f"  {row.id.rpartition('/')[2]} in {row.pool_id}: awarded {row.award}{use}"


def _settled(view: ContractView) -> Iterator[str]:
    for row in view.commitments:
        of = f"{row.clause} of {row.tranche}" if row.tranche else row.clause
        yield f"  {of}, until {format_moment(row.settled_until_ms)}: {format_usd(row.due_micro_usd)} due: {row.text}"


def calendar(view: ContractCalendar) -> RenderableType:
    """Deadlines, those that are past due marked."""
    span = f"{format_instant(view.as_of_ms)} to {format_instant(view.until_ms)}"
    if not view.deadlines:
        return Text(f"nothing falls from {span}")
    table = table_of("when", "what", "whose", "meaning")
    table.columns[0].no_wrap = True
    for one in view.deadlines[:LINES_MAX]:
        past = "! " if one.at_ms < view.as_of_ms else ""
        table.add_row(f"{past}{format_moment(one.at_ms)}", one.what.value.replace("_", " "), _whose(one), one.text)
    more = len(view.deadlines) - LINES_MAX
    tail = [Text(f"{more} more; `--until` an earlier date, or `--json` for all")] if more > 0 else []
    return Group(Text(span), table, *tail)


def _whose(deadline: Deadline) -> str:
    return "/".join(part for part in (deadline.contract, deadline.clause) if part)
