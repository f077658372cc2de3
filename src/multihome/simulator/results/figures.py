"""Figures of a report as SVG that stands in a page: colours are the page's, letters are text, ids are the figure's own.

matplotlib draws them and is loaded only when one is drawn. Equal points give equal SVG.
"""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from multihome.simulator.results.series import Bar, Line
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND

Plot = Any
"""matplotlib's axes: its own types are unknown in part, and naming them would load it."""

WIDTH_INCHES = 7.4
HEIGHT_INCHES = 2.5
BAR_INCHES = 0.3
NAME_CHARS = 24
"""Characters of a name in a figure; a longer one is cut."""

LEGEND_COLUMNS = 3
FEW_SPANS = 3
"""A time axis takes the largest unit of which it holds at least so many."""

COLOURS = {
    "ink": "#21201d",
    "muted": "#6b6a66",
    "rule": "#dedcd6",
    "c1": "#2a66ad",
    "c2": "#c4561b",
    "c3": "#1d8570",
    "c4": "#7b51b4",
    "c5": "#96761a",
    "c6": "#b13c5f",
}
"""By the name of the page's variable: the colour on a light page, and the mark by which it is found in the SVG."""

_LINES = ("c1", "c2", "c3", "c4", "c5", "c6")
_TICKS_S = {
    1: "≤ 1 s",
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3_600: "1 h",
    36_000: "10 h",
    86_400: "1 d",
    864_000: "10 d",
    8_640_000: "100 d",
}
"""Where a logarithmic axis of lengths of time has its marks."""

_SETTINGS = {
    "svg.fonttype": "none",
    # What stands between two dollars is a name or a price here, never a formula.
    "text.parse_math": False,
    "svg.hashsalt": "multihome",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.labelsize": 9,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": COLOURS["rule"],
    "grid.linewidth": 0.7,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "ytick.major.size": 0,
    "text.color": COLOURS["ink"],
    "lines.linewidth": 1.6,
    "legend.frameon": False,
}


def times_figure(name: str, words: str, lines: Sequence[Line]) -> str:
    """Distributions of lengths of time in seconds, on a logarithmic axis; what is below a second stands at one."""

    def draw(axes: Sequence[Plot]) -> None:
        (plot,) = axes
        for line, colour in zip(lines, _LINES, strict=False):
            plot.step(line.x.clip(1.0), line.y, where="post", color=COLOURS[colour])
        plot.set_xscale("log")
        largest = max(float(line.x.max()) for line in lines)
        shown = [tick for tick in _TICKS_S if tick <= largest * 1.2] or [1]
        plot.set_xlim(0.8, max(largest * 1.3, 10.0))
        plot.set_xticks(shown, [_TICKS_S[tick] for tick in shown])
        plot.set_xticks([], minor=True)
        plot.set_ylim(0, 103)
        plot.set_xlabel("length of time, logarithmic")
        plot.set_ylabel("share of jobs, %")
        _legend(plot, lines)

    return _svg(name, words, (1.0,), HEIGHT_INCHES, draw)


def fairness_figure(name: str, words: str, line: Line) -> str:
    """The distribution of finish-time fairness, with a mark at 1, where sharing costs nothing."""

    def draw(axes: Sequence[Plot]) -> None:
        (plot,) = axes
        plot.axvline(1.0, color=COLOURS["muted"], linewidth=1.0, linestyle=(0, (3, 3)))
        plot.step(line.x, line.y, where="post", color=COLOURS["c1"])
        if float(line.x.max()) > 20 * max(float(line.x.min()), 0.05):
            plot.set_xscale("log")
            plot.xaxis.set_major_formatter(_plain)
            plot.set_xticks([], minor=True)
        plot.set_ylim(0, 103)
        plot.set_xlabel("ρ = time shared ÷ time alone")  # noqa: RUF001 -- the letter of the formula
        plot.set_ylabel("share of jobs, %")

    return _svg(name, words, (1.0,), HEIGHT_INCHES, draw)


def use_figure(name: str, words: str, utilisation: Line, counts: Sequence[Line]) -> str:
    """Utilisation over time, and below it how many jobs wait and run, on one axis of time."""
    unit_ms, unit = _time_unit(utilisation)

    def draw(axes: Sequence[Plot]) -> None:
        upper, lower = axes
        at = utilisation.x / unit_ms
        upper.fill_between(at, utilisation.y, step="post", color=COLOURS["c1"], alpha=0.18, linewidth=0)
        upper.step(at, utilisation.y, where="post", color=COLOURS["c1"])
        upper.set_ylim(0, 103)
        upper.set_ylabel("chips in use, %")
        for line, colour in zip(counts, _LINES[1:], strict=False):
            lower.step(line.x / unit_ms, line.y, where="post", color=COLOURS[colour])
        lower.set_ylim(bottom=0)
        lower.set_ylabel("jobs")
        lower.set_xlabel(f"time since the trace's start, {unit}")
        _legend(lower, counts)

    return _svg(name, words, (1.0, 1.0), HEIGHT_INCHES * 1.7, draw)


def prices_figure(name: str, words: str, lines: Sequence[Line]) -> str:
    """Prices of pools over time."""
    unit_ms, unit = _time_unit(lines[0])

    def draw(axes: Sequence[Plot]) -> None:
        (plot,) = axes
        for line, colour in zip(lines, _LINES, strict=False):
            plot.step(line.x / unit_ms, line.y, where="post", color=COLOURS[colour])
        # Room above and below, so that a steady price is no line on the frame.
        low, high = (pick(float(pick(line.y)) for line in lines) for pick in (min, max))
        room = max((high - low) * 0.1, abs(high) * 0.05, 0.01)
        plot.set_ylim(min(low - room, 0.0) if low < 0 else max(low - room, 0.0), high + room)
        plot.set_ylabel("USD a chip-hour")
        plot.set_xlabel(f"time since the trace's start, {unit}")
        _legend(plot, lines)

    return _svg(name, words, (1.0,), HEIGHT_INCHES, draw)


def costs_figure(name: str, words: str, bars: Sequence[Bar]) -> str:
    """Cost by provider, a bar each, with its figure at its end."""

    def draw(axes: Sequence[Plot]) -> None:
        (plot,) = axes
        places = list(range(len(bars)))
        values = [bar.value for bar in bars]
        plot.barh(places, values, height=0.62, color=COLOURS["c1"])
        plot.set_yticks(places, [_short(bar.name) for bar in bars], color=COLOURS["ink"])
        plot.invert_yaxis()
        plot.grid(visible=False)
        plot.set_xticks([])
        plot.spines["bottom"].set_visible(False)
        widest = max(*values, 0.0) or 1.0
        plot.set_xlim(min(*values, 0.0) * 1.2, widest * 1.2)
        for place, value in zip(places, values, strict=True):
            plot.text(max(value, 0.0) + widest * 0.012, place, f"${value:,.2f}", va="center")

    return _svg(name, words, (1.0,), 0.3 + BAR_INCHES * len(bars), draw)


def _time_unit(line: Line) -> tuple[int, str]:
    """The unit of a time axis, in ms and in words."""
    longest = float(line.x.max(initial=0.0))
    units = ((MS_PER_DAY, "days"), (MS_PER_HOUR, "hours"), (MS_PER_MINUTE, "minutes"))
    return next((unit for unit in units if longest >= FEW_SPANS * unit[0]), (MS_PER_SECOND, "seconds"))


def _legend(plot: Plot, lines: Sequence[Line]) -> None:
    """Name the lines above the plot, in the order in which they were drawn."""
    if len(lines) > 1:
        names = [_short(line.name) for line in lines]
        above = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
        plot.legend(plot.get_lines()[-len(lines) :], names, ncols=LEGEND_COLUMNS, handlelength=1.4, **above)


def _plain(value: float, _place: int) -> str:
    return f"{value:g}"


def _short(name: str) -> str:
    """A name that fits, in characters that can stand in a page."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    return shown if len(shown) <= NAME_CHARS else f"{shown[: NAME_CHARS - 1]}…"


def _svg(
    name: str, words: str, heights: Sequence[float], height_inches: float, draw: Callable[[Sequence[Plot]], None]
) -> str:
    """Draw plots one below the other, with one axis of x, and make the SVG fit to stand in a page."""
    import matplotlib as library  # noqa: ICN001, PLC0415 -- loading that only reports pay for
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    untyped: Any = library
    buffer = io.StringIO()
    with untyped.rc_context(_SETTINGS), warnings.catch_warnings():
        # The page's fonts show the letters; that matplotlib's own font lacks one only makes room inexact.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained", facecolor="none")
        plots = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=list(heights))[:, 0].tolist()
        for plot in plots:
            plot.set_facecolor("none")
        draw(plots)
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _embedded(buffer.getvalue(), name, words)


def _embedded(svg: str, name: str, words: str) -> str:
    """The SVG element alone: no namespace to look up, ids that no other figure has, the page's colours and letters."""
    body = svg[svg.index("<svg") :]
    view = re.search(r'viewBox="[^"]*"', body)
    assert view is not None, "matplotlib gives a view box"
    inner = body[body.index(">") + 1 :]
    inner = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", inner, flags=re.DOTALL)
    inner = inner.replace("xlink:href", "href")
    inner = re.sub(r'\bid="', f'id="{name}-', inner)
    inner = re.sub(r'href="#', f'href="#{name}-', inner)
    inner = re.sub(r"url\(#", f"url(#{name}-", inner)
    inner = re.sub(r"font: ([0-9.]+px) [^;\"]*", r"font-size: \1", inner)
    for variable, colour in COLOURS.items():
        inner = inner.replace(colour, f"var(--{variable})")
    return f'<svg class="figure" {view.group()} role="img" aria-label="{escape(words)}">{inner.strip()}'
