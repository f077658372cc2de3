"""The one mutable aggregate: what the events so far add up to.

Only `apply` changes it. All of it is data that a snapshot can carry; indexes are derived again after loading.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

import msgspec

from multihome.clauses.book import Book
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.commands import Accepted, Document
from multihome.domain.contracts import Contract, Suspension, Waiver
from multihome.domain.datasets import DataSet, Transfer
from multihome.domain.events import CreditDue, PeriodSettled, TrancheMoved
from multihome.domain.ids import (
    AcceleratorName,
    AwardId,
    ClassId,
    ContractId,
    DomainId,
    Generation,
    NeedId,
    NoticeId,
    OfferId,
    PoolId,
    ProviderId,
    RunId,
    TenantId,
    TrancheId,
    WaiverId,
    WorkloadId,
)
from multihome.domain.notifications import Notification, Webhook
from multihome.domain.placements import Allocation, Blocker, PlacementReason, PlannedStart
from multihome.domain.policy import BY_QUOTA, PlacementPolicy
from multihome.domain.procurement import Answer, AwardRecord, Breach, Need, Notice, Offer, TerminationRecord
from multihome.domain.refusals import Refusal
from multihome.domain.runs import AttemptEnd, Phase, Progress, StopCause
from multihome.domain.supply import Delivery, Pool, Provider
from multihome.domain.tenants import Tenant
from multihome.domain.throughputs import LearnedRate, ThroughputTable
from multihome.domain.valuation import VALUATION_ID, Valuation
from multihome.domain.workloads import WorkloadSpec
from multihome.units.time import FOREVER_MS, MS_PER_SECOND, Interval, Now

STATE_VERSION = 5
"""Raised whenever a snapshot of an older shape could be misread; such snapshots are then ignored."""
WORKLOADS_MAX = 1_000_000
ANSWERS_MAX = 200_000
"""Idempotency keys remembered; the oldest are forgotten first."""
ATTEMPT_MS_MAX = 30 * MS_PER_SECOND
"""An attempt to tell a webhook something that nobody heard of for so long is made again."""
Chips = dict[int, int]
"""Chips by node of a domain; nodes without any are left out."""
GIVEN_UP_MAX = 1_000
"""Notifications given up that `status` remembers; the oldest are forgotten first."""


class UnitState(msgspec.Struct):
    """One gang of a workload: its attempts so far, and its live run if there is one."""

    generation: Generation = Generation(0)
    run_id: RunId | None = None
    failures: int = 0
    """Attempts that the program itself brought to an end; its restart policy counts these alone."""
    pauses: int = 0
    """How often the next attempt had to wait, whoever was at fault; each pause is twice as long as the one before."""
    progress: Progress | None = None
    done: bool = False
    last_end: AttemptEnd | None = None
    """How the newest attempt that has ended did so; a unit that backs off always has one."""


class WorkloadState(msgspec.Struct):
    """A workload that has not left the queue for good."""

    id: WorkloadId
    spec: WorkloadSpec
    class_id: ClassId
    submitted: Now
    units: list[UnitState]
    priority: int
    cancelled: bool = False
    quota_overridden_by: str = ""


class Pace(msgspec.Struct, frozen=True):
    """The step a run was at, and when, on the process clock."""

    step: int
    process_ms: int


class RunState(msgspec.Struct):
    """An attempt that may still exist somewhere."""

    id: RunId
    workload_id: WorkloadId
    unit: int
    generation: Generation
    allocation: Allocation
    reason: PlacementReason
    phase: Phase
    intended: Now
    started: Now | None = None
    metered_until_ms: int = 0
    progress: Progress | None = None
    stop_cause: StopCause | None = None
    """Why it was asked to end; a request is never withdrawn, not even while the run is out of sight."""
    moved_process_ms: int = 0
    """When it last showed progress, or started; a stall is measured from here."""
    paced: Pace | None = None
    """From where its rate is measured next; None while there is nothing to measure from."""
    replaced: bool = False
    """A newer generation stands in for it: its end frees chips and changes nothing else."""


class Openness(StrEnum):
    """Whether a provider's engine answers."""

    ANSWERING = "answering"
    SILENT = "silent"
    LOST = "lost"


class ProviderState(msgspec.Struct):
    """How things stand with a provider, since when and on whose word."""

    openness: Openness = Openness.ANSWERING
    actor: str = ""
    why: str = ""
    outages: list[Interval] = []
    """Contract time in which it was declared lost; the last one is open while it is."""


class DrainState(msgspec.Struct, frozen=True):
    """Who closed a provider or pool, and why."""

    actor: str
    why: str


class KeptAnswer(msgspec.Struct, frozen=True):
    """What a command was answered, kept for repeats of its key."""

    body_sha256: str
    answer: Accepted | Refusal


class Pending(msgspec.Struct, frozen=True):
    """A notification that its webhook has not taken: the attempt that was made last, and when the next is due."""

    notification: Notification
    webhook_id: str
    attempt: int
    due_process_ms: int
    error: str = ""


class DueLine(msgspec.Struct, frozen=True):
    """What a settled period of a clause made due, and when the period ended."""

    clause_id: str
    end_ms: int
    due_micro_usd: int


class AppliedWorkload(msgspec.Struct, frozen=True):
    """The workload that a name in applied files stands for."""

    workload_id: WorkloadId
    spec_sha256: str


class State(msgspec.Struct, dict=True):
    """Everything the controller knows.

    Beside its fields it may carry what pure functions found, see `controller.memo`: no fact, and never written.
    """

    installation_id: str = ""
    scenario_start_ms: int | None = None
    """Where the scenario clock was declared to begin; `scenario_ms` is where it stands."""
    scenario_ms: int | None = None
    last: Now = Now(0, 0)
    began_ms: int | None = None
    """The contract time with which the journal begins: nothing before it is counted. None before its first record."""
    accelerators: dict[AcceleratorName, AcceleratorType] = {}
    providers: dict[ProviderId, Provider] = {}
    pools: dict[PoolId, Pool] = {}
    contract_documents: dict[ContractId, Contract] = {}
    """Contracts as they were described, to be held against new descriptions."""
    contracts: dict[ContractId, Contract] = {}
    """Contracts as they stand, see `clauses.standing`."""
    waivers: dict[WaiverId, Waiver] = {}
    suspensions: dict[str, Suspension] = {}
    needs: dict[NeedId, Need] = {}
    needs_since: dict[NeedId, int] = {}
    """When each need was first recorded, in contract time."""
    offers: dict[OfferId, Offer] = {}
    notices: dict[NoticeId, Notice] = {}
    notice_answers: dict[NoticeId, Answer] = {}
    awards: dict[AwardId, AwardRecord] = {}
    tranche_moves: dict[TrancheId, list[TrancheMoved]] = {}
    """Steps of each tranche's delivery, oldest first."""
    credits_due: dict[TrancheId, CreditDue] = {}
    """Credits that nobody has claimed yet."""
    settled: dict[str, PeriodSettled] = {}
    """The last period that was settled, by `contract/clause@tranche`."""
    due_lines: dict[ContractId, list[DueLine]] = {}
    """What all settled periods made due, in the order in which they were settled."""
    breaches: dict[ContractId, Breach] = {}
    """Breaches that were told and are not cured."""
    terminations: dict[ContractId, TerminationRecord] = {}
    webhooks: dict[str, Webhook] = {}
    outbox: dict[str, Pending] = {}
    """Notifications on their way, by `webhook:notification`."""
    given_up: dict[str, Pending] = {}
    deadlines_told: dict[str, None] = {}
    """Deadlines that were told once already."""
    deadlines_due_ms: int = FOREVER_MS
    """When the deadlines are to be read next, see `controller.reminders`; never while nothing has a date."""
    deliveries: dict[str, Delivery] = {}
    deliveries_ahead: dict[str, None] = {}
    """Deliveries that were recorded ahead of their date, and whose acceptance has not happened yet."""
    tenants: dict[TenantId, Tenant] = {}
    data_sets: dict[str, DataSet] = {}
    transfers: dict[str, Transfer] = {}
    throughput_tables: dict[str, ThroughputTable] = {}
    valuations: dict[str, Valuation] = {}
    learned_rates: dict[str, dict[str, LearnedRate]] = {}
    """What runs have shown of throughputs, by `model_key` and then `cell_key`."""
    workloads: dict[WorkloadId, WorkloadState] = {}
    runs: dict[RunId, RunState] = {}
    provider_states: dict[ProviderId, ProviderState] = {}
    drains: dict[str, DrainState] = {}
    answers: dict[str, KeptAnswer] = {}
    applied: dict[str, AppliedWorkload] = {}
    models: dict[str, WorkloadId] = {}
    """Training workloads by `organisation/name`, so that a service can read their newest checkpoint."""
    taken_chip_ms: dict[str, int] = {}
    """Chip time used by `tranche@start` of each metered stretch, metered so far."""
    charged: dict[str, int] = {}
    """What that costs by the same keys, in 1/3,600,000 of a micro-unit: nothing is rounded yet."""
    class_blockers: dict[ClassId, tuple[Blocker, ...]] = {}
    orphans: dict[str, ProviderId] = {}
    cancelling: dict[WorkloadId, None] = {}
    """Cancelled workloads of which a run may still be alive."""
    backing_off: dict[str, int] = {}
    """Units whose next attempt waits until an instant of the process clock."""
    waiting: dict[ClassId, dict[str, None]] = {}
    """Units that wait, by class, as `workload.unit`, longest waiting first."""
    facts_version: int = 0
    """Counts the events that change more than runs and the queue: what rests on facts alone holds while it stands."""
    held: dict[DomainId, Chips] = {}
    """Chips that runs hold, see `controller.occupancy`."""
    leaving: dict[DomainId, Chips] = {}
    """Of `held`, the chips of runs that were asked to end."""
    used: dict[TenantId, dict[AcceleratorName, int]] = {}
    """Chips in use by each tenant and all below it. Those of replaced runs count for no tenant."""
    policy: PlacementPolicy = BY_QUOTA
    policy_since_process_ms: int = 0
    """When the policy was set; its rounds are counted from here."""
    next_round_process_ms: int = 0
    """Before it no round decides anew, see `RoundPlanned`."""
    planned: dict[str, PlannedStart] = {}
    """Gangs whose chips are on their way, by unit, in the order in which they start."""

    def book(self) -> Book:
        """The contract facts as the clauses want them."""
        losses = {provider_id: tuple(known.outages) for provider_id, known in self.provider_states.items()}
        return Book(
            contracts=self.contracts,
            documents=self.contract_documents,
            waivers=self.waivers,
            pools=self.pools,
            providers=self.providers,
            notices=self.notices,
            answers=self.notice_answers,
            awards=self.awards,
            losses=losses,
            accelerators=self.accelerators,
        )

    def valuation(self) -> Valuation:
        """The policy of placement: the one on record, else the stated default."""
        return self.valuations.get(VALUATION_ID) or Valuation()

    def provider_state(self, provider_id: ProviderId) -> ProviderState:
        """How things stand with a provider; answering where nothing was ever said."""
        return self.provider_states.get(provider_id) or ProviderState()


_PLACES: dict[type, tuple[str, str]] = {
    AcceleratorType: ("accelerators", "name"),
    Provider: ("providers", "id"),
    Pool: ("pools", "id"),
    Contract: ("contract_documents", "id"),
    Waiver: ("waivers", "id"),
    Suspension: ("suspensions", "id"),
    Need: ("needs", "id"),
    Offer: ("offers", "id"),
    Webhook: ("webhooks", "id"),
    Delivery: ("deliveries", "id"),
    Tenant: ("tenants", "id"),
    DataSet: ("data_sets", "id"),
    Transfer: ("transfers", "id"),
    ThroughputTable: ("throughput_tables", "id"),
    Valuation: ("valuations", "id"),
}


Fold = Callable[[State, Any, Now], None]
"""What takes one kind of event into the state; which kind, the table that names it says."""


def place_of(state: State, document: Document) -> tuple[dict[str, Document], str]:
    """The table and key under which a document is kept."""
    table, key = _PLACES[type(document)]
    return cast("dict[str, Document]", getattr(state, table)), getattr(document, key)


def taken_key(tranche_id: TrancheId, stretch_start_ms: int) -> str:
    """The key of `State.taken_chip_ms`."""
    return f"{tranche_id}@{stretch_start_ms}"


def outbox_key(webhook_id: str, notification_id: str) -> str:
    """The key of `State.outbox`."""
    return f"{webhook_id}:{notification_id}"


def settled_key(clause: ClauseRef, tranche_id: TrancheId) -> str:
    """The key of `State.settled`."""
    return f"{clause.contract_id}/{clause.clause_id}@{tranche_id}"


def unit_key(workload_id: WorkloadId, unit: int) -> str:
    """The key of one unit in `State.waiting`."""
    return f"{workload_id}.{unit}"


def split_unit_key(key: str) -> tuple[WorkloadId, int]:
    """The inverse of `unit_key`."""
    workload_id, _, unit = key.rpartition(".")
    return WorkloadId(workload_id), int(unit)


def model_name(tenant_id: TenantId, name: str) -> str:
    """The key of `State.models`: names are shared within an organisation."""
    return f"{tenant_id.partition('/')[0]}/{name}"


def applied_name(tenant_id: TenantId, name: str) -> str:
    """The key of `State.applied`."""
    return f"{tenant_id}/{name}"
