"""The shapes of clauses about money and dates: what is owed, at which rate, and what delay or an end costs."""

from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    DelayRemedy,
    Equity,
    FeeStep,
    IndexStep,
    Milestone,
    MinimumCommitment,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    RenewalMode,
    TakeOrPay,
    Termination,
    Tier,
    TierMode,
)
from multihome.units.calendar import Period
from multihome.units.time import Interval
from multihome.wire.documents_clause_parts import ClauseShape, NoticeShape, Steps, window_data
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
    WHOLE_BPS,
    BasisPoints,
    ChipHours,
    CountOrNone,
    Days,
    Factor,
    InstantMs,
    MicroUsd,
    Name,
    Shape,
    Word,
    instant_text,
    percent_text,
    usd_text,
    without_empty,
)

PERIODS_MAX = 120
"""Periods in which a deficiency may be made up: ten years of months."""

PeriodIn = Annotated[Period, Strict(strict=False)]


class TakeOrPayIn(ClauseShape):
    """A share of what was contracted and delivered in each period is paid for, used or not."""

    kind: Literal["take_or_pay"]
    """Says which clause this is."""
    share: BasisPoints
    """What is paid for of what was delivered in a period, used or not."""
    period: PeriodIn = Period.MONTH
    """Over what it is settled, in the contract's zone."""
    make_up_periods: Annotated[int, Field(ge=0, le=PERIODS_MAX)] = 0
    """For how many periods after it what was paid for and not taken may be made up."""
    carry_forward: BasisPoints = 0
    """By how much of what is owed, at most, chip time taken beyond it lowers what is owed in the next period."""

    def to_terms(self, contract: Interval) -> TakeOrPay:
        """The clause."""
        return TakeOrPay(
            id=self.name,
            interval=self.interval(contract),
            share_bps=self.share,
            period=self.period,
            make_up_periods=self.make_up_periods,
            carry_forward_bps=self.carry_forward,
            source=self.source,
        )


def take_or_pay_data(terms: TakeOrPay) -> dict[str, Any]:
    """The way back."""
    rest = {
        "period": None if terms.period is Period.MONTH else terms.period.value,
        "make_up_periods": terms.make_up_periods or None,
        "carry_forward": percent_text(terms.carry_forward_bps) if terms.carry_forward_bps else None,
    }
    return {"share": percent_text(terms.share_bps), **without_empty(rest)}


class AmountStepIn(Shape):
    """From an instant on, so much money a period."""

    from_: InstantMs = Field(alias="from")
    """When it begins."""
    usd: MicroUsd
    """US dollars a period."""


class MinimumCommitmentIn(ClauseShape):
    """At least so much is spent under the contract in each period; what is short is charged at its end."""

    kind: Literal["minimum_commitment"]
    """Says which clause this is."""
    period: PeriodIn
    """Over what it is settled, in the contract's zone."""
    steps: Annotated[list[AmountStepIn], Steps]
    """How much a period, in order of date; a period is settled by the step in force when it begins."""

    def to_terms(self, contract: Interval) -> MinimumCommitment:
        """The clause."""
        return MinimumCommitment(
            id=self.name,
            interval=self.interval(contract),
            period=self.period,
            steps=tuple(AmountStep(from_ms=step.from_, amount_micro_usd=step.usd) for step in self.steps),
            source=self.source,
        )


def minimum_commitment_data(terms: MinimumCommitment, zone: str) -> dict[str, Any]:
    """The way back."""
    steps = [{"from": instant_text(step.from_ms, zone), "usd": usd_text(step.amount_micro_usd)} for step in terms.steps]
    return {"period": terms.period.value, "steps": steps}


class ChipStepIn(Shape):
    """From an instant on, so many chips are contracted."""

    from_: InstantMs = Field(alias="from")
    """When it begins."""
    chips: CountOrNone
    """How many chips of the tranche."""


class RampIn(ClauseShape):
    """How many chips of a tranche are contracted, as steps over time that never go down."""

    kind: Literal["ramp"]
    """Says which clause this is."""
    tranche: Name
    """The tranche's name within the contract."""
    steps: Annotated[list[ChipStepIn], Steps]
    """How many chips from when, in order of date and never fewer than before."""

    def to_terms(self, contract: Interval) -> Ramp:
        """The clause."""
        return Ramp(
            id=self.name,
            interval=self.interval(contract),
            tranche=self.tranche,
            steps=tuple(ChipStep(from_ms=step.from_, chips=step.chips) for step in self.steps),
            source=self.source,
        )


def ramp_data(terms: Ramp, zone: str) -> dict[str, Any]:
    """The way back."""
    steps = [{"from": instant_text(step.from_ms, zone), "chips": step.chips} for step in terms.steps]
    return {"tranche": terms.tranche, "steps": steps}


class PrepaymentIn(ClauseShape):
    """Money paid ahead, from which charges are drawn while it lasts."""

    kind: Literal["prepayment"]
    """Says which clause this is."""
    usd: MicroUsd
    """US dollars that were paid."""
    paid: InstantMs
    """When: prepayments are drawn down oldest first."""
    draw: BasisPoints
    """The share of every charge that is drawn from it."""
    refund: BasisPoints
    """The share of what is left that comes back when the contract is terminated."""

    def to_terms(self, contract: Interval) -> Prepayment:
        """The clause."""
        return Prepayment(
            id=self.name,
            interval=self.interval(contract),
            amount_micro_usd=self.usd,
            paid_ms=self.paid,
            draw_bps=self.draw,
            refund_bps=self.refund,
            source=self.source,
        )


def prepayment_data(terms: Prepayment, zone: str) -> dict[str, Any]:
    """The way back."""
    return {
        "usd": usd_text(terms.amount_micro_usd),
        "paid": instant_text(terms.paid_ms, zone),
        "draw": percent_text(terms.draw_bps),
        "refund": percent_text(terms.refund_bps),
    }


class TierIn(Shape):
    """From so many chip-hours in a period on, this rate."""

    from_chip_hours: ChipHours
    """Where the tier begins; the first one at 0."""
    rate_usd_per_chip_hour: MicroUsd
    """US dollars, with up to six decimals; never rounded."""


class IndexStepIn(Shape):
    """From an instant on the index stands at so much of its value at signature."""

    from_: InstantMs = Field(alias="from")
    """When it begins."""
    factor: Factor
    """Of the value at signature; may be more than 100%."""


class PriceTiersIn(ClauseShape):
    """Rates by volume in a period, moved by a dated index if there is one."""

    kind: Literal["price_tiers"]
    """Says which clause this is."""
    period: PeriodIn
    """Over what the volume is counted, in the contract's zone."""
    mode: Annotated[TierMode, Strict(strict=False)]
    """Whether a tier's rate is for what lies within the tier, or for everything once it is reached."""
    tiers: Annotated[list[TierIn], Steps]
    """In ascending order of volume."""
    tranches: list[Name] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Names of tranches within the contract; all when left out."""
    index: list[IndexStepIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """In order of date; the rates stay as they are when left out."""

    def to_terms(self, contract: Interval) -> PriceTiers:
        """The clause."""
        return PriceTiers(
            id=self.name,
            interval=self.interval(contract),
            period=self.period,
            mode=self.mode,
            tiers=tuple(
                Tier(
                    from_chip_hours=tier.from_chip_hours,
                    rate_micro_usd_per_chip_hour=tier.rate_usd_per_chip_hour,
                )
                for tier in self.tiers
            ),
            tranches=tuple(self.tranches),
            index=tuple(IndexStep(from_ms=step.from_, factor_bps=step.factor) for step in self.index),
            source=self.source,
        )


def price_tiers_data(terms: PriceTiers, zone: str) -> dict[str, Any]:
    """The way back."""
    tiers = [
        {
            "from_chip_hours": tier.from_chip_hours,
            "rate_usd_per_chip_hour": usd_text(tier.rate_micro_usd_per_chip_hour),
        }
        for tier in terms.tiers
    ]
    index = [
        {"from": instant_text(step.from_ms, zone), "factor": percent_text(step.factor_bps)} for step in terms.index
    ]
    rest = without_empty({"tranches": list(terms.tranches), "index": index})
    return {"period": terms.period.value, "mode": terms.mode.value, "tiers": tiers, **rest}


class DelayRemedyIn(ClauseShape):
    """After the grace the provider owes a discount per day late, up to a cap; dates may shift with the delivery."""

    kind: Literal["delay_remedy"]
    """Says which clause this is."""
    grace_days: Days
    """Days late that cost nothing."""
    discount_per_day: BasisPoints
    """Of the rate, for each day after the grace."""
    cap: BasisPoints
    """The largest discount."""
    shifts_end: bool = False
    """Whether the tranche's end moves by the days that it was late."""
    end_tranche_after_days: Days = 0
    """From how many days late on the tranche may be ended; never when 0."""
    end_order_after_days: Days = 0
    """From how many days late on the whole order may be ended; never when 0."""

    def to_terms(self, contract: Interval) -> DelayRemedy:
        """The clause."""
        return DelayRemedy(
            id=self.name,
            interval=self.interval(contract),
            grace_days=self.grace_days,
            discount_bps_per_day=self.discount_per_day,
            cap_bps=self.cap,
            shifts_end=self.shifts_end,
            end_tranche_after_days=self.end_tranche_after_days,
            end_order_after_days=self.end_order_after_days,
            source=self.source,
        )


def delay_remedy_data(terms: DelayRemedy) -> dict[str, Any]:
    """The way back."""
    rest = {
        "shifts_end": terms.shifts_end or None,
        "end_tranche_after_days": terms.end_tranche_after_days or None,
        "end_order_after_days": terms.end_order_after_days or None,
    }
    return {
        "grace_days": terms.grace_days,
        "discount_per_day": percent_text(terms.discount_bps_per_day),
        "cap": percent_text(terms.cap_bps),
        **without_empty(rest),
    }


class FeeStepIn(Shape):
    """From an instant on, ending for convenience costs this share of what is still to be paid."""

    from_: InstantMs = Field(alias="from")
    """When it begins."""
    share: BasisPoints
    """Of what is still to be paid."""


class TerminationIn(NoticeShape):
    """How the contract may be ended: for the causes named after a cure period, or for convenience at a fee."""

    kind: Literal["termination"]
    """Says which clause this is."""
    causes: list[Word] = Field(default=[], max_length=32)
    """For what it may be ended; for no cause when left out."""
    cure_days: Days = 0
    """How long a cause may be cured."""
    fees: list[FeeStepIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """What convenience costs, in order of date; before the first, and when left out, there is no such right."""

    def to_terms(self, contract: Interval) -> Termination:
        """The clause."""
        return Termination(
            id=self.name,
            interval=self.interval(contract),
            notice=self.window(),
            causes=tuple(self.causes),
            cure_days=self.cure_days,
            fees=tuple(FeeStep(from_ms=step.from_, share_bps=step.share) for step in self.fees),
            source=self.source,
        )


def termination_data(terms: Termination, zone: str) -> dict[str, Any]:
    """The way back."""
    fees = [{"from": instant_text(step.from_ms, zone), "share": percent_text(step.share_bps)} for step in terms.fees]
    rest = {"causes": list(terms.causes), "cure_days": terms.cure_days or None, "fees": fees}
    return {**window_data(terms.notice), **without_empty(rest)}


class RenewalIn(NoticeShape):
    """Whether the contract goes on after its end, for how long, and by when one must say otherwise."""

    kind: Literal["renewal"]
    """Says which clause this is."""
    mode: Annotated[RenewalMode, Strict(strict=False)]
    """What happens at the contract's end if nobody says anything: it renews, or it ends."""
    term_days: Days
    """How long it goes on."""
    rate_factor: Factor = WHOLE_BPS
    """At which share of the rates; may be more than 100%."""

    def to_terms(self, contract: Interval) -> Renewal:
        """The clause."""
        return Renewal(
            id=self.name,
            interval=self.interval(contract),
            mode=self.mode,
            notice=self.window(),
            term_days=self.term_days,
            rate_factor_bps=self.rate_factor,
            source=self.source,
        )


def renewal_data(terms: Renewal) -> dict[str, Any]:
    """The way back."""
    factor = None if terms.rate_factor_bps == WHOLE_BPS else percent_text(terms.rate_factor_bps)
    return {
        "mode": terms.mode.value,
        **window_data(terms.notice),
        "term_days": terms.term_days,
        **without_empty({"rate_factor": factor}),
    }


class MilestoneIn(Shape):
    """Worth so much once so many chips of the contract were accepted."""

    chips_accepted: CountOrNone
    """Chips of the contract, in all."""
    usd: MicroUsd
    """What it is worth in US dollars."""


class EquityIn(ClauseShape):
    """Shares or warrants that vest by milestones. They enter the effective price, and nothing else."""

    kind: Literal["equity"]
    """Says which clause this is."""
    milestones: Annotated[list[MilestoneIn], Steps]
    """In ascending order of chips."""

    def to_terms(self, contract: Interval) -> Equity:
        """The clause."""
        return Equity(
            id=self.name,
            interval=self.interval(contract),
            milestones=tuple(
                Milestone(chips_accepted=milestone.chips_accepted, value_micro_usd=milestone.usd)
                for milestone in self.milestones
            ),
            source=self.source,
        )


def equity_data(terms: Equity) -> dict[str, Any]:
    """The way back."""
    milestones = [
        {"chips_accepted": milestone.chips_accepted, "usd": usd_text(milestone.value_micro_usd)}
        for milestone in terms.milestones
    ]
    return {"milestones": milestones}
