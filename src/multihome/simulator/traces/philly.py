"""Jobs of Microsoft's Philly cluster as CSV: `timestamp,duration,num_gpus,gpu_time,cluster`.

`timestamp` is the submission, `duration` the seconds the job ran, `num_gpus` its GPUs, `gpu_time` their product and
`cluster` its virtual cluster, which is taken as the tenant. `gpu_time` is held against the product. Source:
msr-fiddle/philly-traces (Jeon et al., USENIX ATC 2019), repackaged as CSV. Columns may stand in any order.
"""

from multihome.simulator.traces.arranging import ORDINARY_WEIGHT_MILLI, dated_trace
from multihome.simulator.traces.facts import ReadSettings, Trace, TraceJob
from multihome.simulator.traces.quantities import scaled
from multihome.simulator.traces.reading import TraceText
from multihome.simulator.traces.rows import CHIPS_MAX, Problems, header_of, rows_of
from multihome.units.time import MS_PER_SECOND

NAME = "philly"
COLUMNS = ("timestamp", "duration", "num_gpus", "gpu_time", "cluster")


def detect(head: str) -> bool:
    """Say whether a file begins like one of these."""
    return set(COLUMNS) <= set(head.split("\n", 1)[0].strip().split(","))


def read(text: TraceText, _settings: ReadSettings) -> Trace:
    """Every row is a job that ran so long on so many GPUs."""
    problems = Problems(text.file)
    layout = header_of(text.lines, ",", COLUMNS, problems)
    jobs: list[TraceJob] = []
    if problems.found:
        return dated_trace(NAME, jobs, {}, problems)
    submitted, duration, gpus, gpu_time, cluster = map(layout.index, COLUMNS)
    for row in rows_of(text.lines, 2, layout, problems):
        arrival_ms = row.instant(submitted)
        duration_ms = row.ms(duration, 1)
        chips = row.whole(gpus, 1, CHIPS_MAX)
        if row.is_sound and scaled(row.cells[gpu_time], MS_PER_SECOND) != duration_ms * chips:
            row.wrong(gpu_time, "duration × num_gpus", "correct one of the three")
        tenant = row.name(cluster)
        if row.is_sound:
            name = f"job-{row.line - 1}"
            jobs.append(TraceJob(name, arrival_ms, tenant, "", chips, duration_ms, 0, ORDINARY_WEIGHT_MILLI, ""))
    return dated_trace(NAME, jobs, {}, problems)
