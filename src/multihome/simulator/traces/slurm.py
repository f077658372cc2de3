"""Slurm's accounting, as `sacct --parsable2` writes it: a header, and fields with `|` between.

Needed are `JobID`, `Submit`, how long the job ran (`ElapsedRaw`, `Elapsed`, or `Start` with `End`) and what it ran on
(`AllocTRES`, `ReqTRES`, `NNodes` or `AllocNodes`; the first of these that says something). Used where they are there:
`Account`, else `User`, as the tenant; `Partition` is not used. For instance:

    sacct --allusers --allocations --parsable2 --format JobID,User,Account,Submit,ElapsedRaw,State,AllocTRES

Chips are `gres/gpu` of the trackable resources; a type in them (`gres/gpu:a100`) is the accelerator. A log without
trackable resources counts a node as `ReadSettings.chips_per_node` chips. Left out are steps of jobs, jobs that never
ran or had not ended, and jobs without accelerators. Times are the cluster's own and taken as UTC.
"""

import re
from collections import Counter

import msgspec

from multihome.simulator.traces.arranging import ORDINARY_WEIGHT_MILLI, UniqueNames, dated_trace
from multihome.simulator.traces.facts import ReadSettings, Trace, TraceJob
from multihome.simulator.traces.quantities import WRONG, elapsed_ms, whole
from multihome.simulator.traces.reading import TraceText
from multihome.simulator.traces.rows import CHIPS_MAX, SPAN_MS_MAX, Layout, Problems, Row, header_of, rows_of

NAME = "slurm"
DELIMITER = "|"
_NEEDED = ("JobID", "Submit")
_LENGTHS = (("ElapsedRaw",), ("Elapsed",), ("Start", "End"))
_SIZES = ("AllocTRES", "ReqTRES", "NNodes", "AllocNodes")
_TENANTS = ("Account", "User")
_UNDATED = frozenset({"", "Unknown", "None", "N/A"})
_LIVE = frozenset({"PENDING", "RUNNING", "SUSPENDED", "REQUEUED", "RESIZING"})
_GPUS = re.compile(r"gres/gpu(?::([^=,]+))?=([0-9]{1,8})", re.ASCII)

A_STEP = "a step of a job, which is counted with it"
NEVER_RAN = "it never ran"
NOT_ENDED = "it had not ended"
NO_CHIPS = "it used no accelerator"


class _Size(msgspec.Struct, frozen=True):
    """What a job ran on; 0 chips where it had no accelerator."""

    chips: int
    accelerator: str


def detect(head: str) -> bool:
    """Say whether a file begins like one of these."""
    return set(_NEEDED) <= set(head.split("\n", 1)[0].strip().split(DELIMITER))


def read(text: TraceText, settings: ReadSettings) -> Trace:
    """Every allocation that ran and ended is a job."""
    problems = Problems(text.file)
    layout = header_of(text.lines, DELIMITER, _NEEDED, problems)
    if not any(set(columns) <= set(layout.names) for columns in _LENGTHS):
        problems.at(1, "no column says how long a job ran", "add ElapsedRaw to --format")
    if not set(_SIZES) & set(layout.names):
        problems.at(1, "no column says what a job ran on", "add AllocTRES to --format")
    jobs: list[TraceJob] = []
    left: Counter[str] = Counter()
    if not problems.found:
        names = UniqueNames()
        for row in rows_of(text.lines, 2, layout, problems):
            outcome = _job(row, layout, settings)
            if not row.is_sound:
                continue
            if isinstance(outcome, str):
                left[outcome] += 1
            else:
                jobs.append(msgspec.structs.replace(outcome, name=names.take(outcome.name)))
    return dated_trace(NAME, jobs, left, problems)


def _job(row: Row, layout: Layout, settings: ReadSettings) -> TraceJob | str:
    """The job of a row, or why it is none."""
    job_id = row.filled_name(layout.index("JobID"))
    if "." in job_id:
        return A_STEP
    if "State" in layout.names and (row.cells[layout.index("State")].split() or [""])[0] in _LIVE:
        return NOT_ENDED
    arrival_ms = row.instant(layout.index("Submit"))
    duration_ms = _duration_ms(row, layout)
    if duration_ms == 0:
        return NEVER_RAN
    size = _size(row, layout, settings)
    if size.chips == 0:
        return NO_CHIPS
    tenant = _tenant(row, layout)
    name = f"job-{job_id}"
    return TraceJob(name, arrival_ms, tenant, "", size.chips, duration_ms, 0, ORDINARY_WEIGHT_MILLI, size.accelerator)


def _duration_ms(row: Row, layout: Layout) -> int:
    """How long a job ran; 0 where it did not, or where the row is wrong."""
    if "ElapsedRaw" in layout.names:
        return row.ms(layout.index("ElapsedRaw"), 0)
    if "Elapsed" in layout.names:
        index = layout.index("Elapsed")
        duration_ms = elapsed_ms(row.cells[index])
        if 0 <= duration_ms <= SPAN_MS_MAX:
            return duration_ms
        return row.wrong(index, "a length of time", "write it like 1-02:03:04, 02:03:04 or 03:04")
    start, end = layout.index("Start"), layout.index("End")
    if row.cells[start] in _UNDATED or row.cells[end] in _UNDATED:
        return 0
    start_ms, end_ms = row.instant(start), row.instant(end)
    if not row.is_sound or 0 <= end_ms - start_ms <= SPAN_MS_MAX:
        return end_ms - start_ms
    return row.wrong(end, "an end after the start", "correct one of the two")


def _size(row: Row, layout: Layout, settings: ReadSettings) -> _Size:
    """What a job ran on, by the first column that says something."""
    for index in (layout.index(name) for name in _SIZES[:2] if name in layout.names):
        if row.cells[index]:
            return _gpus(row, index)
    if set(_SIZES[:2]) & set(layout.names):
        return _Size(0, "")
    for index in (layout.index(name) for name in _SIZES[2:] if name in layout.names):
        nodes = row.whole(index, 0, CHIPS_MAX // settings.chips_per_node)
        return _Size(nodes * settings.chips_per_node, "")
    return _Size(0, "")


def _gpus(row: Row, index: int) -> _Size:
    """The accelerators among trackable resources: the total where it is given, else the sum over types."""
    found = [(kind, whole(count)) for kind, count in _GPUS.findall(row.cells[index])]
    total = next((count for kind, count in found if not kind), WRONG)
    kinds = sorted({kind for kind, _ in found if kind})
    chips = total if total != WRONG else sum(count for _, count in found)
    accelerator = "+".join(kinds)
    if chips > CHIPS_MAX:
        row.wrong(index, f"at most {CHIPS_MAX:,} GPUs (CHIPS_MAX)", "correct the count")
    if not accelerator.isprintable():
        row.wrong(index, "resources with names that can be printed", "take out what is no letter, digit or mark")
    return _Size(chips, accelerator)


def _tenant(row: Row, layout: Layout) -> str:
    for name in _TENANTS:
        if name in layout.names and (tenant := row.name(layout.index(name))):
            return tenant
    return ""
