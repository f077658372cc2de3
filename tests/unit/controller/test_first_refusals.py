"""First refusal through the controller: notice, answer or lapse, award, permission, and every date on the way."""

import hashlib
from typing import Any

import pytest

from multihome.clauses.book import MissingPermission, permission
from multihome.controller.invariants import check
from multihome.domain.clause_terms import (
    Equivalence,
    Exemption,
    ExemptionGround,
    FirstRefusalMode,
    MatchTest,
    MaterialChange,
    Scope,
    Use,
)
from multihome.domain.commands import (
    AnswerNotice,
    Apply,
    Command,
    DeclareLost,
    Request,
)
from multihome.domain.contracts import Award, Tranche
from multihome.domain.events import ClauseConsequence, NoticeAnswered
from multihome.domain.ids import AwardId, ContractId, WaiverId
from multihome.domain.placements import Evidence, OutsideUse
from multihome.domain.procurement import AnswerKind, AwardRecord
from multihome.domain.refusals import RefusalCode
from multihome.domain.supply import ProviderKind
from multihome.domain.workloads import Infra, WorkloadKind
from multihome.procurement.notices import text_of
from multihome.units.time import MS_PER_DAY
from tests.builders import (
    ALPHA,
    H100,
    RATE,
    TPU,
    contract,
    day,
    delay_remedy,
    delivery,
    first_refusal,
    offer,
    pool,
    provider,
    service,
    training,
    tranche,
    waiver,
)
from tests.control import Control, installed, of_kind, replayed
from tests.market import ADA, TRAINING, answer, award, awarding, gap, market, serve


def test_from_notice_to_placement() -> None:
    control = market()
    refusal = control.refused(awarding(16))
    assert (refusal.code, refusal.accepted) == (RefusalCode.NOT_PERMITTED, "at the earliest from 2026-01-12 00:00Z")
    assert "alpha must be served a notice first" in refusal.text
    control.wait(MS_PER_DAY)
    notice_id = serve(control, 16)
    notice = control.state.notices[notice_id]
    assert notice.closes_ms == day(12)
    refusal = control.refused(awarding(16))
    assert f"notice {notice_id} is open until 2026-01-13 00:00Z" in refusal.text
    assert refusal.accepted == "at the earliest from 2026-01-13 00:00Z"
    control.wait(2 * MS_PER_DAY)
    answer(control, notice_id, AnswerKind.DECLINED)
    made = award(control, 16)
    assert [(one.code, one.notice_id, one.notice_sha256) for one in made.evidence] == [
        ("waiver", notice_id, notice.sha256)
    ]
    part = tranche(
        "beta-1",
        "t2",
        "beta/main",
        domains=1,
        award=Award(awarded_ms=made.awarded_ms, award_id=made.id),
        promised_ms=day(40),
        ends_ms=day(140),
    )
    control.do(
        Apply(documents=(contract("beta", tranches=[tranche("beta-1", pool_id="beta/main"), part]),), workloads=())
    )
    verdict = permission(control.state.book(), control.state.contracts[ContractId("beta-1")], part)
    assert isinstance(verdict, Evidence)
    assert (verdict.award_id, verdict.notice_id) == (made.id, notice_id)
    assert replayed(control) == control.state
    assert check(control.state, control.now) == ()


def ordered(control: Control, made: AwardRecord, **more: Any) -> Tranche:
    """Beta's only tranche, ordered under an award and delivered on its first day."""
    facts: dict[str, Any] = {
        "domains": 1,
        "award": Award(awarded_ms=made.awarded_ms, award_id=made.id),
        "promised_ms": day(40),
        "ends_ms": day(140),
    }
    part = tranche("beta-1", "t2", "beta/main", **(facts | more))
    old = tranche("beta-1", pool_id="beta/main")
    arrived = delivery("D-9", part.id, domains=1, effective_ms=day(40))
    control.do(Apply(documents=(contract("beta", tranches=[old, part]), arrived), workloads=()))
    return part


def test_a_placement_shows_the_evidence_of_its_award() -> None:
    control = market(offer(use=TRAINING))
    notice_id = serve(control, 16)
    answer(control, notice_id, AnswerKind.DECLINED)
    part = ordered(control, award(control, 16), use=TRAINING)
    control.wait(41 * MS_PER_DAY)
    for name in ("a", "b", "c", "d", "e"):
        control.submit(training(name, infra=Infra(provider="beta")))
    control.place()
    shown = {run.allocation.tranche_id: run.reason.evidence for run in control.state.runs.values()}
    assert shown[part.id].notice_id == notice_id
    assert check(control.state, control.now) == ()


def test_capacity_that_is_meant_for_another_use_is_kept_free() -> None:
    control = market(offer(use=TRAINING))
    answer(control, serve(control, 16), AnswerKind.DECLINED)
    part = ordered(control, award(control, 16), use=TRAINING, rate_micro_usd_per_chip_hour=1)
    control.wait(41 * MS_PER_DAY)
    control.submit(service(replicas=9, infra=Infra(provider="beta")))
    control.place()
    assert part.id not in {run.allocation.tranche_id for run in control.state.runs.values()}
    blockers = next(iter(control.state.class_blockers.values()))
    assert any(isinstance(one, OutsideUse) and one.tranche_id == part.id for one in blockers)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"award_id": "A-ghost"}, "is not known"),
        ({"domains": 2}, "would have 32 chips, and 16 were awarded"),
    ],
)
def test_a_tranche_outside_its_award_is_not_recorded(more: dict[str, Any], words: str) -> None:
    control = market()
    answer(control, serve(control, 16), AnswerKind.DECLINED)
    made = award(control, 16)
    of = Award(awarded_ms=made.awarded_ms, award_id=AwardId(more.pop("award_id", made.id)))
    part = tranche("beta-1", "t2", "beta/main", award=of, **({"domains": 1} | more))
    old = tranche("beta-1", pool_id="beta/main")
    refusal = control.refused(Apply(documents=(contract("beta", tranches=[old, part]),), workloads=()))
    assert words in refusal.text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"new_capacity": False}, "it is not new or old as in award"),
        ({"award": "late"}, "it was awarded on another day than award"),
        ({"rate_micro_usd_per_chip_hour": RATE + 1}, "its rate is above that of award"),
        ({"promised_ms": day(40) - 1}, "it is promised before the start of award"),
        ({"ends_ms": day(140) + 1}, "it ends after the end of award"),
        ({"use": Use()}, "its use is wider than that of award"),
    ],
)
def test_a_tranche_that_is_not_what_was_awarded_has_no_permission(more: dict[str, Any], words: str) -> None:
    control = market(offer(use=TRAINING))
    answer(control, serve(control, 16), AnswerKind.DECLINED)
    made = award(control, 16)
    if "award" in more:
        more = {"award": Award(awarded_ms=made.awarded_ms + 1, award_id=made.id)}
    part = ordered(control, made, **({"use": TRAINING} | more))
    verdict = permission(control.state.book(), control.state.contracts[ContractId("beta-1")], part)
    assert isinstance(verdict, MissingPermission)
    assert words in verdict.missing


def test_an_end_that_a_delay_remedy_moves_stays_within_the_award() -> None:
    control = market(offer(use=TRAINING))
    answer(control, serve(control, 16), AnswerKind.DECLINED)
    made = award(control, 16)
    of = Award(awarded_ms=made.awarded_ms, award_id=made.id)
    facts: dict[str, Any] = {"domains": 1, "promised_ms": day(40), "ends_ms": day(140), "award": of, "use": TRAINING}
    part = tranche("beta-1", "t2", "beta/main", **facts)
    documents = (
        contract("beta", [delay_remedy(shifts_end=True)], [tranche("beta-1", pool_id="beta/main"), part]),
        delivery("D-9", part.id, domains=1, effective_ms=day(47)),
    )
    control.do(Apply(documents=documents, workloads=()))
    control.wait(day(48) - control.now.contract_ms)
    control.tick()
    contract_of = control.state.contracts[ContractId("beta-1")]
    moved = next(one for one in contract_of.tranches if one.id == part.id)
    assert moved.ends_ms == day(147)
    verdict = permission(control.state.book(), contract_of, moved)
    assert isinstance(verdict, Evidence)
    assert verdict.award_id == made.id


def test_silence_lapses_at_the_close_however_late_it_is_seen() -> None:
    control = market(offer(start_until_ms=day(90)), material_change=MaterialChange(start_days=30))
    notice_id = serve(control)
    control.wait(11 * MS_PER_DAY - 1)
    assert of_kind(control.tick(), NoticeAnswered) == []
    control.wait(50 * MS_PER_DAY)
    (lapsed,) = of_kind(control.tick(), NoticeAnswered)
    assert (lapsed.answer.notice_id, lapsed.answer.kind, lapsed.answer.answered_ms) == (
        notice_id,
        AnswerKind.LAPSED,
        day(11),
    )
    assert of_kind(control.tick(), NoticeAnswered) == []
    assert award(control, starts_ms=day(62)).evidence[0].text == "lapsed"
    assert check(control.state, control.now) == ()


def test_a_waiver_ends_so_many_days_after_the_answer() -> None:
    control = market(offer(start_until_ms=day(90)), waiver_days=20, material_change=MaterialChange())
    answer(control, serve(control, 8), AnswerKind.DECLINED)
    control.wait(20 * MS_PER_DAY - 1)
    award(control, 8)
    control.wait(1)
    assert "left to others ended on 2026-01-21 00:00Z" in gap(control, 8)


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        ({"chips_bps": 0}, {"chips": 32}, "leaves 24 chips to others, and 32 are asked"),
        ({"start_days": 4}, {"starts_ms": day(45)}, "its start lies 5 days"),
        ({"term_days": 4}, {"ends_ms": day(145)}, "its end lies 5 days"),
        ({"term_days": 4}, {"ends_ms": day(135)}, "its end lies 5 days"),
        ({"rate_bps": 99}, {"offer_id": "O-DEAR"}, "is better for the provider than the $2.52475"),
    ],
)
def test_a_material_change_needs_a_new_notice(change: dict[str, int], more: dict[str, Any], words: str) -> None:
    dear = offer("O-DEAR", rate_micro_usd_per_chip_hour=RATE * 101 // 100)
    control = market(offer(), dear, material_change=MaterialChange(**change))
    answer(control, serve(control, 24), AnswerKind.DECLINED)
    asked: dict[str, Any] = {"chips": 24} | more
    assert words in gap(control, **asked)
    name = next(iter(change))
    wider = MaterialChange(**{name: 3_334 if name == "chips_bps" else change[name] + 1})
    control = market(offer(), dear, material_change=wider)
    answer(control, serve(control, 24), AnswerKind.DECLINED)
    award(control, **asked)


def test_earlier_awards_use_a_waiver_up_and_a_part_that_was_matched_is_not_left() -> None:
    control = market(offer(chips_max=64))
    answer(control, serve(control, 32), AnswerKind.MATCHED_IN_PART, chips=8)
    award(control, 16)
    assert "leaves 8 chips to others, and 16 are asked" in gap(control, 16)
    award(control, 8)
    assert "leaves 0 chips" in gap(control, 8)


def test_what_the_holder_matched_in_full_goes_to_the_holder() -> None:
    control = market(offer(), offer("O-OWN", "alpha"))
    answer(control, serve(control), AnswerKind.MATCHED)
    assert "the holder matched" in gap(control)
    assert award(control, offer_id="O-OWN").evidence[0].code == "holder"


def test_an_offer_cannot_be_awarded_twice() -> None:
    control = market()
    answer(control, serve(control), AnswerKind.DECLINED)
    award(control)
    assert control.refused(awarding(8)).code is RefusalCode.BAD_TERMS


def test_a_first_offer_caps_what_others_may_get() -> None:
    good = offer("O-GOOD", rate_micro_usd_per_chip_hour=2_000_000)
    control = market(offer(), good, mode=FirstRefusalMode.FIRST_OFFER)
    answer(control, serve(control), AnswerKind.DECLINED, rate_micro_usd_per_chip_hour=2_000_000)
    assert "than the $2.00 that" in gap(control)
    award(control, offer_id="O-GOOD")


def test_where_capacity_is_what_counts_a_dearer_answer_still_takes_its_part() -> None:
    control = market(mode=FirstRefusalMode.INSUFFICIENT_CAPACITY)
    notice_id = serve(control)
    answer(control, notice_id, AnswerKind.MATCHED_IN_PART, chips=24, rate_micro_usd_per_chip_hour=2 * RATE)
    assert "leaves 8 chips" in gap(control, 16)
    award(control, 8)


def test_several_holders_each_need_evidence() -> None:
    holders = (contract(clauses=[first_refusal()]), contract("beta", clauses=[first_refusal()]))
    gamma = (provider("gamma"), pool("gamma"), contract("gamma", tranches=[]), offer("O-3", "gamma"))
    control = installed(*holders, *gamma)
    answer(control, serve(control, 16, "O-3"), AnswerKind.DECLINED)
    assert "clause beta-1/rofr stands against" in gap(control, 16, "O-3")
    second = serve(control, 16, "O-3", contract_id=ContractId("beta-1"))
    answer(control, second, AnswerKind.DECLINED)
    made = award(control, 16, "O-3")
    assert [one.clause.contract_id for one in made.evidence if one.clause] == ["alpha-1", "beta-1"]


def test_an_own_site_needs_no_notice_for_the_uses_that_the_clause_names() -> None:
    own = Exemption(ground=ExemptionGround.OWN_SITE, workload_kinds=(WorkloadKind.TRAINING,))
    control = market(offer(use=TRAINING), offer("O-ANY"), provider("beta", kind=ProviderKind.OWN), exemptions=(own,))
    assert award(control, 8).evidence[0].code == "exemption"
    assert "must be served" in gap(control, 8, "O-ANY")


def test_what_replaces_a_lost_provider_needs_no_notice_for_so_many_days() -> None:
    loss = Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=5)
    control = market(offer(), exemptions=(loss,))
    assert "must be served" in gap(control, 8, replaces=ALPHA)
    control.wait(MS_PER_DAY)
    told = of_kind(control.tell(asking(DeclareLost(provider_id=ALPHA, **ADA))), ClauseConsequence)
    assert [(one.code, one.text[:16]) for one in told] == [("emergency_exemption", "until 2026-01-07")]
    assert "must be served" in gap(control, 8)
    control.wait(5 * MS_PER_DAY - 1)
    assert award(control, 8, replaces=ALPHA).evidence[0].text.startswith("stands in for alpha")
    control.wait(1)
    assert "must be served" in gap(control, 8, replaces=ALPHA)


def asking(command: Command) -> Request:
    return Request(key="own", body_sha256="b", minted_id="own", actor="ada", command=command)


def test_a_waiver_from_elsewhere_serves_an_award_and_is_used_up_by_it() -> None:
    control = market(offer(), waiver(chips=40, served_ms=day(0), answered_ms=day(0)))
    made = award(control, 32)
    assert (made.evidence[0].waiver_id, made.evidence[0].notice_id) == ("W-1", None)
    old = tranche("beta-1", pool_id="beta/main")
    late = Award(awarded_ms=day(1), waiver_ids=(WaiverId("W-1"),))
    part = tranche("beta-1", "t2", "beta/main", domains=1, award=late)
    control.do(Apply(documents=(contract("beta", tranches=[old, part]),), workloads=()))
    verdict = permission(control.state.book(), control.state.contracts[ContractId("beta-1")], part)
    assert isinstance(verdict, MissingPermission)
    assert "has 8 of 40 chips left" in verdict.missing


def test_a_notice_is_what_its_hash_says() -> None:
    control = market()
    notice = control.state.notices[serve(control)]
    text = text_of(control.state.contracts[notice.clause.contract_id], notice)
    assert hashlib.sha256(text.encode()).hexdigest() == notice.sha256
    assert "chips 32\naccelerator H100-SXM-80GB\nregion east\nfrom 2026-02-10T00:00:00.000Z" in text
    assert "beta" not in text


def test_equivalents_count_by_their_throughput() -> None:
    agreed = Equivalence(accelerator=TPU, stands_for=H100, throughput_bps=5_000)
    control = market(match=MatchTest(equivalents=(agreed,)))
    notice_id = serve(control)
    more = {"accelerator": TPU, "rate_micro_usd_per_chip_hour": RATE // 2}
    refused = AnswerNotice(notice_id=notice_id, kind=AnswerKind.MATCHED, chips=32, **more, **ADA)
    assert "match the 32 H100-SXM-80GB noticed in part only; 64 do its work" in control.refused(refused).text
    answer(control, notice_id, AnswerKind.MATCHED_IN_PART, chips=33, **more)
    assert "leaves 16 chips" in gap(control, 24)


def test_use_that_is_declared_takes_an_award_out_of_scope_and_binds_the_tranche() -> None:
    control = market(
        offer(use=Use(workload_kinds=(WorkloadKind.INFERENCE,))),
        offer("O-ANY"),
        scope=Scope(new_capacity_only=True, workload_kinds=(WorkloadKind.TRAINING,)),
    )
    assert award(control).evidence[0].code == "no_clause"
    assert "must be served" in gap(control, offer_id="O-ANY")
