"""Stretches of time in which the same clauses are in force, and the periods of commitments that lie across two of them.

Within a stretch one period is like the next, so that a commitment's periods there make one row.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from multihome.clauses.book import Book
from multihome.domain.clause_terms import ConcentrationCap, MinimumCommitment, Ramp, TakeOrPay
from multihome.domain.contracts import Contract
from multihome.units.calendar import later_days, period_interval
from multihome.units.time import FOREVER_MS, Interval


def committed(contract: Contract, terms: TakeOrPay | MinimumCommitment) -> Interval:
    """The time over which a commitment is looked at; one without an end as long as the contract has capacity."""
    end_ms = min(terms.interval.end_ms, contract.interval.end_ms)
    if end_ms >= FOREVER_MS:
        end_ms = max((tranche.ends_ms for tranche in contract.tranches), default=terms.interval.start_ms)
    return Interval(terms.interval.start_ms, max(end_ms, terms.interval.start_ms))


def boundaries(book: Book) -> tuple[int, ...]:
    """Every instant at which a clause, a tranche, a step or a cap's window begins or ends, in order."""
    found: set[int] = set()
    for contract in book.contracts.values():
        for terms in contract.clauses:
            found |= {terms.interval.start_ms, terms.interval.end_ms}
            if isinstance(terms, TakeOrPay | MinimumCommitment):
                found.add(committed(contract, terms).end_ms)
            if isinstance(terms, Ramp | MinimumCommitment):
                found |= {step.from_ms for step in terms.steps}
            if isinstance(terms, ConcentrationCap):
                found |= {instant for window in cap_windows(book, contract, terms) for instant in _ends(window)}
        for tranche in contract.tranches:
            found |= {tranche.promised_ms, tranche.ends_ms}
    return tuple(sorted(found))


def cap_windows(book: Book, contract: Contract, terms: ConcentrationCap) -> tuple[Interval, ...]:
    """The windows over which a cap was tested: one after each award that was made while it was in force."""
    starts = {
        tranche.award.awarded_ms
        for other in book.contracts.values()
        for tranche in other.tranches
        if terms.interval.contains(tranche.award.awarded_ms)
    }
    zone = contract.calendar.zone
    return tuple(Interval(start, later_days(start, terms.window_days, zone)) for start in sorted(starts))


def spans(
    contract: Contract, terms: TakeOrPay | MinimumCommitment, whole: Interval, marks: Iterable[int]
) -> list[Interval]:
    """`whole` cut into periods that hold a mark within them, and the stretches between those.

    Periods are those of the commitment in its contract's zone; the first and the last may be cut short by `whole`.
    """
    cuts = {whole.start_ms, whole.end_ms}
    for mark in marks:
        if whole.start_ms < mark < whole.end_ms:
            cuts |= set(_ends(_within(period_interval(mark, terms.period, contract.calendar.zone), whole)))
    return [Interval(start, end) for start, end in pairwise(sorted(cuts))]


def periods(contract: Contract, terms: MinimumCommitment, span: Interval) -> Iterator[tuple[Interval, int]]:
    """The periods in a span, cut to it, each with the length of the whole period in milliseconds."""
    at_ms = span.start_ms
    while at_ms < span.end_ms:
        period = period_interval(at_ms, terms.period, contract.calendar.zone)
        yield _within(period, span), period.end_ms - period.start_ms
        at_ms = period.end_ms


def cells(marks: Iterable[int], within: Interval) -> list[Interval]:
    """An interval cut at every mark."""
    cuts = {within.start_ms, within.end_ms} | {mark for mark in marks if within.contains(mark)}
    return [Interval(start, end) for start, end in pairwise(sorted(cuts))]


def _within(inner: Interval, outer: Interval) -> Interval:
    return Interval(max(inner.start_ms, outer.start_ms), min(inner.end_ms, outer.end_ms))


def _ends(interval: Interval) -> tuple[int, int]:
    return interval.start_ms, interval.end_ms
