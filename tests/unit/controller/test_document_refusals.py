"""Contracts, offers, needs and suspensions that cannot be: each refusal names its rule and what would be accepted."""

from typing import Any

import msgspec
import pytest

from multihome.controller.apply import apply
from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ClauseRef,
    ClauseTerms,
    ConcentrationCap,
    Dimension,
    Equity,
    Equivalence,
    Favoured,
    FavouredRemedy,
    FeeStep,
    IndexStep,
    Measure,
    Milestone,
    MinimumCommitment,
    MostFavoured,
    PriceTiers,
    Ramp,
    Substitution,
    SubstitutionRule,
    Termination,
    Tier,
    TierMode,
    Use,
    Window,
)
from multihome.domain.commands import Apply, Document, Submit
from multihome.domain.contracts import Amendment, Award, Contract, Suspension
from multihome.domain.events import NoticeServed, PeriodSettled
from multihome.domain.ids import AwardId, ContractId, NeedId, NoticeId, OfferId, PoolId, ProviderId, TrancheId
from multihome.domain.procurement import Firmness, Need, Notice, Offer, Terms
from multihome.domain.refusals import RefusalCode
from multihome.domain.workloads import Infra
from multihome.units.calendar import Calendar, DayCount, Period
from multihome.units.time import Interval
from tests.builders import (
    ALPHA,
    BETA,
    H100,
    TPU,
    YEAR,
    contract,
    day,
    first_refusal,
    pool,
    provider,
    take_or_pay,
    training,
    tranche,
)
from tests.control import Control, installed

MONTH = Interval(day(0), day(31))


def common(clause_id: str) -> dict[str, Any]:
    return {"id": clause_id, "interval": YEAR, "source": "test"}


def ramp(*chips: int, **more: Any) -> Ramp:
    steps = tuple(ChipStep(from_ms=day(30 * index), chips=count) for index, count in enumerate(chips))
    facts: dict[str, Any] = {"tranche": "t1", "steps": steps}
    return Ramp(**(facts | common("ramp") | more))


def tiers(*starts: int, **more: Any) -> PriceTiers:
    rates = tuple(Tier(from_chip_hours=start, rate_micro_usd_per_chip_hour=2_000_000) for start in starts)
    facts: dict[str, Any] = {"period": Period.MONTH, "mode": TierMode.GRADUATED, "tiers": rates}
    return PriceTiers(**(facts | common("tiers") | more))


def commitment(*steps: tuple[int, int]) -> MinimumCommitment:
    amounts = tuple(AmountStep(from_ms=day(at), amount_micro_usd=amount) for at, amount in steps)
    return MinimumCommitment(period=Period.QUARTER, steps=amounts, **common("minimum"))


def termination(*days: int, **more: Any) -> Termination:
    fees = tuple(FeeStep(from_ms=day(at), share_bps=5_000) for at in days)
    facts: dict[str, Any] = {"notice": Window(days=30), "fees": fees}
    return Termination(**(facts | common("end") | more))


def favoured(**more: Any) -> MostFavoured:
    facts: dict[str, Any] = {
        "favoured": Favoured.BUYER,
        "accelerators": (H100,),
        "chips_min": 8,
        "chips_max": 64,
        "look_back_days": 90,
        "remedy": FavouredRemedy.REFUND,
    }
    return MostFavoured(**(facts | common("favoured") | more))


def cap(**more: Any) -> ConcentrationCap:
    facts: dict[str, Any] = {"dimension": Dimension.PROVIDER, "measure": Measure.SPEND, "cap_bps": 5_000}
    facts["window_days"] = 365
    return ConcentrationCap(**(facts | common("cap") | more))


def substitution(rule: SubstitutionRule, *, needs_consent: bool = False, throughput_bps: int = 10_000) -> Substitution:
    stands_for = Equivalence(accelerator=TPU, stands_for=H100, throughput_bps=throughput_bps)
    return Substitution(rule=rule, needs_consent=needs_consent, equivalents=(stands_for,), **common("swap"))


def offer(**more: Any) -> Offer:
    facts: dict[str, Any] = {
        "id": OfferId("O-1"),
        "provider_id": ProviderId("beta"),
        "pool_id": PoolId("beta/main"),
        "chips_min": 16,
        "chips_max": 64,
        "chips_step": 16,
        "start_from_ms": day(30),
        "start_until_ms": day(60),
        "term_days_min": 30,
        "term_days_max": 90,
        "lead_days": 0,
        "rate_micro_usd_per_chip_hour": 2_000_000,
        "firmness": Firmness.FIRM,
        "expires_ms": day(40),
        "source": "test",
    }
    return Offer(**(facts | more))


def need(**more: Any) -> Need:
    facts: dict[str, Any] = {"id": NeedId("N-1"), "accelerators": (H100,), "chips": 32, "source": "test"}
    facts |= {"by_ms": day(30), "until_ms": day(60)}
    return Need(**(facts | more))


def suspension(**more: Any) -> Suspension:
    facts: dict[str, Any] = {"id": "S-1", "contract_id": ContractId("alpha-1"), "ground": "flood", "source": "test"}
    facts["interval"] = Interval(day(40), day(50))
    return Suspension(**(facts | more))


def alpha(*clauses: ClauseTerms, **more: Any) -> Contract:
    return contract(clauses=clauses, **more)


LATE = tranche(name="t2", promised_ms=YEAR.end_ms + 1, ends_ms=YEAR.end_ms + 2)
REFUSED: list[tuple[RefusalCode, Document, str, str]] = [
    (RefusalCode.BAD_TERMS, alpha(ramp(-1, 8)), "a number of chips is negative: -1", "0 or more"),
    (RefusalCode.BAD_TERMS, alpha(ramp(16, 8)), "it goes down from 16 to 8 chips on 2026-01-31", "never go down"),
    (RefusalCode.BAD_TERMS, alpha(ramp(8, 33)), "it goes up to 33 chips, and tranche alpha-1/t1 has 32", "up to 32"),
    (
        RefusalCode.BAD_TERMS,
        alpha(ramp(steps=(ChipStep(from_ms=day(5), chips=1), ChipStep(from_ms=day(5), chips=2)))),
        "a step from 2026-01-06 stands after one from 2026-01-06",
        "a step from a later date",
    ),
    (RefusalCode.BAD_TERMS, alpha(ramp()), "it has no step", "at least one"),
    (RefusalCode.UNKNOWN_REFERENCE, alpha(ramp(8, tranche="ghost")), "tranche 'ghost' is not known", "t1"),
    (RefusalCode.BAD_TERMS, alpha(tiers()), "it has no tier", "at least one"),
    (RefusalCode.BAD_TERMS, alpha(tiers(10)), "its first tier begins at 10 chip-hours", "from 0"),
    (RefusalCode.BAD_TERMS, alpha(tiers(0, 9, 9)), "a tier from 9 chip-hours stands after one from 9", "ascending"),
    (
        RefusalCode.BAD_TERMS,
        alpha(tiers(0, index=(IndexStep(from_ms=day(9), factor_bps=1), IndexStep(from_ms=day(1), factor_bps=1)))),
        "an index step from 2026-01-02 stands after one from 2026-01-10",
        "a later date",
    ),
    (RefusalCode.UNKNOWN_REFERENCE, alpha(tiers(0, tranches=("ghost",))), "tranche 'ghost' is not known", "t1"),
    (RefusalCode.BAD_TERMS, alpha(commitment((9, 1), (8, 1))), "a step from 2026-01-09 stands after", "a later date"),
    (RefusalCode.BAD_TERMS, alpha(commitment((9, -1))), "an amount is negative: -1", "0 or more"),
    (RefusalCode.BAD_TERMS, alpha(termination(60, 30)), "a fee from 2026-01-31 stands after", "a later date"),
    (
        RefusalCode.BAD_TERMS,
        alpha(termination(notice=Window(days=3_000, count=DayCount.BUSINESS))),
        "a window of 3000 business days with 0 holidays may not close within 3700 days",
        "fewer days",
    ),
    (
        RefusalCode.BAD_TERMS,
        alpha(Equity(milestones=(Milestone(chips_accepted=9, value_micro_usd=1),) * 2, **common("warrants"))),
        "a milestone at 9 chips stands after one at 9",
        "ascending",
    ),
    (RefusalCode.BAD_TERMS, alpha(favoured(chips_max=4)), "its band ends at 4 chips", "at least the smallest"),
    (RefusalCode.BAD_TERMS, alpha(cap(window_days=0)), "it counts shares over no day", "at least 1 day"),
    (RefusalCode.UNKNOWN_REFERENCE, alpha(cap(of="ghost")), "provider 'ghost' is not known", "alpha, beta"),
    (RefusalCode.CURRENCY_DIFFERS, alpha(currency="EUR"), "it is in EUR, and the ledger in USD", "a contract in USD"),
    (RefusalCode.CURRENCY_DIFFERS, offer(currency="EUR"), "it is in EUR, the ledger in USD, contract beta-1", "in USD"),
    (
        RefusalCode.BAD_DATES,
        alpha(interval=Interval(-1, YEAR.end_ms)),
        "it begins on 1969-12-31, and days are counted from 1970 on",
        "1970 or later",
    ),
    (
        RefusalCode.BAD_DATES,
        contract(tranches=(tranche(), LATE)),
        "the contract ends on 2027-01-01, before the tranche starts on 2027-01-01",
        "within its contract",
    ),
    (RefusalCode.BAD_TERMS, offer(chips_max=63), "from 16 chips in steps of 16 one does not come to 63", "whole steps"),
    (RefusalCode.BAD_TERMS, offer(term_days_max=29), "its longest term of 29 days", "at least the shortest"),
    (RefusalCode.BAD_DATES, offer(start_until_ms=day(29)), "its latest start 2026-01-30 is before its earliest", ""),
    (RefusalCode.UNKNOWN_REFERENCE, offer(need_id=NeedId("ghost")), "need 'ghost' is not known", ""),
    (RefusalCode.UNKNOWN_REFERENCE, offer(pool_id=PoolId("alpha/main")), "pool alpha/main belongs to alpha", ""),
    (RefusalCode.UNKNOWN_REFERENCE, need(accelerators=("ghost",)), "accelerator 'ghost' is not known", ""),
    (RefusalCode.BAD_DATES, need(until_ms=day(30)), "it is wanted until a date that is not after", ""),
    (RefusalCode.UNKNOWN_REFERENCE, suspension(contract_id="ghost"), "contract 'ghost' is not known", "alpha-1"),
    (RefusalCode.UNKNOWN_REFERENCE, suspension(tranche_ids=("alpha-1/x",)), "tranche 'alpha-1/x' is not", "alpha-1/t1"),
    (RefusalCode.BAD_DATES, suspension(interval=Interval(day(9), day(9))), "it ends before it begins", ""),
    (
        RefusalCode.UNKNOWN_REFERENCE,
        contract(tranches=(tranche(), tranche(name="t2", award=Award(awarded_ms=day(0), award_id=AwardId("A-9"))))),
        "award 'A-9' is not known",
        "",
    ),
]


def facts(*documents: Document) -> Apply:
    return Apply(documents=documents, workloads=())


@pytest.mark.parametrize(("code", "document", "text", "accepted"), REFUSED)
def test_each_refusal_names_the_rule(code: RefusalCode, document: Document, text: str, accepted: str) -> None:
    refusal = installed().refused(facts(document))
    assert refusal.code is code
    assert refusal.text.startswith(text)
    assert accepted in refusal.accepted


def test_sound_terms_are_taken() -> None:
    clauses = (
        ramp(0, 16, 32),
        tiers(0, 10, 20),
        commitment((0, 1), (90, 2)),
        termination(0, 90, notice=Window(days=60, count=DayCount.BUSINESS)),
        favoured(),
        cap(of="alpha"),
        substitution(SubstitutionRule.NEVER),
    )
    installed().do(facts(alpha(*clauses), need(), offer(need_id=NeedId("N-1")), suspension()))


def settled(*clauses: ClauseTerms, **more: Any) -> Control:
    """Alpha's contract, with January settled."""
    control = installed(alpha(*clauses, **more))
    period = PeriodSettled(
        clause=ClauseRef(ContractId("alpha-1"), "top"), tranche_id=TrancheId(""), period=MONTH, due_micro_usd=0, text=""
    )
    apply(control.state, period, control.now)
    return control


def top(start: int, end: int, share_bps: int) -> ClauseTerms:
    return take_or_pay(share_bps=share_bps, interval=Interval(day(start), day(end)))


REWRITES = [
    (alpha(take_or_pay(share_bps=7_000)), "on 2026-01-01 other terms of top would be in force"),
    (alpha(), "on 2026-01-01 other terms of top would be in force"),
    (alpha(top(0, 30, 8_000), top(30, 365, 7_000)), "on 2026-01-31 other terms of top would be in force"),
    (alpha(take_or_pay(), first_refusal()), "on 2026-01-01 other terms of rofr would be in force"),
    (
        alpha(take_or_pay(), amendments=(Amendment(id="A1", effective_ms=day(30), clauses=("top",), source=""),)),
        "amendment A1 takes effect on 2026-01-31",
    ),
    (alpha(take_or_pay(), calendar=Calendar(zone="Europe/London")), "it is settled until 2026-02-01 by the days of"),
]


@pytest.mark.parametrize(("after", "text"), REWRITES)
def test_what_is_settled_is_not_rewritten(after: Contract, text: str) -> None:
    refusal = settled(take_or_pay()).refused(facts(after))
    assert refusal.code is RefusalCode.SETTLED
    assert refusal.text.startswith(text)
    assert "2026-02-01" in refusal.accepted or "zone UTC" in refusal.accepted


@pytest.mark.parametrize(("after", "text"), REWRITES)
def test_before_anything_is_settled_the_same_change_is_taken(after: Contract, text: str) -> None:
    del text
    installed(alpha(take_or_pay())).do(facts(after))


def test_what_begins_where_the_settled_period_ends_is_taken() -> None:
    amendment = Amendment(id="A1", effective_ms=day(31), clauses=("top",), source="")
    after = alpha(top(0, 31, 8_000), top(31, 365, 7_000), amendments=(amendment,))
    settled(take_or_pay()).do(facts(after))


def test_a_clause_that_is_only_cut_in_two_is_the_same() -> None:
    settled(take_or_pay()).do(facts(alpha(top(0, 15, 8_000), top(15, 365, 8_000))))


def test_a_suspension_of_what_is_settled_is_refused() -> None:
    control = settled(take_or_pay())
    refusal = control.refused(facts(suspension(interval=Interval(day(30), day(50)))))
    assert refusal.code is RefusalCode.SETTLED
    control.do(facts(suspension(interval=Interval(day(31), day(50)))))


def test_a_suspension_on_record_may_end_later_but_not_in_a_settled_period() -> None:
    control = installed(suspension(interval=Interval(day(20), day(50))))
    period = PeriodSettled(
        clause=ClauseRef(ContractId("alpha-1"), "top"), tranche_id=TrancheId(""), period=MONTH, due_micro_usd=0, text=""
    )
    apply(control.state, period, control.now)
    control.do(facts(suspension(interval=Interval(day(20), day(60)))))
    assert control.refused(facts(suspension(interval=Interval(day(20), day(25))))).code is RefusalCode.SETTLED
    assert control.refused(facts(suspension(interval=Interval(day(40), day(60))))).code is RefusalCode.SETTLED


SWAPPED = tranche(name="t2", pool_id="alpha/tpu", promised_ms=day(60))
ORDERED = tranche(name="t2", promised_ms=day(60))


def swap(*clauses: ClauseTerms, **award: Any) -> tuple[Contract, Contract]:
    """Alpha's contract with a second tranche that is to come, before and after its chips are others."""
    new = msgspec.structs.replace(SWAPPED, award=Award(awarded_ms=YEAR.start_ms, **award))
    return contract(clauses=clauses, tranches=(tranche(), ORDERED)), contract(
        clauses=clauses, tranches=(tranche(), new)
    )


@pytest.mark.parametrize(
    ("clauses", "award", "text"),
    [
        ((), {}, "H100-SXM-80GB were ordered, and no clause on substitution is in force"),
        ((substitution(SubstitutionRule.NEVER),), {}, "clause swap permits no substitute"),
        ((substitution(SubstitutionRule.LIKE_FOR_LIKE, throughput_bps=9_999),), {}, "clause swap counts 32 TPU-v5p"),
        ((substitution(SubstitutionRule.ANY, needs_consent=True),), {}, "clause swap wants consent"),
    ],
)
def test_chips_are_substituted_only_as_the_clause_permits(
    clauses: tuple[ClauseTerms, ...], award: dict[str, Any], text: str
) -> None:
    before, after = swap(*clauses, **award)
    control = installed(pool(name="tpu", accelerator=TPU), before)
    refusal = control.refused(facts(after))
    assert refusal.code is RefusalCode.NOT_PERMITTED
    assert refusal.text.startswith(text)


@pytest.mark.parametrize(
    ("terms", "award"),
    [
        (substitution(SubstitutionRule.LIKE_FOR_LIKE), {}),
        (substitution(SubstitutionRule.ANY, needs_consent=True), {"consent": "ada"}),
    ],
)
def test_a_permitted_substitution_is_taken(terms: Substitution, award: dict[str, Any]) -> None:
    before, after = swap(terms, **award)
    installed(pool(name="tpu", accelerator=TPU), before).do(facts(after))


def test_terms_that_were_noticed_are_not_rewritten() -> None:
    control = installed(offer())
    control.do(facts(offer(expires_ms=day(45))))
    terms = Terms(
        accelerator=H100,
        region="east",
        chips=32,
        starts_ms=day(30),
        ends_ms=day(90),
        rate_micro_usd_per_chip_hour=2_000_000,
    )
    notice = Notice(
        id=NoticeId("N-1"),
        clause=ClauseRef(ContractId("alpha-1"), "rofr"),
        offer_id=OfferId("O-1"),
        terms=terms,
        use=Use(),
        served_ms=day(1),
        closes_ms=day(11),
        served_by="ada",
        sha256="ab" * 32,
    )
    apply(control.state, NoticeServed(notice=notice), control.now)
    refusal = control.refused(facts(offer(expires_ms=day(46))))
    assert refusal.code is RefusalCode.SETTLED
    assert refusal.text.startswith("notice N-1 stands on its terms")


def test_two_providers_never_share_a_name() -> None:
    control = installed(provider(BETA, aliases=("b", "two")))
    for taken, fact in (("b", provider(ALPHA, aliases=("a", "b"))), ("beta", provider(ALPHA, aliases=("beta",)))):
        refusal = control.refused(Apply(documents=(fact,), workloads=()))
        assert (refusal.code, refusal.subject) == (RefusalCode.AMBIGUOUS, "provider alpha")
        assert refusal.text == f"'{taken}' is what provider beta is called too"
    newcomer = provider(ProviderId("two"))
    assert control.refused(Apply(documents=(newcomer,), workloads=())).subject == "provider two"
    control.do(Apply(documents=(provider(BETA, aliases=()), newcomer), workloads=()))


def test_a_workload_names_a_provider_by_any_of_its_names_and_runs_there_only() -> None:
    control = installed(provider(BETA, aliases=("b",)))
    workload_id = control.submit(training(infra=Infra(provider="b")))
    control.place()
    assert control.run_of(workload_id).allocation.provider_id == BETA
    refusal = control.refused(Submit(spec=training("other", infra=Infra(provider="c"))))
    assert refusal.code is RefusalCode.NO_SUCH_POOL
