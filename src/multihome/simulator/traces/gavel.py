"""Gavel's traces of jobs: lines of ten fields with tabs between, and no header.

The fields are those of `scheduler/utils.py`, `parse_trace`, in stanford-futuredata/gavel:

1. job type, which is the model with its batch size and the key of the table of throughputs
2. command
3. working directory
4. the command's argument that takes the number of steps
5. whether the command needs a data directory (0 or 1)
6. total steps
7. scale factor: how many accelerators the job runs on at once
8. priority weight
9. service level objective, as a multiple of the job's duration; negative says that there is none
10. arrival, in seconds since the trace's start

Fields 2 to 5 say how to start a program and 9 what Gavel's policies with deadlines want; none of them is used here.
"""

from multihome.simulator.traces.arranging import trace_of_jobs
from multihome.simulator.traces.facts import ReadSettings, Trace, TraceJob
from multihome.simulator.traces.quantities import whole
from multihome.simulator.traces.reading import TraceText
from multihome.simulator.traces.rows import CHIPS_MAX, Layout, Problems, is_first_row, rows_of

NAME = "gavel"
STEPS_MAX = 10**15
"""Steps of one job."""

WEIGHT_MAX = 1_000_000
"""The largest priority weight."""

LAYOUT = Layout(
    (
        "job type",
        "command",
        "working directory",
        "steps argument",
        "needs data directory",
        "total steps",
        "scale factor",
        "priority weight",
        "SLO",
        "arrival s",
    ),
    "\t",
)
_MODEL, _STEPS, _CHIPS, _WEIGHT, _ARRIVAL = (
    LAYOUT.index(name) for name in ("job type", "total steps", "scale factor", "priority weight", "arrival s")
)


def detect(head: str) -> bool:
    """Say whether a file begins like one of these."""
    return is_first_row(head, _is_row)


def read(text: TraceText, _settings: ReadSettings) -> Trace:
    """Every line is a job: steps of a model, at the rate that a table of throughputs has for it."""
    problems = Problems(text.file)
    jobs: list[TraceJob] = []
    for row in rows_of(text.lines, 1, LAYOUT, problems):
        model = row.filled_name(_MODEL)
        steps = row.whole(_STEPS, 1, STEPS_MAX)
        chips = row.whole(_CHIPS, 1, CHIPS_MAX)
        weight_milli = row.milli(_WEIGHT, WEIGHT_MAX)
        arrival_ms = row.ms(_ARRIVAL, 0)
        if row.is_sound:
            jobs.append(TraceJob(f"job-{row.line}", arrival_ms, "", model, chips, 0, steps, weight_milli, ""))
    return trace_of_jobs(NAME, 0, jobs, {}, problems)


def _is_row(line: str) -> bool:
    cells = line.split("\t")
    return len(cells) == len(LAYOUT.names) and whole(cells[_STEPS]) >= 0 and whole(cells[_CHIPS]) >= 0
