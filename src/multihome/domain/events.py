"""What happened, as the journal keeps it. State is the fold of these and of nothing else."""

from multihome.domain.balances import MakeUpLot
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.commands import Document
from multihome.domain.fact import Fact
from multihome.domain.ids import (
    ClassId,
    ContractId,
    Generation,
    PoolId,
    ProviderId,
    RunId,
    TenantId,
    TrancheId,
    WorkloadId,
)
from multihome.domain.notifications import Notification
from multihome.domain.placements import Allocation, Blocker, PlacementReason, PlannedStart
from multihome.domain.policy import PlacementPolicy
from multihome.domain.procurement import Answer, AwardRecord, Breach, Notice, TerminationRecord, TrancheStep
from multihome.domain.refusals import Refusal
from multihome.domain.runs import Outcome, Progress, StopCause
from multihome.domain.throughputs import LearnedRate
from multihome.domain.workloads import WorkloadSpec
from multihome.units.time import Interval


class Installed(Fact, frozen=True, kw_only=True):
    """The journal begins."""

    installation_id: str


class ClockDeclared(Fact, frozen=True, kw_only=True):
    """Contract time is a scenario's from here on."""

    start_ms: int


class ClockAdvanced(Fact, frozen=True, kw_only=True):
    """The scenario clock stands at `to_ms`."""

    to_ms: int


class DocumentRecorded(Fact, frozen=True, kw_only=True):
    """A fact is known, or known differently than before."""

    document: Document


class WorkloadSubmitted(Fact, frozen=True, kw_only=True):
    """A workload exists and waits; `applied` ones keep their name, so that applying the files again changes nothing."""

    workload_id: WorkloadId
    spec: WorkloadSpec
    applied: bool = False


class ClassWaits(Fact, frozen=True, kw_only=True):
    """The reasons why workloads of one class wait have changed; identical asks share a class and its reasons."""

    class_id: ClassId
    blockers: tuple[Blocker, ...]


class WorkloadCancelled(Fact, frozen=True, kw_only=True):
    """Nothing of it is started any more."""

    workload_id: WorkloadId
    actor: str
    why: str


class WorkloadEnded(Fact, frozen=True, kw_only=True):
    """It has left the queue for good."""

    workload_id: WorkloadId
    outcome: Outcome
    text: str


class RuleOverridden(Fact, frozen=True, kw_only=True):
    """A person set a rule aside for a workload."""

    workload_id: WorkloadId
    rule: str
    priority: int
    actor: str
    why: str


class PolicySet(Fact, frozen=True, kw_only=True):
    """Placement rounds obey this policy from here on."""

    policy: PlacementPolicy
    actor: str
    why: str


class RoundPlanned(Fact, frozen=True, kw_only=True):
    """A round decided anew, and no other does before an instant of the process clock.

    `starts` are gangs that start as soon as the chips that were given to them are free.
    """

    next_process_ms: int
    starts: tuple[PlannedStart, ...] = ()


class RunIntended(Fact, frozen=True, kw_only=True):
    """A unit was placed; the launch may now be asked of the engine."""

    run_id: RunId
    workload_id: WorkloadId
    unit: int
    generation: Generation
    allocation: Allocation
    reason: PlacementReason


class RunStarted(Fact, frozen=True, kw_only=True):
    """The engine confirmed it. Chip time counts from here."""

    run_id: RunId


class RunBecameUnknown(Fact, frozen=True, kw_only=True):
    """The engine does not say whether it exists."""

    run_id: RunId
    why: str


class RunAbsent(Fact, frozen=True, kw_only=True):
    """The engine answered and did not mention it."""

    run_id: RunId


class RunReady(Fact, frozen=True, kw_only=True):
    """A replica answers requests at `endpoint`."""

    run_id: RunId
    endpoint: str


class RunProgressed(Fact, frozen=True, kw_only=True):
    """A program reported a new checkpoint, or its last step."""

    run_id: RunId
    progress: Progress


class ThroughputLearned(Fact, frozen=True, kw_only=True):
    """A run showed how fast its model is where it runs; `rate` is all that is known of it now, measured to `step`."""

    run_id: RunId
    step: int
    rate: LearnedRate


class RunStopAsked(Fact, frozen=True, kw_only=True):
    """The engine is asked to end it by a deadline of the process clock: politely now, by force after the grace."""

    run_id: RunId
    cause: StopCause
    grace_ms: int
    deadline_process_ms: int


class RunFenced(Fact, frozen=True, kw_only=True):
    """Its provider was declared lost; checkpoint writes of this generation no longer count."""

    run_id: RunId


class RunEnded(Fact, frozen=True, kw_only=True):
    """It is certain that nothing of it runs any more. Chip time stops here; the chips are free."""

    run_id: RunId
    outcome: Outcome
    exit_code: int | None
    text: str


class UnitBackedOff(Fact, frozen=True, kw_only=True):
    """The next attempt waits until then by the process clock."""

    workload_id: WorkloadId
    unit: int
    until_process_ms: int


class WorkLost(Fact, frozen=True, kw_only=True):
    """Steps that were computed after the last checkpoint and must be computed again, as far as is known.

    A later one for the same run corrects it, when the provider of the attempt before answers again.
    """

    run_id: RunId
    workload_id: WorkloadId
    steps: int
    resumed_from_step: int


class ProviderSilent(Fact, frozen=True, kw_only=True):
    """Its engine stopped answering."""

    provider_id: ProviderId
    error: str


class ProviderAnswers(Fact, frozen=True, kw_only=True):
    """Its engine answers again."""

    provider_id: ProviderId


class ProviderLost(Fact, frozen=True, kw_only=True):
    """A person or policy declared it gone."""

    provider_id: ProviderId
    actor: str
    why: str


class ProviderRestored(Fact, frozen=True, kw_only=True):
    """It may be used again."""

    provider_id: ProviderId
    actor: str
    why: str


class TargetDrained(Fact, frozen=True, kw_only=True):
    """Nothing more is admitted to a provider or pool."""

    target: str
    actor: str
    why: str


class TargetUndrained(Fact, frozen=True, kw_only=True):
    """Admission is open again."""

    target: str
    actor: str
    why: str


class ClauseConsequence(Fact, frozen=True, kw_only=True):
    """What a clause makes of something that happened, as `code` and in words."""

    clause: ClauseRef
    code: str
    text: str


class NoticeServed(Fact, frozen=True, kw_only=True):
    """The holder of a first refusal was told; its window runs."""

    notice: Notice


class NoticeAnswered(Fact, frozen=True, kw_only=True):
    """A notice came to its end: by the holder's word, or because its window closed."""

    answer: Answer


class AwardMade(Fact, frozen=True, kw_only=True):
    """An offer was taken, on the evidence it carries."""

    award: AwardRecord


class TrancheMoved(Fact, frozen=True, kw_only=True):
    """A tranche took a step: `domains` of it where that is an acceptance, to a date where it is put off."""

    tranche_id: TrancheId
    step: TrancheStep
    effective_ms: int
    domains: int = 0
    promised_ms: int = 0
    actor: str
    why: str


class CreditDue(Fact, frozen=True, kw_only=True):
    """A clause makes the provider owe money back; it counts once somebody claims it."""

    clause: ClauseRef
    tranche_id: TrancheId
    amount_micro_usd: int
    text: str


class CreditClaimed(Fact, frozen=True, kw_only=True):
    """A credit that was due was claimed from the provider."""

    clause: ClauseRef
    tranche_id: TrancheId
    amount_micro_usd: int
    actor: str
    why: str


class PeriodSettled(Fact, frozen=True, kw_only=True):
    """A commitment's period is over: what it made due, in chip-milliseconds and money, and what it carries on.

    `period` is the part of a calendar period that counts. `tranche_id` is empty for a clause that counts the whole
    contract. `due_micro_usd` is what the clause adds to the charges of usage: a deficiency, a shortfall or a tier's
    difference; negative where charges come down. `make_up` and `carried_chip_ms` are the balance with which the next
    period begins (`balances.TakeOrPayBalance`). Of a minimum, `owed_micro_usd` is what was to be spent, after
    `suspended_micro_usd` for late capacity was taken off; of tiers it is the charge by tiers. `spent_micro_usd` is what
    was charged before.
    """

    clause: ClauseRef
    tranche_id: TrancheId
    period: Interval
    contracted_chip_ms: int = 0
    under_delivered_chip_ms: int = 0
    force_majeure_chip_ms: int = 0
    carry_used_chip_ms: int = 0
    owed_chip_ms: int = 0
    taken_chip_ms: int = 0
    deficiency_chip_ms: int = 0
    made_up_chip_ms: int = 0
    carried_chip_ms: int = 0
    make_up: tuple[MakeUpLot, ...] = ()
    owed_micro_usd: int = 0
    suspended_micro_usd: int = 0
    spent_micro_usd: int = 0
    due_micro_usd: int
    text: str


class DeadlineNear(Fact, frozen=True, kw_only=True):
    """A deadline of a contract comes near: told once."""

    id: str
    subject: str
    due_ms: int
    text: str


class DeadlinesRead(Fact, frozen=True, kw_only=True):
    """The deadlines were read: unless something is recorded that moves one, none comes near before an instant."""

    next_ms: int


class NotificationSent(Fact, frozen=True, kw_only=True):
    """An attempt to tell a webhook something begins."""

    notification: Notification
    webhook_id: str
    attempt: int


class NotificationDelivered(Fact, frozen=True, kw_only=True):
    """The webhook took it."""

    notification_id: str
    webhook_id: str


class NotificationFailed(Fact, frozen=True, kw_only=True):
    """The webhook did not take it; it is tried again at an instant of the process clock."""

    notification_id: str
    webhook_id: str
    error: str
    retry_process_ms: int


class NotificationGivenUp(Fact, frozen=True, kw_only=True):
    """It was tried for more than a day, or its webhook is gone."""

    notification: Notification
    webhook_id: str
    error: str


class BreachTold(Fact, frozen=True, kw_only=True):
    """The provider was told of a breach; the time to cure it runs."""

    breach: Breach


class BreachCured(Fact, frozen=True, kw_only=True):
    """A breach that was told was cured; `cured_ms` is 0 in journals of programs that did not date it."""

    contract_id: ContractId
    cured_ms: int = 0
    actor: str
    why: str


class TerminationGiven(Fact, frozen=True, kw_only=True):
    """Notice was given that a contract ends."""

    termination: TerminationRecord


class ChipTimeMetered(Fact, frozen=True, kw_only=True):
    """One usage record: chip time of a run in an interval, with the rate of the tranche that pays.

    Unique per run and interval. `chip_ms` is chips × milliseconds. `month_start_ms` is when the calendar month of the
    contract's zone begins that the interval lies in: charges are told by it.
    """

    run_id: RunId
    workload_id: WorkloadId
    tenant_id: TenantId
    provider_id: ProviderId
    pool_id: PoolId
    contract_id: ContractId
    tranche_id: TrancheId
    interval: Interval
    month_start_ms: int
    chip_ms: int
    rate_micro_usd_per_chip_hour: int


class OrphanSeen(Fact, frozen=True, kw_only=True):
    """An engine reports something that maps to no intent of ours."""

    provider_id: ProviderId
    name: str


class ClockJumped(Fact, frozen=True, kw_only=True):
    """The wall clock and the process clock parted by more than the tolerance."""

    wall_ms: int
    process_ms: int


class CommandRefused(Fact, frozen=True, kw_only=True):
    """A command with an idempotency key was refused; the same key gets the same answer."""

    refusal: Refusal


Event = (
    Installed
    | ClockDeclared
    | ClockAdvanced
    | DocumentRecorded
    | WorkloadSubmitted
    | ClassWaits
    | WorkloadCancelled
    | WorkloadEnded
    | RuleOverridden
    | RunIntended
    | RunStarted
    | RunBecameUnknown
    | RunAbsent
    | RunReady
    | RunProgressed
    | ThroughputLearned
    | RunStopAsked
    | RunFenced
    | RunEnded
    | UnitBackedOff
    | WorkLost
    | ProviderSilent
    | ProviderAnswers
    | ProviderLost
    | ProviderRestored
    | TargetDrained
    | TargetUndrained
    | ClauseConsequence
    | NoticeServed
    | NoticeAnswered
    | AwardMade
    | TrancheMoved
    | CreditDue
    | CreditClaimed
    | PeriodSettled
    | BreachTold
    | BreachCured
    | TerminationGiven
    | DeadlineNear
    | DeadlinesRead
    | NotificationSent
    | NotificationDelivered
    | NotificationFailed
    | NotificationGivenUp
    | ChipTimeMetered
    | OrphanSeen
    | ClockJumped
    | CommandRefused
    | PolicySet
    | RoundPlanned
)
