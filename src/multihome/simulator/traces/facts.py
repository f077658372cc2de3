"""The neutral form of a trace: jobs, demand over time, and a table of throughputs.

Whole numbers, the unit last in the name. Times count from the trace's start; `Trace.start_ms` dates that start where
the trace has dates.
"""

import msgspec

from multihome.files.problems import FileProblem
from multihome.units.money import Rounding, divide
from multihome.units.time import MS_PER_SECOND

MILLI_PER_UNIT = 1_000
MICRO_PER_UNIT = 1_000_000


class TraceJob(msgspec.Struct, frozen=True, gc=False):
    """One job. Either `duration_ms` or `steps` is positive, and the other is 0.

    `duration_ms` is how long it ran on the trace's own machine; `steps` is work to be done at the rate that a table of
    throughputs has for `model`, `chips` and the accelerator. `model` and `accelerator` are empty where the trace says
    none. A `priority_weight_milli` of 1,000 is the ordinary one. `name` is unique within a trace.
    """

    name: str
    arrival_ms: int
    tenant: str
    model: str
    chips: int
    duration_ms: int
    steps: int
    priority_weight_milli: int
    accelerator: str


class TraceDemand(msgspec.Struct, frozen=True, gc=False):
    """What arrives for one inference service in the window `[start_ms, start_ms + window_ms)`.

    Windows of a service follow each other without a gap; one in which nothing arrived has zeros.
    """

    service: str
    start_ms: int
    window_ms: int
    requests: int
    input_tokens: int
    output_tokens: int


class LeftOut(msgspec.Struct, frozen=True):
    """How many sound rows became no job, and why, in words."""

    why: str
    rows: int


class Trace(msgspec.Struct, frozen=True):
    """What a trace says.

    Jobs are in order of arrival. `start_ms` is the instant (UTC) from which times count, 0 for a trace without dates.
    With any problem the trace is not whole: use it only when there is none.
    """

    file: str
    format: str
    start_ms: int
    jobs: tuple[TraceJob, ...]
    demand: tuple[TraceDemand, ...]
    left_out: tuple[LeftOut, ...]
    problems: tuple[FileProblem, ...]


class Rate(msgspec.Struct, frozen=True, gc=False):
    """How fast a whole gang of so many chips goes, alone on its chips; 0 says that it cannot run there.

    Millionths of a step a second: the slowest cell above 0 of Gavel's table is 0.347 steps/s, of which a millionth of
    a step is three in a million. The table is measured, and no more exact than that.
    """

    model: str
    chips: int
    accelerator: str
    micro_steps_per_s: int


class Throughputs(msgspec.Struct, frozen=True):
    """A table of rates, and the file it comes from as their source. With any problem it is not whole."""

    source: str
    rates: tuple[Rate, ...]
    problems: tuple[FileProblem, ...]


class ReadSettings(msgspec.Struct, frozen=True):
    """What a reader cannot find in a file.

    `window_ms` is how long a window of demand is. `chips_per_node` is what a node counts as where a log tells nodes and
    no accelerators. Both are at least 1.
    """

    window_ms: int
    chips_per_node: int


def micro_tokens_per_s(demand: TraceDemand) -> int:
    """Input and output tokens a second over the window, in millionths, half to even."""
    tokens = demand.input_tokens + demand.output_tokens
    return divide(tokens * MS_PER_SECOND * MICRO_PER_UNIT, demand.window_ms, Rounding.HALF_EVEN)


def rates_by_cell(throughputs: Throughputs) -> dict[tuple[str, int, str], int]:
    """Micro-steps a second by model, chips and accelerator."""
    return {(rate.model, rate.chips, rate.accelerator): rate.micro_steps_per_s for rate in throughputs.rates}
