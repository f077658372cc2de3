"""The report, as people read it: sections that fit a terminal of 80 columns, where a long name is folded, never cut."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from multihome.cli.tables import table_of
from multihome.units.money import format_chip_hours, format_usd
from multihome.units.time import format_clock, format_date, format_instant
from multihome.views.report import Report, RunLine, TotalLine

LINES_MAX = 60
"""Lines of one section that are shown; `--json` has them all."""
_LESSER_REASONS = ("Beat", "Ruled out", "Award")
"""Sentences that `explain` tells, or that stand under evidence; a report would drown in them."""


def report(view: Report) -> RenderableType:
    """Every section that has something to say."""
    scenario = f"{format_instant(view.from_contract_ms)} to {format_instant(view.contract_ms)}"
    real = f"{format_clock(view.from_process_ms)} to {format_clock(view.process_ms)}"
    head = Text(f"contract time {scenario}\nreal time     {real}")
    sections: list[tuple[str, Table]] = [
        ("Who ran where, and when", _runs(view)),
        ("Why there", _reasons(view)),
        ("By provider", _totals(view.by_provider)),
        ("By contract", _totals(view.by_contract)),
        ("By tenant", _totals(view.by_tenant)),
        ("By workload", _totals(view.by_workload)),
        ("Take-or-pay, burnt down so far", _burn_down(view)),
        ("Commitments settled", _settled(view)),
        ("Credits due and claimed", _credits(view)),
        ("Prepayments", _prepaid(view)),
        ("What contracts come to", _accounts(view)),
        ("Concentration", _concentration(view)),
        ("First-refusal evidence", _evidence(view)),
        ("Work done again", _lost_work(view)),
        ("What clauses made of it", _consequences(view)),
        ("Deliveries", _deliveries(view)),
    ]
    parts: list[RenderableType] = [head]
    for title, section in sections:
        if section.row_count:
            parts.extend((Text(f"\n{title}", style="bold"), section))
    total = f"{format_chip_hours(view.total.chip_ms)} chip-hours, {format_usd(view.total.amount_micro_usd)}"
    parts.append(Text(f"\ntotal {total}; postings balance: {'NO' if any(view.imbalance_micro.values()) else 'yes'}"))
    to_pay = sum(line.to_pay_micro_usd for line in view.accounts)
    if to_pay != view.total.amount_micro_usd:
        parts.append(Text(f"to pay, with what clauses add and take off: {format_usd(to_pay)}"))
    return Group(*parts)


def _runs(view: Report) -> Table:
    """Two lines a run, so that scenario time and real time both fit."""
    table = table_of("workload, outcome", "pool, chips", "from, real", "to, real")
    # Times are as wide as they are; names give way.
    for column in table.columns[-2:]:
        column.no_wrap = True
    for run in view.runs[-LINES_MAX:]:
        table.add_row(
            f"{_unit_name(run)}\n  {run.outcome}",
            f"{run.pool_id}\n  {run.chips} {run.basis}",
            _both_times(run.started_contract_ms, run.started_process_ms),
            _both_times(run.ended_contract_ms, run.ended_process_ms),
        )
    return table


def _reasons(view: Report) -> Table:
    """The reasons of placements, once for all runs that share them."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for run in view.runs[-LINES_MAX:]:
        told = (run.pool_id, *(sentence for sentence in run.sentences if not sentence.startswith(_LESSER_REASONS)))
        alike.setdefault(told, []).append(_unit_name(run))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    for (pool_id, *sentences), names in alike.items():
        table.add_row(f"{pool_id}: {', '.join(dict.fromkeys(names))}")
        table.add_row(Padding(" ".join(sentences), (0, 0, 0, 2)))
    return table


def _unit_name(run: RunLine) -> str:
    """`chat.1` for a further replica, `chat #2` for a second attempt."""
    _, unit, attempt = run.run_id.rsplit(".", 2)
    return f"{run.name}{f'.{unit}' if unit != '0' else ''}{f' #{attempt}' if attempt != '1' else ''}"


def _both_times(contract_ms: int | None, process_ms: int | None) -> str:
    if contract_ms is None or process_ms is None:
        return "-"
    # The year stands in the report's first line.
    return f"{format_instant(contract_ms)[len('2025-') : -1]}\n  {format_clock(process_ms)}"


def _totals(lines: tuple[TotalLine, ...]) -> Table:
    table = table_of("", ">chip-hours", ">cost")
    for line in lines[:LINES_MAX]:
        table.add_row(line.name, format_chip_hours(line.chip_ms), format_usd(line.amount_micro_usd))
    return table


def _burn_down(view: Report) -> Table:
    """Two lines a month, so that large figures fit beside long names."""
    table = table_of("tranche, period", ">owed chip-h", ">taken", ">lacking, costs")
    for line in view.burn_down[-LINES_MAX:]:
        table.add_row(
            f"{line.tranche_id}\n  {line.period}",
            format_chip_hours(line.owed_chip_ms),
            format_chip_hours(line.taken_chip_ms),
            f"{format_chip_hours(line.deficiency_chip_ms)}\n{format_usd(line.deficiency_micro_usd)}",
        )
    return table


def _settled(view: Report) -> Table:
    table = table_of("clause, tranche", "what", ">due")
    for line in view.settled[-LINES_MAX:]:
        table.add_row(f"{line.clause}\n  {line.tranche_id or 'all'}", line.text, format_usd(line.due_micro_usd))
    return table


def _credits(view: Report) -> Table:
    table = table_of("clause", "tranche", "claimed", ">amount")
    for line in view.credits[-LINES_MAX:]:
        claimed = "due, not claimed" if line.claimed_ms is None else format_date(line.claimed_ms)
        table.add_row(line.clause, line.tranche_id, claimed, format_usd(line.amount_micro_usd))
    return table


def _prepaid(view: Report) -> Table:
    table = table_of("clause", ">paid ahead", ">drawn", ">left")
    for line in view.prepaid[:LINES_MAX]:
        amounts = (line.paid_micro_usd, line.drawn_micro_usd, line.left_micro_usd)
        table.add_row(f"{line.contract_id}/{line.clause_id}", *(format_usd(amount) for amount in amounts))
    return table


def _accounts(view: Report) -> Table:
    """Contracts of which clauses make more or less than usage; two figures a cell, so that large sums fit."""
    table = table_of("contract", ">usage, settled", ">fee, credits", ">drawn, refund", ">to pay")
    for line in view.accounts[:LINES_MAX]:
        if line.to_pay_micro_usd == line.usage_micro_usd and not line.refund_micro_usd:
            continue
        pairs = (
            (line.usage_micro_usd, line.settled_micro_usd),
            (line.fee_micro_usd, -line.credit_micro_usd),
            (-line.drawn_micro_usd, line.refund_micro_usd),
        )
        cells = (f"{format_usd(first)}\n{format_usd(second)}" for first, second in pairs)
        table.add_row(line.contract_id, *cells, format_usd(line.to_pay_micro_usd))
    return table


def _concentration(view: Report) -> Table:
    table = table_of("when", ">HHI", ">largest share", "chips")
    for line in view.concentration[-LINES_MAX:]:
        chips = ", ".join(f"{name} {count}" for name, count in line.chips.items())
        found = line.concentration
        table.add_row(line.when, str(found.hhi), f"{found.largest_share_bps / 100:g} %", chips)
    return table


def _evidence(view: Report) -> Table:
    """Once for each tranche: the evidence is its award's, and every placement on it stands on that."""
    alike: dict[tuple[str, str], list[str]] = {}
    for line in view.evidence:
        alike.setdefault((line.tranche_id, line.text), []).append(line.name)
    table = table_of("tranche", ">runs", "why its capacity was permitted")
    for (tranche_id, text), names in list(alike.items())[:LINES_MAX]:
        table.add_row(tranche_id, str(len(names)), text)
    return table


def _lost_work(view: Report) -> Table:
    table = table_of("workload", ">steps", ">resumed from", ">saves every")
    for line in view.lost_work[-LINES_MAX:]:
        interval = str(line.checkpoint_interval_steps)
        table.add_row(line.name, str(line.steps), str(line.resumed_from_step), interval)
    return table


def _consequences(view: Report) -> Table:
    table = table_of("when", "clause", "what")
    for line in view.consequences[-LINES_MAX:]:
        table.add_row(format_date(line.contract_ms), line.clause, f"{line.code}: {line.text}")
    return table


def _deliveries(view: Report) -> Table:
    table = table_of("tranche", "promised", "accepted", "first billed", ">domains")
    for line in view.deliveries[:LINES_MAX]:
        table.add_row(
            line.tranche_id,
            format_date(line.promised_ms),
            "-" if line.accepted_ms is None else format_date(line.accepted_ms),
            "-" if line.first_billed_ms is None else format_date(line.first_billed_ms),
            f"{line.domains_accepted}/{line.domains}",
        )
    return table
