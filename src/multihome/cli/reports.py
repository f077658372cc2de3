"""The report, as people read it."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from multihome.cli.tables import table_of
from multihome.units.money import format_chip_hours, format_usd
from multihome.units.time import format_date, format_instant
from multihome.views.report import Report, TotalLine

LINES_MAX = 60
"""Lines of one section that are shown; `--json` has them all."""


def report(view: Report) -> RenderableType:
    """Every section that has something to say."""
    head = Text(f"{format_instant(view.from_contract_ms)} to {format_instant(view.contract_ms)}")
    sections: list[tuple[str, Table]] = [
        ("Runs", _runs(view)),
        ("By provider", _totals(view.by_provider)),
        ("By contract", _totals(view.by_contract)),
        ("By tenant", _totals(view.by_tenant)),
        ("By workload", _totals(view.by_workload)),
        ("Commitments", _burn_down(view)),
        ("Concentration", _concentration(view)),
        ("Evidence", _evidence(view)),
        ("Work done again", _lost_work(view)),
        ("What clauses made of it", _consequences(view)),
        ("Deliveries", _deliveries(view)),
    ]
    parts: list[RenderableType] = [head]
    for title, table in sections:
        if table.row_count:
            parts.extend((Text(f"\n{title}", style="bold"), table))
    total = f"total {format_chip_hours(view.total.chip_ms)} chip-hours, {format_usd(view.total.amount_micro_usd)}"
    parts.append(Text(f"\n{total}; postings balance: {'NO' if any(view.imbalance_micro.values()) else 'yes'}"))
    return Group(*parts)


def _runs(view: Report) -> Table:
    table = table_of("run", "workload", "pool", ">chips", "basis", "from", "to", "outcome")
    for run in view.runs[-LINES_MAX:]:
        table.add_row(
            run.run_id,
            run.name,
            run.pool_id,
            str(run.chips),
            run.basis,
            "-" if run.started_contract_ms is None else format_date(run.started_contract_ms),
            "-" if run.ended_contract_ms is None else format_date(run.ended_contract_ms),
            run.outcome,
        )
    return table


def _totals(lines: tuple[TotalLine, ...]) -> Table:
    table = table_of("", ">chip-hours", ">cost")
    for line in lines[:LINES_MAX]:
        table.add_row(line.name, format_chip_hours(line.chip_ms), format_usd(line.amount_micro_usd))
    return table


def _burn_down(view: Report) -> Table:
    table = table_of("tranche", "month", ">owed chip-h", ">taken", ">lacking", ">deficiency")
    for line in view.burn_down[-LINES_MAX:]:
        table.add_row(
            line.tranche_id,
            format_date(line.month_start_ms)[: len("2025-06")],
            format_chip_hours(line.owed_chip_ms),
            format_chip_hours(line.taken_chip_ms),
            format_chip_hours(line.deficiency_chip_ms),
            format_usd(line.deficiency_micro_usd),
        )
    return table


def _concentration(view: Report) -> Table:
    table = table_of("when", ">HHI", ">largest share", "chips")
    for line in view.concentration[-LINES_MAX:]:
        chips = ", ".join(f"{name} {count}" for name, count in line.chips.items())
        found = line.concentration
        table.add_row(line.when, str(found.hhi), f"{found.largest_share_bps / 100:g} %", chips)
    return table


def _evidence(view: Report) -> Table:
    table = table_of("run", "workload", "tranche", "why its capacity was permitted")
    for line in view.evidence[-LINES_MAX:]:
        table.add_row(line.run_id, line.name, line.tranche_id, line.text)
    return table


def _lost_work(view: Report) -> Table:
    table = table_of("run", "workload", ">steps", ">resumed from", ">saves every")
    for line in view.lost_work[-LINES_MAX:]:
        interval = str(line.checkpoint_interval_steps)
        table.add_row(line.run_id, line.name, str(line.steps), str(line.resumed_from_step), interval)
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
            f"{line.fabrics_accepted}/{line.fabrics}",
        )
    return table
