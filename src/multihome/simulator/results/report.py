"""A simulation's report: one page of HTML that needs nothing beside itself, for light and dark screens.

It shows the summary and draws the columns. It computes no figure of its own.
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from multihome.simulator.results.columns import Results
from multihome.simulator.results.figures import (
    COLOURS,
    costs_figure,
    fairness_figure,
    prices_figure,
    times_figure,
    use_figure,
)
from multihome.simulator.results.series import POOLS_DRAWN_MAX, costs, counts, distribution, prices, utilisation
from multihome.simulator.results.summary import (
    Spread,
    Summary,
    completions_ms,
    fairness_milli,
    queue_delays_ms,
    summary,
)
from multihome.units.money import MICRO_PER_UNIT, format_chip_hours
from multihome.units.time import MS_PER_SECOND, format_duration

_DARK = {
    "ink": "#e9e7e2",
    "muted": "#a19f98",
    "rule": "#3b3a37",
    "c1": "#73abeb",
    "c2": "#f19a60",
    "c3": "#5fc7ac",
    "c4": "#b99cf2",
    "c5": "#d8bb5c",
    "c6": "#ee87a5",
}
_STYLE = """
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:800px;margin:0 auto;padding:32px 20px 56px}
h1{font-size:24px;line-height:1.25;margin:0 0 4px;font-weight:650;overflow-wrap:anywhere}
h2{font-size:17px;margin:36px 0 2px;font-weight:650}
p{margin:0 0 8px;color:var(--muted);overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:14px 0 0;font-variant-numeric:tabular-nums}
th,td{padding:6px 8px;border-bottom:1px solid var(--rule);text-align:right;font-weight:400;vertical-align:top}
thead th{color:var(--muted);font-size:13px}
th:first-child,td:first-child{text-align:left;padding-left:0}
.wide{overflow-x:auto}
svg.figure{display:block;width:100%;height:auto;margin:6px 0 0}
svg.figure *{stroke-linejoin:round;stroke-linecap:butt}
"""


def write_report(results: Results, path: Path) -> None:
    """Write the page to a file.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_text(report_html(results), encoding="utf-8")


def report_html(results: Results) -> str:
    """The page. Equal results give equal pages."""
    figures = summary(results)
    title = f"{_text(results.trace)} under {_text(results.policy)}"
    sections = (
        _summary_tables(figures),
        _times(results),
        _use(results),
        _prices(results),
        _costs(results, figures),
        _fairness(results),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f"<title>{title}</title><style>{_colours()}{_STYLE}</style></head><body><main>"
        f"<h1>{title}</h1><p>A simulation with seed {results.seed}: {figures.jobs:,} jobs, "
        f"{figures.started:,} started, {figures.ended:,} ended, over {format_duration(results.end_ms)}.</p>"
        f"{''.join(sections)}</main></body></html>\n"
    )


def _colours() -> str:
    light = "".join(f"--{name}:{colour};" for name, colour in COLOURS.items())
    dark = "".join(f"--{name}:{colour};" for name, colour in _DARK.items())
    return (
        f":root{{color-scheme:light dark;--page:#fdfcfa;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{--page:#191817;{dark}}}}}"
    )


def _text(text: str) -> str:
    """Text in a page; what cannot be printed could not stand in it either."""
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in text))


def _summary_tables(figures: Summary) -> str:
    times = (
        ("Queue delay", *map(format_duration, _five(figures.queue_delay_ms))),
        ("Completion time", *map(format_duration, _five(figures.completion_ms))),
        ("Fairness ρ", *map(_thousandths, _five(figures.rho_milli))),  # noqa: RUF001 -- the letter of the formula
    )
    counted = (figures.queue_delay_ms.count, figures.completion_ms.count, figures.rho_milli.count)
    rows = [row if count else (row[0], *["–"] * (len(row) - 1)) for row, count in zip(times, counted, strict=True)]
    totals = (
        ("Makespan", format_duration(figures.makespan_ms)),
        ("Utilisation", _percent(figures.utilisation_bps)),
        ("Goodput", _percent(figures.goodput_bps)),
        ("Preemptions", f"{figures.preemptions:,}"),
        ("Restarts", f"{figures.restarts:,}, which cost {format_duration(figures.lost_ms)}"),
        ("Chip-hours used", format_chip_hours(figures.chip_ms)),
        ("Cost", _usd(figures.cost_micro_usd)),
        ("Largest provider's share of cost", _percent(figures.largest_share_bps)),
        ("Concentration (HHI, 0 to 10,000)", f"{figures.hhi:,}"),
    )
    return (
        "<h2>Summary</h2>"
        + _table(("over jobs", "mean", "median", "95 %", "99 %", "largest"), rows)
        + _table(("in all", ""), totals)
    )


def _five(spread: Spread) -> tuple[int, int, int, int, int]:
    return spread.mean, spread.p50, spread.p95, spread.p99, spread.largest


def _times(results: Results) -> str:
    delays, completions = queue_delays_ms(results), completions_ms(results)
    lines = [
        distribution(name, values, MS_PER_SECOND)
        for name, values in (("queue delay", delays), ("completion time", completions))
        if len(values)
    ]
    heading = _heading("Queue delay and completion time", "The share of jobs that waited, or took, at most so long.")
    if not lines:
        return heading + "<p>No job started.</p>"
    return heading + times_figure("times", "Queue delay and completion time of jobs, as distributions", lines)


def _use(results: Results) -> str:
    heading = _heading(
        "Use of chips, and the queue", "Chips in use of those there were; below, jobs that wait and run."
    )
    if not len(results.rounds.at_ms):
        return heading + "<p>There was no round.</p>"
    lines = (counts(results, "queued"), counts(results, "running"))
    return heading + use_figure(
        "use", "Utilisation, and jobs queued and running, over time", utilisation(results), lines
    )


def _prices(results: Results) -> str:
    lines = prices(results) if len(results.rounds.at_ms) else ()
    number = len(results.rounds.pools)
    which = f"The {POOLS_DRAWN_MAX} pools used most, of {number}." if number > POOLS_DRAWN_MAX else "By pool."
    heading = _heading("Prices over time", f"What one more chip-hour costs. {which}")
    if not lines:
        return heading + "<p>There was no price.</p>"
    named = f"<p>Pool: {_text(lines[0].name)}.</p>" if len(lines) == 1 else ""
    return heading + named + prices_figure("prices", "Price of a chip-hour by pool over time", lines)


def _costs(results: Results, figures: Summary) -> str:
    heading = _heading("Cost by provider", f"In all {_usd(figures.cost_micro_usd)}.")
    bars = costs(results.providers)
    return heading + (costs_figure("costs", "Cost by provider", bars) if bars else "<p>No provider was paid.</p>")


def _fairness(results: Results) -> str:
    text = "The share of jobs whose time shared over time alone is at most so much; at 1 sharing costs nothing."
    heading = _heading("Fairness", text)
    values = fairness_milli(results)
    if not len(values):
        return heading + "<p>No job has a fairness.</p>"
    return heading + fairness_figure(
        "fairness", "Finish-time fairness of jobs", distribution("fairness", values, 1_000)
    )


def _heading(title: str, text: str) -> str:
    return f"<h2>{title}</h2><p>{text}</p>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _percent(bps: int) -> str:
    return f"{bps // 100}.{bps % 100:02d} %"


def _thousandths(milli: int) -> str:
    return f"{milli // 1_000:,}.{milli % 1_000:03d}"


def _usd(micro_usd: int) -> str:
    """Money to the cent, as a page for people shows it; the columns have it exactly."""
    return f"${micro_usd / MICRO_PER_UNIT:,.2f}"
