"""Contracts as data: parties, dated clauses, amendments, tranches, and the waivers that let an award go elsewhere.

What a clause means stands in `clauses`, one file a kind; its parameters are in `domain.clause_terms`.
"""

from enum import StrEnum

from multihome.domain.clause_terms import ClauseTerms, ExemptionGround, Use
from multihome.domain.fact import Fact
from multihome.domain.ids import AcceleratorName, AwardId, ContractId, PoolId, ProviderId, TrancheId, WaiverId
from multihome.units.calendar import Calendar
from multihome.units.time import Interval

USD = "USD"


class Award(Fact, frozen=True, kw_only=True):
    """How a tranche came to be awarded: by an award on record, under which waivers, or by what a clause itself exempts.

    `exempt_by` is the ground on which every first refusal that binds the award, and that no waiver covers, must exempt
    it; `replaces` the lost provider that the tranche stands in for. `consent` says who agreed where the tranche's chips
    were substituted for others.
    """

    awarded_ms: int
    award_id: AwardId | None = None
    waiver_ids: tuple[WaiverId, ...] = ()
    exempt_by: ExemptionGround | None = None
    replaces: ProviderId | None = None
    consent: str = ""


class Tranche(Fact, frozen=True, kw_only=True):
    """A part of an order: so many interconnect domains in one pool, promised by a date, at a rate.

    `domains` of `nodes_per_domain` nodes each. Rates are micro-USD per chip-hour. Workloads outside `use` are kept
    away. Where unused capacity may be sold on, the resale rate is what that brings in; 0 where it may not.
    """

    id: TrancheId
    order: str = ""
    """The order form that it is a part of; tranches of one order may be ended together."""
    pool_id: PoolId
    domains: int
    nodes_per_domain: int
    new_capacity: bool
    use: Use = Use()
    promised_ms: int
    ends_ms: int
    rate_micro_usd_per_chip_hour: int
    rate_source: str
    resale_rate_micro_usd_per_chip_hour: int = 0
    award: Award


class Amendment(Fact, frozen=True, kw_only=True):
    """A dated change of a contract; the clauses it changed carry their own dates."""

    id: str
    effective_ms: int
    clauses: tuple[str, ...]
    source: str


class Contract(Fact, frozen=True, kw_only=True):
    """An agreement with one provider: dated clauses, amendments, and the tranches ordered under it.

    `clauses` holds every version of every clause, each with the interval in which it is in force.
    """

    id: ContractId
    title: str
    provider_id: ProviderId
    interval: Interval
    calendar: Calendar = Calendar()
    currency: str = USD
    clauses: tuple[ClauseTerms, ...]
    amendments: tuple[Amendment, ...] = ()
    tranches: tuple[Tranche, ...]
    source: str


class WaiverAnswer(StrEnum):
    """How a first-refusal notice ended, where it left room for others."""

    DECLINED = "declined"
    LAPSED = "lapsed"
    MATCHED_IN_PART = "matched_in_part"


class Waiver(Fact, frozen=True, kw_only=True):
    """The holder of a first refusal left so many chips of an accelerator to others, until a date, on terms no better.

    `notice_sha256` is the hash of the notice that was served, so that the evidence can be held against it. Waivers are
    recorded from elsewhere; one that follows from a notice served here is part of that notice.
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


class Suspension(Fact, frozen=True, kw_only=True):
    """Force majeure or a like event: in its interval nothing of these tranches (all, when none is named) is owed."""

    id: str
    contract_id: ContractId
    interval: Interval
    tranche_ids: tuple[TrancheId, ...] = ()
    ground: str
    source: str
