"""Bodies of requests about first refusal and awards: notices served and answered, offers taken."""

from typing import Annotated, Literal

from pydantic import Field

from multihome.domain.commands import AnswerNotice, AskFirst, AwardOffer, ServeNotice
from multihome.domain.ids import AcceleratorName, ContractId, NeedId, NoticeId, OfferId, ProviderId
from multihome.domain.procurement import AnswerKind
from multihome.wire.fields import Accelerator, Count, InstantMs, MicroUsd, Name, ScopedName
from multihome.wire.requests import PersonIn

CurrencyWord = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class ServeIn(PersonIn):
    """Which offer's terms the holder of a first refusal is told, and since when; now when no date is given."""

    clause: ScopedName
    offer: Name
    chips: Count
    starts: InstantMs
    ends: InstantMs
    effective: InstantMs = 0

    def to_command(self) -> ServeNotice:
        """The command."""
        contract, _, clause = self.clause.partition("/")
        return ServeNotice(
            contract_id=ContractId(contract),
            clause_id=clause,
            offer_id=OfferId(self.offer),
            chips=self.chips,
            starts_ms=self.starts,
            ends_ms=self.ends,
            effective_ms=self.effective,
            actor=self.actor,
            why=self.why,
        )


class AskIn(PersonIn):
    """What the holder of a first refusal is asked for, at which rate at most, and since when; now without a date."""

    clause: ScopedName
    accelerator: Accelerator
    region: Name
    chips: Count
    starts: InstantMs
    ends: InstantMs
    rate_usd_per_chip_hour: MicroUsd
    effective: InstantMs = 0

    def to_command(self, need: str) -> AskFirst:
        """The command."""
        contract, _, clause = self.clause.partition("/")
        return AskFirst(
            contract_id=ContractId(contract),
            clause_id=clause,
            need_id=NeedId(need),
            accelerator=AcceleratorName(self.accelerator),
            region=self.region,
            chips=self.chips,
            starts_ms=self.starts,
            ends_ms=self.ends,
            rate_micro_usd_per_chip_hour=self.rate_usd_per_chip_hour,
            effective_ms=self.effective,
            actor=self.actor,
            why=self.why,
        )


class AnswerIn(PersonIn):
    """What the holder said; what is left out is as noticed. A decline with a rate asks for that rate."""

    answer: Literal["matched", "matched_in_part", "declined"]
    chips: Count | None = None
    accelerator: Accelerator | None = None
    starts: InstantMs | None = None
    ends: InstantMs | None = None
    rate_usd_per_chip_hour: MicroUsd | None = None
    currency: CurrencyWord | None = None
    effective: InstantMs = 0

    def to_command(self, notice: str) -> AnswerNotice:
        """The command."""
        return AnswerNotice(
            notice_id=NoticeId(notice),
            kind=AnswerKind(self.answer),
            chips=self.chips,
            accelerator=AcceleratorName(self.accelerator) if self.accelerator is not None else None,
            starts_ms=self.starts,
            ends_ms=self.ends,
            rate_micro_usd_per_chip_hour=self.rate_usd_per_chip_hour,
            currency=self.currency,
            effective_ms=self.effective,
            actor=self.actor,
            why=self.why,
        )


class AwardIn(PersonIn):
    """Which offer is taken, and how much of it; `replaces` is a lost provider that it stands in for."""

    offer: Name
    chips: Count
    starts: InstantMs
    ends: InstantMs
    replaces: Name | None = None
    effective: InstantMs = 0

    def to_command(self) -> AwardOffer:
        """The command."""
        return AwardOffer(
            offer_id=OfferId(self.offer),
            chips=self.chips,
            starts_ms=self.starts,
            ends_ms=self.ends,
            replaces=ProviderId(self.replaces) if self.replaces is not None else None,
            effective_ms=self.effective,
            actor=self.actor,
            why=self.why,
        )
