"""One attempt to execute one unit of a workload: its phases, and what engines report of it."""

from enum import StrEnum

import msgspec

from multihome.domain.fact import Fact
from multihome.domain.ids import Generation, ProviderId, RunId, WorkloadId
from multihome.domain.placements import NodeShare
from multihome.domain.workloads import Service


class StopCause(StrEnum):
    """Why a run was asked to end."""

    CANCELLED = "cancelled"
    RECLAIMED = "reclaimed"
    DRAINED = "drained"
    STALLED = "stalled"
    TOO_LONG = "too_long"
    FENCED = "fenced"
    CAPACITY_ENDED = "capacity_ended"
    MOVED = "moved"
    """The policy in force gives its chips to another gang, or this gang other chips."""


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    NEVER_STARTED = "never_started"
    VANISHED = "vanished"


class AttemptEnd(Fact, frozen=True, kw_only=True):
    """How an attempt of a unit ended, as the unit remembers it: what `RunEnded` said, and whether the stop was ours."""

    generation: Generation
    outcome: Outcome
    exit_code: int | None
    text: str
    stop_cause: StopCause | None = None
    """Set where we asked for the end; the exit code is then our signal's, and says nothing of the program."""


class Progress(Fact, frozen=True, kw_only=True):
    """What a program says of itself: the step it is at, the last one it saved, the one it began from, and its loss."""

    step: int
    checkpoint_step: int = 0
    resumed_from_step: int = 0
    loss_micro: int = 0
    """The loss times 1,000,000, so that the journal carries whole numbers only."""


class Intended(msgspec.Struct, frozen=True, tag=True):
    """Journalled; the engine may or may not have been asked."""


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """The engine was asked and did not answer, or stopped mentioning it: not failed, not free, not started again."""

    since_process_ms: int
    absences: int


class Running(msgspec.Struct, frozen=True, tag=True):
    """All ranks are up."""

    ready: bool
    endpoint: str


class Stopping(msgspec.Struct, frozen=True, tag=True):
    """Asked to end; its chips count until the engine confirms."""

    cause: StopCause
    deadline_process_ms: int


class Fenced(msgspec.Struct, frozen=True, tag=True):
    """Its provider was declared lost: a newer generation may run, and this one's chips are not free."""

    since_process_ms: int
    absences: int


Phase = Intended | Unknown | Running | Stopping | Fenced


class LaunchIntent(Fact, frozen=True, kw_only=True):
    """All an engine is told of a run; it carries no contract. `token` proves later that the run is ours.

    `secrets` are names that the engine resolves; `checkpoint_key` names the workload's portable checkpoint.
    """

    run_id: RunId
    workload_id: WorkloadId
    name: str
    unit: int
    generation: Generation
    token: str
    provider_id: ProviderId
    pool_name: str
    accelerator: str
    nodes: tuple[NodeShare, ...]
    setup: str
    run: str
    envs: dict[str, str]
    secrets: tuple[str, ...]
    workdir: str
    checkpoint_key: str
    checkpoint_interval_steps: int
    model_key: str = ""
    """The checkpoint this run reads without writing it; empty for none."""
    service: Service | None = None


class ReportState(StrEnum):
    """What an engine may say of a run it knows."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class RunReport(Fact, frozen=True, kw_only=True):
    """One run as an engine sees it. `exit_code` is set once ended; a killed run has 128 + signal."""

    run_id: RunId
    generation: Generation
    token: str
    state: ReportState
    exit_code: int | None = None
    detail: str = ""
    ready: bool = False
    endpoint: str = ""
    progress: Progress | None = None


class Inventory(Fact, frozen=True, kw_only=True):
    """Everything of ours that an engine knows at one provider; what is not in it may be late, not dead."""

    provider_id: ProviderId
    reports: tuple[RunReport, ...]
    foreign: tuple[str, ...] = ()
    """Names of things there that carry no token of ours."""
