"""What is offered, what holders of first refusals were asked and said, and what was awarded."""

import msgspec

from multihome.clauses.book import clause_at
from multihome.clauses.first_refusal import waiver_ends_ms
from multihome.clauses.waivers import waived_chips
from multihome.controller.procurement import taken_chips
from multihome.controller.state import State
from multihome.domain.clause_terms import FirstRefusal
from multihome.domain.procurement import Answer, AnswerKind, AwardRecord, Notice, Offer
from multihome.procurement.notices import text_of


class OfferRow(msgspec.Struct, frozen=True):
    """An offer, how many of its chips were awarded, and whether it can still be taken."""

    offer: Offer
    taken_chips: int
    is_open: bool


class NoticeRow(msgspec.Struct, frozen=True):
    """A notice, its canonical text and its answer; `left_chips` others may have until `until_ms` (0 where none).

    `awards` are those made on what it left.
    """

    notice: Notice
    text: str
    state: str
    answer: Answer | None
    left_chips: int
    until_ms: int
    awards: tuple[AwardRecord, ...]


class OffersView(msgspec.Struct, frozen=True):
    """All offers, in the order in which they were recorded."""

    offers: tuple[OfferRow, ...]


class NoticesView(msgspec.Struct, frozen=True):
    """All notices, in the order in which they were served."""

    notices: tuple[NoticeRow, ...]


class AwardsView(msgspec.Struct, frozen=True):
    """All awards, in the order in which they were made."""

    awards: tuple[AwardRecord, ...]


def offer_rows(state: State, at_ms: int) -> OffersView:
    """Every offer on record, and whether it can be taken at an instant of contract time."""
    rows = (OfferRow(offer, taken_chips(state, offer.id), at_ms < offer.expires_ms) for offer in state.offers.values())
    return OffersView(tuple(rows))


def notice_rows(state: State, at_ms: int) -> NoticesView:
    """Every notice that was served."""
    del at_ms
    return NoticesView(tuple(_notice_row(state, notice) for notice in state.notices.values()))


def award_rows(state: State, at_ms: int) -> AwardsView:
    """Every award on record."""
    del at_ms
    return AwardsView(tuple(state.awards.values()))


def _notice_row(state: State, notice: Notice) -> NoticeRow:
    contract = state.contracts[notice.clause.contract_id]
    answer = state.notice_answers.get(notice.id)
    terms = clause_at(contract, notice.clause.clause_id, notice.served_ms)
    awards = tuple(
        award for award in state.awards.values() if any(evidence.notice_id == notice.id for evidence in award.evidence)
    )
    left = until_ms = 0
    if isinstance(terms, FirstRefusal) and answer is not None and answer.kind is not AnswerKind.MATCHED:
        left = waived_chips(terms, notice, answer) - sum(award.terms.chips for award in awards)
        until_ms = waiver_ends_ms(terms, contract.calendar, answer.answered_ms)
    return NoticeRow(
        notice=notice,
        text=text_of(contract, notice),
        state=answer.kind.value if answer is not None else "open",
        answer=answer,
        left_chips=left,
        until_ms=until_ms,
        awards=awards,
    )
