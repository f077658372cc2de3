"""Rows for clauses that meet over awards and rates, where no capacity need be on record yet.

Two exclusivities of different holders claim the same award; a first refusal claims what an exclusivity keeps for its
holder. A most-favoured clause that matches rates meets the tiers that fix them.
"""

from collections.abc import Iterator
from itertools import product

from multihome.clauses.book import Book, tranche_chips
from multihome.clauses.most_favoured import is_like
from multihome.domain.clause_terms import (
    Exclusivity,
    Favoured,
    FavouredRemedy,
    FirstRefusal,
    MostFavoured,
    PriceTiers,
    Scope,
)
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.solves import UNBOUNDED
from multihome.procurement.conflict_model import NOBODY, Draft
from multihome.procurement.conflict_uses import covers_pool
from multihome.units.calendar import format_local_moment
from multihome.units.money import format_usd
from multihome.units.time import Interval

MATCHED_SHARE = 0.01
"""A holder of a first refusal may match some award; how large a share makes no difference to what conflicts."""
RATE_FACTOR_MAX = 10.0
"""A matched rate is looked for up to so many times the highest rate on record."""

_BPS = 10_000
_Claim = tuple[Contract, Exclusivity | FirstRefusal]


def add_awards(book: Book, draft: Draft) -> None:
    """Add, for each two claims of different holders to the same awards, the shares that each would have of them."""
    claims = list(_claims(book))
    for number, (holder, terms) in enumerate(claims):
        for other_holder, other in claims[number + 1 :]:
            if holder.provider_id != other_holder.provider_id and _meet(book, terms, other):
                _add_pair(draft, (holder, terms), (other_holder, other))


def add_rates(book: Book, draft: Draft) -> None:
    """Add the rates that most-favoured clauses compare, where the remedy is to match them."""
    favours = [
        (contract, terms)
        for contract in book.contracts.values()
        for terms in contract.clauses
        if isinstance(terms, MostFavoured) and terms.remedy is FavouredRemedy.MATCH_RATE
    ]
    if not favours:
        return
    columns = _rate_columns(book, draft)
    for contract, terms in favours:
        index = draft.index_of(contract, terms)
        for (own, theirs), tranche in product(_compared(book, contract, terms), contract.tranches):
            if not _alike(book, terms, tranche, theirs):
                continue
            entries = [(columns[tranche.id], 1.0), (columns[theirs.id], -1.0)]
            favours_provider = terms.favoured is Favoured.PROVIDER
            word = "no less" if favours_provider else "no more"
            name = f"{tranche.id} is paid {word} than {theirs.id} of {own.provider_id}"
            lower, upper = (0.0, UNBOUNDED) if favours_provider else (-UNBOUNDED, 0.0)
            draft.row(index, name, lower, upper, entries)


def tiers_of(terms: PriceTiers) -> tuple[int, int]:
    """The lowest and the highest rate that tiers can come to, in micro-USD per chip-hour; an index moves both."""
    rates = [tier.rate_micro_usd_per_chip_hour for tier in terms.tiers]
    factors = [_BPS, *(step.factor_bps for step in terms.index)]
    return min(rates) * min(factors) // _BPS, -(-max(rates) * max(factors) // _BPS)


def _claims(book: Book) -> Iterator[_Claim]:
    for contract in book.contracts.values():
        for terms in contract.clauses:
            if isinstance(terms, Exclusivity | FirstRefusal):
                yield contract, terms


def _meet(book: Book, one: Exclusivity | FirstRefusal, other: Exclusivity | FirstRefusal) -> bool:
    """Say whether some award lies in both scopes at some time, and one of the claims leaves nothing to the other."""
    return (
        (isinstance(one, Exclusivity) or isinstance(other, Exclusivity))
        and one.interval.overlap_ms(other.interval) > 0
        and _scopes_meet(book, one.scope, other.scope)
    )


def _scopes_meet(book: Book, one: Scope, other: Scope) -> bool:
    lists = (
        (one.workload_kinds, other.workload_kinds),
        (one.products, other.products),
        (one.accelerators, other.accelerators),
    )
    if any(first and second and set(first).isdisjoint(second) for first, second in lists):
        return False
    # A region and the jurisdiction that it lies in are two names of territories that meet.
    same_name = not one.territories or not other.territories or not set(one.territories).isdisjoint(other.territories)
    return same_name or any(
        covers_pool(book, one, pool) and covers_pool(book, other, pool) for pool in book.pools.values()
    )


def _add_pair(draft: Draft, one: _Claim, other: _Claim) -> None:
    span = Interval(
        max(one[1].interval.start_ms, other[1].interval.start_ms), min(one[1].interval.end_ms, other[1].interval.end_ms)
    )
    # Two contracts may count their days in two zones; the first one's are told.
    zone = one[0].calendar.zone
    dates = f"{format_local_moment(span.start_ms, zone)} to {format_local_moment(span.end_ms, zone)}"
    names = [claim[0].provider_id for claim in (one, other)]
    columns = [
        draft.column(f"{name}'s share of awards in both scopes, {dates}", 0.0, 1.0) for name in (*names, "others")
    ]
    draft.row(NOBODY, f"awards in both scopes, {dates}", 1.0, 1.0, [(column, 1.0) for column in columns])
    for (contract, terms), mine, name in zip((one, other), columns[:2], names, strict=True):
        index = draft.index_of(contract, terms)
        if isinstance(terms, FirstRefusal):
            claim = f"{name} may match any award in scope, {dates}"
            draft.row(index, claim, MATCHED_SHARE, UNBOUNDED, [(mine, 1.0)])
            continue
        claim = f"work in scope goes to {name} alone, {dates}"
        draft.row(index, claim, 0.0, 0.0, [(column, 1.0) for column in columns if column != mine])


def _rate_columns(book: Book, draft: Draft) -> dict[str, int]:
    """A column for each tranche's rate, in units of the highest one on record, with the rows that fix it."""
    rates = [
        rate
        for contract in book.contracts.values()
        for tranche in contract.tranches
        for rate in (
            tranche.rate_micro_usd_per_chip_hour,
            *(tiers_of(terms)[1] for terms in contract.clauses if isinstance(terms, PriceTiers)),
        )
    ]
    unit = max(*rates, 1)
    columns: dict[str, int] = {}
    for contract in book.contracts.values():
        for tranche in contract.tranches:
            column = columns[tranche.id] = draft.column(f"rate of {tranche.id}", 0.0, RATE_FACTOR_MAX)
            tiers = [terms for terms in contract.clauses if isinstance(terms, PriceTiers) and _prices(terms, tranche)]
            for terms in tiers:
                low, high = tiers_of(terms)
                name = f"{tranche.id} costs {format_usd(low)} to {format_usd(high)} per chip-hour by its tiers"
                draft.row(draft.index_of(contract, terms), name, low / unit, high / unit, [(column, 1.0)])
            if not tiers:
                rate = tranche.rate_micro_usd_per_chip_hour
                lower, upper = _movable(contract, rate / unit)
                name = f"{tranche.id} costs {format_usd(rate)} per chip-hour"
                draft.row(NOBODY, name, lower, upper, [(column, 1.0)])
    return columns


def _movable(contract: Contract, rate: float) -> tuple[float, float]:
    """Between what and what a rate without tiers may be: a matching clause of its own contract moves it one way."""
    matched = {
        terms.favoured
        for terms in contract.clauses
        if isinstance(terms, MostFavoured) and terms.remedy is FavouredRemedy.MATCH_RATE
    }
    return (0.0 if Favoured.BUYER in matched else rate, UNBOUNDED if Favoured.PROVIDER in matched else rate)


def _prices(terms: PriceTiers, tranche: Tranche) -> bool:
    named = not terms.tranches or tranche.id.rpartition("/")[2] in terms.tranches
    return named and terms.interval.overlap_ms(Interval(tranche.promised_ms, tranche.ends_ms)) > 0


def _compared(book: Book, contract: Contract, terms: MostFavoured) -> Iterator[tuple[Contract, Tranche]]:
    """Tranches of other contracts whose award the clause looked at."""
    for other in book.contracts.values():
        by_others = other.provider_id != contract.provider_id
        if other.id == contract.id or by_others != (terms.favoured is Favoured.PROVIDER):
            continue
        for tranche in other.tranches:
            if terms.interval.contains(tranche.award.awarded_ms) and other.currency == contract.currency:
                yield other, tranche


def _alike(book: Book, terms: MostFavoured, one: Tranche, other: Tranche) -> bool:
    in_band = all(terms.chips_min <= tranche_chips(book, each) <= terms.chips_max for each in (one, other))
    like = is_like(terms, book.pools[one.pool_id].accelerator, book.pools[other.pool_id].accelerator)
    together = Interval(one.promised_ms, one.ends_ms).overlap_ms(Interval(other.promised_ms, other.ends_ms)) > 0
    return in_band and like and together
