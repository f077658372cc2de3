"""What comes before an order: needs, offers, first-refusal notices with their answers, and awards.

Offers and needs are documents that a person describes; notices, answers and awards are acts, each an event.
"""

from enum import StrEnum

from multihome.domain.clause_terms import ClauseRef, Use
from multihome.domain.contracts import USD
from multihome.domain.fact import Fact
from multihome.domain.ids import (
    AcceleratorName,
    AwardId,
    ContractId,
    NeedId,
    NoticeId,
    OfferId,
    PoolId,
    ProviderId,
)
from multihome.domain.placements import Evidence


class Need(Fact, frozen=True, kw_only=True):
    """Capacity that somebody wants: so many chips of one of these accelerators, by a date, for a use.

    `territories` are the regions and jurisdictions where it may be; empty where it may be anywhere.
    """

    id: NeedId
    accelerators: tuple[AcceleratorName, ...]
    chips: int
    by_ms: int
    until_ms: int
    use: Use = Use()
    territories: tuple[str, ...] = ()
    source: str


class Firmness(StrEnum):
    """How far a provider is bound by an offer."""

    FIRM = "firm"
    QUEUED = "queued"
    SPOT = "spot"


class Terms(Fact, frozen=True, kw_only=True):
    """What is compared when a first refusal is tested: so many chips there, from and until when, at which rate."""

    accelerator: AcceleratorName
    region: str
    chips: int
    starts_ms: int
    ends_ms: int
    rate_micro_usd_per_chip_hour: int
    currency: str = USD


class Offer(Fact, frozen=True, kw_only=True):
    """Terms on which a provider would sell chips of one pool, until the offer expires."""

    id: OfferId
    provider_id: ProviderId
    pool_id: PoolId
    chips_min: int
    chips_max: int
    chips_step: int
    start_from_ms: int
    start_until_ms: int
    term_days_min: int
    term_days_max: int
    lead_days: int
    rate_micro_usd_per_chip_hour: int
    currency: str = USD
    firmness: Firmness
    new_capacity: bool = True
    use: Use = Use()
    cancellation: str = ""
    expires_ms: int
    need_id: NeedId | None = None
    source: str


class Notice(Fact, frozen=True, kw_only=True):
    """What the holder of a first refusal was told, when, and until when it may answer.

    It is of an offer, or of a need before anybody made an offer for it.
    `sha256` is the hash of the notice's canonical text (`procurement.notices.notice_text`).
    """

    id: NoticeId
    clause: ClauseRef
    offer_id: OfferId | None
    need_id: NeedId | None = None
    terms: Terms
    use: Use
    served_ms: int
    closes_ms: int
    served_by: str
    sha256: str


class AnswerKind(StrEnum):
    """How a notice ended."""

    MATCHED = "matched"
    MATCHED_IN_PART = "matched_in_part"
    DECLINED = "declined"
    LAPSED = "lapsed"


class Answer(Fact, frozen=True, kw_only=True):
    """What the holder said, or that its window closed.

    `terms` are what it would deliver: of a match the noticed ones or equivalents, with the chips it takes; of a decline
    those of a counter-offer, if it made one (`chips` 0 where not).
    """

    notice_id: NoticeId
    kind: AnswerKind
    answered_ms: int
    terms: Terms
    actor: str
    why: str


class AwardRecord(Fact, frozen=True, kw_only=True):
    """The decision to take an offer: to whom, on which terms, with evidence for each clause that bound it."""

    id: AwardId
    offer_id: OfferId
    provider_id: ProviderId
    pool_id: PoolId
    terms: Terms
    use: Use
    new_capacity: bool
    awarded_ms: int
    evidence: tuple[Evidence, ...]
    replaces: ProviderId | None = None
    consequences: tuple[str, ...] = ()
    actor: str
    why: str


class TrancheStep(StrEnum):
    """A step of a tranche's delivery or end. Which may follow which stands in `domain.tranche_phases`."""

    CONFIRMED = "confirmed"
    PROVISIONING = "provisioning"
    READY_CLAIMED = "ready_claimed"
    TESTING = "testing"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CURED = "cured"
    RESCHEDULED = "rescheduled"
    TRANCHE_ENDED = "tranche_ended"
    ORDER_ENDED = "order_ended"


class TerminationGround(StrEnum):
    """Why a contract is ended."""

    CONVENIENCE = "convenience"
    CAUSE = "cause"


class Breach(Fact, frozen=True, kw_only=True):
    """The provider was told of a breach that the contract names, and until when it may cure it."""

    contract_id: ContractId
    cause: str
    told_ms: int
    cured_until_ms: int
    actor: str
    why: str


class TerminationRecord(Fact, frozen=True, kw_only=True):
    """Notice was given that a contract ends: when, on which ground, and what it costs or gives back."""

    contract_id: ContractId
    ground: TerminationGround
    cause: str
    given_ms: int
    effective_ms: int
    fee_micro_usd: int
    refund_micro_usd: int
    actor: str
    why: str
