"""What taking an offer would do: what permits it, what every cap makes of it, what becomes due. Takes nothing."""

import msgspec

from multihome.clauses.concentration import Verdict
from multihome.clauses.most_favoured import Consequence
from multihome.controller.decision import Decision
from multihome.controller.procurement import foresee_award
from multihome.controller.state import State
from multihome.domain.clause_terms import ClauseRef, Use
from multihome.domain.commands import AwardOffer
from multihome.domain.ids import AwardId, OfferId, PoolId, ProviderId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import Terms
from multihome.domain.refusals import Refusal
from multihome.units.time import Now


class ForeseenCap(msgspec.Struct, frozen=True):
    """What a concentration cap would make of an award, in words with both shares."""

    clause: ClauseRef
    text: str


class ForeseenConsequence(msgspec.Struct, frozen=True):
    """What an award would make due under a most-favoured clause: micro-units of the contract's currency."""

    clause: ClauseRef
    remedy: str
    amount_micro_usd: int
    text: str


class AwardPreview(msgspec.Struct, frozen=True):
    """An award that is permitted and was not made: its terms, and what every clause says of it."""

    offer_id: OfferId
    provider_id: ProviderId
    pool_id: PoolId
    terms: Terms
    use: Use
    awarded_ms: int
    evidence: tuple[Evidence, ...]
    caps: tuple[ForeseenCap, ...]
    consequences: tuple[ForeseenConsequence, ...]


def award_preview(state: State, command: AwardOffer, now: Now) -> AwardPreview | Refusal:
    """What a command would award, or everything that stands against it. Changes nothing."""
    foreseen = foresee_award(state, command, AwardId(""), now)
    if isinstance(foreseen, Decision):
        assert isinstance(foreseen.answer, Refusal), "what makes no award is refused"
        return foreseen.answer
    award, ruling = foreseen
    return AwardPreview(
        offer_id=award.offer_id,
        provider_id=award.provider_id,
        pool_id=award.pool_id,
        terms=award.terms,
        use=award.use,
        awarded_ms=award.awarded_ms,
        evidence=award.evidence,
        caps=tuple(map(_cap, ruling.caps)),
        consequences=tuple(map(_consequence, ruling.consequences)),
    )


def _cap(verdict: Verdict) -> ForeseenCap:
    return ForeseenCap(verdict.clause, verdict.text)


def _consequence(one: Consequence) -> ForeseenConsequence:
    return ForeseenConsequence(one.clause, one.remedy.value, one.amount_micro_usd, one.text)
