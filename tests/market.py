"""A market of two: alpha holds a first refusal on new capacity, beta makes offers; and the acts between them."""

from typing import Any

from multihome.domain.clause_terms import (
    Use,
)
from multihome.domain.commands import (
    AnswerNotice,
    AwardOffer,
    ServeNotice,
)
from multihome.domain.ids import AwardId, ContractId, NoticeId, OfferId
from multihome.domain.procurement import AnswerKind, AwardRecord
from multihome.domain.refusals import RefusalCode
from multihome.domain.workloads import WorkloadKind
from tests.builders import (
    contract,
    day,
    first_refusal,
    offer,
)
from tests.control import Control, installed

ADA: dict[str, Any] = {"actor": "ada", "why": "because"}
TRAINING = Use(workload_kinds=(WorkloadKind.TRAINING,))


def market(*offers: Any, **terms: Any) -> Control:
    """Alpha holds a first refusal on new capacity, and beta makes an offer."""
    return installed(contract(clauses=[first_refusal(**terms)]), *(offers or (offer(),)))


def serve(control: Control, chips: int = 32, offer_id: str = "O-1", **more: Any) -> NoticeId:
    facts: dict[str, Any] = {
        "contract_id": ContractId("alpha-1"),
        "clause_id": "rofr",
        "offer_id": OfferId(offer_id),
        "chips": chips,
        "starts_ms": day(40),
        "ends_ms": day(140),
    }
    return NoticeId(control.do(ServeNotice(**(facts | ADA | more))).made[0])


def answer(control: Control, notice_id: NoticeId, kind: AnswerKind, **more: Any) -> None:
    control.do(AnswerNotice(**({"notice_id": notice_id, "kind": kind} | ADA | more)))


def awarding(chips: int = 32, offer_id: str = "O-1", **more: Any) -> AwardOffer:
    facts: dict[str, Any] = {
        "offer_id": OfferId(offer_id),
        "chips": chips,
        "starts_ms": day(40),
        "ends_ms": day(140),
    }
    return AwardOffer(**(facts | ADA | more))


def award(control: Control, chips: int = 32, offer_id: str = "O-1", **more: Any) -> AwardRecord:
    return control.state.awards[AwardId(control.do(awarding(chips, offer_id, **more)).made[0])]


def gap(control: Control, chips: int = 32, offer_id: str = "O-1", **more: Any) -> str:
    refusal = control.refused(awarding(chips, offer_id, **more))
    assert refusal.code is RefusalCode.NOT_PERMITTED, refusal
    return refusal.text
