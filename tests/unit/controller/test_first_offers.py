"""A holder in the mode `first_offer` is asked for what is needed before anybody makes an offer."""

from typing import Any

import pytest

from multihome.controller.invariants import check, check_award
from multihome.domain.clause_terms import FirstRefusalMode, Scope
from multihome.domain.commands import AnswerNotice, Apply, AskFirst, AwardOffer
from multihome.domain.ids import AwardId, ContractId, NeedId, NoticeId, OfferId
from multihome.domain.procurement import AnswerKind, Need
from multihome.domain.refusals import RefusalCode
from multihome.views.needs import need_rows
from tests.builders import H100, RATE, TPU, contract, day, first_refusal, offer
from tests.control import Control, installed, replayed

PERSON: dict[str, Any] = {"actor": "ada", "why": "a test"}
NEED = Need(id=NeedId("N-1"), accelerators=(H100,), chips=32, by_ms=day(30), until_ms=day(200), source="test")


def asking(**more: Any) -> AskFirst:
    facts: dict[str, Any] = {
        "contract_id": ContractId("alpha-1"),
        "clause_id": "rofr",
        "need_id": NEED.id,
        "accelerator": H100,
        "region": "east",
        "chips": 32,
        "starts_ms": day(40),
        "ends_ms": day(140),
        "rate_micro_usd_per_chip_hour": RATE,
    }
    return AskFirst(**(facts | PERSON | more))


def market(mode: FirstRefusalMode = FirstRefusalMode.FIRST_OFFER, **more: Any) -> Control:
    return installed(contract(clauses=[first_refusal(mode=mode, **more)]), NEED)


def awarding(offer_id: str) -> AwardOffer:
    return AwardOffer(offer_id=OfferId(offer_id), chips=32, starts_ms=day(40), ends_ms=day(140), **PERSON)


def test_what_the_holder_asked_opens_the_way_to_others_on_terms_no_better() -> None:
    control = market()
    notice_id = NoticeId(control.do(asking()).made[0])
    said: dict[str, Any] = {"notice_id": notice_id, "kind": AnswerKind.DECLINED} | PERSON
    control.do(AnswerNotice(rate_micro_usd_per_chip_hour=RATE - 100, **said))
    dear = offer(need_id=NEED.id)
    fair = offer("O-2", need_id=NEED.id, rate_micro_usd_per_chip_hour=RATE - 100)
    control.do(Apply(documents=(dear, fair), workloads=()))
    assert control.refused(awarding("O-1")).code is RefusalCode.NOT_PERMITTED
    award = control.state.awards[AwardId(control.do(awarding("O-2")).made[0])]
    assert award.evidence[0].notice_id == notice_id
    assert list(check_award(control.state, award)) == []
    assert check(control.state, control.now) == ()
    [row] = need_rows(control.state, control.now.contract_ms).needs
    assert (row.notices, row.offers, row.awards) == ((notice_id,), ("O-1", "O-2"), (award.id,))
    assert replayed(control) == control.state


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (asking(need_id=NeedId("ghost")), RefusalCode.NOT_FOUND, "no need of this name"),
        (asking(clause_id="ghost"), RefusalCode.NOT_FOUND, "no right of first refusal"),
        (asking(accelerator=TPU), RefusalCode.BAD_TERMS, "not what is needed"),
        (asking(chips=33), RefusalCode.BAD_TERMS, "more than is needed"),
        (asking(ends_ms=day(40)), RefusalCode.BAD_DATES, "end before it starts"),
        (asking(effective_ms=day(1)), RefusalCode.BAD_DATES, ""),
        (asking(why=""), RefusalCode.NEEDS_PERSON, ""),
    ],
)
def test_what_cannot_be_asked(command: AskFirst, code: RefusalCode, words: str) -> None:
    refusal = market().refused(command)
    assert refusal.code is code
    assert words in refusal.text


def test_other_modes_wait_for_an_offer_and_other_scopes_need_no_notice() -> None:
    refusal = market(FirstRefusalMode.MATCH_OFFER).refused(asking())
    assert (refusal.code, refusal.accepted) == (RefusalCode.WRONG_STATE, "a notice of an offer")
    refusal = market(scope=Scope(new_capacity_only=True, accelerators=(TPU,))).refused(asking())
    assert "outside its scope" in refusal.text
