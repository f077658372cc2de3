"""Whatever stands in a trace, reading it returns: with problems, never with an exception, and soon."""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multihome.files.problems import FileProblem
from multihome.simulator.traces import philly, table
from multihome.simulator.traces.facts import ReadSettings, Throughputs, Trace, TraceJob
from multihome.simulator.traces.gavel_throughputs import throughputs_of
from multihome.simulator.traces.quantities import WRONG, elapsed_ms, instant_ms, scaled, whole
from multihome.simulator.traces.reading import TraceText, text_of
from multihome.simulator.traces.rows import CHIPS_MAX, PROBLEMS_MAX, SPAN_MS_MAX
from multihome.simulator.traces.table import AUTO, FORMATS, trace_of
from tests.trace_samples import SAMPLES, SETTINGS, THROUGHPUTS

SECONDS_MAX = 1.0
WORDS = [AUTO, *(entry.name for entry in FORMATS)]
quiet = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)

EDGES = st.sampled_from(
    (
        *("-1", "0", "1e99", "1e-99", "9999999999999999999999", "NaN", "Infinity", "null", "[]", "{}", "[[[[[[[["),
        *("gres/gpu=9", "٣", "\x00", "\x1c", "\u2028", "\ufeff", "\t", ",", ";", "|", "\n", "\r", " "),
        *("2026-13-01", "0000-01-01T00:00:00", "9999-12-31 23:59:59", "1-99:00:00", "99999999-00:00:00"),
    )
)


@st.composite
def mutated(draw: st.DrawFn, sample: bytes) -> bytes:
    """A sound file in which a few stretches are cut, doubled or replaced."""
    content = sample
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 30)))
        edge = EDGES.map(lambda text: text.encode())
        middle = draw(st.binary(max_size=6) | edge | st.just(content[start:end] * 2))
        content = content[:start] + middle + content[end:]
    return content


def check_problems(problems: tuple[FileProblem, ...]) -> None:
    assert len(problems) <= PROBLEMS_MAX + 1
    for problem in problems:
        assert problem.file == "t"
        assert problem.wrong
        assert "\n" not in str(problem)


def read(form: str, content: bytes) -> Trace:
    start = time.process_time()
    text = text_of("t", content)
    trace = trace_of(text, form, SETTINGS) if isinstance(text, TraceText) else Trace("t", form, 0, (), (), (), (text,))
    assert time.process_time() - start < SECONDS_MAX
    check_problems(trace.problems)
    check_sound(trace)
    return trace


def check_sound(trace: Trace) -> None:
    """A trace without a problem holds something, and nothing but what its facts allow."""
    assert trace.problems or trace.jobs or trace.demand
    if not trace.problems:
        for job in trace.jobs:
            assert 0 <= job.arrival_ms <= SPAN_MS_MAX
            assert 1 <= job.chips <= CHIPS_MAX
            assert (job.duration_ms > 0) != (job.steps > 0)
            assert job.priority_weight_milli >= 0
        for before, after in zip(trace.demand, trace.demand[1:], strict=False):
            assert after.start_ms == before.start_ms + before.window_ms
        assert len({job.name for job in trace.jobs}) == len(trace.jobs)
        assert [job.arrival_ms for job in trace.jobs] == sorted(job.arrival_ms for job in trace.jobs)


def raising(_text: TraceText, _settings: ReadSettings) -> Trace:
    raise ValueError


def silent(text: TraceText, _settings: ReadSettings) -> Trace:
    return Trace(text.file, "philly", 0, (), (), (), ())


def chipless(text: TraceText, _settings: ReadSettings) -> Trace:
    return Trace(text.file, "philly", 0, (TraceJob("j", 0, "", "", 0, 1, 0, 1_000, ""),), (), (), ())


@pytest.mark.parametrize("planted", [raising, silent, chipless])
def test_a_planted_reader_is_caught(
    planted: Callable[[TraceText, ReadSettings], Trace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "FORMATS", (table.Format("philly", "planted", philly.detect, planted),))
    with pytest.raises((AssertionError, ValueError)):
        read("philly", SAMPLES["philly"].encode())


@quiet
@given(form=st.sampled_from(WORDS), content=st.binary(max_size=300))
def test_bytes(form: str, content: bytes) -> None:
    read(form, content)


@quiet
@given(form=st.sampled_from(sorted(SAMPLES)), named=st.booleans(), data=st.data())
def test_sound_files_with_a_few_changes(form: str, named: bool, data: st.DataObject) -> None:  # noqa: FBT001
    read(form if named else AUTO, data.draw(mutated(SAMPLES[form].encode())))


def read_table(content: bytes) -> Throughputs:
    text = text_of("t", content)
    read_in = throughputs_of(text) if isinstance(text, TraceText) else Throughputs("t", (), (text,))
    check_problems(read_in.problems)
    assert read_in.problems or read_in.rates
    return read_in


@quiet
@given(content=st.binary(max_size=200) | mutated(THROUGHPUTS.encode()))
def test_tables_of_throughputs(content: bytes) -> None:
    read_table(content)


HUGE = ("1e999999999", "-1", "1e-999999999", '"NaN"', '"sNaN"', '"-Infinity"', "[1]", '"1e400"')


@pytest.mark.parametrize("number", HUGE)
def test_odd_rates(number: str) -> None:
    start = time.process_time()
    rates = read_table(b'{"v": {"(\'m\', 1)": {"null": ' + number.encode() + b"}}}")
    assert time.process_time() - start < SECONDS_MAX
    assert bool(rates.problems) == (number != "1e-999999999")


BOMBS = {
    "brackets": b"[" * 60_000,
    "a deep request": b'{"timestamp": 0, "input_length": 1, "output_length": 1, "x": ' + b"[" * 60_000,
    "one long line": b"a" * 2_000_000,
    "delimiters": b"timestamp,duration,num_gpus,gpu_time,cluster\n" + b"," * 60_000,
    "empty lines": b"\n" * 1_000_000,
    "bad rows": b"timestamp,duration,num_gpus,gpu_time,cluster\n" + b",,,,\n" * 300_000,
    "a far request": b'{"timestamp": 3000000000000, "input_length": 1, "output_length": 1}',
    "comments": b"; Version: 2\n" * 100_000,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("form", WORDS)
def test_bombs(form: str, name: str) -> None:
    assert read(form, BOMBS[name]).problems


@quiet
@given(text=st.text(max_size=30) | EDGES | st.from_regex(r"[0-9:.eE+-]{1,20}"))
def test_quantities_are_0_or_more_or_wrong(text: str) -> None:
    for value in (whole(text), scaled(text, 1_000), instant_ms(text), elapsed_ms(text)):
        assert value >= WRONG


@quiet
@given(milli=st.integers(0, 10**12))
def test_milliseconds_come_back_from_seconds(milli: int) -> None:
    assert scaled(f"{milli // 1000}.{milli % 1000:03d}", 1_000) == milli
    assert scaled(f"{milli}e-3", 1_000) == milli
