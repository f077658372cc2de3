"""Awards meet concentration caps and most-favoured clauses: refused with the most that may be, or with what is due."""

from typing import Any

import msgspec
import pytest

from multihome.controller.invariants import check_award
from multihome.domain.clause_terms import ConcentrationCap, Dimension, FavouredRemedy, Measure
from multihome.domain.commands import Apply, AwardOffer
from multihome.domain.contracts import Award
from multihome.domain.events import ClauseConsequence
from multihome.domain.ids import AwardId, OfferId, TrancheId
from multihome.domain.procurement import AwardRecord
from multihome.domain.refusals import RefusalCode
from multihome.domain.workloads import Infra
from multihome.procurement.awards import rule_again
from multihome.units.time import MS_PER_DAY
from multihome.views.explain import explain
from tests.awards import cap, most_favoured
from tests.builders import BETA, RATE, contract, day, delivery, offer, training, tranche
from tests.control import Control, installed, replayed

ADA: dict[str, Any] = {"actor": "ada", "why": "because"}


def awarding(chips: int = 32, offer_id: str = "O-1", **more: Any) -> AwardOffer:
    facts: dict[str, Any] = {"offer_id": OfferId(offer_id), "chips": chips, "starts_ms": day(40), "ends_ms": day(140)}
    return AwardOffer(**(facts | ADA | more))


def capped(**terms: Any) -> Control:
    """32 chips at alpha and 32 at beta, an offer of beta, and a cap in alpha's contract over the next 200 days."""
    facts: dict[str, Any] = {"window_days": 200} | terms
    return installed(contract(clauses=[cap(**facts)]), offer(chips_max=64))


def test_a_breached_cap_refuses_the_award_and_tells_what_would_keep_it() -> None:
    refusal = capped().refused(awarding(64))
    assert (refusal.code, refusal.subject) == (RefusalCode.NOT_PERMITTED, "offer O-1")
    # 32 chips on 200 days at each, and 64 more on 100 of them: 12,800 of 19,200 chip-days.
    for part in ("clause alpha-1/cap", "66.67 % of chips", "50.00 % without this award", "caps it at 60 %"):
        assert part in refusal.text
    # (6,400 + 100 n) ÷ (12,800 + 100 n) is no more than 60 % up to n = 32.
    assert refusal.accepted == "at most 32 chips on these terms"


def test_the_most_that_is_told_is_permitted_and_no_step_more() -> None:
    control = capped()
    assert control.refused(awarding(40)).accepted == "at most 32 chips on these terms"
    made = control.do(awarding(32))
    assert made.changes[0].startswith("award ")
    assert control.refused(awarding(8)).code is RefusalCode.NOT_PERMITTED
    assert control.refused(awarding(8)).accepted == ""


@pytest.mark.parametrize(
    "terms",
    [
        {"measure": Measure.SPEND},
        {"measure": Measure.POWER},
        {"dimension": Dimension.REGION, "cap_bps": 9_000},
        {"dimension": Dimension.VENDOR, "cap_bps": 9_000},
        {"of": "beta"},
    ],
)
def test_each_basis_and_dimension_binds(terms: dict[str, Any]) -> None:
    assert capped(**terms).refused(awarding(64)).code is RefusalCode.NOT_PERMITTED


@pytest.mark.parametrize("terms", [{"of": "alpha"}, {"cap_bps": 7_000}, {"window_days": 40}])
def test_a_cap_that_the_award_does_not_reach_lets_it_pass(terms: dict[str, Any]) -> None:
    capped(**terms).do(awarding(64))


def cited(control: Control, award_id: AwardId) -> None:
    """Order and deliver what was awarded."""
    award = control.state.awards[award_id]
    part = tranche(
        "beta-1",
        "t2",
        "beta/main",
        promised_ms=award.terms.starts_ms,
        ends_ms=award.terms.ends_ms,
        rate_micro_usd_per_chip_hour=award.terms.rate_micro_usd_per_chip_hour,
        award=Award(awarded_ms=award.awarded_ms, award_id=award_id),
    )
    before = control.state.contract_documents
    beta = next(one for one in before.values() if one.provider_id == "beta")
    after = msgspec.structs.replace(beta, tranches=(*beta.tranches, part))
    accepted = delivery("D-3", "beta-1/t2", effective_ms=award.terms.starts_ms)
    control.do(Apply(documents=(after, accepted), workloads=()))


def test_an_award_that_was_ordered_counts_once() -> None:
    control = capped()
    award_id = AwardId(control.do(awarding(32)).made[0])
    cited(control, award_id)
    award = control.state.awards[award_id]
    assert rule_again(control.state.book(), award).missing == ()
    assert list(check_award(control.state, award)) == []
    assert control.refused(awarding(8)).code is RefusalCode.NOT_PERMITTED


# --- The audit, by another road ---


def planted(award: AwardRecord, **terms: Any) -> AwardRecord:
    return msgspec.structs.replace(award, terms=msgspec.structs.replace(award.terms, **terms))


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize("dimension", Dimension)
def test_an_award_on_record_beyond_a_cap_is_told(measure: Measure, dimension: Dimension) -> None:
    control = capped(measure=measure, dimension=dimension, cap_bps=6_000 if dimension is Dimension.PROVIDER else 10_000)
    award = control.state.awards[AwardId(control.do(awarding(32)).made[0])]
    assert list(check_award(control.state, award)) == []
    alpha = next(one for one in control.state.contracts.values() if one.provider_id == "alpha")
    tighter = tuple(
        msgspec.structs.replace(one, cap_bps=5_999) if isinstance(one, ConcentrationCap) else one
        for one in alpha.clauses
    )
    control.state.contracts[alpha.id] = msgspec.structs.replace(alpha, clauses=tighter)
    assert ["goes beyond cap alpha-1/cap" in one.text for one in check_award(control.state, award)] == [True]


def test_a_planted_breach_is_told_for_its_chips_and_its_currency() -> None:
    control = capped(measure=Measure.SPEND)
    award = control.state.awards[AwardId(control.do(awarding(32)).made[0])]
    for broken, words in (
        (planted(award, chips=33), "beta has 60.25%"),
        (planted(award, currency="EUR"), "several currencies"),
    ):
        control.state.awards[award.id] = broken
        assert any(words in one.text for one in check_award(control.state, broken))


def test_awards_made_later_do_not_count_against_earlier_ones() -> None:
    control = capped()
    first = AwardId(control.do(awarding(16)).made[0])
    control.wait(MS_PER_DAY)
    control.do(awarding(16))
    assert rule_again(control.state.book(), control.state.awards[first]).missing == ()


# --- Most favoured ---


def favoured(remedy: FavouredRemedy) -> tuple[Control, AwardRecord, tuple[ClauseConsequence, ...], tuple[str, ...]]:
    """Alpha is paid as well as others, and beta is awarded half a dollar more."""
    dear = offer(rate_micro_usd_per_chip_hour=RATE + 500_000)
    control = installed(contract(clauses=[most_favoured(remedy=remedy)]), dear)
    answer = control.do(awarding(32))
    award = control.state.awards[AwardId(answer.made[0])]
    return control, award, tuple(control.events(ClauseConsequence)), answer.changes


@pytest.mark.parametrize(
    ("remedy", "words"),
    [
        # 32 chips × 365 days × 24 h × $0.50, from the day of the award on.
        (FavouredRemedy.MATCH_RATE, "$140,160.00 over what is left of the term"),
        (FavouredRemedy.REFUND, "$0.00 is due for the 30 days before"),
        (FavouredRemedy.TERMINATE, "may end the contract"),
    ],
)
def test_what_follows_is_recorded_and_said(remedy: FavouredRemedy, words: str) -> None:
    control, award, events, changes = favoured(remedy)
    assert [event.code for event in events] == [f"most_favoured_{remedy.value}"]
    assert len(award.consequences) == 1
    assert words in award.consequences[0]
    assert award.consequences[0] in changes
    assert award.consequences[0] in events[0].text
    assert award.id in events[0].text
    assert replayed(control) == control.state


def test_explain_tells_what_followed_from_the_award_of_the_capacity() -> None:
    control, award, _, _ = favoured(FavouredRemedy.MATCH_RATE)
    cited(control, award.id)
    control.wait(41 * MS_PER_DAY)
    # Four gangs fill the cheaper tranche, and the fifth goes to the one that was awarded.
    jobs = [control.submit(training(f"job-{number}", infra=Infra(provider=BETA))) for number in range(5)]
    control.place()
    runs = {control.run_of(job).allocation.tranche_id: job for job in jobs}
    for tranche_id, expected in (("beta-1/t1", False), ("beta-1/t2", True)):
        told = explain(control.state, (), runs[TrancheId(tranche_id)], control.now)
        assert told is not None
        line = f"what followed from award {award.id}: {award.consequences[0]}"
        assert (line in told.units[0].sentences) is expected
