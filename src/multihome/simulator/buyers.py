"""Buyers and holders of first refusals: what they send next. They try what they may and what they may not.

They know offers, notices and awards as anyone can see them, and decide nothing that the control plane decides.
"""

from multihome.controller.state import State
from multihome.domain import commands as cmd
from multihome.domain.clause_terms import FirstRefusal
from multihome.domain.commands import Command
from multihome.domain.contracts import Contract
from multihome.domain.ids import ProviderId
from multihome.domain.procurement import AnswerKind, AwardRecord, Notice, Offer
from multihome.domain.supply import Delivery
from multihome.simulator import scenario
from multihome.simulator.dice import Dice
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR

_NODES_PER_DOMAIN = 2
_ANSWERS = (AnswerKind.MATCHED, AnswerKind.MATCHED_IN_PART, AnswerKind.DECLINED, AnswerKind.DECLINED)


class Buyers:
    """Everyone who buys and is asked first."""

    def __init__(self, dice: Dice) -> None:
        """Nobody has bought anything yet."""
        self._dice = dice

    def next(self, state: State, now_ms: int) -> Command | None:
        """One thing that somebody does now, if there is anything to do."""
        if not state.offers:
            return None
        is_open = [notice for notice in state.notices.values() if notice.id not in state.notice_answers]
        orders = [award for award in state.awards.values() if not _is_ordered(state, award)]
        what = self._dice.pick(("serve", "answer", "award", "award", "order"))
        if what == "answer" and is_open:
            return self._answer(self._dice.pick(is_open), now_ms)
        if what == "order" and orders:
            return self._order(state, self._dice.pick(orders))
        offer = self._dice.pick(list(state.offers.values()))
        contract_ms = now_ms if state.scenario_ms is None else state.scenario_ms
        return self._serve(state, offer, contract_ms) if what == "serve" else self._award(state, offer, contract_ms)

    def _serve(self, state: State, offer: Offer, now_ms: int) -> Command:
        clauses = [
            (contract, terms)
            for contract in state.contracts.values()
            for terms in contract.clauses
            if isinstance(terms, FirstRefusal)
        ]
        contract, terms = self._dice.pick(clauses)
        starts_ms, ends_ms = self._dates(now_ms)
        return cmd.ServeNotice(
            contract_id=contract.id,
            clause_id=terms.id,
            offer_id=offer.id,
            chips=self._dice.pick((16, 32, 48, 50)),
            starts_ms=starts_ms,
            ends_ms=ends_ms,
            effective_ms=self._dice.pick((0, 0, now_ms - self._dice.between(-1, 30) * MS_PER_HOUR)),
            actor="buyer",
            why="an offer came",
        )

    def _answer(self, notice: Notice, now_ms: int) -> Command:
        kind = self._dice.pick(_ANSWERS)
        said = {AnswerKind.MATCHED: None, AnswerKind.MATCHED_IN_PART: self._dice.pick((8, 16, 64))}.get(kind)
        rate = notice.terms.rate_micro_usd_per_chip_hour + self._dice.pick((-50_000, 0, 50_000))
        return cmd.AnswerNotice(
            notice_id=notice.id,
            kind=kind,
            chips=said,
            rate_micro_usd_per_chip_hour=self._dice.pick((None, None, rate)),
            effective_ms=self._dice.pick((0, 0, 0, now_ms - self._dice.between(-1, 10) * MS_PER_HOUR)),
            actor="holder",
            why="as we see it",
        )

    def _award(self, state: State, offer: Offer, now_ms: int) -> Command:
        noticed = [notice for notice in state.notices.values() if notice.id in state.notice_answers]
        starts_ms, ends_ms = self._dates(now_ms)
        chips = self._dice.pick((16, 32, 64))
        if noticed and self._dice.chance(700):
            notice = self._dice.pick(noticed)
            offer = state.offers[notice.offer_id] if notice.offer_id is not None else offer
            terms = notice.terms
            starts_ms, ends_ms, chips = terms.starts_ms, terms.ends_ms, self._dice.pick((16, terms.chips))
        lost = [None, None, *(provider_id for provider_id in state.providers if _is_lost(state, provider_id))]
        return cmd.AwardOffer(
            offer_id=offer.id,
            chips=chips,
            starts_ms=starts_ms,
            ends_ms=ends_ms,
            replaces=self._dice.pick(lost),
            effective_ms=self._dice.pick((0, 0, 0, now_ms - self._dice.between(-1, 5) * MS_PER_HOUR)),
            actor="buyer",
            why="it is needed",
        )

    def _order(self, state: State, award: AwardRecord) -> Command:
        """The tranche of an award, mostly delivered on its first day; otherwise its steps bring it."""
        contract = _contract_of(state, award)
        chips_per_node = state.pools[award.pool_id].chips_per_node
        after = scenario.order(contract, award, _NODES_PER_DOMAIN, chips_per_node)
        part = after.tranches[-1]
        delivery = Delivery(
            id=f"D-{award.id}",
            tranche_id=part.id,
            domains=part.domains,
            effective_ms=part.promised_ms,
            source="invented for simulation",
        )
        return cmd.Apply(documents=(after, delivery) if self._dice.chance(700) else (after,), workloads=())

    def _dates(self, now_ms: int) -> tuple[int, int]:
        """From a day soon on, for some weeks."""
        day_ms = now_ms - now_ms % MS_PER_DAY + self._dice.between(0, 2) * MS_PER_DAY
        return day_ms, day_ms + self._dice.pick((30, 60)) * MS_PER_DAY


def _contract_of(state: State, award: AwardRecord) -> Contract:
    return next(one for one in state.contracts.values() if one.provider_id == award.provider_id)


def _is_ordered(state: State, award: AwardRecord) -> bool:
    return any(part.award.award_id == award.id for part in _contract_of(state, award).tranches)


def _is_lost(state: State, provider_id: ProviderId) -> bool:
    known = state.provider_states.get(provider_id)
    return known is not None and known.openness.value == "lost"
