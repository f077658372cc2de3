"""The Standard Workload Format of the Parallel Workloads Archive: 18 numbers a line, `;` before comments.

Version 2.2 of the format, as the archive defines it (Chapin et al., "Benchmarks and Standards for the Evaluation of
Parallel Job Schedulers", 1999). -1 says that a value is not known. Times are in seconds since the log's start, which
the comment `UnixStartTime` dates. A processor is counted as a chip: those allocated, or those asked for where the log
does not know. The tenant is the group, or the user where there is none. A job whose run time is not known or zero never
ran on the log's own machine, and is left out.
"""

import re
from collections import Counter
from collections.abc import Sequence

from multihome.simulator.traces.arranging import ORDINARY_WEIGHT_MILLI, UniqueNames, trace_of_jobs
from multihome.simulator.traces.facts import ReadSettings, Trace, TraceJob
from multihome.simulator.traces.quantities import scaled
from multihome.simulator.traces.reading import TraceText
from multihome.simulator.traces.rows import CHIPS_MAX, Layout, Problems, Row, rows_of
from multihome.units.time import MS_PER_SECOND

NAME = "swf"
UNKNOWN = "-1"
ID_MAX = 10**15
"""The largest number of a job, user or group."""

LAYOUT = Layout(
    (
        "job number",
        "submit time s",
        "wait time s",
        "run time s",
        "allocated processors",
        "average CPU time s",
        "used memory KB",
        "requested processors",
        "requested time s",
        "requested memory KB",
        "status",
        "user",
        "group",
        "executable",
        "queue",
        "partition",
        "preceding job",
        "think time s",
    ),
    "",
)
_JOB, _SUBMIT, _RUN, _GOT, _ASKED, _USER, _GROUP = (
    LAYOUT.index(name)
    for name in (
        "job number",
        "submit time s",
        "run time s",
        "allocated processors",
        "requested processors",
        "user",
        "group",
    )
)
_START = re.compile(r";\s*UnixStartTime:\s*([0-9]{1,11})\s*", re.ASCII)


def detect(head: str) -> bool:
    """Say whether a file begins like one of these: comments, then 18 numbers; or comments with its known names."""
    for line in head.split("\n"):
        if line.startswith(";"):
            if _START.fullmatch(line) or line.lstrip("; ").startswith("Version:"):
                return True
        elif line.strip():
            cells = line.split()
            return len(cells) == len(LAYOUT.names) and all(scaled(cell.removeprefix("-"), 1) >= 0 for cell in cells)
    return False


def read(text: TraceText, _settings: ReadSettings) -> Trace:
    """Every line that is no comment is a job that ran so long on so many processors."""
    problems = Problems(text.file)
    names = UniqueNames()
    left: Counter[str] = Counter()
    jobs: list[TraceJob] = []
    # Comments become empty lines, so that line numbers stay what they are.
    lines = ["" if line.startswith(";") else line for line in text.lines]
    for row in rows_of(lines, 1, LAYOUT, problems):
        job = row.whole(_JOB, 0, ID_MAX)
        arrival_ms = row.ms(_SUBMIT, 0)
        if row.cells[_RUN] == UNKNOWN or scaled(row.cells[_RUN], MS_PER_SECOND) == 0:
            left["the log has no run time for it, or a run time of 0"] += row.is_sound
            continue
        duration_ms = row.ms(_RUN, 1)
        chips = row.whole(_ASKED if row.cells[_GOT] in {UNKNOWN, "0"} else _GOT, 1, CHIPS_MAX)
        tenant = _tenant(row)
        if row.is_sound:
            name = names.take(f"job-{job}")
            jobs.append(TraceJob(name, arrival_ms, tenant, "", chips, duration_ms, 0, ORDINARY_WEIGHT_MILLI, ""))
    return trace_of_jobs(NAME, _start_ms(text.lines), jobs, +left, problems)


def _tenant(row: Row) -> str:
    if row.cells[_GROUP] != UNKNOWN:
        return f"group-{row.whole(_GROUP, 0, ID_MAX)}"
    if row.cells[_USER] != UNKNOWN:
        return f"user-{row.whole(_USER, 0, ID_MAX)}"
    return ""


def _start_ms(lines: Sequence[str]) -> int:
    for line in lines:
        if line.strip() and not line.startswith(";"):
            break
        if matched := _START.fullmatch(line):
            return int(matched.group(1)) * MS_PER_SECOND
    return 0
