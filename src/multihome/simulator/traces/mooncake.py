"""Mooncake's traces of LLM requests as JSON lines: `timestamp` (ms), `input_length`, `output_length`, `hash_ids`.

Source: kvcache-ai/Mooncake (Qin et al., FAST 2025). Times count from the trace's start; lengths are tokens. The hashes
of prefix blocks say what a cache could save, which demand does not know; they are passed over. The service is called as
the file is.
"""

from pathlib import PurePath

import msgspec

from multihome.files.problems import FileProblem
from multihome.simulator.traces.arranging import trace_of_demand
from multihome.simulator.traces.facts import ReadSettings, Trace
from multihome.simulator.traces.reading import TraceText
from multihome.simulator.traces.requests import TOKENS_MAX, Requests, windows
from multihome.simulator.traces.rows import SPAN_MS_MAX, Layout, Problems, Row, is_first_row, rows_of

NAME = "mooncake"
_LINE = Layout(("request",), "\n")
_EXAMPLE = 'write {"timestamp": 0, "input_length": 6758, "output_length": 500}'


class _Request(msgspec.Struct, frozen=True):
    """One line; other keys are not decoded."""

    timestamp: int
    input_length: int
    output_length: int


_DECODER = msgspec.json.Decoder(_Request)


def detect(head: str) -> bool:
    """Say whether a file begins like one of these."""
    return is_first_row(head, lambda line: line.startswith("{") and all(f'"{name}"' in line for name in _KEYS))


def read(text: TraceText, settings: ReadSettings) -> Trace:
    """Requests, summed over windows from the trace's start on."""
    problems = Problems(text.file)
    requests = Requests()
    for row in rows_of(text.lines, 1, _LINE, problems):
        request = _decoded(row, problems)
        if request is not None:
            requests.add(request.timestamp, request.input_length, request.output_length)
    demand = windows(PurePath(text.file).stem, requests, 0, settings.window_ms, problems)
    return trace_of_demand(NAME, 0, demand, problems)


_KEYS = _Request.__struct_fields__
_MOST = dict(zip(_KEYS, (SPAN_MS_MAX, TOKENS_MAX, TOKENS_MAX), strict=True))


def _decoded(row: Row, problems: Problems) -> _Request | None:
    """The request of a line, or nothing when it was told what is wrong with it."""
    try:
        request = _DECODER.decode(row.text)
    except (msgspec.DecodeError, RecursionError) as error:
        problems.at(row.line, f"is no request: {' '.join(str(error).split())}", _EXAMPLE)
        return None
    sound = True
    for name, most in _MOST.items():
        value: int = getattr(request, name)
        if not 0 <= value <= most:
            expected = f"a whole number from 0 to {most:,}"
            column = max(row.text.find(f'"{name}"'), 0) + 1
            problems.add(
                FileProblem(
                    problems.file, row.line, column, name, f"{value} is not {expected}", str(value), expected, _EXAMPLE
                )
            )
            sound = False
    return request if sound else None
