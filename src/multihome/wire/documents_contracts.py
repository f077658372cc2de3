"""Documents about what was agreed: contracts with their clauses and tranches, and waivers.

Executes no clause; one that `clauses` cannot execute is refused by name, never accepted and ignored.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict, field_validator

from multihome.domain.clause_terms import (
    ClauseTerms,
    DelayRemedy,
    Exclusivity,
    FirstRefusal,
    FirstRefusalMode,
    Scope,
    TakeOrPay,
    Window,
)
from multihome.domain.contracts import Award, Contract, Tranche, Waiver, WaiverAnswer
from multihome.domain.ids import AcceleratorName, ContractId, PoolId, ProviderId, TrancheId, WaiverId
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import FOREVER_MS, Interval
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
    Accelerator,
    BasisPoints,
    Count,
    Days,
    InstantMs,
    MicroUsd,
    Name,
    ScopedName,
    Sha256,
    Shape,
    Source,
    Title,
    Word,
    after,
    end_text,
    instant_text,
    percent_text,
    usd_text,
    without_empty,
)

CLAUSE_KINDS = ("exclusivity", "right_of_first_refusal", "take_or_pay", "delay_remedy")
"""Kinds of clause that are executed."""

CLAUSES_NOT_EXECUTABLE = (
    "minimum_commitment",
    "ramp",
    "prepayment",
    "price_tiers",
    "termination",
    "renewal",
    "concentration_cap",
    "most_favoured_customer",
    "substitution",
    "equity",
)
"""Kinds of clause that contracts have and Multihome does not execute yet."""


class ScopeIn(Shape):
    """What a clause covers; what is left out covers everything of that sort."""

    workloads: list[Annotated[WorkloadKind, Strict(strict=False)]] = Field(default=[], max_length=8)
    """Kinds of workload; all when left out."""
    products: list[Word] = Field(default=[], max_length=32)
    """Products of workloads; all when left out."""
    new_capacity_only: bool = False
    """Only capacity that is awarded while the clause is in force."""
    accelerators: list[Accelerator] = Field(default=[], max_length=32)
    """All when left out."""

    def to_fact(self) -> Scope:
        """The scope."""
        return Scope(
            workload_kinds=tuple(self.workloads),
            products=tuple(self.products),
            new_capacity_only=self.new_capacity_only,
            accelerators=tuple(AcceleratorName(name) for name in self.accelerators),
        )


class _ClauseIn(Shape):
    """What every clause has; its dates default to the contract's."""

    name: Name
    """Unique at any one time; an amended clause keeps its name under other dates."""
    from_: InstantMs | None = Field(default=None, alias="from")
    """When it comes into force; the contract's beginning when left out."""
    until: InstantMs | None = None
    """When it ends; the contract's end when left out."""
    source: Source

    _ends_after = field_validator("until")(after("from_"))

    def interval(self, contract: Interval) -> Interval:
        """When the clause is in force."""
        start_ms = contract.start_ms if self.from_ is None else self.from_
        return Interval(start_ms, contract.end_ms if self.until is None else self.until)


class ExclusivityIn(_ClauseIn):
    """In scope only the contract's provider may be used."""

    kind: Literal["exclusivity"]
    scope: ScopeIn

    def to_terms(self, contract: Interval) -> ClauseTerms:
        """The clause."""
        return Exclusivity(
            id=self.name, interval=self.interval(contract), scope=self.scope.to_fact(), source=self.source
        )


class FirstRefusalIn(_ClauseIn):
    """Before new capacity in scope is awarded to anyone else, the contract's provider is asked."""

    kind: Literal["right_of_first_refusal"]
    scope: ScopeIn
    mode: Annotated[FirstRefusalMode, Strict(strict=False)]
    """What the holder is asked."""
    notice_days: Days
    """How long it may take to answer; then the notice lapses into a waiver."""
    waiver_days: Days
    """How long a waiver holds."""
    incumbent_first: bool
    """Placement tries the holder's capacity first for workloads in scope."""

    def to_terms(self, contract: Interval) -> ClauseTerms:
        """The clause."""
        return FirstRefusal(
            id=self.name,
            interval=self.interval(contract),
            scope=self.scope.to_fact(),
            mode=self.mode,
            notice=Window(days=self.notice_days),
            waiver_days=self.waiver_days,
            incumbent_first=self.incumbent_first,
            source=self.source,
        )


class TakeOrPayIn(_ClauseIn):
    """A share of what was contracted and delivered in each calendar month is paid for, used or not."""

    unsupported: ClassVar[dict[str, str]] = {
        "make_up": "make-up is not executable yet, so it is refused rather than ignored; leave it out",
        "carry_forward": "carry-forward is not executable yet, so it is refused rather than ignored; leave it out",
    }

    kind: Literal["take_or_pay"]
    share: BasisPoints
    """What is paid for of what was delivered in a month, used or not."""

    def to_terms(self, contract: Interval) -> ClauseTerms:
        """The clause."""
        return TakeOrPay(id=self.name, interval=self.interval(contract), share_bps=self.share, source=self.source)


class DelayRemedyIn(_ClauseIn):
    """After the grace the provider owes a discount per day late, up to a cap."""

    kind: Literal["delay_remedy"]
    grace_days: Days
    """Days late that cost nothing."""
    discount_per_day: BasisPoints
    """Of the rate, for each day after the grace."""
    cap: BasisPoints
    """The largest discount."""

    def to_terms(self, contract: Interval) -> ClauseTerms:
        """The clause."""
        return DelayRemedy(
            id=self.name,
            interval=self.interval(contract),
            grace_days=self.grace_days,
            discount_bps_per_day=self.discount_per_day,
            cap_bps=self.cap,
            source=self.source,
        )


ClauseIn = Annotated[ExclusivityIn | FirstRefusalIn | TakeOrPayIn | DelayRemedyIn, Field(discriminator="kind")]


class AwardIn(Shape):
    """When a tranche was awarded, and under which waiver or exemption."""

    date: InstantMs
    """When it was made: what permitted it is judged by this day."""
    waiver: Name | None = None
    """The waiver it rests on."""
    exemption: Source = ""
    """Why no first refusal or exclusivity stood against it."""


class TrancheIn(Shape):
    """A part of an order: so many interconnect domains in one pool, promised by a date, at a rate."""

    name: Name
    """Unique within the contract; the tranche is called `contract/name`."""
    pool: ScopedName
    """`provider/pool`, of the contract's provider."""
    domains: Count
    """Interconnect domains: a gang must fit one."""
    nodes_per_domain: Count
    new_capacity: bool
    """False for capacity that existed before the clauses on new capacity."""
    promised: InstantMs
    """When it was to be ready."""
    ends: InstantMs
    """When it is given back."""
    rate_usd_per_chip_hour: MicroUsd
    """US dollars, with up to six decimals; never rounded."""
    rate_source: Source
    resale_rate_usd_per_chip_hour: MicroUsd = 0
    """What unused capacity brings in where it may be sold on or lent; 0 where it may not."""
    award: AwardIn

    _ends_after = field_validator("ends")(after("promised"))

    def to_fact(self, contract: str) -> Tranche:
        """The tranche of a contract."""
        waiver = self.award.waiver
        return Tranche(
            id=TrancheId(f"{contract}/{self.name}"),
            pool_id=PoolId(self.pool),
            domains=self.domains,
            nodes_per_domain=self.nodes_per_domain,
            new_capacity=self.new_capacity,
            promised_ms=self.promised,
            ends_ms=self.ends,
            rate_micro_usd_per_chip_hour=self.rate_usd_per_chip_hour,
            rate_source=self.rate_source,
            resale_rate_micro_usd_per_chip_hour=self.resale_rate_usd_per_chip_hour,
            award=Award(
                awarded_ms=self.award.date,
                waiver_ids=() if waiver is None else (WaiverId(waiver),),
                exemption=self.award.exemption,
            ),
        )


class ContractIn(Shape):
    """An agreement with one provider."""

    kind: Literal["contract"]
    name: Name
    title: Title
    provider: Name
    """With whom; the holder of its clauses."""
    from_: InstantMs = Field(alias="from")
    until: InstantMs | None = None
    """Open when left out."""
    source: Source
    clauses: list[ClauseIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    tranches: list[TrancheIn] = Field(default=[], max_length=LIST_ITEMS_MAX)

    _ends_after = field_validator("until")(after("from_"))

    def to_facts(self) -> tuple[Contract]:
        """The contract."""
        interval = Interval(self.from_, FOREVER_MS if self.until is None else self.until)
        return (
            Contract(
                id=ContractId(self.name),
                title=self.title,
                provider_id=ProviderId(self.provider),
                interval=interval,
                clauses=tuple(clause.to_terms(interval) for clause in self.clauses),
                tranches=tuple(tranche.to_fact(self.name) for tranche in self.tranches),
                source=self.source,
            ),
        )


class WaiverIn(Shape):
    """The holder of a first refusal left so many chips to others."""

    kind: Literal["waiver"]
    name: Name
    contract: Name
    """Whose clause it waives."""
    clause: Name
    """The right of first refusal."""
    served: InstantMs
    """When the notice was served."""
    answered: InstantMs
    """When it was answered, or lapsed."""
    expires: InstantMs
    """Awards are covered until here."""
    answer: Annotated[WaiverAnswer, Strict(strict=False)]
    accelerators: Annotated[list[Accelerator], Field(min_length=1, max_length=32)]
    chips: Count
    """How many chips it leaves to others."""
    rate_usd_per_chip_hour: MicroUsd
    """The rate that was noticed: an award above it is not covered."""
    notice_sha256: Sha256
    """Of the notice as it was served."""
    source: Source

    _expires_after = field_validator("expires")(after("answered"))

    def to_facts(self) -> tuple[Waiver]:
        """The waiver."""
        return (
            Waiver(
                id=WaiverId(self.name),
                contract_id=ContractId(self.contract),
                clause_id=self.clause,
                served_ms=self.served,
                answered_ms=self.answered,
                expires_ms=self.expires,
                answer=self.answer,
                accelerators=tuple(AcceleratorName(name) for name in self.accelerators),
                chips=self.chips,
                rate_micro_usd_per_chip_hour=self.rate_usd_per_chip_hour,
                notice_sha256=self.notice_sha256,
                source=self.source,
            ),
        )


def contract_data(fact: Contract) -> dict[str, Any]:
    """A contract as a document."""
    head = {
        "kind": "contract",
        "name": fact.id,
        "title": fact.title,
        "provider": fact.provider_id,
        "from": instant_text(fact.interval.start_ms),
        "until": end_text(fact.interval.end_ms),
    }
    parts = {
        "clauses": [_clause_data(terms, fact.interval) for terms in fact.clauses],
        "tranches": [_tranche_data(tranche) for tranche in fact.tranches],
    }
    return without_empty(head) | {"source": fact.source} | without_empty(parts)


def _clause_data(terms: ClauseTerms, contract: Interval) -> dict[str, Any]:
    # An open end is left out, and what is left out is the contract's: so an open clause in a closed contract cannot be
    # written down, and its end is spelt out instead.
    until = None if terms.interval.end_ms == contract.end_ms else instant_text(terms.interval.end_ms)
    dates = without_empty({"from": instant_text(terms.interval.start_ms), "until": until})
    return {"kind": _clause_kind(terms), "name": terms.id, **dates, **_clause_terms(terms), "source": terms.source}


def _clause_kind(terms: ClauseTerms) -> str:
    tag = type(terms).__struct_config__.tag
    assert isinstance(tag, str), "every kind of clause is tagged with its name"
    return tag


def _clause_terms(terms: ClauseTerms) -> dict[str, Any]:
    match terms:
        case Exclusivity():
            return {"scope": _scope_data(terms.scope)}
        case FirstRefusal():
            return {
                "scope": _scope_data(terms.scope),
                "mode": terms.mode.value,
                "notice_days": terms.notice.days,
                "waiver_days": terms.waiver_days,
                "incumbent_first": terms.incumbent_first,
            }
        case TakeOrPay():
            return {"share": percent_text(terms.share_bps)}
        case DelayRemedy():
            return {
                "grace_days": terms.grace_days,
                "discount_per_day": percent_text(terms.discount_bps_per_day),
                "cap": percent_text(terms.cap_bps),
            }
        case _:
            msg = f"{type(terms).__name__} has no shape in files"
            raise TypeError(msg)


def _scope_data(scope: Scope) -> dict[str, Any]:
    return without_empty(
        {
            "workloads": [kind.value for kind in scope.workload_kinds],
            "products": list(scope.products),
            "new_capacity_only": scope.new_capacity_only or None,
            "accelerators": list(scope.accelerators),
        }
    )


def _tranche_data(tranche: Tranche) -> dict[str, Any]:
    award = {
        "date": instant_text(tranche.award.awarded_ms),
        "waiver": next(iter(tranche.award.waiver_ids), None),
        "exemption": tranche.award.exemption,
    }
    data = {
        "name": tranche.id.partition("/")[2],
        "pool": tranche.pool_id,
        "domains": tranche.domains,
        "nodes_per_domain": tranche.nodes_per_domain,
        "new_capacity": tranche.new_capacity,
        "promised": instant_text(tranche.promised_ms),
        "ends": instant_text(tranche.ends_ms),
        "rate_usd_per_chip_hour": usd_text(tranche.rate_micro_usd_per_chip_hour),
        "rate_source": tranche.rate_source,
        "award": without_empty(award),
    }
    if tranche.resale_rate_micro_usd_per_chip_hour:
        data["resale_rate_usd_per_chip_hour"] = usd_text(tranche.resale_rate_micro_usd_per_chip_hour)
    return data


def waiver_data(fact: Waiver) -> dict[str, Any]:
    """A waiver as a document."""
    return {
        "kind": "waiver",
        "name": fact.id,
        "contract": fact.contract_id,
        "clause": fact.clause_id,
        "served": instant_text(fact.served_ms),
        "answered": instant_text(fact.answered_ms),
        "expires": instant_text(fact.expires_ms),
        "answer": fact.answer.value,
        "accelerators": list(fact.accelerators),
        "chips": fact.chips,
        "rate_usd_per_chip_hour": usd_text(fact.rate_micro_usd_per_chip_hour),
        "notice_sha256": fact.notice_sha256,
        "source": fact.source,
    }
