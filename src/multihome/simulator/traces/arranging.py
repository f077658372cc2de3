"""What several readers do alike when they have read their rows: order, start, and unique names."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from multihome.simulator.traces.facts import LeftOut, Trace, TraceDemand, TraceJob
from multihome.simulator.traces.rows import SPAN_MS_MAX, Problems, no_rows

ORDINARY_WEIGHT_MILLI = 1_000
"""The weight of a job whose trace knows none."""


def trace_of_jobs(
    form: str, start_ms: int, jobs: Sequence[TraceJob], left_out: Mapping[str, int], problems: Problems
) -> Trace:
    """A trace of jobs in order of arrival; equal arrivals stay in the order of the file."""
    if not jobs and not left_out:
        no_rows(problems)
    elif not jobs and not problems.found:
        problems.whole_file(f"none of its rows is a job: {'; '.join(sorted(left_out))}", "give a log of jobs that ran")
    ordered = tuple(sorted(jobs, key=_arrival_ms))
    left = tuple(LeftOut(why, rows) for why, rows in sorted(left_out.items()))
    return Trace(problems.file, form, start_ms, ordered, (), left, tuple(problems.found))


def dated_trace(form: str, jobs: Sequence[TraceJob], left_out: Mapping[str, int], problems: Problems) -> Trace:
    """A trace whose jobs arrive at instants of UTC: it starts with the first of them."""
    start_ms = min(map(_arrival_ms, jobs), default=0)
    since = [msgspec.structs.replace(job, arrival_ms=job.arrival_ms - start_ms) for job in jobs]
    if any(job.arrival_ms > SPAN_MS_MAX for job in since):
        problems.whole_file("arrivals lie more than a hundred years apart (SPAN_MS_MAX)", "correct the dates")
    return trace_of_jobs(form, start_ms, since, left_out, problems)


def trace_of_demand(form: str, start_ms: int, demand: Sequence[TraceDemand], problems: Problems) -> Trace:
    """A trace of what arrives for a service."""
    if not demand:
        no_rows(problems)
    return Trace(problems.file, form, start_ms, (), tuple(demand), (), tuple(problems.found))


class UniqueNames:
    """Tells repeats of a name apart: the second `job-7` is `job-7.2`."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def take(self, name: str) -> str:
        """The name, or the name with the number of its repeat; never one that was given out before."""
        self._seen[name] += 1
        if self._seen[name] == 1:
            return name
        return self.take(f"{name}.{self._seen[name]}")


def _arrival_ms(job: TraceJob) -> int:
    return job.arrival_ms
