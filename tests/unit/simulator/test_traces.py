"""Each reader of traces: what it makes of a sound file, and where it says that one is wrong."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from multihome.files.problems import FileProblem
from multihome.simulator.traces import reading, requests, rows
from multihome.simulator.traces.facts import (
    LeftOut,
    Rate,
    ReadSettings,
    Trace,
    TraceDemand,
    TraceJob,
    micro_tokens_per_s,
    rates_by_cell,
)
from multihome.simulator.traces.gavel_throughputs import read_throughputs, throughputs_of
from multihome.simulator.traces.reading import TraceText, text_of
from multihome.simulator.traces.rows import PROBLEMS_MAX
from multihome.simulator.traces.table import AUTO, FORMATS, read_trace, trace_of
from multihome.units.time import MS_PER_HOUR, parse_instant
from tests.trace_samples import GAVEL, MOONCAKE, PHILLY, SAMPLES, SETTINGS, SLURM, SWF, THROUGHPUTS

SLOWEST_MICRO_STEPS_PER_S = 347_224


def read(content: str, form: str = AUTO, settings: ReadSettings = SETTINGS) -> Trace:
    text = text_of("t", content.encode())
    assert isinstance(text, TraceText)
    return trace_of(text, form, settings)


def problems(content: str, form: str = AUTO) -> list[str]:
    return [str(problem) for problem in read(content, form).problems]


def changed(sample: str, before: str, after: str) -> str:
    assert before in sample
    return sample.replace(before, after, 1)


def test_gavel() -> None:
    trace = read(GAVEL)
    assert trace.format == "gavel"
    assert trace.jobs == (
        TraceJob("job-1", 0, "", "ResNet-18 (batch size 128)", 4, 0, 925_982, 1_000, ""),
        TraceJob("job-2", 46_317_250, "", "LM (batch size 40)", 1, 0, 297_215, 2_500, ""),
    )
    assert (trace.start_ms, trace.problems, trace.left_out) == (0, (), ())


def test_philly_in_order_of_arrival_since_the_first() -> None:
    trace = read(PHILLY)
    assert trace.jobs == (
        TraceJob("job-2", 0, "6214e9", "", 8, 2_951_000, 0, 1_000, ""),
        TraceJob("job-1", 2_932_000, "11cb48", "", 1, 66_000, 0, 1_000, ""),
    )
    assert trace.start_ms == parse_instant("2017-10-09T06:13:03Z")


def test_slurm() -> None:
    trace = read(SLURM)
    assert trace.start_ms == parse_instant("2026-01-05T07:00:00Z")
    assert trace.jobs == (
        TraceJob("job-102", 0, "bob", "", 2, 120_000, 0, 1_000, "h100"),
        TraceJob("job-101", MS_PER_HOUR, "vision", "", 8, 25 * MS_PER_HOUR + 1_000, 0, 1_000, "a100"),
        TraceJob("job-101.2", MS_PER_HOUR, "vision", "", 8, 7_000, 0, 1_000, ""),
    )
    assert trace.left_out == (
        LeftOut("a step of a job, which is counted with it", 1),
        LeftOut("it had not ended", 1),
        LeftOut("it never ran", 1),
        LeftOut("it used no accelerator", 1),
    )


def test_slurm_by_start_and_end_and_nodes() -> None:
    sample = (
        "JobID|Submit|Start|End|NNodes\n1|2026-01-01T00:00:00|2026-01-01T01:00:00|2026-01-01T03:00:00|3\n"
        "2|2026-01-01T00:00:00|2026-01-01T01:00:00|Unknown|3\n"
    )
    trace = read(sample)
    assert trace.jobs == (TraceJob("job-1", 0, "", "", 24, 2 * MS_PER_HOUR, 0, 1_000, ""),)
    assert trace.left_out == (LeftOut("it never ran", 1),)


def test_slurm_sums_typed_accelerators() -> None:
    sample = "JobID|Submit|ElapsedRaw|AllocTRES|ReqTRES\n1|2026-01-01T00:00:00|60||gres/gpu:b=2,gres/gpu:a=1\n"
    (job,) = read(sample).jobs
    assert (job.chips, job.accelerator) == (3, "a+b")


def test_swf() -> None:
    trace = read(SWF)
    assert trace.start_ms == parse_instant("2026-01-01T00:00:00Z")
    assert trace.jobs == (
        TraceJob("job-1", 0, "group-12", "", 64, MS_PER_HOUR, 0, 1_000, ""),
        TraceJob("job-3", 180_500, "user-4", "", 16, 500, 0, 1_000, ""),
    )
    assert trace.left_out == (LeftOut("the log has no run time for it, or a run time of 0", 1),)


def test_azure() -> None:
    trace = read(SAMPLES["azure-llm"])
    assert trace.start_ms == parse_instant("2023-11-16T18:17:03.979Z")
    assert trace.demand == (
        TraceDemand("t", 0, 10_000, 2, 7_988, 18),
        TraceDemand("t", 10_000, 10_000, 0, 0, 0),
        TraceDemand("t", 20_000, 10_000, 1, 110, 27),
    )
    assert micro_tokens_per_s(trace.demand[0]) == 800_600_000


def test_mooncake_windows_are_half_open() -> None:
    assert read(MOONCAKE).demand == (
        TraceDemand("t", 0, 10_000, 2, 6_768, 501),
        TraceDemand("t", 10_000, 10_000, 1, 7, 2),
    )


def test_throughputs() -> None:
    text = text_of("t", THROUGHPUTS.encode())
    assert isinstance(text, TraceText)
    table = throughputs_of(text)
    assert table.problems == ()
    assert table.source == "t"
    # Half a millionth goes to the even neighbour.
    assert table.rates == (
        Rate("ResNet-18 (batch size 128)", 4, "v100", 32_353_384),
        Rate("LM", 1, "v100", 0),
        Rate("LM", 1, "k80", 0),
    )
    assert rates_by_cell(table)["ResNet-18 (batch size 128)", 4, "v100"] == 32_353_384


@pytest.mark.parametrize("form", SAMPLES)
def test_every_format_is_recognised_and_no_other_is(form: str) -> None:
    assert [entry.name for entry in FORMATS if entry.detect(SAMPLES[form])] == [form]
    assert read(SAMPLES[form], form) == read(SAMPLES[form])


def test_every_format_has_a_sample() -> None:
    assert set(SAMPLES) == {entry.name for entry in FORMATS}


WRONG = {
    "gavel chips": (GAVEL, "\t4\t1", "\t0\t1", "t:1:93: scale factor: '0' is not a whole number from 1 to 10,000,000"),
    "gavel steps": (GAVEL, "925982", "9e5", "t:1:86: total steps: '9e5' is not a whole number from 1 to"),
    "gavel short": (GAVEL, "\t46317.25", "", "t:2:1: has 9 fields, not 10"),
    "philly date": (PHILLY, "2017-10-09 07", "2017-02-30 07", "t:2:1: timestamp: '2017-02-30 07:01:55' is not a date"),
    "philly product": (PHILLY, "23608.0", "23609.0", "t:3:30: gpu_time: '23609.0' is not duration × num_gpus"),
    "philly header": (PHILLY, "cluster", "clutter", "t:1:1: the header names the column 'cluster' nowhere"),
    "slurm elapsed": (SLURM, "|00:02:00|", "|soon|", "t:4:74: Elapsed: 'soon' is not a length of time"),
    "slurm column": (SLURM, "AllocTRES", "Comment", "t:1:1: no column says what a job ran on; add AllocTRES"),
    "swf run": (SWF, "  3600", "  -360", "t:4:19: run time s: '-360' is not seconds from 0.001 to"),
    "azure tokens": (SAMPLES["azure-llm"], ",8\r", ",-8\r", "t:3:34: GeneratedTokens: '-8' is not a whole number"),
    "mooncake type": (MOONCAKE, "9999", '"x"', "t:2:1: is no request: Expected `int`, got `str` - at `$.timestamp`"),
    "mooncake range": (MOONCAKE, "10000", "-1", "t:3:2: timestamp: -1 is not a whole number from 0 to"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_place(name: str) -> None:
    sample, before, after, told = WRONG[name]
    form = next(form for form, good in SAMPLES.items() if good == sample)
    found = problems(changed(sample, before, after), form)
    assert len(found) == 1
    assert found[0].startswith(told)
    assert "; " in found[0]


def test_several_problems_are_told_at_once_up_to_a_limit() -> None:
    bad = "2017-10-09,x,0,1,c\n"
    found = read(PHILLY.split("\n", 1)[0] + "\n" + 100 * bad).problems
    assert [problem.field for problem in found[:3]] == ["timestamp", "duration", "num_gpus"]
    assert len(found) == PROBLEMS_MAX + 1
    assert str(found[-1]).startswith("t: 20 problems (PROBLEMS_MAX)")


def test_an_unknown_format_names_all_that_are_read() -> None:
    (told,) = problems(SWF, "pbs")
    assert told == ("t: 'pbs' is no format of traces; one of auto, gavel, philly, slurm, swf, azure-llm, mooncake")
    (told,) = problems("hello\n")
    assert "begins like no trace that is known here" in told
    assert "timestamp,duration" in told.replace(", ", ",")


@pytest.mark.parametrize("form", SAMPLES)
def test_a_file_without_rows_is_told(form: str) -> None:
    header = {"philly": 1, "slurm": 1, "azure-llm": 1}.get(form, 0)
    kept = SAMPLES[form].split("\n")[:header]
    assert [str(problem) for problem in read("\n".join(kept), form).problems] == [
        "t: holds no row; give a trace with at least one"
    ]


def test_a_log_in_which_nothing_ran_is_told() -> None:
    lines = SLURM.split("\n")
    assert problems("\n".join([lines[0], lines[4]])) == [
        "t: none of its rows is a job: it never ran; give a log of jobs that ran"
    ]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (told,) = read_trace(tmp_path / "absent", AUTO, SETTINGS).problems
    assert "cannot be read: No such file" in str(told)
    (told,) = read_throughputs(tmp_path).problems
    assert "cannot be read: Is a directory" in str(told)
    (told,) = read_trace(Path("a\0b"), AUTO, SETTINGS).problems
    assert "cannot be read" in str(told)
    assert str(text_of("t", b"ab\nc\xff")) == "t:2:2: byte 0xff is no UTF-8; store the file as UTF-8"


Limit = Callable[[pytest.MonkeyPatch], object]
LIMITS: dict[str, tuple[str, Limit]] = {
    "ROWS_MAX": (GAVEL, lambda patch: patch.setattr(rows, "ROWS_MAX", 1)),
    "LINE_CHARS_MAX": (GAVEL, lambda patch: patch.setattr(rows, "LINE_CHARS_MAX", 80)),
    "NAME_CHARS_MAX": (GAVEL, lambda patch: patch.setattr(rows, "NAME_CHARS_MAX", 20)),
    "WINDOWS_MAX": (MOONCAKE, lambda patch: patch.setattr(requests, "WINDOWS_MAX", 1)),
    "SPAN_MS_MAX": (changed(PHILLY, "2017", "2777"), lambda _patch: None),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_every_limit_is_named_where_it_is_met(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sample, lower = LIMITS[limit]
    lower(monkeypatch)
    assert any(limit in told for told in problems(sample))


def test_a_large_file_is_refused_by_the_name_of_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TRACE_BYTES_MAX", 10)
    assert isinstance(text_of("t", b"1234567890"), TraceText)
    told = text_of("t", b"12345678901")
    assert isinstance(told, FileProblem)
    assert "TRACE_BYTES_MAX" in str(told)


def test_the_public_traces(data_dir: Path) -> None:
    gavel = read_trace(data_dir / "gavel/max_min_fairness.trace", AUTO, SETTINGS)
    table = read_throughputs(data_dir / "gavel/simulation_throughputs.json")
    assert (gavel.problems, table.problems) == ((), ())
    assert len(gavel.jobs) == 96
    cells = rates_by_cell(table)
    assert len(cells) == 492
    # The docstring of `Rate` rests on it.
    assert min(rate for rate in cells.values() if rate) == SLOWEST_MICRO_STEPS_PER_S
    assert all((job.model, job.chips, accelerator) in cells for job in gavel.jobs for accelerator in ("v100", "k80"))
    azure = read_trace(data_dir / "azure_llm_2023/AzureLLMInferenceTrace_conv.csv", AUTO, SETTINGS)
    mooncake = read_trace(data_dir / "mooncake/conversation_trace.jsonl", AUTO, SETTINGS)
    assert sum(window.requests for window in azure.demand) == 19_366
    assert sum(window.requests for window in mooncake.demand) == 12_031


def test_philly_is_read_in_about_a_second(data_dir: Path) -> None:
    start = time.process_time()
    trace = read_trace(data_dir / "philly/philly.csv", AUTO, SETTINGS)
    spent_s = time.process_time() - start
    lines = (data_dir / "philly/philly.csv").read_text().split("\n")[1:]
    gpu_time_s = sum(float(line.split(",")[3]) for line in lines if line)
    assert trace.problems == ()
    assert len(trace.jobs) == 82_247
    assert sum(job.chips * job.duration_ms for job in trace.jobs) == gpu_time_s * 1_000
    assert spent_s < 3.0, "about a second is wanted; the rest is room for a busy machine"
