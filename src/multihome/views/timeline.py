"""A picture of a report: every run as a bar in its pool's lane, over scenario time. Draws; computes nothing new."""

from collections.abc import Iterator
from html import escape

from multihome.domain.ids import PoolId
from multihome.units.time import MS_PER_DAY, format_date
from multihome.views.report import ConsequenceLine, Report, RunLine

WIDTH_PX = 1_000
LABEL_PX = 190
ROW_PX = 16
GAP_PX = 10
HEAD_PX = 46
TICKS_MAX = 8
_COLOURS = (
    "#4477aa",
    "#66ccee",
    "#228833",
    "#ccbb44",
    "#ee6677",
    "#aa3377",
    "#777777",
    "#994f00",
    "#006d77",
    "#332288",
    "#117733",
    "#882255",
    "#44aa99",
    "#b35806",
)


def timeline_svg(report: Report) -> str:
    """An SVG document: lanes are pools, bars are runs, dashed lines are what clauses made of events."""
    start_ms = report.from_contract_ms
    span_ms = max(1, report.contract_ms - start_ms)
    started = [run for run in report.runs if run.started_contract_ms is not None]
    lanes = _lanes(started, report.contract_ms)
    height = HEAD_PX + sum(len(rows) * ROW_PX + GAP_PX for rows in lanes.values()) + 8

    def x_of(at_ms: int) -> float:
        return LABEL_PX + (WIDTH_PX - LABEL_PX - 8) * (at_ms - start_ms) / span_ms

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" font-family="sans-serif" '
            f'font-size="10"><title>Runs by pool over scenario time</title>'
            f'<rect width="{WIDTH_PX}" height="{height}" fill="#ffffff"/>'
            f'<text x="8" y="16" font-size="13" font-weight="bold">Who ran where: {format_date(start_ms)} to '
            f"{format_date(report.contract_ms)} (scenario time)</text>"
        )
    ]
    parts.extend(
        f'<line x1="{x_of(tick):.1f}" y1="{HEAD_PX - 8}" x2="{x_of(tick):.1f}" y2="{height}" stroke="#dddddd"/>'
        f'<text x="{x_of(tick):.1f}" y="{HEAD_PX - 12}" fill="#666666">{format_date(tick)}</text>'
        for tick in _ticks(start_ms, report.contract_ms)
    )
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(_names(started))}
    y = HEAD_PX
    for pool_id, rows in lanes.items():
        parts.append(f'<text x="8" y="{y + 12}" font-size="11">{escape(pool_id)}</text>')
        for row in rows:
            parts.extend(
                _bar(
                    run,
                    x_of(run.started_contract_ms or 0),
                    x_of(_end_ms(run, report.contract_ms)),
                    y,
                    colours[run.name],
                )
                for run in row
            )
            y += ROW_PX
        y += GAP_PX
    parts.extend(_mark(line, x_of(line.contract_ms), height) for line in _first_of_each_instant(report.consequences))
    return "".join(parts) + "</svg>\n"


def _end_ms(run: RunLine, now_ms: int) -> int:
    return now_ms if run.ended_contract_ms is None else run.ended_contract_ms


def _names(runs: list[RunLine]) -> list[str]:
    return sorted({run.name for run in runs})


def _lanes(runs: list[RunLine], now_ms: int) -> dict[PoolId, list[list[RunLine]]]:
    """Rows of runs for every pool, so that bars of one row never overlap."""
    lanes: dict[PoolId, list[list[RunLine]]] = {}
    for run in sorted(runs, key=lambda run: (run.pool_id, run.started_contract_ms or 0, run.run_id)):
        rows = lanes.setdefault(run.pool_id, [])
        for row in rows:
            if _end_ms(row[-1], now_ms) <= (run.started_contract_ms or 0):
                row.append(run)
                break
        else:
            rows.append([run])
    return lanes


def _ticks(start_ms: int, end_ms: int) -> Iterator[int]:
    days = max(1, -(-(end_ms - start_ms) // (TICKS_MAX * MS_PER_DAY)))
    at_ms = start_ms
    # A label at the very end would not fit.
    while at_ms < end_ms - (end_ms - start_ms) // 20:
        yield at_ms
        at_ms += days * MS_PER_DAY


def _bar(run: RunLine, left: float, right: float, top: int, colour: str) -> str:
    width = max(2.0, right - left)
    is_lost = run.outcome in {"fenced", "failed", "vanished"}
    faded = ' fill-opacity="0.45"' if is_lost else ""
    ink = "#222222" if is_lost else "#ffffff"
    label = f"{run.name} ×{run.chips}"
    shown = escape(label) if width > 6 * len(label) else ""
    return (
        f"<g><title>{escape(run.run_id)} {escape(label)}: {escape(run.outcome)}</title>"
        f'<rect x="{left:.1f}" y="{top + 2}" width="{width:.1f}" height="{ROW_PX - 4}" rx="2" fill="{colour}"{faded}/>'
        f'<text x="{left + 3:.1f}" y="{top + 11}" fill="{ink}" font-size="9">{shown}</text></g>'
    )


def _first_of_each_instant(lines: tuple[ConsequenceLine, ...]) -> list[ConsequenceLine]:
    return list({line.contract_ms: line for line in reversed(lines)}.values())


def _mark(line: ConsequenceLine, x: float, height: int) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{HEAD_PX - 4}" x2="{x:.1f}" y2="{height}" stroke="#cc3311" stroke-dasharray="4 3">'
        f"<title>{escape(line.clause)}: {escape(line.text)}</title></line>"
    )
