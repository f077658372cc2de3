"""How answers look to people: tables and lines that fit a terminal of 80 columns."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from multihome.cli.hanging import Hanging
from multihome.domain.throughputs import ThroughputSource
from multihome.units.money import format_usd
from multihome.units.time import format_instant
from multihome.views.audit import AuditReport
from multihome.views.explain import Explanation
from multihome.views.preview import Preview
from multihome.views.prices import PriceRow
from multihome.views.status import StatusView, WorkloadRow
from multihome.views.words import clause_text
from multihome.wire.responses import AcceptedOut, ClockOut, WorkloadOut

PROGRESS_NONE = ""


def applied(answer: AcceptedOut) -> RenderableType:
    """What documents changed, or would change."""
    return _changes(answer, "nothing to change") if answer.changes else Text("nothing to change")


def accepted(answer: AcceptedOut) -> RenderableType:
    """What a command changed, where there is more to say than that it was accepted."""
    return _changes(answer, "done")


def _changes(answer: AcceptedOut, otherwise: str) -> RenderableType:
    lines = [*answer.changes, *(f"workload {workload_id}" for workload_id in answer.workload_ids)]
    return Text("\n".join(lines) if lines else otherwise)


def status(view: StatusView, workloads: Iterable[WorkloadRow]) -> RenderableType:
    """Everything at one glance."""
    head = Text(f"time  {times(view.contract_ms, view.process_ms, scenario=view.scenario_clock)}")
    parts: list[RenderableType] = [head, _providers(view), _pools(view)]
    rows = list(workloads)
    if rows:
        parts.append(_workloads(rows))
    counts = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(view.workload_states.items()))
    parts.append(Text(f"workloads: {counts or 'none'}"))
    parts.extend(Text(f"! {alarm.subject}: {alarm.text}") for alarm in view.alarms)
    return Group(*parts)


def workload(view: WorkloadOut) -> RenderableType:
    """One workload and its gangs."""
    row = view.row
    table = table_of("unit", "state", ">chips", "basis", "progress", "run, where")
    for unit in view.units:
        # Ids and places are long: one below the other, they stay whole on 80 columns.
        where = [part for part in (unit.run_id, unit.pool_id, unit.endpoint) if part]
        table.add_row(
            str(unit.unit),
            unit.state,
            str(unit.chips),
            unit.basis,
            _progress(unit.progress.step, unit.progress.checkpoint_step) if unit.progress else PROGRESS_NONE,
            "\n".join(where) or "-",
        )
    lines = [f"{row.name} ({row.id}) of {row.tenant_id}: {row.state}, {row.units_up}/{row.units} up"]
    if row.waits_for:
        lines.append(f"waits: {_waits(row)}")
    return Group(Hanging(lines), table)


def explanation(view: Explanation) -> RenderableType:
    """A workload's whole story."""
    lines = [f"{view.name} ({view.workload_id}) of {view.tenant_id}" + (f": {view.outcome}" if view.outcome else "")]
    for unit in view.units:
        place = f" in {unit.row.pool_id}" if unit.row.pool_id else ""
        lines.append(f"unit {unit.row.unit}: {unit.row.state}{place}")
        lines.extend(f"  {sentence}" for sentence in unit.sentences)
    if view.waits_because:
        lines.append("waits because")
        lines.extend(f"  {sentence}" for sentence in view.waits_because)
    lines.extend(view.notes)
    lines.extend(_throughputs(view))
    scenario = any(line.contract_ms != line.process_ms for line in view.story)
    story = [f"  {times(line.contract_ms, line.process_ms, scenario=scenario)}  {line.text}" for line in view.story]
    return Group(Hanging(lines), *_prices(view.prices), Hanging(["what happened", *story]))


def _throughputs(view: Explanation) -> Iterator[str]:
    """What is known of a workload's speed; nothing where no figure is better than peak FLOP/s."""
    if all(row.source is ThroughputSource.PRIOR for row in view.throughputs):
        return
    yield "throughput"
    for row in view.throughputs:
        share, spread = row.relative_ppm / 10_000, row.spread_bps / 100
        yield f"  {row.chips} {row.accelerator}: {share:.4g} % of the first, ±{spread:.2g} % ({row.words})"


def foreseen(view: Preview) -> RenderableType:
    """Where a workload would go."""
    lines: list[str] = []
    for unit in view.placed:
        lines.append(f"unit {unit.unit} would go to {unit.pool_id} ({unit.chips} chips)")
        lines.extend(f"  {sentence}" for sentence in unit.sentences)
    if view.waiting_units:
        lines.append(f"{view.waiting_units} unit(s) would wait because")
        lines.extend(f"  {sentence}" for sentence in view.waits_because)
    lines.extend(view.notes)
    return Group(Hanging(lines), *_prices(view.prices))


def clock(view: ClockOut) -> RenderableType:
    """Contract time and real time."""
    if not view.scenario:
        return Text(f"contract time is real time: {format_instant(view.contract_ms)}")
    return Text(f"scenario {format_instant(view.contract_ms)}, real {format_instant(view.process_ms)}")


def audited(view: AuditReport) -> RenderableType:
    """What an audit found, invariant by invariant."""
    table = table_of("invariant", "what must hold", ">checked", ">broken")
    for line in view.lines:
        table.add_row(line.invariant, line.words, f"{line.checked:,}", str(len(line.violations)))
    seq, head = view.head
    parts: list[RenderableType] = [table]
    parts.extend(Text(f"! {broken}") for line in view.lines for broken in line.violations)
    verdict = "holds" if view.holds else "DOES NOT HOLD"
    parts.append(Text(f"{view.records:,} records, {view.events:,} events, head {seq} {head[:16]}: {verdict}"))
    return Group(*parts)


def times(contract_ms: int, process_ms: int, *, scenario: bool) -> str:
    """An instant: by the scenario's clock and by the real one, where there are two."""
    if not scenario:
        return format_instant(contract_ms)
    return f"{format_instant(contract_ms)} (real {format_instant(process_ms)[len('2025-06-01 ') :]})"


def _providers(view: StatusView) -> Table:
    table = table_of("provider", "kind", "state", ">delivered", ">used", ">held")
    for row in view.providers:
        table.add_row(
            row.id, row.kind, row.openness, f"{row.delivered_chips:,}", f"{row.used_chips:,}", f"{row.held_chips:,}"
        )
    return table


def _pools(view: StatusView) -> Table:
    table = table_of("pool", "accelerator", ">chips", ">used", ">fits", "outstanding")
    table.columns[0].no_wrap = True
    for row in view.pools:
        table.add_row(
            row.id,
            row.accelerator,
            f"{row.delivered_chips:,}",
            f"{row.used_chips:,}",
            f"{row.largest_free_chips:,}",
            ", ".join(tranche_id.rpartition("/")[2] for tranche_id in row.outstanding),
        )
    return table


def _workloads(rows: list[WorkloadRow]) -> Table:
    """Names, places and reasons; ids and tenants are a `status WORKLOAD` away, and would crowd these out."""
    table = table_of("workload", "state", ">up", ">chips", "where, or why it waits")
    table.columns[0].no_wrap = True
    for row in rows:
        progress = f", step {row.progress.step}" if row.progress and row.pools else ""
        waits = f"; waits: {_waits(row)}" if row.pools and row.waits_for else _waits(row)
        table.add_row(
            row.name,
            row.state,
            f"{row.units_up}/{row.units}",
            f"{row.chips:,}",
            ", ".join(row.pools) + progress + waits,
        )
    return table


def _waits(row: WorkloadRow) -> str:
    """The reason nearest to passing; `explain` tells the others."""
    return f"{row.waits_for} (+{row.more_reasons} more)" if row.more_reasons else row.waits_for


def _prices(rows: tuple[PriceRow, ...]) -> list[RenderableType]:
    """What one more chip-hour costs where; a column more where equity makes a difference."""
    if not rows:
        return []
    has_equity = any(row.effective_micro_usd_per_chip_hour != row.micro_usd_per_chip_hour for row in rows)
    headings = ["pool", ">a chip-hour", *([">with equity"] if has_equity else []), "because"]
    table = table_of(*headings)
    for row in rows:
        amount = "forbidden" if row.is_forbidden else _usd(row.micro_usd_per_chip_hour)
        equity = [_usd(row.effective_micro_usd_per_chip_hour)] if has_equity else []
        names_clause = row.clause is not None and clause_text(row.clause) not in row.rule
        rule = f"{clause_text(row.clause)}: {row.rule}" if row.clause and names_clause else row.rule
        table.add_row(row.pool_id, amount, *equity, rule)
    return [Text("one more chip-hour would cost now"), table]


def _usd(micro_usd: int | None) -> str:
    return "-" if micro_usd is None else format_usd(micro_usd)


def _progress(step: int, checkpoint_step: int) -> str:
    return f"step {step}, saved {checkpoint_step}"


def table_of(*headings: str) -> Table:
    """A table without lines; a heading that begins with `>` is of figures, with `=` of dates, each on one line."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        # Folded, never cut: an id that is shown in part is no use.
        side = "right" if heading.startswith(">") else "left"
        table.add_column(heading.lstrip(">="), justify=side, overflow="fold", no_wrap=heading.startswith("="))
    return table
