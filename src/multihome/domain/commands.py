"""What people and programs may ask of the control plane, and what engines and the clock tell it."""

from enum import StrEnum

from multihome.domain.accelerators import AcceleratorType
from multihome.domain.contracts import Contract, Suspension, Waiver
from multihome.domain.datasets import DataSet, Transfer
from multihome.domain.fact import Fact
from multihome.domain.ids import (
    AcceleratorName,
    ContractId,
    NeedId,
    NoticeId,
    OfferId,
    ProviderId,
    RunId,
    TrancheId,
    WorkloadId,
)
from multihome.domain.notifications import Webhook
from multihome.domain.policy import PlacementPolicy
from multihome.domain.procurement import AnswerKind, Need, Offer, TerminationGround, TrancheStep
from multihome.domain.runs import Inventory, RunReport
from multihome.domain.supply import Delivery, Pool, Provider
from multihome.domain.tenants import Tenant
from multihome.domain.throughputs import ThroughputTable
from multihome.domain.valuation import Valuation
from multihome.domain.workloads import WorkloadSpec

Document = (
    AcceleratorType
    | Provider
    | Pool
    | Contract
    | Waiver
    | Suspension
    | Need
    | Offer
    | Webhook
    | Delivery
    | Tenant
    | DataSet
    | Transfer
    | ThroughputTable
    | Valuation
)
"""A fact that a person describes in a file."""


class Install(Fact, frozen=True, kw_only=True):
    """The first record of a journal: who this installation is."""

    installation_id: str


class DeclareClock(Fact, frozen=True, kw_only=True):
    """From now on contract time is a scenario's: it starts here and moves only by `AdvanceClock`."""

    start_ms: int


class AdvanceClock(Fact, frozen=True, kw_only=True):
    """Move the scenario clock to an instant."""

    to_ms: int


class Apply(Fact, frozen=True, kw_only=True):
    """Record facts and workloads, all or none; what is known already changes nothing."""

    documents: tuple[Document, ...]
    workloads: tuple[WorkloadSpec, ...]


class Submit(Fact, frozen=True, kw_only=True):
    """Ask for one workload to be run."""

    spec: WorkloadSpec


class Cancel(Fact, frozen=True, kw_only=True):
    """Stop a workload for good."""

    workload: str
    actor: str
    why: str


class Drain(Fact, frozen=True, kw_only=True):
    """Admit nothing more to a provider or pool; what runs there stops with a checkpoint and waits for room."""

    target: str
    actor: str
    why: str


class Undrain(Fact, frozen=True, kw_only=True):
    """Admit again."""

    target: str
    actor: str
    why: str


class DeclareLost(Fact, frozen=True, kw_only=True):
    """Treat a provider as gone. Kills nothing: what runs there is fenced, and may run again elsewhere."""

    provider_id: ProviderId
    actor: str
    why: str


class Restore(Fact, frozen=True, kw_only=True):
    """Admit to a provider again that was declared lost; its old runs are stopped first."""

    provider_id: ProviderId
    actor: str
    why: str


class OverrideRule(StrEnum):
    """The rules a person may set aside for one workload. Clauses and capacity are never among them."""

    QUOTA = "quota"
    PRIORITY = "priority"


class Override(Fact, frozen=True, kw_only=True):
    """A person sets a rule aside for one workload, and says why."""

    workload: str
    rule: OverrideRule
    priority: int = 0
    actor: str
    why: str


class ServeNotice(Fact, frozen=True, kw_only=True):
    """Tell the holder of a first refusal of the terms of an offer.

    `effective_ms` is when it was served; 0 is now. It may lie back, never ahead.
    """

    contract_id: ContractId
    clause_id: str
    offer_id: OfferId
    chips: int
    starts_ms: int
    ends_ms: int
    effective_ms: int = 0
    actor: str
    why: str


class AskFirst(Fact, frozen=True, kw_only=True):
    """Ask the holder of a first refusal in the mode `first_offer` for capacity that is needed, before anybody else.

    The rate is the highest that would be paid. `effective_ms` is when it was asked; 0 is now. It never lies ahead.
    """

    contract_id: ContractId
    clause_id: str
    need_id: NeedId
    accelerator: AcceleratorName
    region: str
    chips: int
    starts_ms: int
    ends_ms: int
    rate_micro_usd_per_chip_hour: int
    effective_ms: int = 0
    actor: str
    why: str


class AnswerNotice(Fact, frozen=True, kw_only=True):
    """Record what the holder said: what it would deliver, or asks for where it declines. None is as noticed.

    `effective_ms` is when it answered; 0 is now. It may lie back, never ahead.
    """

    notice_id: NoticeId
    kind: AnswerKind
    chips: int | None = None
    accelerator: AcceleratorName | None = None
    starts_ms: int | None = None
    ends_ms: int | None = None
    rate_micro_usd_per_chip_hour: int | None = None
    currency: str | None = None
    effective_ms: int = 0
    actor: str
    why: str


class AwardOffer(Fact, frozen=True, kw_only=True):
    """Take an offer: so many chips, from and until when. `replaces` names a lost provider that it stands in for."""

    offer_id: OfferId
    chips: int
    starts_ms: int
    ends_ms: int
    replaces: ProviderId | None = None
    effective_ms: int = 0
    actor: str
    why: str


class MoveTranche(Fact, frozen=True, kw_only=True):
    """Record a step of a tranche's delivery or its end."""

    tranche_id: TrancheId
    step: TrancheStep
    domains: int = 0
    promised_ms: int = 0
    effective_ms: int = 0
    actor: str
    why: str


class ClaimCredit(Fact, frozen=True, kw_only=True):
    """Claim the credit that a clause made due for a tranche."""

    tranche_id: TrancheId
    actor: str
    why: str


class TellBreach(Fact, frozen=True, kw_only=True):
    """Tell the provider of a breach that the contract names as a cause to end it."""

    contract_id: ContractId
    cause: str
    effective_ms: int = 0
    actor: str
    why: str


class CureBreach(Fact, frozen=True, kw_only=True):
    """Record that a breach was cured, and when; 0 is now."""

    contract_id: ContractId
    effective_ms: int = 0
    actor: str
    why: str


class Terminate(Fact, frozen=True, kw_only=True):
    """Give notice that a contract ends; `effective_ms` is when it was given, 0 is now."""

    contract_id: ContractId
    ground: TerminationGround
    cause: str = ""
    effective_ms: int = 0
    actor: str
    why: str


class SetPolicy(Fact, frozen=True, kw_only=True):
    """Have placement rounds obey a policy from now on; its rounds are counted from here."""

    policy: PlacementPolicy
    actor: str
    why: str


Command = (
    Install
    | DeclareClock
    | AdvanceClock
    | Apply
    | Submit
    | Cancel
    | Drain
    | Undrain
    | DeclareLost
    | Restore
    | Override
    | ServeNotice
    | AskFirst
    | AnswerNotice
    | AwardOffer
    | MoveTranche
    | ClaimCredit
    | TellBreach
    | CureBreach
    | Terminate
    | SetPolicy
)


class Request(Fact, frozen=True, kw_only=True):
    """A command with what the runtime stamped on it.

    A repeat under the same `key` is answered as before if `body_sha256` is the same, and refused if not.
    """

    key: str
    body_sha256: str
    minted_id: str
    actor: str
    command: Command


class Tick(Fact, frozen=True, kw_only=True):
    """Time has passed: look at deadlines, meters and the queue."""


class PlaceDue(Fact, frozen=True, kw_only=True):
    """It is time for a placement round."""


class EngineAnswered(Fact, frozen=True, kw_only=True):
    """An engine reported what it has."""

    inventory: Inventory


class EngineTold(Fact, frozen=True, kw_only=True):
    """An engine told unasked what became of some of its runs. Nothing follows for those that it does not mention."""

    provider_id: ProviderId
    reports: tuple[RunReport, ...]


class EngineSilent(Fact, frozen=True, kw_only=True):
    """An engine did not answer."""

    provider_id: ProviderId
    error: str


class LaunchAnswered(Fact, frozen=True, kw_only=True):
    """The engine says that it has the run, with all ranks up."""

    run_id: RunId


class LaunchRefused(Fact, frozen=True, kw_only=True):
    """The engine says for certain that nothing was started."""

    run_id: RunId
    error: str


class LaunchUnclear(Fact, frozen=True, kw_only=True):
    """The engine did not answer: the run may or may not exist."""

    run_id: RunId
    error: str


class NotificationAnswered(Fact, frozen=True, kw_only=True):
    """How an attempt to tell a webhook something went; `error` is empty where it was taken."""

    notification_id: str
    webhook_id: str
    error: str


class Recovered(Fact, frozen=True, kw_only=True):
    """The control plane has just replayed its journal; effects of the last life may have been lost."""


Input = (
    Request
    | Tick
    | PlaceDue
    | EngineAnswered
    | EngineTold
    | EngineSilent
    | LaunchAnswered
    | LaunchRefused
    | LaunchUnclear
    | NotificationAnswered
    | Recovered
)


class Accepted(Fact, frozen=True, kw_only=True):
    """A yes: the workloads it made or named, and what changed, in words."""

    workload_ids: tuple[WorkloadId, ...] = ()
    changes: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    """Ids of the notice or award it made."""
