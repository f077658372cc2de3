"""Every no that the controller can say, each reached by the command that earns it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.controller.documents import document_problems, with_documents
from multihome.controller.state import WORKLOADS_MAX, State
from multihome.domain.clause_terms import Window
from multihome.domain.commands import (
    Accepted,
    AdvanceClock,
    AnswerNotice,
    Apply,
    AwardOffer,
    Cancel,
    Command,
    DeclareClock,
    DeclareLost,
    Document,
    Drain,
    Install,
    Override,
    OverrideRule,
    Restore,
    ServeNotice,
    Submit,
    Undrain,
)
from multihome.domain.contracts import Award, Contract
from multihome.domain.ids import (
    AcceleratorName,
    AwardId,
    ContractId,
    NoticeId,
    OfferId,
    PoolId,
    ProviderId,
    TenantId,
    TrancheId,
    WaiverId,
    WorkloadId,
)
from multihome.domain.placements import OverQuota
from multihome.domain.procurement import AnswerKind
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.workloads import Infra, WorkloadSpec
from multihome.scheduling.quotas import admit
from multihome.units.calendar import Calendar
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval
from tests.builders import (
    ALPHA,
    BETA,
    H100,
    RATE,
    TPU,
    YEAR,
    choice,
    contract,
    day,
    delay_remedy,
    delivery,
    exclusivity,
    first_refusal,
    offer,
    pool,
    provider,
    quota,
    service,
    take_or_pay,
    tenant,
    training,
    tranche,
    waiver,
)
from tests.control import Control, installed

OF_THE_EDGES: set[RefusalCode] = set()
"""Codes that no command to the controller can earn."""


def facts(*documents: Document) -> Apply:
    return Apply(documents=documents, workloads=())


def alpha(**more: Any) -> Apply:
    return facts(contract(**more))


def work(*workloads: WorkloadSpec) -> Apply:
    return Apply(documents=(), workloads=workloads)


def amended(**changes: Any) -> Contract:
    """Alpha's contract with another tranche in place of the delivered one."""
    return contract(tranches=[tranche(**changes)])


def second(**more: Any) -> Contract:
    return contract(tranches=[tranche(), tranche(name="t2", **more)])


NOBODY: dict[str, Any] = {"actor": "", "why": "no reason"}
ADA: dict[str, Any] = {"actor": "ada", "why": "because"}
ON_ALPHA: dict[str, Any] = {"contract_id": ContractId("alpha-1"), "clause_id": "rofr"}
PART: dict[str, Any] = {"chips": 16, "starts_ms": day(40), "ends_ms": day(100)}
LEAPING: dict[str, Any] = {"contract_id": ContractId("gamma-1"), "clause_id": "leap"}
OPEN, DECLINED = NoticeId("N-m8"), NoticeId("N-m9")


def serving(offer_id: str = "O-1", **more: Any) -> ServeNotice:
    given: dict[str, Any] = {"offer_id": OfferId(offer_id)}
    return ServeNotice(**(ON_ALPHA | given | PART | ADA | more))


def answering(kind: AnswerKind = AnswerKind.MATCHED, notice_id: NoticeId = OPEN, **more: Any) -> AnswerNotice:
    given: dict[str, Any] = {"notice_id": notice_id, "kind": kind, "effective_ms": day(5)}
    return AnswerNotice(**(given | ADA | more))


def awarding(offer_id: str = "O-1", **more: Any) -> AwardOffer:
    given: dict[str, Any] = {"offer_id": OfferId(offer_id)}
    return AwardOffer(**(given | PART | ADA | more))


EARNED: list[tuple[RefusalCode, str, Command]] = [
    (RefusalCode.NOT_FOUND, "ghost", Cancel(workload="ghost", **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", Drain(target="ghost", **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", DeclareLost(provider_id=ProviderId("ghost"), **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", Restore(provider_id=ProviderId("ghost"), **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", Override(workload="ghost", rule=OverrideRule.QUOTA, **ADA)),
    (RefusalCode.AMBIGUOUS, "twin", Cancel(workload="twin", **ADA)),
    (RefusalCode.AMBIGUOUS, "workload lab/red/new", work(training("new"), training("new", num_nodes=2))),
    (RefusalCode.UNKNOWN_TENANT, "workload lab/ghost/train", Submit(spec=training(tenant_id=TenantId("lab/ghost")))),
    (RefusalCode.UNKNOWN_TENANT, "workload lab/ghost/train", work(training(tenant_id=TenantId("lab/ghost")))),
    (RefusalCode.UNKNOWN_REFERENCE, "pool ghost/main", facts(pool("ghost"))),
    (RefusalCode.UNKNOWN_REFERENCE, "pool alpha/new", facts(pool(name="new", accelerator="ghost"))),
    (RefusalCode.UNKNOWN_REFERENCE, "contract ghost-1", facts(contract("ghost", tranches=[]))),
    (RefusalCode.UNKNOWN_REFERENCE, "tranche alpha-1/t2", facts(second(pool_id="alpha/ghost"))),
    (RefusalCode.UNKNOWN_REFERENCE, "tranche alpha-1/t2", facts(second(pool_id="beta/main"))),
    (
        RefusalCode.UNKNOWN_REFERENCE,
        "tranche alpha-1/t2",
        facts(second(award=Award(awarded_ms=day(0), waiver_ids=(WaiverId("ghost"),)))),
    ),
    (RefusalCode.UNKNOWN_REFERENCE, "waiver W-1", facts(waiver(clause_id="ghost"))),
    (RefusalCode.UNKNOWN_REFERENCE, "waiver W-1", facts(waiver("ghost-1"))),
    (RefusalCode.UNKNOWN_REFERENCE, "delivery D-9", facts(delivery("D-9", "alpha-1/ghost"))),
    (RefusalCode.UNKNOWN_REFERENCE, "delivery D-9", facts(delivery("D-9", "ghost-1/t1"))),
    (RefusalCode.UNKNOWN_REFERENCE, "quota lab/q", facts(tenant("lab", quota(1, accelerators=("ghost",))))),
    (RefusalCode.TENANT_LOOP, "tenant lab/ghost/team", facts(tenant("lab/ghost/team"))),
    (RefusalCode.BAD_DATES, "contract alpha-1", alpha(interval=Interval(YEAR.start_ms, YEAR.start_ms), tranches=[])),
    (RefusalCode.BAD_DATES, "clause alpha-1/only", alpha(clauses=[exclusivity(interval=Interval(day(5), day(5)))])),
    (RefusalCode.BAD_DATES, "clause alpha-1/only", alpha(clauses=[exclusivity(interval=Interval(day(-1), day(5)))])),
    (RefusalCode.BAD_DATES, "clause alpha-1/top", alpha(clauses=[take_or_pay(interval=Interval(day(0), FOREVER_MS))])),
    (RefusalCode.BAD_DATES, "tranche alpha-1/t2", facts(second(promised_ms=day(-1)))),
    (RefusalCode.BAD_DATES, "tranche alpha-1/t2", facts(second(ends_ms=day(0)))),
    (RefusalCode.BAD_DATES, "tranche alpha-1/t2", facts(second(ends_ms=YEAR.end_ms + 1))),
    (RefusalCode.BAD_DATES, "waiver W-1", facts(waiver(answered_ms=day(9)))),
    (RefusalCode.BAD_DATES, "waiver W-1", facts(waiver(expires_ms=day(15)))),
    (
        RefusalCode.BAD_DATES,
        "delivery D-9",
        facts(second(ends_ms=day(9)), delivery("D-9", "alpha-1/t2", effective_ms=day(9))),
    ),
    (
        RefusalCode.OVERLAPPING_CLAUSES,
        "clause alpha-1/top",
        alpha(
            clauses=[take_or_pay(interval=Interval(day(0), day(9))), take_or_pay(interval=Interval(day(8), day(20)))]
        ),
    ),
    (RefusalCode.QUOTA_ABOVE_PARENT, "quota lab/red/q", facts(tenant("lab", quota(8)), tenant("lab/red", quota(9)))),
    (RefusalCode.SETTLED, "tranche alpha-1/t1", facts(amended(rate_micro_usd_per_chip_hour=1))),
    (RefusalCode.SETTLED, "tranche alpha-1/t1", facts(amended(ends_ms=day(300)))),
    (RefusalCode.SETTLED, "tranche alpha-1/t1", facts(contract(tranches=[]))),
    (RefusalCode.SETTLED, "delivery D-1", facts(delivery(domains=1))),
    (RefusalCode.SETTLED, "pool alpha/main", facts(pool(chips_per_node=4))),
    (RefusalCode.SETTLED, "pool alpha/main", facts(pool(accelerator=TPU))),
    (RefusalCode.GANG_TOO_LARGE, "workload lab/red/train", Submit(spec=training(num_nodes=3))),
    (RefusalCode.GANG_TOO_LARGE, "workload lab/red/train", Submit(spec=training(choices=(choice(chips_per_node=16),)))),
    (RefusalCode.GANG_TOO_LARGE, "workload lab/red/train", work(training(num_nodes=3))),
    (RefusalCode.NO_SUCH_POOL, "workload lab/red/train", Submit(spec=training(choices=(choice(TPU),)))),
    (RefusalCode.NO_SUCH_POOL, "workload lab/red/train", Submit(spec=training(infra=Infra(region="west")))),
    (RefusalCode.NO_SUCH_POOL, "workload lab/red/train", Submit(spec=training(infra=Infra(provider="ghost")))),
    (RefusalCode.NO_SUCH_POOL, "workload lab/red/train", Submit(spec=training(infra=Infra(zone="z")))),
    (RefusalCode.CHANGED_WORKLOAD, "workload lab/red/applied", work(training("applied", num_nodes=2))),
    (RefusalCode.CLOCK_NOT_SCENARIO, "clock", AdvanceClock(to_ms=day(1))),
    (RefusalCode.WRONG_STATE, "installation", Install(installation_id="again")),
    (RefusalCode.WRONG_STATE, "clock", DeclareClock(start_ms=day(1))),
    (RefusalCode.WRONG_STATE, "alpha", Undrain(target="alpha", **ADA)),
    (RefusalCode.WRONG_STATE, "alpha", Restore(provider_id=ALPHA, **ADA)),
    (RefusalCode.WRONG_STATE, "beta", DeclareLost(provider_id=BETA, **ADA)),
    (RefusalCode.WRONG_STATE, "delivery D-9", facts(delivery("D-9", domains=1))),
    (RefusalCode.NOT_FOUND, "offer ghost", serving("ghost")),
    (RefusalCode.NOT_FOUND, "alpha-1/ghost", serving(clause_id="ghost")),
    (RefusalCode.NOT_FOUND, "notice N-0", answering(notice_id=NoticeId("N-0"))),
    (RefusalCode.NOT_FOUND, "offer ghost", awarding("ghost")),
    (RefusalCode.NOT_FOUND, "ghost", awarding(replaces=ProviderId("ghost"))),
    (
        RefusalCode.UNKNOWN_REFERENCE,
        "tranche alpha-1/t2",
        facts(second(award=Award(awarded_ms=day(0), award_id=AwardId("A-0")))),
    ),
    (RefusalCode.BAD_DATES, "clause alpha-1/rofr", serving(effective_ms=day(21))),
    (RefusalCode.BAD_DATES, "offer O-1", serving(starts_ms=day(29))),
    (RefusalCode.BAD_DATES, "offer O-1", serving(ends_ms=day(69))),
    (RefusalCode.BAD_DATES, f"notice {OPEN}", answering(effective_ms=day(0) - 1)),
    (RefusalCode.BAD_DATES, f"notice {OPEN}", answering(effective_ms=day(21))),
    (RefusalCode.BAD_DATES, "offer O-1", awarding(effective_ms=day(21))),
    (RefusalCode.CURRENCY_DIFFERS, "offer O-EUR", facts(offer("O-EUR", currency="EUR"))),
    (RefusalCode.CURRENCY_DIFFERS, f"notice {OPEN}", answering(currency="EUR")),
    (RefusalCode.BAD_TERMS, "offer O-1", serving(chips=12)),
    (RefusalCode.BAD_TERMS, "offer O-1", awarding(chips=40)),
    (
        RefusalCode.BAD_TERMS,
        f"notice {OPEN}",
        answering(AnswerKind.DECLINED, rate_micro_usd_per_chip_hour=RATE),
    ),
    (RefusalCode.MISSING_LOCAL_TIME, "clause gamma-1/leap", serving(**LEAPING, effective_ms=day(0))),
    (RefusalCode.NOT_PERMITTED, "offer O-1", awarding()),
    (RefusalCode.WINDOW_CLOSED, f"notice {OPEN}", answering(effective_ms=0)),
    (RefusalCode.WINDOW_CLOSED, f"notice {OPEN}", answering(effective_ms=day(11))),
    (RefusalCode.NO_MATCH, f"notice {OPEN}", answering(chips=24)),
    (RefusalCode.NO_MATCH, f"notice {OPEN}", answering(rate_micro_usd_per_chip_hour=RATE + 1)),
    (RefusalCode.WRONG_STATE, f"notice {DECLINED}", answering(notice_id=DECLINED)),
    (RefusalCode.WRONG_STATE, f"notice {OPEN}", answering(AnswerKind.LAPSED)),
    (RefusalCode.WRONG_STATE, "clause alpha-1/rofr", serving("O-OWN")),
    (RefusalCode.WRONG_STATE, "clause alpha-1/rofr", serving("O-OLD")),
    (RefusalCode.WRONG_STATE, "offer O-PAST", serving("O-PAST")),
    (RefusalCode.NEEDS_PERSON, "actor and why", serving(**NOBODY)),
    (RefusalCode.NEEDS_PERSON, "actor and why", answering(**NOBODY)),
    (RefusalCode.NEEDS_PERSON, "actor and why", awarding(**NOBODY)),
    (RefusalCode.NEEDS_PERSON, "actor and why", Drain(target="alpha", **NOBODY)),
    (RefusalCode.NEEDS_PERSON, "actor and why", DeclareLost(provider_id=ALPHA, actor="ada", why="")),
    (RefusalCode.NEEDS_PERSON, "actor and why", Restore(provider_id=BETA, **NOBODY)),
    (RefusalCode.NEEDS_PERSON, "actor and why", Override(workload="applied", rule=OverrideRule.QUOTA, **NOBODY)),
]


def lived_in() -> Control:
    """An applied workload, two of one name, beta declared lost, and two notices of 20 days ago: one was declined."""
    control = installed(contract(clauses=[first_refusal()]))
    control.do(work(training("applied")))
    control.submit(training("twin"))
    control.submit(training("twin"))
    control.do(DeclareLost(provider_id=BETA, **ADA))
    # New York's clocks leap over 02:30 on 8 March 2026, 67 days after the day that it is there when 2026 begins.
    leap = first_refusal("leap", notice=Window(days=67, closes_minute=150))
    offers = (
        offer(),
        offer("O-OWN", "alpha"),
        offer("O-OLD", new_capacity=False),
        offer("O-PAST", expires_ms=day(20)),
    )
    gamma = contract("gamma", clauses=[leap], tranches=[], calendar=Calendar(zone="America/New_York"))
    control.do(facts(provider("gamma"), gamma, *offers))
    # Such a document is refused; what serving and awarding say of it is for one that came another way.
    euro = offer("O-EUR", currency="EUR")
    control.state.offers[euro.id] = euro
    control.do(serving())
    control.do(serving(chips=8))
    control.do(answering(AnswerKind.DECLINED, DECLINED, effective_ms=0))
    control.wait(20 * MS_PER_DAY)
    return control


@pytest.mark.parametrize(
    ("code", "subject", "command"), EARNED, ids=lambda item: item.value if isinstance(item, RefusalCode) else None
)
def test_each_refusal(code: RefusalCode, subject: str, command: Command) -> None:
    refusal = lived_in().refused(command)
    assert (refusal.code, refusal.subject) == (code, subject)
    assert refusal.text


def test_the_same_key_with_another_body() -> None:
    control = installed()
    first = control.ask(Submit(spec=training("a")), key="k")
    assert isinstance(first, Accepted)
    before = len(control.state.workloads)
    second_answer = control.ask(Submit(spec=training("b")), key="k")
    assert isinstance(second_answer, Refusal)
    assert second_answer.code is RefusalCode.KEY_REUSED
    assert control.ask(Submit(spec=training("a")), key="k") == first
    assert len(control.state.workloads) == before


def test_a_refused_key_stays_refused() -> None:
    control = installed()
    command = Submit(spec=training(choices=(choice(TPU),)))
    refusal = control.ask(command, key="k")
    control.do(
        facts(
            pool(name="tpu", accelerator=TPU), contract(tranches=[tranche(), tranche(name="t2", pool_id="alpha/tpu")])
        )
    )
    assert control.ask(command, key="k") == refusal
    assert isinstance(control.ask(command, key="other"), Accepted)


def test_a_clock_start_is_refused_where_time_began_otherwise_and_both_are_named() -> None:
    control = installed()
    control.do(DeclareClock(start_ms=day(10)))
    control.do(AdvanceClock(to_ms=day(11)))
    control.do(DeclareClock(start_ms=day(10)))
    assert control.now.contract_ms == day(11), "the same start again changes nothing"
    assert control.refused(DeclareClock(start_ms=day(11))).text == (
        "it cannot start at 2026-01-12 00:00Z: the scenario clock of this journal started at 2026-01-11 00:00Z"
    )
    real = installed()
    real.submit(training())
    assert real.refused(DeclareClock(start_ms=day(10))).text == (
        "it cannot start at 2026-01-11 00:00Z: contract time is real time here, and there have been workloads in it"
    )


def test_a_scenario_clock_never_goes_back() -> None:
    control = installed()
    control.do(DeclareClock(start_ms=day(10)))
    assert control.refused(AdvanceClock(to_ms=day(10) - 1)).code is RefusalCode.CLOCK_BACKWARDS
    assert control.refused(DeclareClock(start_ms=day(20))).code is RefusalCode.CLOCK_BACKWARDS
    control.do(AdvanceClock(to_ms=day(10)))
    control.do(AdvanceClock(to_ms=day(11)))
    assert control.now.contract_ms == day(11)


@pytest.mark.parametrize("command", [Submit(spec=training("last")), work(training("last"))])
def test_the_queue_has_an_end(command: Command) -> None:
    control = installed()
    one = control.workload(control.submit(training()))
    control.state.workloads.update((WorkloadId(f"w-{number}"), one) for number in range(WORKLOADS_MAX - 1))
    refusal = _decided(control, command)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.QUEUE_FULL


def _decided(control: Control, command: Command) -> Accepted | Refusal | None:
    from multihome.controller.decide import decide  # noqa: PLC0415
    from multihome.domain.commands import Request  # noqa: PLC0415

    request = Request(key="k", body_sha256="", minted_id="m", actor="a", command=command)
    return decide(control.state, request, control.now).answer


def test_every_code_is_earned_here_or_named_as_unreachable() -> None:
    by_own_test = {RefusalCode.KEY_REUSED, RefusalCode.CLOCK_BACKWARDS, RefusalCode.QUEUE_FULL}
    # Earned in `test_document_refusals`.
    by_documents = {RefusalCode.BAD_TERMS, RefusalCode.CURRENCY_DIFFERS, RefusalCode.NOT_PERMITTED}
    earned = {code for code, _, _ in EARNED} | by_own_test | by_documents
    assert earned | OF_THE_EDGES == set(RefusalCode)
    assert not earned & OF_THE_EDGES


def test_of_several_reasons_the_first_of_the_documented_order_is_given_with_the_others() -> None:
    wrong = contract(
        clauses=[exclusivity(interval=Interval(day(5), day(5)))],
        tranches=[tranche(), tranche(name="t2", pool_id="alpha/ghost")],
    )
    refusal = lived_in().refused(facts(tenant("ghost/team"), delivery(domains=1), wrong))
    assert refusal.code is RefusalCode.UNKNOWN_REFERENCE
    assert [(other.code, other.subject) for other in refusal.others] == [
        (RefusalCode.TENANT_LOOP, "tenant ghost/team"),
        (RefusalCode.BAD_DATES, "clause alpha-1/only"),
        (RefusalCode.SETTLED, "delivery D-1"),
    ]
    assert all(other.text for other in refusal.others)
    assert "lab/red" in refusal.others[0].accepted


def test_a_refusal_says_what_would_have_been_taken() -> None:
    control = lived_in()
    assert "lab/red" in control.refused(Submit(spec=training(tenant_id=TenantId("ghost")))).accepted
    assert "at most 2 × 8 in one domain" in control.refused(Submit(spec=training(num_nodes=9))).accepted
    assert control.refused(Drain(target="ghost", **ADA)).accepted == "alpha, beta, gamma, alpha/main, beta/main"
    assert control.refused(Submit(spec=training(choices=(choice(TPU),)))).accepted.startswith("alpha/main (H100")
    assert control.refused(Cancel(workload="twin", **ADA)).accepted.count("w-") == 2
    assert control.refused(facts(delivery("D-9", domains=1))).accepted == "none: all of it has been delivered"
    too_much = control.refused(facts(second(domains=5), delivery("D-9", "alpha-1/t2", domains=6)))
    assert (too_much.code, too_much.accepted) == (RefusalCode.WRONG_STATE, "at most 5 domains")
    late = control.refused(facts(second(ends_ms=day(9)), delivery("D-9", "alpha-1/t2", effective_ms=day(9))))
    assert late.accepted.startswith("a date before ")


def quota_problems(*tenants: Document) -> list[tuple[str, str, str]]:
    """What is wrong with these tenants beside those of the installation."""
    found = document_problems(State(), with_documents(installed().state, tenants), tenants)
    assert {problem.code for problem in found} <= {RefusalCode.QUOTA_ABOVE_PARENT}
    return [(problem.subject, problem.text, problem.accepted) for problem in found]


def test_a_quota_above_its_parent_s_names_both_and_what_would_do() -> None:
    assert quota_problems(tenant("lab", quota(8, borrow_chips=4)), tenant("lab/red", quota(13))) == [
        (
            "quota lab/red/q",
            "it is 13 chips, and quota lab/q above it is 8 chips and may borrow 4",
            "at most 12 chips, or at least 13 in quota lab/q with what it borrows",
        )
    ]
    assert quota_problems(tenant("lab", quota(8, borrow_chips=4)), tenant("lab/red", quota(12))) == []


def test_a_quota_is_held_against_all_tenants_above() -> None:
    below = tenant("lab/red/team", quota(9))
    (found,) = quota_problems(tenant("lab", quota(8)), tenant("lab/red"), below)
    assert found[0] == "quota lab/red/team/q"


def test_a_quota_that_shrinks_below_what_was_promised_is_told_of_the_upper_tenant() -> None:
    control = installed()
    control.do(facts(tenant("lab", quota(8)), tenant("lab/red", quota(8))))
    refusal = control.refused(facts(tenant("lab", quota(7))))
    assert (refusal.code, refusal.subject) == (RefusalCode.QUOTA_ABOVE_PARENT, "quota lab/q")
    assert refusal.text == "it is 7 chips and may borrow 0, and quota lab/red/q below it is 8 chips"
    assert refusal.accepted == "at least 8 chips with what it may borrow, or at most 7 in quota lab/red/q"
    control.do(facts(tenant("lab", quota(7)), tenant("lab/red", quota(7))))


@pytest.mark.parametrize(
    ("upper", "lower", "refused"),
    [
        ((), (), 1),
        ((), (H100,), 1),
        ((H100,), (H100,), 1),
        ((H100, TPU), (H100,), 1),
        ((H100,), (), 0),
        ((H100,), (TPU,), 0),
        ((H100,), (H100, TPU), 0),
    ],
)
def test_a_quota_binds_one_below_that_counts_nothing_else(
    upper: tuple[AcceleratorName, ...], lower: tuple[AcceleratorName, ...], refused: int
) -> None:
    known = installed().state
    tenants = (tenant("lab", quota(8, accelerators=upper)), tenant("lab/red", quota(9, accelerators=lower)))
    assert len(document_problems(State(), with_documents(known, tenants), tenants)) == refused


@given(nominal=st.integers(0, 20), borrow=st.integers(0, 20), asked=st.integers(1, 40))
def test_a_quota_is_refused_exactly_when_it_could_never_be_used_in_full(nominal: int, borrow: int, asked: int) -> None:
    """By another road: whether the scheduler would admit all of it where a sibling lends more than enough."""
    team = tenant("lab/red/team", quota(asked))
    above = tenant("lab/red", quota(nominal, borrow_chips=borrow))
    sibling = tenant("lab/blue", quota(100, lend_chips=100))
    tenants = {item.id: item for item in (tenant("lab"), above, sibling, team)}
    admitted = admit(tenants, {}, team.id, H100, asked, PoolId("alpha/main"))
    assert bool(quota_problems(above, team)) == isinstance(admitted, OverQuota)


def test_one_wrong_document_keeps_all_of_them_out() -> None:
    control = lived_in()
    refusal = control.refused(
        Apply(documents=(tenant("lab/new"), pool("ghost")), workloads=(training("new", tenant_id=TenantId("lab/new")),))
    )
    assert refusal.code is RefusalCode.UNKNOWN_REFERENCE
    assert "lab/new" not in control.state.tenants


def test_one_wrong_workload_keeps_all_out() -> None:
    control = lived_in()
    control.refused(Apply(documents=(tenant("lab/new"),), workloads=(training("fine"), training("wide", num_nodes=9))))
    assert "lab/new" not in control.state.tenants


def test_an_unsettled_tranche_may_be_rewritten_and_removed() -> None:
    control = installed(second())
    control.do(facts(second(rate_micro_usd_per_chip_hour=1)))
    control.do(facts(contract()))
    assert len(control.state.contracts[contract().id].tranches) == 1


def test_a_settled_contract_may_get_clauses_and_tranches() -> None:
    control = installed()
    control.do(facts(contract(clauses=[delay_remedy()], tranches=[tranche(), tranche(name="t2")])))
    assert TrancheId("alpha-1/t2") in {part.id for part in control.state.contracts[contract().id].tranches}


def test_what_a_settled_pool_is_not_priced_by_may_change() -> None:
    control = installed()
    control.do(facts(pool(watts_per_chip=800)))
    assert control.state.pools[PoolId("alpha/main")].watts_per_chip == 800


def test_a_pool_cannot_pass_to_another_provider_under_a_contract() -> None:
    control = installed(pool(name="new"), second(pool_id="alpha/new"))
    refusal = control.refused(facts(msgspec.structs.replace(pool(name="new"), provider_id=BETA)))
    assert refusal.code is RefusalCode.UNKNOWN_REFERENCE


def test_a_service_is_held_to_the_same_rules() -> None:
    assert lived_in().refused(Submit(spec=service(num_nodes=3))).code is RefusalCode.GANG_TOO_LARGE
