"""Money clauses with sensible defaults, over the year 2026: a test names only what it is about."""

from typing import Any

from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ClauseTerms,
    ConcentrationCap,
    Dimension,
    Equity,
    Favoured,
    FavouredRemedy,
    FeeStep,
    Measure,
    Milestone,
    MinimumCommitment,
    MostFavoured,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    RenewalMode,
    Substitution,
    SubstitutionRule,
    Termination,
    Tier,
    TierMode,
    Window,
)
from multihome.units.calendar import Period
from tests.builders import H100, START_MS, YEAR, day, delay_remedy, exclusivity, first_refusal, take_or_pay

HOUR_MS = 3_600_000
USD = 1_000_000
"""Micro-USD of a dollar."""


def minimum_commitment(*amounts: tuple[int, int], **more: Any) -> MinimumCommitment:
    """Amounts as (from day, micro-USD); a million dollars from the first day unless others are given."""
    steps = tuple(AmountStep(from_ms=day(at), amount_micro_usd=micro) for at, micro in amounts or ((0, 10**12),))
    facts: dict[str, Any] = {"id": "spend", "interval": YEAR, "period": Period.MONTH, "steps": steps, "source": "test"}
    return MinimumCommitment(**(facts | more))


def ramp(*levels: tuple[int, int], **more: Any) -> Ramp:
    """Levels as (from day, chips); 8 chips, and 32 from day 31, unless others are given."""
    steps = tuple(ChipStep(from_ms=day(at), chips=chips) for at, chips in levels or ((0, 8), (31, 32)))
    facts: dict[str, Any] = {"id": "ramp", "interval": YEAR, "tranche": "t1", "steps": steps, "source": "test"}
    return Ramp(**(facts | more))


def prepayment(clause_id: str = "paid", **more: Any) -> Prepayment:
    """A thousand dollars paid on the first day; a quarter of every charge is drawn, half of the rest comes back."""
    facts: dict[str, Any] = {
        "id": clause_id,
        "interval": YEAR,
        "amount_micro_usd": 1_000 * USD,
        "paid_ms": START_MS,
        "draw_bps": 2_500,
        "refund_bps": 5_000,
        "source": "test",
    }
    return Prepayment(**(facts | more))


def price_tiers(*tiers: tuple[int, int], **more: Any) -> PriceTiers:
    """Tiers as (from chip-hours, rate); 2 USD, 1.50 from 100, 1 from 1,000, unless others are given."""
    given = tiers or ((0, 2 * USD), (100, 3 * USD // 2), (1_000, USD))
    facts: dict[str, Any] = {
        "id": "tiers",
        "interval": YEAR,
        "period": Period.MONTH,
        "mode": TierMode.GRADUATED,
        "tiers": tuple(Tier(from_chip_hours=start, rate_micro_usd_per_chip_hour=rate) for start, rate in given),
        "source": "test",
    }
    return PriceTiers(**(facts | more))


def termination(*fees: tuple[int, int], **more: Any) -> Termination:
    """Fees as (from day, basis points); notice of 90 calendar days, two causes, thirty days to cure."""
    steps = tuple(FeeStep(from_ms=day(at), share_bps=bps) for at, bps in fees)
    facts: dict[str, Any] = {
        "id": "end",
        "interval": YEAR,
        "notice": Window(days=90),
        "causes": ("insolvency", "breach"),
        "cure_days": 30,
        "fees": steps,
        "source": "test",
    }
    return Termination(**(facts | more))


def renewal(**more: Any) -> Renewal:
    """Automatic, for a year at 5 % more, unless somebody speaks 60 days before the end."""
    facts: dict[str, Any] = {
        "id": "again",
        "interval": YEAR,
        "mode": RenewalMode.AUTOMATIC,
        "notice": Window(days=60),
        "term_days": 365,
        "rate_factor_bps": 10_500,
        "source": "test",
    }
    return Renewal(**(facts | more))


def equity(*milestones: tuple[int, int], **more: Any) -> Equity:
    """Milestones as (chips accepted, micro-USD)."""
    steps = tuple(Milestone(chips_accepted=chips, value_micro_usd=micro) for chips, micro in milestones)
    return Equity(**({"id": "warrants", "interval": YEAR, "milestones": steps, "source": "test"} | more))


def every_kind() -> tuple[ClauseTerms, ...]:
    """One clause of each of the fourteen kinds."""
    return (
        exclusivity(),
        first_refusal(),
        take_or_pay(),
        minimum_commitment(),
        ramp(),
        prepayment(),
        price_tiers(),
        delay_remedy(),
        termination((0, 5_000)),
        renewal(),
        ConcentrationCap(
            id="cap",
            interval=YEAR,
            dimension=Dimension.PROVIDER,
            measure=Measure.CHIPS,
            cap_bps=6_000,
            window_days=365,
            source="test",
        ),
        MostFavoured(
            id="best",
            interval=YEAR,
            favoured=Favoured.BUYER,
            accelerators=(H100,),
            chips_min=8,
            chips_max=512,
            look_back_days=180,
            remedy=FavouredRemedy.MATCH_RATE,
            source="test",
        ),
        Substitution(id="like", interval=YEAR, rule=SubstitutionRule.LIKE_FOR_LIKE, needs_consent=True, source="test"),
        equity((8, 10**9)),
    )
