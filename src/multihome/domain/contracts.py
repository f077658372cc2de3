"""Contracts as data: parties, dated clauses, tranches, and the waivers that let an award go elsewhere.

What a clause means stands in `clauses`, one file a kind; here are only its parameters.
"""

from enum import StrEnum

import msgspec

from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName, ContractId, PoolId, ProviderId, TrancheId, WaiverId
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import Interval


class Scope(Fact, frozen=True, kw_only=True):
    """What a clause covers; an empty tuple covers everything of that sort."""

    workload_kinds: tuple[WorkloadKind, ...] = ()
    products: tuple[str, ...] = ()
    new_capacity_only: bool = False
    accelerators: tuple[AcceleratorName, ...] = ()


class FirstRefusalMode(StrEnum):
    """What the holder is asked before an award goes elsewhere."""

    MATCH_OFFER = "match_offer"
    FIRST_OFFER = "first_offer"
    INSUFFICIENT_CAPACITY = "insufficient_capacity"


class Exclusivity(Fact, frozen=True, tag="exclusivity", kw_only=True):
    """In scope only the contract's provider may be used."""

    id: str
    interval: Interval
    scope: Scope
    source: str


class FirstRefusal(Fact, frozen=True, tag="right_of_first_refusal", kw_only=True):
    """Before new capacity in scope is awarded to anyone else, the contract's provider is asked.

    `incumbent_first` also makes placement of workloads in scope prefer the holder's capacity while it suffices.
    """

    id: str
    interval: Interval
    scope: Scope
    mode: FirstRefusalMode
    notice_days: int
    waiver_days: int
    incumbent_first: bool
    source: str


class TakeOrPay(Fact, frozen=True, tag="take_or_pay", kw_only=True):
    """At least `share_bps` of what was contracted and delivered in each calendar month is paid for, used or not."""

    id: str
    interval: Interval
    share_bps: int
    source: str


class DelayRemedy(Fact, frozen=True, tag="delay_remedy", kw_only=True):
    """After the grace the provider owes a discount per day late, up to a cap; dates shift with the delivery."""

    id: str
    interval: Interval
    grace_days: int
    discount_bps_per_day: int
    cap_bps: int
    source: str


ClauseTerms = Exclusivity | FirstRefusal | TakeOrPay | DelayRemedy


class Award(Fact, frozen=True, kw_only=True):
    """How a tranche came to be awarded: under which waiver, or why none was needed."""

    awarded_ms: int
    waiver_id: WaiverId | None = None
    exemption: str = ""


class Tranche(Fact, frozen=True, kw_only=True):
    """A part of an order: so many interconnect domains in one pool, promised by a date, at a rate.

    `domains` of `nodes_per_domain` nodes each. Rates are micro-USD per chip-hour.
    """

    id: TrancheId
    pool_id: PoolId
    domains: int
    nodes_per_domain: int
    new_capacity: bool
    promised_ms: int
    ends_ms: int
    rate_micro_usd_per_chip_hour: int
    rate_source: str
    award: Award


class Contract(Fact, frozen=True, kw_only=True):
    """An agreement with one provider: dated clauses and the tranches ordered under it."""

    id: ContractId
    title: str
    provider_id: ProviderId
    interval: Interval
    clauses: tuple[ClauseTerms, ...]
    tranches: tuple[Tranche, ...]
    source: str


class WaiverAnswer(StrEnum):
    """How a first-refusal notice ended, where it left room for others."""

    DECLINED = "declined"
    LAPSED = "lapsed"
    MATCHED_IN_PART = "matched_in_part"


class Waiver(Fact, frozen=True, kw_only=True):
    """The holder of a first refusal left so many chips of an accelerator to others, until a date, on terms no better.

    `notice_sha256` is the hash of the notice that was served, so that the evidence can be held against it.
    """

    id: WaiverId
    contract_id: ContractId
    clause_id: str
    served_ms: int
    answered_ms: int
    expires_ms: int
    answer: WaiverAnswer
    accelerators: tuple[AcceleratorName, ...]
    chips: int
    rate_micro_usd_per_chip_hour: int
    notice_sha256: str
    source: str


class ClauseRef(msgspec.Struct, frozen=True):
    """Names a clause so that a person can find it."""

    contract_id: ContractId
    clause_id: str
