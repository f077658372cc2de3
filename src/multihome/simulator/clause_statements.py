"""What the clauses make of a history: every period settled, every line drawn from what was prepaid, and the end.

The functions under test are arguments, so that a wrong one can be planted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from multihome.clauses import (
    delay_remedy,
    equity,
    minimum_commitment,
    prepayment,
    price_tiers,
    ramp,
    renewal,
    take_or_pay,
    termination,
)
from multihome.domain.balances import TakeOrPayBalance
from multihome.domain.clause_terms import (
    DelayRemedy,
    Equity,
    MinimumCommitment,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    TakeOrPay,
    Termination,
)
from multihome.simulator.clause_histories import Figure, History
from multihome.units.calendar import MissingLocalTime, Period, period_interval
from multihome.units.money import Rounding, charge_micro_usd
from multihome.units.time import Interval


class ClauseFunctions(msgspec.Struct, frozen=True):
    """The functions that settle a period. The house's own are the defaults."""

    settle: Callable[[TakeOrPay, take_or_pay.PeriodUse, TakeOrPayBalance, int], take_or_pay.Settlement] = (
        take_or_pay.settle
    )
    tiered: Callable[[PriceTiers, Sequence[price_tiers.TierUse]], int] = price_tiers.tiered_micro_usd
    minimum: Callable[[MinimumCommitment, Interval, int, int], minimum_commitment.Shortfall] = (
        minimum_commitment.settle_minimum
    )
    draw: Callable[[Sequence[Prepayment], Mapping[str, int], int, int], prepayment.Drawn] = prepayment.draw
    delay: Callable[[DelayRemedy, int, int, str], delay_remedy.Delay] = delay_remedy.delay


class Line(msgspec.Struct, frozen=True, order=True):
    """A line of an invoice: the end of its period, its place among the lines of that day, and its amount."""

    at_ms: int
    place: int
    amount_micro_usd: int


def statement(history: History, functions: ClauseFunctions) -> tuple[Figure, ...]:
    """Every figure of a history by the clauses, in order of day and name."""
    live = Interval(history.term.start_ms, _ended_ms(history))
    usage = [Line(period.end_ms, 0, _usage(history, live, period)) for period in _periods(history, live, Period.MONTH)]
    figures = [Figure(line.at_ms, "usage", line.amount_micro_usd) for line in usage]
    lines = list(usage)
    for found, more in (
        _take_or_pay(history, live, functions),
        _price_tiers(history, live, usage, functions),
    ):
        figures += found
        lines += more
    found, more = _minimum(history, live, tuple(lines), functions)
    figures += found
    lines += more
    figures += _prepaid(history, live, sorted(lines), functions)
    figures += _delay(history, functions)
    figures += _end(history, live)
    return tuple(sorted(figures))


def _ended_ms(history: History) -> int:
    """When the contract ends: at its term, or when a notice for convenience runs out before it."""
    for terms in history.of(Termination) if history.term.contains(history.notice_given_ms) else ():
        ends_ms = termination.notice_ends_ms(terms, history.calendar, history.notice_given_ms)
        if (
            isinstance(ends_ms, int)
            and ends_ms < history.term.end_ms
            and isinstance(termination.fee_share_bps(terms, ends_ms), int)
        ):
            return ends_ms
    return history.term.end_ms


def _periods(history: History, live: Interval, period: Period) -> Iterator[Interval]:
    at_ms = live.start_ms
    while at_ms < live.end_ms:
        interval = period_interval(at_ms, period, history.calendar.zone)
        yield interval
        at_ms = interval.end_ms


def _common(one: Interval, other: Interval) -> Interval:
    start_ms = max(one.start_ms, other.start_ms)
    return Interval(start_ms, max(start_ms, min(one.end_ms, other.end_ms)))


def _taken_chip_ms(history: History, interval: Interval) -> int:
    return sum(segment.used_chips * segment.interval.overlap_ms(interval) for segment in history.segments)


def _usage(history: History, live: Interval, month: Interval) -> int:
    taken = _taken_chip_ms(history, _common(live, month))
    return charge_micro_usd(taken, history.rate_micro_usd_per_chip_hour, Rounding.HALF_EVEN)


def _contracted_chip_ms(history: History, interval: Interval) -> int:
    """What was delivered, as far as the ramp contracts it."""
    nothing = Interval(interval.start_ms, interval.start_ms)
    unramped = Ramp(id="", interval=nothing, tranche="", steps=(), source="")
    terms = next(iter(history.of(Ramp)), unramped)
    return ramp.contracted_chip_ms(terms, history.delivered, interval)


def _take_or_pay(history: History, live: Interval, functions: ClauseFunctions) -> tuple[list[Figure], list[Line]]:
    figures: list[Figure] = []
    lines: list[Line] = []
    for terms in history.of(TakeOrPay):
        balance = take_or_pay.NOTHING_CARRIED
        for period in _periods(history, live, terms.period):
            within = _common(live, period)
            use = take_or_pay.PeriodUse(
                contracted_chip_ms=_contracted_chip_ms(history, within),
                taken_chip_ms=_taken_chip_ms(history, within),
                under_delivered_chip_ms=sum(
                    segment.under_delivered_chips * segment.interval.overlap_ms(within) for segment in history.segments
                ),
                force_majeure_chip_ms=sum(
                    segment.suspended_chips * segment.interval.overlap_ms(within) for segment in history.segments
                ),
            )
            settled = functions.settle(terms, use, balance, history.rate_micro_usd_per_chip_hour)
            balance = settled.balance
            figures += _settlement_figures(period.end_ms, settled)
            lines.append(Line(period.end_ms, 1, settled.deficiency_micro_usd))
            lines.append(Line(period.end_ms, 2, -settled.made_up_micro_usd))
    return figures, lines


def _settlement_figures(at_ms: int, settled: take_or_pay.Settlement) -> list[Figure]:
    return [
        Figure(at_ms, "owed chip-ms", settled.owed_chip_ms),
        Figure(at_ms, "deficiency chip-ms", settled.deficiency_chip_ms),
        Figure(at_ms, "made up chip-ms", settled.made_up_chip_ms),
        Figure(at_ms, "carry used chip-ms", settled.carry_used_chip_ms),
        Figure(at_ms, "carried on chip-ms", settled.balance.carried_chip_ms),
        Figure(at_ms, "make-up left chip-ms", sum(lot.chip_ms for lot in settled.balance.make_up)),
        Figure(at_ms, "take-or-pay", settled.due_micro_usd),
    ]


def _price_tiers(
    history: History, live: Interval, usage: Sequence[Line], functions: ClauseFunctions
) -> tuple[list[Figure], list[Line]]:
    figures: list[Figure] = []
    lines: list[Line] = []
    for terms in history.of(PriceTiers):
        for period in _periods(history, live, terms.period):
            charged = _lines_of(usage, period)
            tiered = functions.tiered(terms, tuple(_tier_uses(history, terms, _common(live, period))))
            due = price_tiers.TrueUp(tiered, charged).due_micro_usd
            figures.append(Figure(period.end_ms, "true-up", due))
            lines.append(Line(period.end_ms, 3, due))
    return figures, lines


def _lines_of(lines: Sequence[Line], period: Interval) -> int:
    """The sum of lines whose own periods end within a period."""
    return sum(line.amount_micro_usd for line in lines if period.start_ms < line.at_ms <= period.end_ms)


def _tier_uses(history: History, terms: PriceTiers, interval: Interval) -> Iterator[price_tiers.TierUse]:
    """Usage in the order in which it was taken, cut where the index moves."""
    for segment in history.segments:
        part = _common(segment.interval, interval)
        cuts = {part.start_ms, part.end_ms, *(step.from_ms for step in terms.index)}
        for start_ms, end_ms in pairwise(sorted(cut for cut in cuts if part.start_ms <= cut <= part.end_ms)):
            chip_ms = segment.used_chips * (end_ms - start_ms)
            yield price_tiers.TierUse(start_ms, chip_ms, history.rate_micro_usd_per_chip_hour)


def _minimum(
    history: History, live: Interval, lines: Sequence[Line], functions: ClauseFunctions
) -> tuple[list[Figure], list[Line]]:
    figures: list[Figure] = []
    shortfalls: list[Line] = []
    for terms in history.of(MinimumCommitment):
        cut = msgspec.structs.replace(terms, interval=live)
        for period in _periods(history, live, terms.period):
            late = delay_remedy.suspended_chip_ms(
                history.chips, history.promised_ms, history.accepted_ms, _common(live, period)
            )
            suspended = charge_micro_usd(late, history.rate_micro_usd_per_chip_hour, Rounding.HALF_EVEN)
            settled = functions.minimum(cut, period, _lines_of(lines, period), suspended)
            figures.append(Figure(period.end_ms, "minimum", settled.minimum_micro_usd))
            figures.append(Figure(period.end_ms, "shortfall", settled.shortfall_micro_usd))
            shortfalls.append(Line(period.end_ms, 4, settled.shortfall_micro_usd))
    return figures, shortfalls


def _prepaid(history: History, live: Interval, lines: Sequence[Line], functions: ClauseFunctions) -> Iterator[Figure]:
    """Each charge drawn from what was paid ahead, and what comes back of the rest when notice ended the contract."""
    prepayments = history.of(Prepayment)
    left: Mapping[str, int] = {}
    for line in lines:
        if line.amount_micro_usd <= 0:
            continue
        drawn = functions.draw(prepayments, left, line.amount_micro_usd, min(line.at_ms, live.end_ms) - 1)
        left = drawn.left_micro_usd
        yield Figure(line.at_ms, f"to pay of line {line.place}", drawn.to_pay_micro_usd)
    if live.end_ms < history.term.end_ms:
        for terms in prepayments:
            rest = left.get(terms.id, terms.amount_micro_usd)
            yield Figure(live.end_ms, f"refund of {terms.id}", prepayment.refund_micro_usd(terms, rest))


def _delay(history: History, functions: ClauseFunctions) -> Iterator[Figure]:
    for terms in history.of(DelayRemedy):
        late = functions.delay(terms, history.promised_ms, history.accepted_ms, history.calendar.zone)
        at_ms = history.accepted_ms
        rights = delay_remedy.end_rights(terms, history.promised_ms, at_ms - 1, history.calendar.zone)
        yield Figure(at_ms, "days late", late.late_days)
        yield Figure(
            at_ms,
            "discount",
            delay_remedy.discount_micro_usd(late, history.chips, history.rate_micro_usd_per_chip_hour),
        )
        yield Figure(
            at_ms, "shifted end", delay_remedy.shifted_end_ms(terms, late, history.term.end_ms, history.calendar)
        )
        yield Figure(at_ms, "may end tranche", int(delay_remedy.EndRight.TRANCHE in rights))
        yield Figure(at_ms, "may end order", int(delay_remedy.EndRight.ORDER in rights))


def _end(history: History, live: Interval) -> Iterator[Figure]:
    """Termination, renewal, and what the capacity cost in effect."""
    end_ms = history.term.end_ms
    rate = history.rate_micro_usd_per_chip_hour
    if live.end_ms < end_ms:
        for terms in history.of(Termination):
            rest = _contracted_chip_ms(history, Interval(live.end_ms, end_ms))
            fee = termination.fee_micro_usd(terms, live.end_ms, (termination.StillToPay(rest, rate),))
            assert isinstance(fee, int), "a notice that ended the contract had a fee"
            yield Figure(live.end_ms, "termination fee", fee)
    for terms in history.of(Renewal):
        until_ms = renewal.speak_until_ms(terms, history.calendar, end_ms)
        if not isinstance(until_ms, MissingLocalTime):
            yield Figure(end_ms, "speak until", until_ms)
            yield Figure(end_ms, "renews", int(renewal.renews(terms, history.spoken_ms, until_ms)))
        yield Figure(end_ms, "renewed end", renewal.renewed_end_ms(terms, history.calendar, end_ms))
        yield Figure(end_ms, "renewed rate", renewal.renewed_rate_micro_usd(terms, rate))
    for terms in history.of(Equity):
        vested = equity.vested_micro_usd(terms, max(step.chips for step in history.delivered))
        taken = _taken_chip_ms(history, live)
        yield Figure(end_ms, "effective rate", equity.effective_rate_micro_usd(rate, vested, taken))
