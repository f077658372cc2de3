"""Random contracts with money clauses, and what was delivered, lost, suspended and used under them.

A history is facts and raw quantities only. What they cost is computed twice: by the clauses (`clause_statements`) and
by an oracle that knows none of them (`clause_oracle`).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

import msgspec

from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ClauseTerms,
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
    Window,
)
from multihome.simulator.dice import Dice
from multihome.units.calendar import Calendar, DayCount, Period
from multihome.units.money import MICRO_PER_UNIT
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval, parse_instant

T = TypeVar("T", bound=ClauseTerms)

ZONES = ("UTC", "America/New_York", "Europe/London", "Asia/Tokyo")
HOLIDAYS = ("2026-01-01", "2026-07-03", "2026-11-26", "2026-12-25", "2027-01-01", "2027-07-05", "2027-12-27")
_EPOCH_MS = parse_instant("2026-01-01")
_DAYS_MIN, _DAYS_MAX = 60, 460
_WHOLE = 10_000
_PRESENT_PER_MILLE = 800


class Segment(msgspec.Struct, frozen=True):
    """A stretch in which nothing changes: chips used, chips the provider failed to deliver, chips suspended."""

    interval: Interval
    used_chips: int
    under_delivered_chips: int
    suspended_chips: int


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One tranche under one contract. `delivered` are chips accepted, as steps; promised and accepted are the first's.

    `notice_given_ms` and `spoken_ms` are `FOREVER_MS` where nobody ended the contract or spoke on its renewal.
    """

    seed: int
    calendar: Calendar
    term: Interval
    chips: int
    rate_micro_usd_per_chip_hour: int
    promised_ms: int
    accepted_ms: int
    delivered: tuple[ChipStep, ...]
    segments: tuple[Segment, ...]
    clauses: tuple[ClauseTerms, ...]
    notice_given_ms: int
    spoken_ms: int

    def of(self, kind: type[T]) -> tuple[T, ...]:
        """The contract's clauses of a kind."""
        return tuple(terms for terms in self.clauses if isinstance(terms, kind))


class Figure(msgspec.Struct, frozen=True, order=True):
    """One figure of a statement: its day, what it is, and its value in whole units."""

    at_ms: int
    name: str
    value: int


def random_history(seed: int) -> History:
    """The history of a seed; equal seeds give equal histories."""
    dice = Dice(seed, "clause history")
    start_ms = _EPOCH_MS + dice.between(0, 400 * MS_PER_DAY)
    term = Interval(start_ms, start_ms + dice.between(_DAYS_MIN * MS_PER_DAY, _DAYS_MAX * MS_PER_DAY))
    chips = 8 * dice.between(1, 512)
    promised_ms = start_ms + dice.between(0, 20) * MS_PER_DAY
    late_ms = dice.between(1, 60 * MS_PER_DAY) if dice.chance(600) else 0
    return History(
        seed=seed,
        calendar=Calendar(dice.pick(ZONES), HOLIDAYS),
        term=term,
        chips=chips,
        rate_micro_usd_per_chip_hour=dice.between(300_000, 6_000_000),
        promised_ms=promised_ms,
        accepted_ms=promised_ms + late_ms,
        delivered=_delivered(dice, promised_ms + late_ms, chips),
        segments=tuple(_segments(dice, term, chips)),
        clauses=tuple(_clauses(dice, term, chips)),
        notice_given_ms=_within(dice, term) if dice.chance(300) else FOREVER_MS,
        spoken_ms=_within(dice, term) if dice.chance(500) else FOREVER_MS,
    )


def _within(dice: Dice, interval: Interval) -> int:
    return dice.between(interval.start_ms, interval.end_ms - 1)


def _delivered(dice: Dice, accepted_ms: int, chips: int) -> tuple[ChipStep, ...]:
    """All at once, or in two parts."""
    first = dice.between(1, chips) if dice.chance(400) else chips
    later_ms = accepted_ms + dice.between(1, 90 * MS_PER_DAY)
    return ChipStep(from_ms=accepted_ms, chips=first), ChipStep(from_ms=later_ms, chips=chips)


def _segments(dice: Dice, term: Interval, chips: int) -> Iterator[Segment]:
    """Use swings between nothing and a fifth more than was contracted."""
    cuts = {term.start_ms, term.end_ms, *(_within(dice, term) for _ in range(dice.between(3, 30)))}
    for start_ms, end_ms in pairwise(sorted(cuts)):
        yield Segment(
            Interval(start_ms, end_ms),
            used_chips=dice.between(0, chips * 12 // 10) if dice.chance(900) else 0,
            under_delivered_chips=dice.between(1, chips) if dice.chance(150) else 0,
            suspended_chips=dice.between(1, chips) if dice.chance(80) else 0,
        )


def _clauses(dice: Dice, term: Interval, chips: int) -> Iterator[ClauseTerms]:
    """A take-or-pay always, and any mix of the others."""
    month_micro_usd = chips * 720 * 2 * MICRO_PER_UNIT
    yield TakeOrPay(
        id="take",
        interval=term,
        share_bps=dice.between(3_000, _WHOLE),
        period=dice.pick((Period.MONTH, Period.MONTH, Period.QUARTER, Period.YEAR)),
        make_up_periods=dice.between(0, 4),
        carry_forward_bps=dice.between(0, 4_000) if dice.chance(600) else 0,
        source="dice",
    )
    others = (
        _minimum(dice, term, month_micro_usd),
        _ramp(dice, term, chips),
        _prepayment(dice, term, "paid-1", month_micro_usd),
        _prepayment(dice, term, "paid-2", month_micro_usd),
        _tiers(dice, term, chips),
        _delay(dice, term),
        _termination(dice, term),
        _renewal(dice, term),
        _equity(dice, term, chips),
    )
    yield from (terms for terms in others if dice.chance(_PRESENT_PER_MILLE))


def _minimum(dice: Dice, term: Interval, month_micro_usd: int) -> ClauseTerms:
    starts = sorted({term.start_ms, *(_within(dice, term) for _ in range(dice.between(0, 3)))})
    return MinimumCommitment(
        id="spend",
        interval=term,
        period=dice.pick(tuple(Period)),
        steps=tuple(AmountStep(from_ms=at, amount_micro_usd=dice.between(0, 6 * month_micro_usd)) for at in starts),
        source="dice",
    )


def _ramp(dice: Dice, term: Interval, chips: int) -> ClauseTerms:
    starts = sorted({term.start_ms, *(_within(dice, term) for _ in range(dice.between(0, 3)))})
    levels = sorted(dice.between(0, chips) for _ in starts)
    until_ms = term.end_ms if dice.chance(700) else _within(dice, Interval(term.start_ms + 1, term.end_ms))
    steps = tuple(ChipStep(from_ms=at, chips=level) for at, level in zip(starts, levels, strict=True))
    return Ramp(id="ramp", interval=Interval(term.start_ms, until_ms), tranche="t", steps=steps, source="dice")


def _prepayment(dice: Dice, term: Interval, name: str, month_micro_usd: int) -> ClauseTerms:
    return Prepayment(
        id=name,
        interval=term,
        amount_micro_usd=dice.between(0, 4 * month_micro_usd),
        paid_ms=term.start_ms + dice.between(0, 60 * MS_PER_DAY),
        draw_bps=dice.between(1, _WHOLE),
        refund_bps=dice.between(0, _WHOLE),
        source="dice",
    )


def _tiers(dice: Dice, term: Interval, chips: int) -> ClauseTerms:
    starts = sorted({dice.between(0, chips * 2_000) for _ in range(dice.between(1, 4))})
    index_at = sorted({_within(dice, term) for _ in range(dice.between(0, 3))})
    return PriceTiers(
        id="tiers",
        interval=term,
        period=dice.pick(tuple(Period)),
        mode=dice.pick(tuple(TierMode)),
        tiers=tuple(
            Tier(from_chip_hours=start, rate_micro_usd_per_chip_hour=dice.between(200_000, 5_000_000))
            for start in starts
        ),
        index=tuple(IndexStep(from_ms=at, factor_bps=dice.between(8_000, 13_000)) for at in index_at),
        source="dice",
    )


def _delay(dice: Dice, term: Interval) -> ClauseTerms:
    return DelayRemedy(
        id="late",
        interval=term,
        grace_days=dice.between(0, 20),
        discount_bps_per_day=dice.between(0, 700),
        cap_bps=dice.between(0, _WHOLE),
        shifts_end=dice.chance(500),
        end_tranche_after_days=dice.between(0, 40),
        end_order_after_days=dice.between(0, 60),
        source="dice",
    )


def _window(dice: Dice) -> Window:
    return Window(
        days=dice.between(0, 60), count=dice.pick(tuple(DayCount)), closes_minute=dice.pick((1_440, 1_020, 720))
    )


def _termination(dice: Dice, term: Interval) -> ClauseTerms:
    starts = sorted({_within(dice, term) for _ in range(dice.between(0, 3))})
    fees = tuple(FeeStep(from_ms=at, share_bps=dice.between(0, _WHOLE)) for at in starts)
    return Termination(id="end", interval=term, notice=_window(dice), fees=fees, source="dice")


def _renewal(dice: Dice, term: Interval) -> ClauseTerms:
    return Renewal(
        id="again",
        interval=term,
        mode=dice.pick(tuple(RenewalMode)),
        notice=_window(dice),
        term_days=dice.between(1, 800),
        rate_factor_bps=dice.between(5_000, 15_000),
        source="dice",
    )


def _equity(dice: Dice, term: Interval, chips: int) -> ClauseTerms:
    milestones = tuple(
        Milestone(chips_accepted=dice.between(1, chips * 2), value_micro_usd=dice.between(0, 10**13))
        for _ in range(dice.between(0, 3))
    )
    return Equity(id="warrants", interval=term, milestones=milestones, source="dice")
