"""What a history costs by another road: moment by moment in exact fractions, and nothing taken from the clauses.

It cuts the contract's term wherever anything changes, walks the pieces in order, and keeps one running account for each
clause, in chip-hours and whole units of money. Calendars are walked a day at a time. Only a finished line is rounded.
"""

from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor

import msgspec

from multihome.domain.clause_terms import (
    DelayRemedy,
    Equity,
    MinimumCommitment,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    RenewalMode,
    TakeOrPay,
    Termination,
    TierMode,
)
from multihome.simulator.clause_histories import Figure, History
from multihome.simulator.clause_oracle_days import closes, days_on, instant, local, month_ends
from multihome.units.calendar import Period

_HOUR_MS = 3_600_000
_PER_UNIT = 1_000_000
_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
_BY_TEN_THOUSAND = Fraction(1, 10_000)


class Piece(msgspec.Struct, frozen=True):
    """A stretch in which nothing at all changes."""

    start_ms: int
    end_ms: int
    used: int
    under_delivered: int
    suspended: int
    contracted: int

    @property
    def hours(self) -> Fraction:
        """How long it is."""
        return Fraction(self.end_ms - self.start_ms, _HOUR_MS)


class Bill(msgspec.Struct):
    """Figures so far, and lines of money as (end of period, place among the lines of a day, micro-units)."""

    figures: list[Figure]
    lines: list[tuple[int, int, int]]

    def note(self, at_ms: int, name: str, value: int) -> None:
        """Write a figure down."""
        self.figures.append(Figure(at_ms, name, value))

    def line(self, at_ms: int, place: int, amount: int) -> None:
        """Write a line of money down."""
        self.lines.append((at_ms, place, amount))

    def spent(self, start_ms: int, end_ms: int, places: range) -> int:
        """What lines of these places come to whose periods end in a period."""
        return sum(amount for at_ms, place, amount in self.lines if start_ms < at_ms <= end_ms and place in places)


def expected(history: History) -> tuple[Figure, ...]:
    """Every figure of a history, in order of day and name."""
    ended_ms = _ended(history)
    pieces = _pieces(history, ended_ms)
    bill = Bill([], [])
    _usage(history, pieces, bill)
    for terms in history.of(TakeOrPay):
        _take_or_pay(history, terms, pieces, bill)
    for terms in history.of(PriceTiers):
        _tiers(history, terms, pieces, bill)
    for terms in history.of(MinimumCommitment):
        _minimum(history, terms, pieces, bill)
    _prepaid(history, ended_ms, bill)
    for terms in history.of(DelayRemedy):
        _delay(history, terms, bill)
    _end(history, ended_ms, pieces, bill)
    return tuple(sorted(bill.figures))


# --- the walk ---


def _ended(history: History) -> int:
    for terms in history.of(Termination):
        if history.notice_given_ms >= history.term.end_ms:
            continue
        given = local(history.notice_given_ms, history.calendar.zone).date()
        ends_ms = closes(given, terms.notice, history.calendar)
        if ends_ms < history.term.end_ms and any(step.from_ms <= ends_ms for step in terms.fees):
            return ends_ms
    return history.term.end_ms


def _pieces(history: History, ended_ms: int) -> list[Piece]:
    """The time from the contract's beginning to its end, cut wherever anything changes."""
    start_ms = history.term.start_ms
    cuts = {start_ms, ended_ms, history.promised_ms, history.accepted_ms}
    cuts |= {segment.interval.start_ms for segment in history.segments}
    cuts |= {step.from_ms for step in history.delivered}
    cuts |= {end for _, end in month_ends(start_ms, ended_ms, 1, history.calendar.zone)}
    for ramp in history.of(Ramp):
        cuts |= {ramp.interval.start_ms, ramp.interval.end_ms, *(step.from_ms for step in ramp.steps)}
    for tiers in history.of(PriceTiers):
        cuts |= {step.from_ms for step in tiers.index}
    for minimum in history.of(MinimumCommitment):
        cuts |= {step.from_ms for step in minimum.steps}
    inside = sorted(cut for cut in cuts if start_ms <= cut <= ended_ms)
    return [_piece(history, from_ms, to_ms) for from_ms, to_ms in pairwise(inside)]


def _piece(history: History, start_ms: int, end_ms: int) -> Piece:
    segment = next(s for s in history.segments if s.interval.start_ms <= start_ms < s.interval.end_ms)
    return Piece(
        start_ms,
        end_ms,
        segment.used_chips,
        segment.under_delivered_chips,
        segment.suspended_chips,
        _contracted(history, start_ms),
    )


def _contracted(history: History, at_ms: int) -> int:
    chips = 0
    for step in history.delivered:
        if step.from_ms <= at_ms:
            chips = step.chips
    for ramp in history.of(Ramp):
        level = 0
        for step in ramp.steps:
            if step.from_ms <= at_ms:
                level = step.chips
        if ramp.interval.start_ms <= at_ms < ramp.interval.end_ms and level < chips:
            chips = level
    return chips


def _within(pieces: list[Piece], start_ms: int, end_ms: int) -> Iterator[Piece]:
    return (piece for piece in pieces if start_ms <= piece.start_ms < end_ms)


def _whole(units: Fraction) -> int:
    """Micro-units of an exact sum of money, rounded half to even."""
    return round(units * _PER_UNIT)


def _rate(history: History) -> Fraction:
    return Fraction(history.rate_micro_usd_per_chip_hour, _PER_UNIT)


# --- the accounts ---


def _periods(history: History, period: Period, pieces: list[Piece]) -> list[tuple[int, int]]:
    return month_ends(pieces[0].start_ms, pieces[-1].end_ms, _MONTHS[period], history.calendar.zone)


def _usage(history: History, pieces: list[Piece], bill: Bill) -> None:
    for start_ms, end_ms in _periods(history, Period.MONTH, pieces):
        amount = Fraction(0)
        for piece in _within(pieces, start_ms, end_ms):
            amount += piece.used * piece.hours * _rate(history)
        bill.note(end_ms, "usage", _whole(amount))
        bill.line(end_ms, 0, _whole(amount))


def _take_or_pay(history: History, terms: TakeOrPay, pieces: list[Piece], bill: Bill) -> None:
    """Shelves of what was paid for: each period puts what it lacked on a new one, and takes from the oldest in date."""
    shelves: deque[list[int]] = deque()
    carry = 0
    for number, (start_ms, end_ms) in enumerate(_periods(history, terms.period, pieces)):
        while shelves and shelves[0][0] < number:
            shelves.popleft()
        share = off = taken = Fraction(0)
        for piece in _within(pieces, start_ms, end_ms):
            share += piece.contracted * piece.hours * terms.share_bps * _BY_TEN_THOUSAND
            off += (piece.under_delivered + piece.suspended) * piece.hours
            taken += piece.used * piece.hours
        due = floor(share * _HOUR_MS) - floor(off * _HOUR_MS)
        due = max(0, due)
        most = floor(Fraction(due) * terms.carry_forward_bps * _BY_TEN_THOUSAND)
        used_of_carry = min(most, carry)
        owed, took = due - used_of_carry, floor(taken * _HOUR_MS)
        made_up = _from_shelves(shelves, took - owed)
        lacking = owed - took if took < owed else 0
        carry = took - owed - made_up if took > owed and terms.carry_forward_bps else 0
        shelves.append([number + terms.make_up_periods, lacking])
        in_date = sum(chip_ms for last, chip_ms in shelves if last > number)
        bill.note(end_ms, "owed chip-ms", owed)
        bill.note(end_ms, "deficiency chip-ms", lacking)
        bill.note(end_ms, "made up chip-ms", made_up)
        bill.note(end_ms, "carry used chip-ms", used_of_carry)
        bill.note(end_ms, "carried on chip-ms", carry)
        bill.note(end_ms, "make-up left chip-ms", in_date)
        charged = _whole(Fraction(lacking, _HOUR_MS) * _rate(history))
        credited = _whole(Fraction(made_up, _HOUR_MS) * _rate(history))
        bill.note(end_ms, "take-or-pay", charged - credited)
        bill.line(end_ms, 1, charged)
        bill.line(end_ms, 2, -credited)


def _from_shelves(shelves: deque[list[int]], wanted: int) -> int:
    got = 0
    for shelf in shelves:
        if wanted <= got:
            break
        take = min(shelf[1], wanted - got)
        shelf[1] -= take
        got += take
    return got


def _tiers(history: History, terms: PriceTiers, pieces: list[Piece], bill: Bill) -> None:
    """A ladder of room: each step has the chip-hours up to the next one, and usage fills them from below."""
    steps = [(Fraction(tier.from_chip_hours), tier.rate_micro_usd_per_chip_hour) for tier in terms.tiers]
    for start_ms, end_ms in _periods(history, terms.period, pieces):
        total = sum((piece.used * piece.hours for piece in _within(pieces, start_ms, end_ms)), Fraction(0))
        cost = taken = Fraction(0)
        for piece in _within(pieces, start_ms, end_ms):
            index = Fraction(1)
            for step in terms.index:
                if step.from_ms <= piece.start_ms:
                    index = step.factor_bps * _BY_TEN_THOUSAND
            left = piece.used * piece.hours
            while left > 0:
                place = total if terms.mode is TierMode.ALL_UNITS else taken
                rate, room = _rung(history, steps, place, index)
                part = left if terms.mode is TierMode.ALL_UNITS or room is None else min(left, room)
                cost += part * rate
                taken += part
                left -= part
        due = _whole(cost) - bill.spent(start_ms, end_ms, range(1))
        bill.note(end_ms, "true-up", due)
        bill.line(end_ms, 3, due)


def _rung(
    history: History, steps: list[tuple[Fraction, int]], place: Fraction, index: Fraction
) -> tuple[Fraction, Fraction | None]:
    """The rate at a place on the ladder, and the chip-hours up to the next rung; None above the last."""
    rate = _rate(history)
    for start, micro in steps:
        if start > place:
            return rate, start - place
        rate = Fraction(micro, _PER_UNIT) * index
    return rate, None


def _minimum(history: History, terms: MinimumCommitment, pieces: list[Piece], bill: Bill) -> None:
    """Each piece of time accrues its part of the amount in force."""
    for start_ms, end_ms in _periods(history, terms.period, pieces):
        accrued = late = Fraction(0)
        for piece in _within(pieces, start_ms, end_ms):
            amount = 0
            for step in terms.steps:
                if step.from_ms <= piece.start_ms:
                    amount = step.amount_micro_usd
            accrued += Fraction(amount, _PER_UNIT) * Fraction(piece.end_ms - piece.start_ms, end_ms - start_ms)
            if history.promised_ms <= piece.start_ms < history.accepted_ms:
                late += history.chips * piece.hours * _rate(history)
        least = _whole(accrued) - _whole(late)
        least = max(0, least)
        spent = bill.spent(start_ms, end_ms, range(4))
        short = least - spent if spent < least else 0
        bill.note(end_ms, "minimum", least)
        bill.note(end_ms, "shortfall", short)
        bill.line(end_ms, 4, short)


def _prepaid(history: History, ended_ms: int, bill: Bill) -> None:
    """Purses, oldest first; each opens for what its own share of a charge leaves after the older ones paid."""
    purses = sorted(history.of(Prepayment), key=lambda terms: (terms.paid_ms, terms.id))
    holds = {terms.id: terms.amount_micro_usd for terms in purses}
    for at_ms, place, amount in sorted(bill.lines):
        if amount <= 0:
            continue
        when, open_ = min(at_ms, ended_ms) - 1, amount
        for terms in purses:
            if terms.paid_ms <= when < terms.interval.end_ms and terms.interval.start_ms <= when:
                floor_of_share = amount - round(Fraction(amount) * terms.draw_bps * _BY_TEN_THOUSAND)
                gives = min(holds[terms.id], open_ - floor_of_share) if open_ > floor_of_share else 0
                holds[terms.id] -= gives
                open_ -= gives
        bill.note(at_ms, f"to pay of line {place}", open_)
    if ended_ms < history.term.end_ms:
        for terms in purses:
            back = round(Fraction(holds[terms.id]) * terms.refund_bps * _BY_TEN_THOUSAND)
            bill.note(ended_ms, f"refund of {terms.id}", back)


def _delay(history: History, terms: DelayRemedy, bill: Bill) -> None:
    """One day at a time: late, then past the grace, then dearer by a day's discount until the cap."""
    days = discount = 0
    at_ms, zone = history.accepted_ms, history.calendar.zone
    while days_on(history.promised_ms, days, zone) < at_ms:
        days += 1
        if days > terms.grace_days:
            discount = min(terms.cap_bps, discount + terms.discount_bps_per_day)
    fee = history.chips * 30 * 24 * _rate(history)
    passed = max(0, days - 1)
    end_ms = history.term.end_ms
    bill.note(at_ms, "days late", days)
    bill.note(at_ms, "discount", _whole(fee * discount * _BY_TEN_THOUSAND))
    shifted = days_on(end_ms, days, zone) if terms.shifts_end else end_ms
    bill.note(at_ms, "shifted end", shifted)
    bill.note(at_ms, "may end tranche", int(0 < terms.end_tranche_after_days <= passed))
    bill.note(at_ms, "may end order", int(0 < terms.end_order_after_days <= passed))


def _end(history: History, ended_ms: int, pieces: list[Piece], bill: Bill) -> None:
    end_ms, zone = history.term.end_ms, history.calendar.zone
    if ended_ms < end_ms:
        rest = sum((p.contracted * p.hours for p in _pieces(history, end_ms) if p.start_ms >= ended_ms), Fraction(0))
        rest += _straddling(history, ended_ms)
        for terms in history.of(Termination):
            share = 0
            for step in terms.fees:
                if step.from_ms <= ended_ms:
                    share = step.share_bps
            bill.note(ended_ms, "termination fee", _whole(rest * _rate(history) * share * _BY_TEN_THOUSAND))
    for terms in history.of(Renewal):
        day = local(end_ms, zone).date()
        while closes(day, terms.notice, history.calendar) > end_ms:
            day -= timedelta(days=1)
        until_ms = instant(day, 24 * 60, zone)
        silent = history.spoken_ms >= until_ms
        bill.note(end_ms, "speak until", until_ms)
        bill.note(end_ms, "renews", int(silent if terms.mode is RenewalMode.AUTOMATIC else not silent))
        bill.note(end_ms, "renewed end", days_on(end_ms, terms.term_days, zone))
        bill.note(end_ms, "renewed rate", _whole(_rate(history) * terms.rate_factor_bps * _BY_TEN_THOUSAND))
    for terms in history.of(Equity):
        chips = max(step.chips for step in history.delivered)
        worth = sum(Fraction(m.value_micro_usd, _PER_UNIT) for m in terms.milestones if m.chips_accepted <= chips)
        hours = sum((piece.used * piece.hours for piece in pieces), Fraction(0))
        effective = (hours * _rate(history) - worth) / hours if hours else _rate(history)
        bill.note(end_ms, "effective rate", _whole(effective))


def _straddling(history: History, ended_ms: int) -> Fraction:
    """Chip-hours contracted in the rest of the piece in which the contract ended."""
    for piece in _pieces(history, history.term.end_ms):
        if piece.start_ms < ended_ms < piece.end_ms:
            return piece.contracted * Fraction(piece.end_ms - ended_ms, _HOUR_MS)
    return Fraction(0)
