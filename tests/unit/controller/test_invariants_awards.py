"""Invariant I7 of awards: what was awarded rightly passes, and every planted breach is told."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from multihome.controller.invariants import check, check_award
from multihome.controller.state import State
from multihome.domain.clause_terms import ClauseRef, Use
from multihome.domain.commands import AnswerNotice, AwardOffer, ServeNotice
from multihome.domain.ids import AwardId, ContractId, NoticeId, OfferId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import AnswerKind, AwardRecord
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import MS_PER_DAY
from tests.builders import RATE, TPU, contract, day, first_refusal, offer
from tests.control import Control, installed

ADA: dict[str, Any] = {"actor": "ada", "why": "because"}
PART: dict[str, Any] = {"offer_id": OfferId("O-1"), "chips": 16, "starts_ms": day(40), "ends_ms": day(140)}


def bought(kind: AnswerKind = AnswerKind.DECLINED, **said: Any) -> tuple[Control, AwardRecord]:
    control = installed(contract(clauses=[first_refusal()]), offer())
    clause: dict[str, Any] = {"contract_id": ContractId("alpha-1"), "clause_id": "rofr"}
    notice_id = NoticeId(control.do(ServeNotice(**clause, **(PART | {"chips": 32}), **ADA)).made[0])
    control.do(AnswerNotice(notice_id=notice_id, kind=kind, **said, **ADA))
    return control, control.state.awards[AwardId(control.do(AwardOffer(**PART, **ADA)).made[0])]


def test_what_was_decided_passes() -> None:
    for control, award in (bought(), bought(AnswerKind.MATCHED_IN_PART, chips=16)):
        assert list(check_award(control.state, award)) == []
        assert check(control.state, control.now) == ()


def terms(**more: Any) -> Callable[[AwardRecord], AwardRecord]:
    return lambda award: msgspec.structs.replace(award, terms=msgspec.structs.replace(award.terms, **more))


def itself(**more: Any) -> Callable[[AwardRecord], AwardRecord]:
    return lambda award: msgspec.structs.replace(award, **more)


def shown(**more: Any) -> Callable[[AwardRecord], AwardRecord]:
    return lambda award: msgspec.structs.replace(award, evidence=(msgspec.structs.replace(award.evidence[0], **more),))


@pytest.mark.parametrize(
    ("breach", "words"),
    [
        (itself(evidence=()), "shows no evidence for it"),
        (itself(evidence=(Evidence(code="no_clause"),)), "shows no evidence for it"),
        (shown(clause=ClauseRef(ContractId("alpha-1"), "other")), "shows no evidence for it"),
        (shown(code="exemption"), "makes no such exception"),
        (shown(code="holder"), "evidence holder is none"),
        (shown(notice_id=NoticeId("N-ghost")), "never served"),
        (shown(notice_id=None), "a waiver of no notice"),
        (itself(awarded_ms=day(0) + 60 * MS_PER_DAY), "outside the time"),
        (terms(rate_micro_usd_per_chip_hour=RATE + 1), "better for the provider"),
        (terms(region="west"), "better for the provider"),
        (terms(accelerator=TPU), "better for the provider"),
        (terms(starts_ms=day(41)), "better for the provider"),
        (terms(ends_ms=day(139)), "better for the provider"),
        (terms(chips=33), "more chips were awarded"),
    ],
)
def test_every_planted_breach_is_told(breach: Callable[[AwardRecord], AwardRecord], words: str) -> None:
    control, award = bought()
    broken = breach(award)
    control.state.awards[award.id] = broken
    told = [violation.text for violation in check_award(control.state, broken)]
    assert any(words in text for text in told), told


def test_a_wider_use_than_noticed_is_told() -> None:
    control, award = bought()
    notice_id = award.evidence[0].notice_id
    assert notice_id is not None
    narrow = Use(workload_kinds=(WorkloadKind.TRAINING,))
    control.state.notices[notice_id] = msgspec.structs.replace(control.state.notices[notice_id], use=narrow)
    assert "better for the provider" in next(iter(check_award(control.state, award))).text


def answered(**more: Any) -> Callable[[State, NoticeId], None]:
    def breach(state: State, notice_id: NoticeId) -> None:
        state.notice_answers[notice_id] = msgspec.structs.replace(state.notice_answers[notice_id], **more)

    return breach


@pytest.mark.parametrize(
    ("breach", "words"),
    [
        (answered(kind=AnswerKind.MATCHED), "it left 0 chips to others, and 16 were awarded"),
        (answered(kind=AnswerKind.LAPSED), "it lapsed at another instant than its close"),
        (answered(answered_ms=day(11)), "it was answered outside its window"),
        (answered(answered_ms=day(0) - 1), "it was answered outside its window"),
        (lambda state, notice_id: state.notice_answers.pop(notice_id), "it was never answered"),
    ],
)
def test_a_broken_sequence_is_told_at_any_time(breach: Callable[[State, NoticeId], None], words: str) -> None:
    control, award = bought()
    notice_id = award.evidence[0].notice_id
    assert notice_id is not None
    breach(control.state, notice_id)
    told = [violation.text for violation in check(control.state, control.now) if violation.invariant == "I7"]
    assert any(words in text for text in told), told
