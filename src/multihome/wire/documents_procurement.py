"""Documents about what comes before an order, and what interrupts one: needs, offers and suspensions.

Notices, answers and awards are acts and have no documents.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, Strict, field_validator

from multihome.domain.contracts import USD, Suspension
from multihome.domain.ids import AcceleratorName, ContractId, NeedId, OfferId, PoolId, ProviderId, TrancheId
from multihome.domain.procurement import Firmness, Need, Offer
from multihome.units.time import FOREVER_MS, Interval
from multihome.wire.documents_clause_parts import UseIn, use_data
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
    UTC,
    Accelerator,
    Count,
    Currency,
    Days,
    InstantMs,
    MicroUsd,
    Name,
    ScopedName,
    Shape,
    Source,
    Title,
    Word,
    after,
    end_text,
    instant_text,
    usd_text,
    without_empty,
)

TERM_DAYS_MAX = 3_660


class NeedIn(Shape):
    """Capacity that somebody wants: so many chips of one of these accelerators, by a date, for a use."""

    kind: Literal["need"]
    """Says what document this is."""
    name: Name
    """The need's id."""
    accelerators: Annotated[list[Accelerator], Field(min_length=1, max_length=32)]
    """Any one of them will do."""
    chips: Count
    """How many."""
    by: InstantMs
    """When they are wanted."""
    until: InstantMs
    """Until when."""
    use: UseIn = UseIn()
    """What for; anything when left out."""
    territories: list[Word] = Field(default=[], max_length=32)
    """Regions and jurisdictions where it may be; anywhere when left out."""
    source: Source
    """Where it is written."""

    _ends_after = field_validator("until")(after("by"))

    def to_facts(self) -> tuple[Need]:
        """The need."""
        return (
            Need(
                id=NeedId(self.name),
                accelerators=tuple(AcceleratorName(name) for name in self.accelerators),
                chips=self.chips,
                by_ms=self.by,
                until_ms=self.until,
                use=self.use.to_fact(),
                territories=tuple(self.territories),
                source=self.source,
            ),
        )


def need_data(fact: Need) -> dict[str, Any]:
    """A need as a document."""
    return {
        "kind": "need",
        "name": fact.id,
        "accelerators": list(fact.accelerators),
        "chips": fact.chips,
        "by": instant_text(fact.by_ms, UTC),
        "until": instant_text(fact.until_ms, UTC),
        **without_empty({"use": use_data(fact.use), "territories": list(fact.territories)}),
        "source": fact.source,
    }


class ChipsRangeIn(Shape):
    """How many chips may be taken."""

    min: Count
    """The fewest."""
    max: Count
    """The most."""
    step: Count = 1
    """In steps of so many from the fewest on."""


class StartWindowIn(Shape):
    """When the capacity may begin."""

    from_: InstantMs = Field(alias="from")
    """The earliest start."""
    until: InstantMs
    """The latest start."""


class TermDaysIn(Shape):
    """For how long the capacity may be taken."""

    min: Annotated[int, Field(ge=1, le=TERM_DAYS_MAX)]
    """The shortest term in days."""
    max: Annotated[int, Field(ge=1, le=TERM_DAYS_MAX)]
    """The longest term in days."""


class OfferIn(Shape):
    """Terms on which a provider would sell chips of one pool, until the offer expires."""

    kind: Literal["offer"]
    """Says what document this is."""
    name: Name
    """The offer's id."""
    provider: Name
    """Whose offer it is."""
    pool: ScopedName
    """`provider/pool`, of the same provider."""
    chips: ChipsRangeIn
    """How many may be taken."""
    start: StartWindowIn
    """When they may begin."""
    term_days: TermDaysIn
    """For how long."""
    lead_days: Days = 0
    """How many days after an award capacity can begin at the earliest."""
    rate_usd_per_chip_hour: MicroUsd
    """US dollars, with up to six decimals; never rounded."""
    currency: Currency = USD
    """What the offer is in; any but the ledger's is refused."""
    firmness: Annotated[Firmness, Strict(strict=False)]
    """How far the provider is bound."""
    new_capacity: bool = True
    """False for capacity that existed before the clauses on new capacity."""
    use: UseIn = UseIn()
    """What the capacity is meant for; anything when left out."""
    cancellation: Source = ""
    """How it may be changed or cancelled, in words."""
    expires: InstantMs
    """When it can no longer be taken."""
    need: Name | None = None
    """The need that it answers, if there is one."""
    source: Source
    """Where it is written."""

    def to_facts(self) -> tuple[Offer]:
        """The offer."""
        return (
            Offer(
                id=OfferId(self.name),
                provider_id=ProviderId(self.provider),
                pool_id=PoolId(self.pool),
                chips_min=self.chips.min,
                chips_max=self.chips.max,
                chips_step=self.chips.step,
                start_from_ms=self.start.from_,
                start_until_ms=self.start.until,
                term_days_min=self.term_days.min,
                term_days_max=self.term_days.max,
                lead_days=self.lead_days,
                rate_micro_usd_per_chip_hour=self.rate_usd_per_chip_hour,
                currency=self.currency,
                firmness=self.firmness,
                new_capacity=self.new_capacity,
                use=self.use.to_fact(),
                cancellation=self.cancellation,
                expires_ms=self.expires,
                need_id=None if self.need is None else NeedId(self.need),
                source=self.source,
            ),
        )


def offer_data(fact: Offer) -> dict[str, Any]:
    """An offer as a document."""
    rest = {"use": use_data(fact.use), "cancellation": fact.cancellation, "need": fact.need_id}
    return {
        "kind": "offer",
        "name": fact.id,
        "provider": fact.provider_id,
        "pool": fact.pool_id,
        "chips": {"min": fact.chips_min, "max": fact.chips_max, "step": fact.chips_step},
        "start": {"from": instant_text(fact.start_from_ms, UTC), "until": instant_text(fact.start_until_ms, UTC)},
        "term_days": {"min": fact.term_days_min, "max": fact.term_days_max},
        "lead_days": fact.lead_days,
        "rate_usd_per_chip_hour": usd_text(fact.rate_micro_usd_per_chip_hour),
        "currency": fact.currency,
        "firmness": fact.firmness.value,
        "new_capacity": fact.new_capacity,
        "expires": instant_text(fact.expires_ms, UTC),
        **without_empty(rest),
        "source": fact.source,
    }


class SuspensionIn(Shape):
    """Force majeure or a like event: in its interval nothing is owed of what it names."""

    kind: Literal["suspension"]
    """Says what document this is."""
    name: Name
    """The suspension's id."""
    contract: Name
    """Under which contract."""
    from_: InstantMs = Field(alias="from")
    """When it begins."""
    until: InstantMs | None = None
    """When it ends; open when left out."""
    tranches: list[Name] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Names of tranches within the contract; all when left out."""
    ground: Title
    """What happened."""
    source: Source
    """Where it is written."""

    _ends_after = field_validator("until")(after("from_"))

    def to_facts(self) -> tuple[Suspension]:
        """The suspension."""
        return (
            Suspension(
                id=self.name,
                contract_id=ContractId(self.contract),
                interval=Interval(self.from_, FOREVER_MS if self.until is None else self.until),
                tranche_ids=tuple(TrancheId(f"{self.contract}/{name}") for name in self.tranches),
                ground=self.ground,
                source=self.source,
            ),
        )


def suspension_data(fact: Suspension) -> dict[str, Any]:
    """A suspension as a document."""
    rest = {
        "until": end_text(fact.interval.end_ms, UTC),
        "tranches": [tranche_id.removeprefix(f"{fact.contract_id}/") for tranche_id in fact.tranche_ids],
    }
    return {
        "kind": "suspension",
        "name": fact.id,
        "contract": fact.contract_id,
        "from": instant_text(fact.interval.start_ms, UTC),
        **without_empty(rest),
        "ground": fact.ground,
        "source": fact.source,
    }
