"""What a simulation leaves: the summary against another reckoning, Parquet there and back, and the page."""

import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.simulator.results.columns import (
    NEVER_MS,
    POOL_COLUMNS,
    ROUND_COLUMNS,
    UNKNOWN_MILLI,
    JobResult,
    PoolAt,
    PoolName,
    ProviderResult,
    Results,
    RoundResult,
    job_columns,
    round_columns,
)
from multihome.simulator.results.figures import COLOURS
from multihome.simulator.results.parquet import read_parquet, write_parquet
from multihome.simulator.results.report import report_html, write_report
from multihome.simulator.results.series import BARS_MAX, POINTS_MAX, costs, distribution, prices, utilisation
from multihome.simulator.results.summary import Spread, Summary, herfindahl, spread, summary, total
from tests.results import no_results, some_results


def test_summary_by_hand() -> None:
    figures = summary(some_results())
    assert (figures.jobs, figures.started, figures.ended) == (3, 2, 2)
    assert figures.queue_delay_ms == Spread(2, 30_000, 0, 60_000, 60_000, 60_000)
    assert figures.completion_ms == Spread(2, 2_300_000, 1_000_000, 3_600_000, 3_600_000, 3_600_000)
    assert figures.makespan_ms == 3_601_000
    # 32 chips over 1,800 s; 8 over 360 s, 24 over 360 s, 32 over 720 s.
    assert figures.utilisation_bps == 6_000
    # 7,000,000 of 57,600,000 chip-milliseconds.
    assert figures.goodput_bps == 1_215
    assert figures.rho_milli == Spread(2, 1_700, 900, 2_500, 2_500, 2_500)
    assert (figures.preemptions, figures.restarts, figures.lost_ms) == (3, 6, 90_000)
    assert (figures.chip_ms, figures.cost_micro_usd) == (24_000_000, 12_000_000)
    # Three quarters and one: 75² + 25².
    assert (figures.largest_share_bps, figures.hhi) == (7_500, 6_250)


def test_a_summary_of_nothing_is_nothing() -> None:
    figures = json.loads(msgspec.json.encode(summary(no_results())))
    assert set(figures.pop("queue_delay_ms").values()) == {0}
    assert set(figures.pop("completion_ms").values()) == {0}
    assert set(figures.pop("rho_milli").values()) == {0}
    assert set(figures.values()) == {0}


instants = st.integers(0, 10**13)


@st.composite
def jobs(draw: st.DrawFn) -> JobResult:
    arrival = draw(instants)
    started = draw(st.booleans())
    start = arrival + draw(instants) if started else NEVER_MS
    ended = started and draw(st.booleans())
    return JobResult(
        name=draw(st.text(max_size=8)),
        tenant=draw(st.sampled_from(["", "lab", "lab/é"])),
        model=draw(st.sampled_from(["", "LM"])),
        accelerators=tuple(draw(st.lists(st.sampled_from(["a", "b"]), max_size=2))),
        chips=draw(st.integers(1, 10**6)),
        arrival_ms=arrival,
        first_start_ms=start,
        end_ms=start + draw(instants) if ended else NEVER_MS,
        preemptions=draw(st.integers(0, 9)),
        restarts=draw(st.integers(0, 9)),
        lost_ms=draw(instants),
        # Sums of these pass 64 bits.
        chip_ms=draw(st.integers(0, 2**62)),
        cost_micro_usd=draw(st.integers(-(10**12), 2**62)),
        rho_milli=draw(st.integers(0, 10**6)) if ended else UNKNOWN_MILLI,
    )


@st.composite
def results(draw: st.DrawFn) -> Results:
    pools = [PoolName(f"pool-{number}", draw(st.sampled_from("ab"))) for number in range(draw(st.integers(0, 3)))]
    at = sorted(draw(st.sets(instants, max_size=6)))
    rounds: list[RoundResult] = []
    for at_ms in at:
        there = [draw(st.integers(0, 10**7)) for _ in pools]
        row = [PoolAt(chips, draw(st.integers(0, chips)), draw(st.integers(-(10**9), 10**9))) for chips in there]
        rounds.append(RoundResult(at_ms, draw(instants), draw(instants), draw(st.integers(0, 2**62)), tuple(row)))
    rows = draw(st.lists(jobs(), max_size=12))
    paid = [
        ProviderResult(name, draw(st.integers(0, 2**62)), draw(st.integers(-(10**9), 2**62)))
        for name in draw(st.sets(st.sampled_from("abc")))
    ]
    end_ms = max([*at, 0]) + draw(instants)
    return Results(
        "t", "p", draw(st.integers(0, 99)), end_ms, job_columns(rows), round_columns(pools, rounds), tuple(paid)
    )


def oracle_spread(values: list[int]) -> Spread:
    """By counting: the percentile is the smallest value that enough others do not exceed."""
    if not values:
        return Spread(0, 0, 0, 0, 0, 0)
    p50, p95, p99 = (
        min(value for value in values if 100 * sum(other <= value for other in values) >= percent * len(values))
        for percent in (50, 95, 99)
    )
    return Spread(len(values), round(Fraction(sum(values), len(values))), p50, p95, p99, max(values))


def oracle(given_results: Results) -> Summary:
    """The whole summary in exact fractions, row by row, from the definitions and not from arrays."""
    job = given_results.jobs
    rows = list(
        zip(
            *(column.tolist() for column in (job.arrival_ms, job.first_start_ms, job.end_ms, job.rho_milli)),
            strict=True,
        )
    )
    rounds = given_results.rounds
    ends = [*rounds.at_ms.tolist()[1:], given_results.end_ms]
    lengths = [end - at for at, end in zip(rounds.at_ms.tolist(), ends, strict=False)]
    there, used = (
        sum(sum(row) * length for row, length in zip(grid.tolist(), lengths, strict=True))
        for grid in (rounds.capacity_chips, rounds.used_chips)
    )
    costs = [provider.cost_micro_usd for provider in given_results.providers]
    paid = [cost for cost in costs if cost > 0]
    ended = [row for row in rows if row[2] != NEVER_MS]

    def share(part: int, whole: int) -> int:
        return round(Fraction(part * 10_000, whole)) if whole else 0

    return Summary(
        jobs=len(rows),
        started=sum(row[1] != NEVER_MS for row in rows),
        ended=len(ended),
        queue_delay_ms=oracle_spread([row[1] - row[0] for row in rows if row[1] != NEVER_MS]),
        completion_ms=oracle_spread([row[2] - row[0] for row in ended]),
        makespan_ms=max(row[2] for row in ended) - min(row[0] for row in rows) if ended else 0,
        utilisation_bps=share(used, there),
        goodput_bps=share(sum(rounds.useful_chip_ms.tolist()), there),
        rho_milli=oracle_spread([row[3] for row in rows if row[3] != UNKNOWN_MILLI]),
        preemptions=sum(job.preemptions.tolist()),
        restarts=sum(job.restarts.tolist()),
        lost_ms=sum(job.lost_ms.tolist()),
        chip_ms=sum(job.chip_ms.tolist()),
        cost_micro_usd=sum(costs),
        largest_share_bps=share(max(paid, default=0), sum(paid)),
        hhi=round(sum(Fraction(100 * cost, sum(paid)) ** 2 for cost in paid)) if sum(paid) else 0,
    )


@settings(max_examples=200)
@given(given_results=results())
def test_the_summary_equals_another_reckoning(given_results: Results) -> None:
    assert summary(given_results) == oracle(given_results)


@given(values=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=300))
def test_percentiles_are_those_of_numpy(values: list[int]) -> None:
    column = np.array(values, dtype=np.int64)
    ours = spread(column)
    theirs = np.percentile(column, [50, 95, 99], method="inverted_cdf").tolist()
    assert [ours.p50, ours.p95, ours.p99] == theirs


def test_sums_beyond_64_bits_are_exact() -> None:
    assert total(np.full(5, 2**62, dtype=np.int64)) == 5 * 2**62


def test_concentration_has_its_bounds() -> None:
    assert herfindahl([5]) == 10_000
    assert herfindahl([7] * 10) == 1_000
    assert herfindahl([]) == herfindahl([0, 0]) == 0


def plain(given_results: Results) -> dict[str, object]:
    """Everything in results, as data that can be compared."""
    return json.loads(msgspec.json.encode(given_results, enc_hook=lambda column: column.tolist()))


@settings(max_examples=30)
@given(given_results=results())
def test_parquet_read_back_is_equal(given_results: Results, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    write_parquet(given_results, folder)
    again = read_parquet(folder)
    assert plain(again) == plain(given_results)
    assert again.rounds.used_chips.shape == given_results.rounds.used_chips.shape


def test_parquet_says_null_for_what_never_came(tmp_path: Path) -> None:
    from pyarrow import parquet  # noqa: PLC0415 -- the test reads what any other program would

    files = write_parquet(some_results(), tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["jobs.parquet", "rounds.parquet", "pools.parquet", "providers.parquet"]
    table = parquet.read_table(files[0])
    assert table["end_ms"].to_pylist() == [1_001_000, 3_602_000, None]
    assert table["rho_milli"].to_pylist() == [900, 2_500, None]
    pools = parquet.read_table(files[2])
    assert pools.num_rows == 4 * 2
    assert pools.column_names == ["at_ms", "pool", "provider", *POOL_COLUMNS]
    assert parquet.read_table(files[1]).column_names == list(ROUND_COLUMNS)
    before = [file.read_bytes() for file in files]
    assert [file.read_bytes() for file in write_parquet(some_results(), files[0].parent)] == before


def test_a_foreign_parquet_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    parquet.write_table(pa.table({"x": [1]}), tmp_path / "jobs.parquet")
    with pytest.raises(ValueError, match="holds no results"):
        read_parquet(tmp_path)
    (tmp_path / "jobs.parquet").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="Parquet"):
        read_parquet(tmp_path)
    with pytest.raises(OSError, match="absent"):
        read_parquet(tmp_path / "absent")


class Page(HTMLParser):
    """What a page refers to, and its ids; every element that opens also closes."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self._look(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self._look(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def _look(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            text = value or ""
            if name == "id":
                self.ids.append(text)
            if name.split(":")[-1] in {"href", "src", "srcset", "data", "action", "poster"}:
                self.references.append(text)
            self.references += re.findall(r"url\(([^)]*)\)", text)


def check_page(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert not page.seen & {"script", "link", "iframe", "img", "object", "embed", "base"}
    # All that is referred to is in the page, and nothing else is loaded.
    assert all(reference.startswith("#") and reference[1:] in page.ids for reference in page.references)
    assert not re.search(r"https?:|//|@import|@font-face", html)
    ET.fromstring(html.removeprefix("<!DOCTYPE html>\n"))
    return page


def test_the_page_stands_alone(tmp_path: Path) -> None:
    write_report(some_results(), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = check_page(html)
    assert html.count("<svg") == 5
    assert {"title", "table", "svg"} <= page.seen
    for shown in (
        "60.00 %",
        "12.15 %",
        "6,250",
        "$12.00",
        "alpha-h100",
        "USD a chip-hour",
        "prefers-color-scheme:dark",
    ):
        assert shown in html
    # Colours are the page's own, so that they follow the screen.
    figures = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert not any(colour in figures for colour in COLOURS.values())
    assert set(re.findall(r"#[0-9a-f]{6}", figures)) <= {"#000000"}


def test_a_reference_to_elsewhere_is_seen() -> None:
    html = report_html(no_results())
    for planted in ('<image href="http://x.test/a.png"></image>', '<p style="background:url(a.png)"></p>', "<p>"):
        with pytest.raises(AssertionError):
            check_page(html.replace("</main>", f"{planted}</main>"))


def test_equal_results_have_equal_pages() -> None:
    assert report_html(some_results()) == report_html(some_results())


def test_a_page_of_nothing_says_so() -> None:
    html = report_html(no_results())
    check_page(html)
    assert "<svg" not in html
    for said in ("No job started.", "There was no round.", "There was no price.", "No provider was paid."):
        assert said in html


def odd_results(text: str) -> Results:
    pools = (PoolName(text, text), PoolName(f"_{text}", text))
    rows = [RoundResult(at, 1, 1, 0, (PoolAt(4, 2, -5), PoolAt(0, 0, 0))) for at in (0, 10)]
    paid = (ProviderResult(text, 1, -5_000_000), ProviderResult("b", 1, 0))
    return Results(text, text, 1, 10, some_results().jobs, round_columns(pools, rows), paid)


@pytest.mark.parametrize("text", ["<script>x</script>", "$a^$ & $", "中文 ß", "\x00\x1b\ud800", "x" * 400, "", "]]>--"])
def test_odd_names_stay_text(text: str) -> None:
    html = report_html(odd_results(text))
    check_page(html)
    assert "<script" not in html


@settings(max_examples=12)
@given(given_results=results())
def test_a_page_of_anything_is_sound(given_results: Results) -> None:
    check_page(report_html(given_results))


def test_lines_are_few_points_and_true() -> None:
    values = np.arange(1, 100_001, dtype=np.int64)
    line = distribution("d", values, 1.0)
    assert len(line.x) <= POINTS_MAX
    assert all(math.isclose(share, 100.0 * value / 100_000) for value, share in zip(line.x, line.y, strict=True))
    pools = [PoolName(f"p{number}", "a") for number in range(9)]
    rows = [RoundResult(at * 1_000, 0, 0, 0, tuple(PoolAt(2, at % 2, at) for _ in pools)) for at in range(5_000)]
    long = Results("t", "p", 0, 5_000_000, job_columns(()), round_columns(pools, rows), ())
    used = utilisation(long)
    assert len(used.x) <= POINTS_MAX + 1
    assert 20.0 < used.y.min() <= used.y.max() < 30.0
    assert used.x[-1] == 5_000_000
    assert len(prices(long)) == 6


def test_many_providers_become_one_bar() -> None:
    bars = costs(tuple(ProviderResult(f"p{number:02}", 0, number * 1_000_000) for number in range(30)))
    assert len(bars) == BARS_MAX
    assert (bars[0].name, bars[-1].name) == ("p29", "21 others")
    assert sum(bar.value for bar in bars) == sum(range(30))


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    program = (
        "import sys, multihome.simulator.results.report, multihome.simulator.results.parquet;"
        "print(sorted({'matplotlib', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=50)
    assert done.stdout == "[]\n"
