"""Questions that need several contracts: awards on record, evidence, who is tried first, and when an award may come."""

from typing import Any

import msgspec
import pytest

from multihome.clauses.book import (
    Book,
    Forbidden,
    MissingPermission,
    award_gap,
    awarded_of,
    binding,
    clause_at,
    earliest_ms,
    exempted,
    forbidding,
    joined,
    permission,
    preferring,
    take_or_pay_of,
    tranche_chips,
    unbound,
    waiver_evidence,
)
from multihome.clauses.scope import Awarded
from multihome.domain.clause_terms import ClauseRef, Exemption, ExemptionGround, FirstRefusal, Scope, Use, Window
from multihome.domain.contracts import Award, Contract, Tranche, WaiverAnswer
from multihome.domain.ids import AwardId, ContractId, NoticeId, OfferId, ProviderId, WaiverId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import Answer, AnswerKind, AwardRecord, Notice, Terms
from multihome.domain.supply import Pool, ProviderKind
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import Calendar
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval
from tests.awards import award
from tests.builders import (
    ALPHA,
    BETA,
    H100,
    RATE,
    TPU,
    YEAR,
    book,
    contract,
    day,
    exclusivity,
    first_refusal,
    pool,
    provider,
    take_or_pay,
    tranche,
    waiver,
)

ROFR = ClauseRef(ContractId("alpha-1"), "rofr")
ON_RECORD = Award(awarded_ms=day(0), award_id=AwardId("A-1"))
TRAINING = Use(workload_kinds=(WorkloadKind.TRAINING,))


def of_award(name: str = "t1", **more: Any) -> Tranche:
    """A tranche of beta, of 32 chips, that cites award A-1."""
    return tranche("beta-1", name, "beta/main", **({"award": ON_RECORD} | more))


def beta(*parts: Tranche, **more: Any) -> Contract:
    return contract("beta", tranches=parts, **more)


def knowing(facts: Book, **more: Any) -> Book:
    """A book that knows more, by the names of its fields; what has an id is given as a sequence."""
    return msgspec.structs.replace(
        facts, **{name: {one.id: one for one in given} if given else {} for name, given in more.items()}
    )


# --- An award on record ---

PROOF = Evidence(code="holder", clause=ROFR, awarded_ms=day(0))


def by_award(*records: AwardRecord, part: Tranche | None = None, **more: Any) -> Evidence | MissingPermission:
    """What is said of beta's tranche that cites award A-1, where these awards are on record."""
    of = beta(part or of_award(), **more)
    return permission(knowing(book(of), awards=records), of, of.tranches[0])


def test_an_award_on_record_carries_its_own_evidence() -> None:
    made = award(evidence=(PROOF,))
    assert by_award(made) == msgspec.structs.replace(PROOF, award_id=made.id)


def test_evidence_for_several_clauses_is_the_first_with_the_others_beside_it() -> None:
    second = Evidence(code="waiver", waiver_id=WaiverId("W-1"))
    third = Evidence(code="exemption", text="agreed")
    verdict = by_award(award(evidence=(PROOF, second, third)))
    first, *others = (msgspec.structs.replace(one, award_id=AwardId("A-1")) for one in (PROOF, second, third))
    assert verdict == msgspec.structs.replace(first, others=tuple(others))


def test_evidence_of_one_clause_stays_as_it_is() -> None:
    assert joined([PROOF]) == PROOF
    assert joined([PROOF, PROOF]).others == (PROOF,)


def test_an_award_that_is_not_on_record_permits_nothing() -> None:
    other = award(award_id="A-2", evidence=(PROOF,))
    assert by_award(other) == MissingPermission(ClauseRef(ContractId("beta-1"), ""), "award A-1 is not on record")


def test_a_tranche_beyond_its_award_names_the_clause_that_the_award_rests_on() -> None:
    small = award(evidence=(PROOF,), chips=31)
    missing = "with the tranches before it, it is larger than award A-1"
    assert by_award(small) == MissingPermission(ROFR, missing)
    unnamed = award(evidence=(Evidence(code="no_clause"),), chips=31)
    assert by_award(unnamed) == MissingPermission(ClauseRef(ContractId("beta-1"), ""), missing)


@pytest.mark.parametrize(
    ("part", "of", "gap"),
    [
        ({}, {"provider_id": "gamma", "pool_id": "beta/main"}, "its provider is not that of"),
        ({"pool_id": "alpha/main"}, {}, "its pool is not that of"),
        ({"new_capacity": False}, {}, "it is not new or old as in"),
        ({}, {"currency": "EUR"}, "its currency is not that of"),
        ({}, {"awarded_ms": day(1)}, "it was awarded on another day than"),
        ({"rate_micro_usd_per_chip_hour": RATE + 1}, {}, "its rate is above that of"),
        ({"rate_micro_usd_per_chip_hour": RATE - 1}, {}, ""),
        ({}, {"starts_ms": day(0) + 1}, "it is promised before the start of"),
        ({"promised_ms": day(3)}, {"starts_ms": day(3)}, ""),
        ({"promised_ms": day(3) + 1}, {"starts_ms": day(3)}, ""),
        ({}, {"ends_ms": YEAR.end_ms - 1}, "it ends after the end of"),
        ({"ends_ms": day(9)}, {"ends_ms": day(9) + 1}, ""),
        ({}, {"use": TRAINING}, "its use is wider than that of"),
        ({"use": TRAINING}, {}, ""),
        ({}, {"chips": 31}, "with the tranches before it, it is larger than"),
        ({"domains": 1}, {"chips": 16}, ""),
        ({}, {}, ""),
    ],
)
def test_every_respect_in_which_a_tranche_lies_outside_its_award(
    part: dict[str, Any], of: dict[str, Any], gap: str
) -> None:
    one = msgspec.structs.replace(of_award(), **part)
    holder = beta(one)
    made = award(**of)
    assert award_gap(knowing(book(holder), awards=[made]), holder, one, made) == gap


def test_tranches_of_one_award_draw_on_it_in_the_order_of_their_names() -> None:
    parts = [of_award(name, domains=1) for name in ("t2", "t1", "t3")]
    of = beta(*parts, of_award("t0", award=Award(awarded_ms=day(0), award_id=AwardId("A-2"))))
    made = award(chips=32)
    gaps = {part.id: award_gap(book(of), of, part, made) for part in parts}
    assert {name: not gap for name, gap in gaps.items()} == {"beta-1/t1": True, "beta-1/t2": True, "beta-1/t3": False}


def test_an_award_is_drawn_on_from_every_contract() -> None:
    part = of_award()
    elsewhere = contract("alpha", tranches=(tranche(domains=1, award=ON_RECORD),))
    of = beta(part)
    facts = book(elsewhere, of)
    assert award_gap(facts, of, part, award(chips=48)) == ""
    assert award_gap(facts, of, part, award(chips=47)) == "with the tranches before it, it is larger than"


def test_an_end_that_a_delay_moved_is_measured_as_it_was_ordered() -> None:
    ordered = of_award(ends_ms=day(100))
    stands = msgspec.structs.replace(ordered, ends_ms=day(120))
    of, made = beta(of_award("t0"), stands), award(ends_ms=day(100), chips=64)
    facts = book(of)
    assert award_gap(facts, of, stands, made) == "it ends after the end of"
    signed = knowing(facts, documents=[beta(of_award("t0"), ordered)])
    assert award_gap(signed, of, stands, made) == ""
    # The document of another contract, and one in which the tranche is not yet, say nothing of it.
    assert award_gap(knowing(facts, documents=[contract()]), of, stands, made) == "it ends after the end of"
    assert award_gap(knowing(facts, documents=[beta(of_award("t0"))]), of, stands, made) == "it ends after the end of"


# --- What an award was ---


def test_a_tranche_as_the_award_that_it_came_from() -> None:
    place = pool("beta", accelerator=TPU, region="west", chips_per_node=4)
    part = of_award(domains=3, nodes_per_domain=5, use=TRAINING, promised_ms=day(3), ends_ms=day(90))
    of = beta(part, currency="EUR")
    terms = Terms(
        accelerator=TPU,
        region="west",
        chips=60,
        starts_ms=day(3),
        ends_ms=day(90),
        rate_micro_usd_per_chip_hour=RATE,
        currency="EUR",
    )
    unknown = Awarded(BETA, None, "", new_capacity=True, use=TRAINING, terms=terms, awarded_ms=day(0))
    facts = book(of, place)
    assert tranche_chips(facts, part) == 60
    assert awarded_of(facts, of, part) == unknown
    known = knowing(facts, providers=[provider("beta", jurisdiction="FR", kind=ProviderKind.OWN)])
    assert awarded_of(known, of, part) == msgspec.structs.replace(
        unknown, provider_kind=ProviderKind.OWN, jurisdiction="FR"
    )


def test_the_clauses_that_bind_an_award_are_those_of_others() -> None:
    new = Scope(new_capacity_only=True)
    mine = beta(of_award(), clauses=[first_refusal(), exclusivity(scope=new)])
    held = contract(clauses=[take_or_pay(), exclusivity("all"), first_refusal(), exclusivity("new", new)])
    third = contract("gamma", clauses=[first_refusal("tpu", Scope(accelerators=(TPU,))), first_refusal("any")])
    facts = book(mine, held, third)
    found = binding(facts, awarded_of(facts, mine, mine.tranches[0]))
    assert [(of.id, terms.id) for of, terms in found] == [
        ("alpha-1", "rofr"),
        ("alpha-1", "new"),
        ("gamma-1", "any"),
    ]


def test_several_clauses_that_bind_are_each_answered() -> None:
    part = of_award(award=Award(awarded_ms=day(20), waiver_ids=(WaiverId("W-1"), WaiverId("W-2"))))
    of = beta(part)
    gamma = waiver("gamma-1", "any", id=WaiverId("W-2"))
    facts = book(
        contract(clauses=[first_refusal()]), contract("gamma", clauses=[first_refusal("any")]), of, waiver(), gamma
    )
    verdict = permission(facts, of, part)
    assert verdict == msgspec.structs.replace(
        waiver_evidence(waiver(), day(20)), others=(waiver_evidence(gamma, day(20)),)
    )


def test_all_waivers_that_were_named_in_vain_are_told() -> None:
    part = of_award(award=Award(awarded_ms=day(20), waiver_ids=(WaiverId("W-2"), WaiverId("W-3"))))
    of = beta(part)
    others = [waiver("gamma-1", id=WaiverId(name)) for name in ("W-2", "W-3")]
    facts = book(contract(clauses=[first_refusal()]), of, *others)
    assert permission(facts, of, part) == MissingPermission(ROFR, "none of the waivers named (W-2, W-3) belongs to it")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (WaiverAnswer.DECLINED, "notice served, declined"),
        (WaiverAnswer.LAPSED, "notice served, lapsed"),
        (WaiverAnswer.MATCHED_IN_PART, "notice served, matched in part"),
    ],
)
def test_a_waiver_as_evidence(answer: WaiverAnswer, text: str) -> None:
    assert waiver_evidence(waiver(answer=answer), day(30)) == Evidence(
        code="waiver",
        clause=ROFR,
        waiver_id=WaiverId("W-1"),
        notice_sha256="ab" * 32,
        awarded_ms=day(30),
        text=text,
    )


def waived(chips: int, *records: AwardRecord, at_ms: int = day(20)) -> str:
    """What a tranche of 32 chips under waiver W-1 lacks beside awards on record; empty when it is permitted."""
    part = of_award("b", award=Award(awarded_ms=at_ms, waiver_ids=(WaiverId("W-1"),)))
    of = beta(part)
    facts = knowing(book(contract(clauses=[first_refusal()]), of, waiver(chips=chips)), awards=records)
    verdict = permission(facts, of, part)
    return verdict.missing if isinstance(verdict, MissingPermission) else ""


def under(waiver_id: str, **more: Any) -> AwardRecord:
    evidence = (Evidence(code="holder"), Evidence(code="waiver", waiver_id=WaiverId(waiver_id)))
    return award(**({"evidence": evidence, "chips": 10, "awarded_ms": day(20) - 1} | more))


def test_awards_on_record_use_a_waiver_up_in_the_order_of_time_and_name() -> None:
    short = "waiver W-1 has 31 of 41 chips left, and the tranche has 32"
    assert waived(41, under("W-1")) == short
    assert waived(42, under("W-1")) == ""
    assert waived(41, under("W-2")) == ""
    assert waived(41, under("W-1", awarded_ms=day(20) + 1)) == ""
    assert waived(41, under("W-1", awarded_ms=day(20))) == short
    assert waived(41, under("W-1", awarded_ms=day(20), award_id="z-1")) == ""
    twice = under("W-1"), under("W-1", award_id="A-2", chips=3)
    assert waived(44, *twice) == "waiver W-1 has 31 of 44 chips left, and the tranche has 32"


# --- Where nothing binds ---


def free(part: Tranche, *clauses: Any, at_ms: int = day(0)) -> Evidence:
    """The evidence of beta's tranche; alpha holds the same clauses as beta, which do not make beta a holder."""
    of = beta(part, clauses=clauses)
    facts = book(contract("alpha", clauses=clauses), of)
    return unbound(facts, BETA, msgspec.structs.replace(awarded_of(facts, of, part), awarded_ms=at_ms))


def test_the_holder_is_the_one_whose_own_clause_covers_the_award() -> None:
    own = ClauseRef(ContractId("beta-1"), "rofr")
    assert free(of_award(), first_refusal()) == Evidence(code="holder", clause=own, awarded_ms=day(0))
    tpus = first_refusal("tpu", Scope(accelerators=(TPU,)))
    assert free(of_award(), tpus, exclusivity()) == Evidence(code="no_clause", awarded_ms=day(0))
    assert free(of_award(), tpus, first_refusal()).clause == own
    assert free(of_award(new_capacity=False), first_refusal()) == Evidence(code="not_new", awarded_ms=day(0))
    assert free(of_award()) == Evidence(code="no_clause", awarded_ms=day(0))


@pytest.mark.parametrize(
    ("at_ms", "code"),
    [(day(10) - 1, "no_clause"), (day(10), "holder"), (day(20) - 1, "holder"), (day(20), "no_clause")],
)
def test_a_holder_is_one_only_while_its_clause_is_in_force(at_ms: int, code: str) -> None:
    found = free(of_award(), first_refusal(interval=Interval(day(10), day(20))), at_ms=at_ms)
    assert (found.code, found.awarded_ms) == (code, at_ms)


# --- Exceptions of a clause itself ---


def test_a_clause_may_itself_make_an_exception() -> None:
    own = Exemption(ground=ExemptionGround.OWN_SITE, workload_kinds=(WorkloadKind.TRAINING,))
    serving = msgspec.structs.replace(own, workload_kinds=(WorkloadKind.INFERENCE,))
    holder = contract(clauses=[first_refusal(exemptions=(serving, own))])
    part = of_award(use=TRAINING, award=Award(awarded_ms=day(3)))
    of = beta(part)
    facts = knowing(book(holder, of), providers=[provider("beta", kind=ProviderKind.OWN)])
    proof = Evidence(code="exemption", clause=ROFR, awarded_ms=day(3), text="the organisation's own site, for training")
    assert permission(facts, of, part) == proof
    assert exempted(facts, holder, first_refusal(exemptions=(own,)), awarded_of(facts, of, part)) == proof
    assert exempted(facts, holder, first_refusal(), awarded_of(facts, of, part)) is None
    assert isinstance(permission(book(holder, of), of, part), MissingPermission)


def replacing(at_ms: int, losses: dict[ProviderId, tuple[Interval, ...]], zone: str = "UTC") -> Evidence | None:
    """Whether alpha's clause lets beta stand in for gamma within five days."""
    five = Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=5)
    holder = contract(clauses=[first_refusal(exemptions=(five,))], calendar=Calendar(zone=zone))
    of = beta(of_award())
    facts = msgspec.structs.replace(book(holder, of), losses=losses)
    asked = msgspec.structs.replace(
        awarded_of(facts, of, of.tranches[0]), awarded_ms=at_ms, replaces=ProviderId("gamma")
    )
    return exempted(facts, holder, first_refusal(exemptions=(five,)), asked)


@pytest.mark.parametrize(
    ("at_ms", "is_exempt"), [(day(10) - 1, False), (day(10), True), (day(15) - 1, True), (day(15), False)]
)
def test_a_lost_provider_is_replaced_within_days_of_its_loss(at_ms: int, *, is_exempt: bool) -> None:
    lost = (Interval(day(10), day(90)),)
    found = replacing(at_ms, {ProviderId("gamma"): lost})
    text = "stands in for gamma, declared lost, within 5 days, for any use"
    assert found == (Evidence(code="exemption", clause=ROFR, awarded_ms=at_ms, text=text) if is_exempt else None)
    assert replacing(at_ms, {ProviderId("delta"): lost}) is None


def test_the_days_after_a_loss_are_those_of_the_holders_calendar() -> None:
    # Paris puts its clocks forward within the five days from day 85, which end an hour sooner.
    losses = {ProviderId("gamma"): (Interval(day(85), day(200)),)}
    ends_ms = day(90) - MS_PER_HOUR
    assert replacing(ends_ms - 1, losses, "Europe/Paris") is not None
    assert replacing(ends_ms, losses, "Europe/Paris") is None
    assert replacing(ends_ms, losses) is not None


# --- When an award may come ---


def notice(name: str, closes_ms: int, clause: ClauseRef = ROFR) -> Notice:
    of = beta(of_award())
    return Notice(
        id=NoticeId(name),
        clause=clause,
        offer_id=OfferId("O-1"),
        terms=awarded_of(book(of), of, of.tranches[0]).terms,
        use=Use(),
        served_ms=day(1),
        closes_ms=closes_ms,
        served_by="ada",
        sha256="ab" * 32,
    )


def answered(of: Notice) -> Answer:
    return Answer(
        notice_id=of.id, kind=AnswerKind.DECLINED, answered_ms=day(2), terms=of.terms, actor="ada", why="test"
    )


def soonest(*notices: Notice, answers: tuple[Notice, ...] = (), at_ms: int = day(5), **holder: Any) -> int | None:
    """When an award may come under alpha's first refusal of ten days."""
    facts: dict[str, Any] = {"clauses": [first_refusal()]}
    of = contract(**(facts | holder))
    known = msgspec.structs.replace(
        knowing(book(contract("beta"), of), notices=notices), answers={one.id: answered(one) for one in answers}
    )
    return earliest_ms(known, ROFR, at_ms)


def test_an_award_may_come_when_the_first_open_notice_closes() -> None:
    assert soonest(notice("N-1", day(30)), notice("N-2", day(12)), notice("N-3", day(20))) == day(12)


def test_without_an_open_notice_it_may_come_when_one_served_now_would_close() -> None:
    # The day of serving is not counted, and the window goes to the end of the tenth after it.
    assert soonest() == day(16)
    assert soonest(at_ms=day(5) + 1) == day(16)
    assert soonest(notice("N-1", day(12)), answers=(notice("N-1", day(12)),)) == day(16)
    assert soonest(notice("N-1", day(5))) == day(16)
    assert soonest(notice("N-1", day(5) + 1)) == day(5) + 1
    assert soonest(notice("N-1", day(12), ClauseRef(ContractId("beta-1"), "rofr"))) == day(16)
    assert soonest(notice("N-1", day(12)), notice("N-2", day(14)), answers=(notice("N-1", day(12)),)) == day(14)


def test_under_an_exclusivity_it_may_come_when_that_ends() -> None:
    only = exclusivity("rofr", interval=Interval(day(0), day(70)))
    assert soonest(clauses=[exclusivity("other"), only]) == day(70)


def test_where_no_date_can_be_named_there_is_none() -> None:
    assert soonest(clauses=[]) is None
    assert soonest(clauses=[take_or_pay("rofr")]) is None
    assert soonest(clauses=[first_refusal(interval=Interval(day(10), day(20)))]) is None
    assert earliest_ms(book(contract("beta")), ROFR, day(5)) is None
    # Paris leaps over 02:30 of day 87.
    leap = first_refusal(notice=Window(days=10, closes_minute=150))
    paris = Calendar(zone="Europe/Paris")
    assert soonest(clauses=[leap], calendar=paris, at_ms=day(77) + MS_PER_DAY // 2) is None
    assert soonest(clauses=[leap], calendar=paris, at_ms=day(5)) == day(15) + 90 * 60_000


# --- Versions of clauses ---


def test_a_clause_is_found_by_its_name_in_the_version_in_force() -> None:
    first = take_or_pay(share_bps=1, interval=Interval(day(0), day(50)))
    second = take_or_pay(share_bps=2, interval=Interval(day(50), day(80)))
    of = contract(clauses=[exclusivity(), first, second])
    instants = (day(0), day(50) - 1, day(50), day(80))
    assert [clause_at(of, "top", at_ms) for at_ms in instants] == [first, first, second, None]
    assert [take_or_pay_of(of, at_ms) for at_ms in instants] == [first, first, second, None]
    assert clause_at(of, "other", day(0)) is None
    assert take_or_pay_of(contract(clauses=[exclusivity()]), day(0)) is None


# --- Workloads ---


def ruled(where: Pool, *facts: Contract, **more: Any) -> tuple[ClauseRef | None, ClauseRef | None]:
    """The clause that keeps a training run for no product away from a pool, and the one that makes it the first."""
    known = knowing(book(*facts), **more)
    kept = forbidding(known, where, WorkloadKind.TRAINING, "", day(5))
    return kept.clause if kept else None, preferring(known, where, WorkloadKind.TRAINING, "", day(5))


def preferred(clause_id: str = "rofr", **scope: Any) -> FirstRefusal:
    """A first refusal that also has its holder tried first."""
    return first_refusal(clause_id, Scope(**scope), incumbent_first=True)


def test_every_contract_and_clause_is_looked_through() -> None:
    serving = Scope(workload_kinds=(WorkloadKind.INFERENCE,))
    alpha = contract(
        clauses=[take_or_pay(), exclusivity("serving", serving), preferred("tpu", accelerators=(TPU,)), preferred()]
    )
    gamma = contract("gamma", clauses=[take_or_pay(), exclusivity("serving", serving), exclusivity("all")])
    only = ClauseRef(ContractId("gamma-1"), "all")
    for contracts in ((alpha, contract("beta"), gamma), (gamma, contract("beta"), alpha)):
        assert ruled(pool(), *contracts) == (only, ROFR)
        assert ruled(pool("beta"), *contracts) == (only, None)
        assert ruled(pool("gamma"), *contracts) == (None, None)


def test_a_territory_is_a_region_or_the_jurisdiction_of_the_pools_provider() -> None:
    for territory, known, is_in in (
        ("east", [], True),
        ("US", [], False),
        ("east", [provider()], True),
        ("US", [provider(), provider("beta", jurisdiction="FR")], True),
        ("FR", [provider(), provider("beta", jurisdiction="FR")], False),
    ):
        kept = contract("beta", clauses=[exclusivity(scope=Scope(territories=(territory,)))])
        mine = contract(clauses=[preferred(territories=(territory,))])
        found = ruled(pool(), kept, mine, providers=known)
        assert found == ((ClauseRef(kept.id, "only"), ROFR) if is_in else (None, None)), territory


def test_what_keeps_work_away_says_whose_and_until_when() -> None:
    facts = book(contract("beta"), contract(clauses=[exclusivity(interval=Interval(day(1), day(9)))]))
    found = forbidding(facts, pool("beta", accelerator=H100), WorkloadKind.TRAINING, "api", day(5))
    assert found == Forbidden(ClauseRef(ContractId("alpha-1"), "only"), ALPHA, day(9))
