"""Documents about what was agreed: contracts with their clauses, amendments and tranches, and waivers."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, ValidationInfo, field_validator, model_validator

from multihome.domain.clause_terms import ExemptionGround
from multihome.domain.contracts import USD, Award, Contract, Tranche, Waiver, WaiverAnswer
from multihome.domain.ids import AcceleratorName, AwardId, ContractId, PoolId, ProviderId, TrancheId, WaiverId
from multihome.units.calendar import Calendar
from multihome.units.time import FOREVER_MS, Interval
from multihome.wire.documents_amendments import AmendmentIn, amended, amendment_data
from multihome.wire.documents_clause_parts import UseIn, use_data
from multihome.wire.documents_clauses import ClauseIn, clause_data
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
    UTC,
    Accelerator,
    Count,
    Currency,
    HolidayDate,
    InstantMs,
    MicroUsd,
    Name,
    ScopedName,
    Sha256,
    Shape,
    Source,
    Title,
    ZoneName,
    after,
    end_text,
    instant_text,
    usd_text,
    without_empty,
    zone_of,
)

HOLIDAYS_MAX = 1_000


class AwardIn(Shape):
    """When a tranche was awarded, and on which record, waivers or exemption that stands."""

    date: InstantMs
    """When it was made: what permitted it is judged by this day."""
    award: Name | None = None
    """The award on record that it follows from."""
    waiver: Name | None = None
    """The waiver it rests on."""
    waivers: list[Name] = Field(default=[], max_length=32)
    """The waivers it rests on, where it needs those of several holders."""
    exemption: Annotated[ExemptionGround, Strict(strict=False)] | None = None
    """The ground on which it needed no notice: one that each first refusal makes that binds it without a waiver."""
    replaces: Name | None = None
    """The lost provider that it stands in for, where the ground is `provider_loss`."""
    consent: Source = ""
    """Who agreed, where other chips were substituted for those ordered."""

    @model_validator(mode="after")
    def _replaces_on_loss(self) -> Self:
        on_loss = self.exemption is ExemptionGround.PROVIDER_LOSS
        if on_loss and self.replaces is None:
            msg = "an exemption on the ground provider_loss needs `replaces`: the lost provider that it stands in for"
            raise ValueError(msg)
        if self.replaces is not None and not on_loss:
            msg = "`replaces` goes with the exemption provider_loss, and with nothing else"
            raise ValueError(msg)
        return self

    def to_fact(self) -> Award:
        """The award."""
        names = (*(() if self.waiver is None else (self.waiver,)), *self.waivers)
        return Award(
            awarded_ms=self.date,
            award_id=None if self.award is None else AwardId(self.award),
            waiver_ids=tuple(WaiverId(name) for name in names),
            exempt_by=self.exemption,
            replaces=None if self.replaces is None else ProviderId(self.replaces),
            consent=self.consent,
        )


def _award_data(award: Award, zone: str) -> dict[str, Any]:
    one = len(award.waiver_ids) == 1
    data = {
        "date": instant_text(award.awarded_ms, zone),
        "award": award.award_id,
        "waiver": award.waiver_ids[0] if one else None,
        "waivers": [] if one else list(award.waiver_ids),
        "exemption": None if award.exempt_by is None else award.exempt_by.value,
        "replaces": award.replaces,
        "consent": award.consent,
    }
    return without_empty(data)


class TrancheIn(Shape):
    """A part of an order: so many interconnect domains in one pool, promised by a date, at a rate."""

    name: Name
    """Unique within the contract; the tranche is called `contract/name`."""
    order: Title | None = None
    """The order form that it is a part of; tranches of one order are ended together, where a clause gives the right."""
    pool: ScopedName
    """`provider/pool`, of the contract's provider."""
    domains: Count
    """Interconnect domains: a gang must fit one."""
    nodes_per_domain: Count
    new_capacity: bool
    """False for capacity that existed before the clauses on new capacity."""
    use: UseIn = UseIn()
    """What the capacity is meant for: other workloads are kept away. Anything when left out."""
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
        return Tranche(
            id=TrancheId(f"{contract}/{self.name}"),
            order=self.order or "",
            pool_id=PoolId(self.pool),
            domains=self.domains,
            nodes_per_domain=self.nodes_per_domain,
            new_capacity=self.new_capacity,
            use=self.use.to_fact(),
            promised_ms=self.promised,
            ends_ms=self.ends,
            rate_micro_usd_per_chip_hour=self.rate_usd_per_chip_hour,
            rate_source=self.rate_source,
            resale_rate_micro_usd_per_chip_hour=self.resale_rate_usd_per_chip_hour,
            award=self.award.to_fact(),
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
    zone: ZoneName = UTC
    """Where its days, months and business days begin and end, by its IANA name; a date in this document is the first
    moment of that day there."""
    holidays: list[HolidayDate] = Field(default=[], max_length=HOLIDAYS_MAX)
    """Dates on which no business is done, weekends apart."""
    currency: Currency = USD
    """What its amounts are in; any but the ledger's is refused."""
    source: Source
    clauses: list[ClauseIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    amendments: list[AmendmentIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Dated changes of its clauses."""
    tranches: list[TrancheIn] = Field(default=[], max_length=LIST_ITEMS_MAX)

    _ends_after = field_validator("until")(after("from_"))

    @field_validator("amendments")
    @classmethod
    def _amendments_fit(cls, value: list[AmendmentIn], info: ValidationInfo) -> list[AmendmentIn]:
        # What is wrong with the clauses or dates themselves is said of them, and not again here.
        if {"from_", "until", "clauses"} <= info.data.keys():
            amended(info.data["clauses"], value, _interval(info.data["from_"], info.data["until"]), zone_of(info))
        return value

    def to_facts(self) -> tuple[Contract]:
        """The contract."""
        interval = _interval(self.from_, self.until)
        return (
            Contract(
                id=ContractId(self.name),
                title=self.title,
                provider_id=ProviderId(self.provider),
                interval=interval,
                calendar=Calendar(zone=self.zone, holidays=tuple(self.holidays)),
                currency=self.currency,
                clauses=amended(self.clauses, self.amendments, interval, self.zone),
                amendments=tuple(amendment.to_fact() for amendment in self.amendments),
                tranches=tuple(tranche.to_fact(self.name) for tranche in self.tranches),
                source=self.source,
            ),
        )


def _interval(from_ms: int, until_ms: int | None) -> Interval:
    return Interval(from_ms, FOREVER_MS if until_ms is None else until_ms)


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
    zone = fact.calendar.zone
    head = {
        "kind": "contract",
        "name": fact.id,
        "title": fact.title,
        "provider": fact.provider_id,
        "from": instant_text(fact.interval.start_ms, zone),
        "until": end_text(fact.interval.end_ms, zone),
        "zone": None if zone == UTC else zone,
        "holidays": list(fact.calendar.holidays),
        "currency": None if fact.currency == USD else fact.currency,
    }
    parts = {
        "clauses": [clause_data(terms, fact.interval, zone) for terms in fact.clauses],
        "amendments": [amendment_data(amendment, zone) for amendment in fact.amendments],
        "tranches": [_tranche_data(tranche, zone) for tranche in fact.tranches],
    }
    return without_empty(head) | {"source": fact.source} | without_empty(parts)


def _tranche_data(tranche: Tranche, zone: str) -> dict[str, Any]:
    data = {
        "name": tranche.id.partition("/")[2],
        **without_empty({"order": tranche.order}),
        "pool": tranche.pool_id,
        "domains": tranche.domains,
        "nodes_per_domain": tranche.nodes_per_domain,
        "new_capacity": tranche.new_capacity,
        **without_empty({"use": use_data(tranche.use)}),
        "promised": instant_text(tranche.promised_ms, zone),
        "ends": instant_text(tranche.ends_ms, zone),
        "rate_usd_per_chip_hour": usd_text(tranche.rate_micro_usd_per_chip_hour),
        "rate_source": tranche.rate_source,
        "award": _award_data(tranche.award, zone),
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
        "served": instant_text(fact.served_ms, UTC),
        "answered": instant_text(fact.answered_ms, UTC),
        "expires": instant_text(fact.expires_ms, UTC),
        "answer": fact.answer.value,
        "accelerators": list(fact.accelerators),
        "chips": fact.chips,
        "rate_usd_per_chip_hour": usd_text(fact.rate_micro_usd_per_chip_hour),
        "notice_sha256": fact.notice_sha256,
        "source": fact.source,
    }
