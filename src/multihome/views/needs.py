"""What is needed and what became of it: offers, notices and awards for it, what is still open, and how long it took.

Obtainability = granted ÷ requested. Time to capacity = from the need's first record to the acceptance that fills it.
"""

from collections.abc import Iterable

import msgspec

from multihome.clauses.book import tranche_chips
from multihome.clauses.delivery import delivered_domains
from multihome.controller.state import State
from multihome.domain.ids import AwardId, NoticeId, OfferId
from multihome.domain.procurement import AwardRecord, Need

_BPS = 10_000


class NeedRow(msgspec.Struct, frozen=True):
    """A need, and what became of it. Chips are whole; `obtained_bps` is granted ÷ requested, never above 10,000.

    `time_to_capacity_ms` is None while fewer chips are accepted than are needed.
    """

    need: Need
    since_ms: int
    offers: tuple[OfferId, ...]
    notices: tuple[NoticeId, ...]
    awards: tuple[AwardId, ...]
    granted_chips: int
    accepted_chips: int
    open_chips: int
    obtained_bps: int
    time_to_capacity_ms: int | None


class NeedsView(msgspec.Struct, frozen=True):
    """All needs, in the order in which they were recorded."""

    needs: tuple[NeedRow, ...]


def need_rows(state: State, at_ms: int) -> NeedsView:
    """Every need on record, and what had come of it by an instant of contract time."""
    return NeedsView(tuple(_row(state, need, at_ms) for need in state.needs.values()))


def _row(state: State, need: Need, now_ms: int) -> NeedRow:
    offers = tuple(offer.id for offer in state.offers.values() if offer.need_id == need.id)
    awards = [award for award in state.awards.values() if award.offer_id in offers]
    granted = sum(award.terms.chips for award in awards)
    accepted = [(at_ms, chips) for at_ms, chips in _accepted(state, awards) if at_ms <= now_ms]
    since_ms = state.needs_since[need.id]
    filled_ms = _filled_ms(accepted, need.chips)
    return NeedRow(
        need=need,
        since_ms=since_ms,
        offers=offers,
        notices=tuple(
            notice.id for notice in state.notices.values() if notice.need_id == need.id or notice.offer_id in offers
        ),
        awards=tuple(award.id for award in awards),
        granted_chips=granted,
        accepted_chips=sum(chips for _, chips in accepted),
        open_chips=max(0, need.chips - granted),
        obtained_bps=min(granted, need.chips) * _BPS // need.chips,
        time_to_capacity_ms=None if filled_ms is None else max(0, filled_ms - since_ms),
    )


def _accepted(state: State, awards: Iterable[AwardRecord]) -> list[tuple[int, int]]:
    """When chips that were ordered under awards were accepted, and how many, oldest first; no more than was ordered."""
    cited = {award.id for award in awards}
    book = state.book()
    found: list[tuple[int, int]] = []
    for contract in state.contracts.values():
        for tranche in contract.tranches:
            if tranche.award.award_id not in cited:
                continue
            a_domain = tranche_chips(book, tranche) // tranche.domains
            before = 0
            dates = {one.effective_ms for one in state.deliveries.values() if one.tranche_id == tranche.id}
            for at_ms in sorted(date_ms for date_ms in dates if date_ms < tranche.ends_ms):
                domains = delivered_domains(state.deliveries.values(), tranche, at_ms)
                found.append((at_ms, (domains - before) * a_domain))
                before = domains
    return sorted(found)


def _filled_ms(accepted: list[tuple[int, int]], chips: int) -> int | None:
    """When the chips that had been accepted first came to so many."""
    total = 0
    for at_ms, more in accepted:
        total += more
        if total >= chips:
            return at_ms
    return None
