"""The formats of traces: the one table that lists them, and reading by it. A new format is a line here."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from multihome.files.problems import FileProblem, file_problem
from multihome.simulator.traces import azure_llm, gavel, mooncake, philly, slurm, swf
from multihome.simulator.traces.facts import ReadSettings, Trace
from multihome.simulator.traces.reading import TraceText, read_text
from multihome.wire.fields import shown

AUTO = "auto"
"""The word for a format that is to be found by what the file begins with."""

HEAD_CHARS_MAX = 16_384
"""How much of a file its format is found by."""

HEAD_LINES_MAX = 200
"""Lines that its format is found by; comments before the first row count."""


class Format(msgspec.Struct, frozen=True):
    """A format by its word, what it is in words, how it is recognised, and its reader."""

    name: str
    words: str
    detect: Callable[[str], bool]
    read: Callable[[TraceText, ReadSettings], Trace]


FORMATS = (
    Format(gavel.NAME, "Gavel: ten fields with tabs between", gavel.detect, gavel.read),
    Format(philly.NAME, f"Philly: CSV with {', '.join(philly.COLUMNS)}", philly.detect, philly.read),
    Format(slurm.NAME, "Slurm: sacct --parsable2 with JobID, Submit, ElapsedRaw, AllocTRES", slurm.detect, slurm.read),
    Format(swf.NAME, "Standard Workload Format: 18 numbers", swf.detect, swf.read),
    Format(azure_llm.NAME, f"Azure LLM: CSV with {', '.join(azure_llm.COLUMNS)}", azure_llm.detect, azure_llm.read),
    Format(
        mooncake.NAME, "Mooncake: JSON lines of timestamp, input_length, output_length", mooncake.detect, mooncake.read
    ),
)
"""No two of them recognise the same file."""


def read_trace(path: Path, form: str, settings: ReadSettings) -> Trace:
    """Read a trace in the format of that word, or in the one it is found to have (`auto`). Never raises."""
    text = read_text(path)
    if not isinstance(text, TraceText):
        return _unread(form, text)
    return trace_of(text, form, settings)


def trace_of(text: TraceText, form: str, settings: ReadSettings) -> Trace:
    """What a text says, in the format of that word or in the one it is found to have (`auto`)."""
    assert settings.window_ms > 0, "a window has a length"
    assert settings.chips_per_node > 0, "a node has chips"
    chosen = [entry for entry in FORMATS if form == entry.name] or _detected(form, text)
    if chosen:
        return chosen[0].read(text, settings)
    if form != AUTO:
        return _unread(form, file_problem(text.file, f"{shown(form)} is no format of traces", f"one of {_names()}"))
    accepted = "; ".join(entry.words for entry in FORMATS)
    wrong = "begins like no trace that is known here"
    helps = f"give a trace in one of these formats, or name its format ({_names()}): {accepted}"
    return _unread(form, FileProblem(text.file, 1, 1, "", wrong, expected=accepted, suggestion=helps))


def _detected(form: str, text: TraceText) -> list[Format]:
    head = "\n".join(text.lines[:HEAD_LINES_MAX])[:HEAD_CHARS_MAX]
    return [entry for entry in FORMATS if form == AUTO and entry.detect(head)]


def _names() -> str:
    return ", ".join((AUTO, *(entry.name for entry in FORMATS)))


def _unread(form: str, problem: FileProblem) -> Trace:
    return Trace(problem.file, form, 0, (), (), (), (problem,))
