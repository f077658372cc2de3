"""Steps that tests of a run's life share."""

from typing import Any

from multihome.domain.commands import Cancel
from multihome.domain.ids import RunId, WorkloadId
from multihome.domain.workloads import RestartPolicy, WorkloadSpec
from tests.control import Control, installed


def policy(
    restarts: int = 2, pause_ms: int = 1_000, longest_ms: int = 60_000, codes: tuple[int, ...] = ()
) -> RestartPolicy:
    return RestartPolicy(restarts_max=restarts, backoff_ms=pause_ms, backoff_ms_max=longest_ms, exit_codes=codes)


def begin(spec: WorkloadSpec) -> tuple[Control, RunId, WorkloadId]:
    control = installed()
    run_id = control.running(spec)
    return control, run_id, control.state.runs[run_id].workload_id


def next_run(control: Control, workload_id: WorkloadId) -> RunId:
    """Wait out the pause, place, and start the next attempt."""
    control.wait(60_000)
    control.place()
    return control.started(control.run_of(workload_id).id)


def absences(control: Control, every_ms: int) -> list[list[Any]]:
    """Events of observations that do not mention the run, until it counts as gone."""
    seen: list[list[Any]] = []
    while control.state.runs:
        control.wait(every_ms)
        seen.append([type(event) for event in control.hear().events])
        assert len(seen) < 50
    return seen


def cancel(control: Control, workload_id: WorkloadId) -> None:
    control.do(Cancel(workload=workload_id, actor="ada", why="enough"))
