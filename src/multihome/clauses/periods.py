"""Over which time a clause counts: the one definition that prices, reports and settlements share.

A clause counts in a period from the latest of the period's start, the clause's, the tranche's first acceptance and the
journal's contract-time start on, up to the earlier of the period's end and the clause's. What was delivered before the
journal began was used or not by whoever ran things then, and is no deficiency of ours. Periods are those of the
contract's zone. Knows no clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from multihome.domain.clause_terms import MinimumCommitment, PriceTiers, TakeOrPay
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.supply import Delivery
from multihome.units.calendar import Period, period_interval
from multihome.units.time import Interval

Counting = TakeOrPay | MinimumCommitment | PriceTiers
"""Clauses that count something over periods."""
Terms = TypeVar("Terms", bound=Counting)


def counted_interval(contract: Contract, terms: Counting, at_ms: int, begins_ms: int) -> Interval:
    """The part of the period that holds an instant in which a clause counts; empty where it has not begun.

    `begins_ms` is `first_counted_ms` of a tranche, or the journal's start for what counts the whole contract.
    """
    period = period_interval(at_ms, terms.period, contract.calendar.zone)
    start_ms = max(period.start_ms, terms.interval.start_ms, begins_ms)
    return Interval(start_ms, max(start_ms, min(period.end_ms, terms.interval.end_ms)))


def counted_parts(contract: Contract, versions: Sequence[Terms], begins_ms: int) -> Iterator[tuple[Terms, Interval]]:
    """Every part of a period in which versions of one clause count, in order of time, from an instant on.

    A version that ends within a period makes two parts of it: each is settled by the terms that were in force.
    """
    for terms in sorted(versions, key=lambda terms: terms.interval.start_ms):
        at_ms = max(begins_ms, terms.interval.start_ms)
        while at_ms < terms.interval.end_ms:
            counted = counted_interval(contract, terms, at_ms, begins_ms)
            yield terms, counted
            at_ms = counted.end_ms


def first_counted_ms(deliveries: Iterable[Delivery], tranche: Tranche, journal_began_ms: int) -> int | None:
    """From when on a tranche can be counted: its first acceptance, or the journal's start where that is later."""
    accepted = [delivery.effective_ms for delivery in deliveries if delivery.tranche_id == tranche.id]
    return max(min(accepted), journal_began_ms) if accepted else None


def month_of(contract: Contract, at_ms: int) -> Interval:
    """The calendar month of the contract's zone that holds an instant."""
    return period_interval(at_ms, Period.MONTH, contract.calendar.zone)


def metered_stretch(contract: Contract, at_ms: int) -> Interval:
    """The stretch that one usage record may cover: a month, cut where a clause that counts, or its index, changes."""
    month = month_of(contract, at_ms)
    edges = [edge for edge in _edges(contract) if month.start_ms < edge < month.end_ms]
    return Interval(
        max((edge for edge in edges if edge <= at_ms), default=month.start_ms),
        min((edge for edge in edges if edge > at_ms), default=month.end_ms),
    )


def metered_stretches(contract: Contract, within: Interval) -> Iterator[Interval]:
    """Every stretch that an interval touches, in order."""
    at_ms = within.start_ms
    while at_ms < within.end_ms:
        stretch = metered_stretch(contract, at_ms)
        yield stretch
        at_ms = stretch.end_ms


def _edges(contract: Contract) -> Iterator[int]:
    for terms in contract.clauses:
        if isinstance(terms, TakeOrPay | MinimumCommitment | PriceTiers):
            yield from (terms.interval.start_ms, terms.interval.end_ms)
        if isinstance(terms, PriceTiers):
            yield from (step.from_ms for step in terms.index)
