"""First refusal where it is seldom tried: late answers, named grounds, dry runs, territories and suggestions."""

from typing import Any

import pytest

from multihome.clauses.book import permission
from multihome.controller.invariants import check
from multihome.domain.clause_terms import (
    Exemption,
    ExemptionGround,
    FirstRefusalMode,
    Scope,
)
from multihome.domain.commands import (
    AnswerNotice,
    Apply,
    AskFirst,
    DeclareLost,
    Restore,
)
from multihome.domain.contracts import Award
from multihome.domain.ids import ContractId, NeedId, ProviderId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import AnswerKind, Need
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import MS_PER_DAY
from multihome.views.award_preview import AwardPreview, award_preview
from tests.awards import cap
from tests.builders import (
    ALPHA,
    H100,
    RATE,
    contract,
    day,
    exclusivity,
    first_refusal,
    offer,
    tranche,
)
from tests.control import Control, installed, replayed
from tests.market import ADA, answer, award, awarding, gap, market, serve


@pytest.mark.parametrize("kind", [AnswerKind.DECLINED, AnswerKind.MATCHED, AnswerKind.MATCHED_IN_PART])
def test_an_answer_in_time_that_comes_to_hand_late_takes_the_place_of_the_lapse(kind: AnswerKind) -> None:
    control = market()
    notice_id = serve(control)
    control.wait(20 * MS_PER_DAY)
    control.tick()
    assert control.state.notice_answers[notice_id].kind is AnswerKind.LAPSED
    said: dict[str, Any] = {"chips": 16} if kind is AnswerKind.MATCHED_IN_PART else {}
    late: dict[str, Any] = {"notice_id": notice_id, "kind": kind, "effective_ms": day(11), **said, **ADA}
    assert control.refused(AnswerNotice(**late)).code is RefusalCode.WINDOW_CLOSED
    answer(control, notice_id, kind, effective_ms=day(11) - 1, **said)
    kept = control.state.notice_answers[notice_id]
    assert (kept.kind, kept.answered_ms) == (kind, day(11) - 1)
    late["effective_ms"] = day(10)
    again = control.refused(AnswerNotice(**late))
    assert again.code is RefusalCode.WRONG_STATE
    if kind is AnswerKind.DECLINED:
        assert award(control).evidence[0].text == "declined"
    else:
        assert gap(control)
    assert check(control.state, control.now) == ()
    assert replayed(control) == control.state


def test_an_answer_that_comes_to_hand_after_an_award_on_the_lapse_is_refused_with_its_name() -> None:
    control = market()
    notice_id = serve(control)
    control.wait(20 * MS_PER_DAY)
    control.tick()
    made = award(control, 8)
    late: dict[str, Any] = {"notice_id": notice_id, "kind": AnswerKind.MATCHED, "effective_ms": day(5)}
    refusal = control.refused(AnswerNotice(**(late | ADA)))
    assert refusal.code is RefusalCode.WRONG_STATE
    assert refusal.text == f"it lapsed on 2026-01-12 00:00Z, and award {made.id} rests on that"
    assert control.state.notice_answers[notice_id].kind is AnswerKind.LAPSED


def test_an_offer_that_can_no_longer_start_suggests_no_start() -> None:
    control = market(offer(lead_days=5))
    refusal = control.refused(awarding(8, starts_ms=day(20)))
    assert "a start from 2026-01-31 to 2026-03-02" in (refusal.accepted, *(one.accepted for one in refusal.others))
    control.wait(58 * MS_PER_DAY)
    refusal = control.refused(awarding(8, starts_ms=day(61), ends_ms=day(140)))
    told = [one for one in (refusal, *refusal.others) if one.code is RefusalCode.BAD_DATES]
    assert [(one.text, one.accepted) for one in told] == [
        ("with 5 days of lead it can start on 2026-03-05 at the earliest, and 2026-03-02 is its latest start", "")
    ]


def test_fewer_chips_than_an_offer_sells_are_not_suggested() -> None:
    """Both hold 32 chips; a cap of 56 % lets one have 8 more, and one of 51 % fewer than the offer sells."""
    for cap_bps, accepted in ((5_600, "at most 8 chips on these terms"), (5_100, "")):
        control = installed(contract(clauses=[cap(cap_bps=cap_bps)]), offer(start_from_ms=day(1)))
        refusal = control.refused(awarding(32, starts_ms=day(1), ends_ms=day(140)))
        assert refusal.code is RefusalCode.NOT_PERMITTED
        assert refusal.accepted == accepted, refusal


def need(**more: Any) -> Need:
    facts: dict[str, Any] = {
        "id": NeedId("N"),
        "accelerators": (H100,),
        "chips": 64,
        "by_ms": day(40),
        "until_ms": day(140),
        "source": "test",
    }
    return Need(**(facts | more))


@pytest.mark.parametrize(
    ("wanted", "scope", "is_bound"),
    [
        ((), ("US",), True),
        (("US",), ("US",), True),
        (("EU",), (), True),
        (("EU", "US"), ("US",), True),
        (("EU",), ("US",), False),
        (("EU",), ("US", "east"), True),
    ],
)
def test_a_need_that_says_where_is_held_against_the_scope(
    *, wanted: tuple[str, ...], scope: tuple[str, ...], is_bound: bool
) -> None:
    clause = first_refusal(scope=Scope(new_capacity_only=True, territories=scope), mode=FirstRefusalMode.FIRST_OFFER)
    control = installed(contract(clauses=[clause]), need(territories=wanted))
    command = AskFirst(
        contract_id=ContractId("alpha-1"),
        clause_id="rofr",
        need_id=NeedId("N"),
        accelerator=H100,
        region="east",
        chips=32,
        starts_ms=day(40),
        ends_ms=day(140),
        rate_micro_usd_per_chip_hour=RATE,
        **ADA,
    )
    if is_bound:
        control.do(command)
    else:
        refusal = control.refused(command)
        assert (refusal.code, refusal.text) == (
            RefusalCode.WRONG_STATE,
            "need N lies outside its scope; it needs no notice",
        )


def test_what_an_award_would_do_is_told_and_nothing_is_done() -> None:
    control = installed(contract(clauses=[first_refusal(), cap(cap_bps=9_000)]), offer())
    refused = award_preview(control.state, awarding(8), control.now)
    assert isinstance(refused, Refusal)
    assert refused == control.refused(awarding(8))
    notice_id = serve(control)
    answer(control, notice_id, AnswerKind.DECLINED)
    before = replayed(control)
    foreseen = award_preview(control.state, awarding(8), control.now)
    assert isinstance(foreseen, AwardPreview)
    assert control.state == before
    assert [one.notice_id for one in foreseen.evidence] == [notice_id]
    assert [one.clause.clause_id for one in foreseen.caps] == ["cap"]
    made = award(control, 8)
    assert (foreseen.evidence, foreseen.terms) == (made.evidence, made.terms)


def exempt(control: Control, **more: Any) -> Apply:
    """Beta's contract with another tranche, which names a ground on which it needed no notice."""
    facts: dict[str, Any] = {"awarded_ms": control.now.contract_ms} | more
    part = tranche("beta-1", "t2", "beta/main", domains=1, award=Award(**facts))
    return Apply(documents=(contract("beta", tranches=[tranche("beta-1", pool_id="beta/main"), part]),), workloads=())


def test_a_document_may_name_a_ground_that_the_clause_makes_and_no_other() -> None:
    loss = Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=5)
    own = Exemption(ground=ExemptionGround.OWN_SITE, workload_kinds=(WorkloadKind.TRAINING,))
    on_loss = {"exempt_by": ExemptionGround.PROVIDER_LOSS, "replaces": ALPHA}
    control = market(offer(), exemptions=(loss, own))
    for named in (on_loss, {"exempt_by": ExemptionGround.OWN_SITE}):
        refusal = control.refused(exempt(control, **named))
        assert (refusal.code, refusal.subject) == (RefusalCode.NOT_PERMITTED, "tranche beta-1/t2")
        assert f"clause alpha-1/rofr binds its award, and does not exempt it as {named['exempt_by']}" in refusal.text
        assert refusal.accepted == (
            "provider_loss (in place of a provider declared lost, awarded within 5 days of that, for any use); "
            "own_site (capacity of the organisation's own, for training); or a waiver of alpha-1/rofr"
        )
    control.do(DeclareLost(provider_id=ALPHA, **ADA))
    control.wait(5 * MS_PER_DAY - 1)
    permitted = exempt(control, **on_loss)
    control.do(permitted)
    part = control.state.contracts[ContractId("beta-1")].tranches[1]
    verdict = permission(control.state.book(), control.state.contracts[ContractId("beta-1")], part)
    assert isinstance(verdict, Evidence)
    assert verdict.code == "exemption"
    control.wait(1)
    control.do(Restore(provider_id=ALPHA, **ADA))
    control.wait(MS_PER_DAY)
    control.do(permitted)
    assert permission(control.state.book(), control.state.contracts[ContractId("beta-1")], part) == verdict
    assert control.refused(exempt(control, **on_loss)).code is RefusalCode.NOT_PERMITTED


def test_a_clause_without_exemptions_says_that_a_waiver_is_the_way() -> None:
    control = market()
    refusal = control.refused(exempt(control, exempt_by=ExemptionGround.OWN_SITE))
    assert refusal.accepted == "a waiver of alpha-1/rofr"
    ghost = {"exempt_by": ExemptionGround.PROVIDER_LOSS, "replaces": ProviderId("ghost")}
    assert control.refused(exempt(control, **ghost)).code is RefusalCode.UNKNOWN_REFERENCE
    only_here = Scope(new_capacity_only=True)
    control = installed(contract(clauses=[exclusivity(scope=only_here)]))
    refusal = control.refused(exempt(control, exempt_by=ExemptionGround.OWN_SITE))
    assert refusal.accepted.endswith("an exclusivity makes no exemption")


def test_a_ground_that_nothing_binds_needs_no_clause() -> None:
    control = installed()
    control.do(exempt(control, exempt_by=ExemptionGround.OWN_SITE))
