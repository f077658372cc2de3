"""Every no that the controller can say, each reached by the command that earns it."""

from typing import Any

import msgspec
import pytest

from multihome.controller.state import WORKLOADS_MAX
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
from multihome.domain.procurement import AnswerKind
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.workloads import Infra, WorkloadSpec
from multihome.units.calendar import Calendar
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval
from tests.builders import (
    ALPHA,
    BETA,
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
    return ServeNotice(**(ON_ALPHA | {"offer_id": OfferId(offer_id)} | PART | ADA | more))


def answering(kind: AnswerKind = AnswerKind.MATCHED, notice_id: NoticeId = OPEN, **more: Any) -> AnswerNotice:
    return AnswerNotice(**({"notice_id": notice_id, "kind": kind, "effective_ms": day(5)} | ADA | more))


def awarding(offer_id: str = "O-1", **more: Any) -> AwardOffer:
    return AwardOffer(**({"offer_id": OfferId(offer_id)} | PART | ADA | more))


EARNED: list[tuple[RefusalCode, str, Command]] = [
    (RefusalCode.NOT_FOUND, "ghost", Cancel(workload="ghost", **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", Drain(target="ghost", **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", DeclareLost(provider_id=ProviderId("ghost"), **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", Restore(provider_id=ProviderId("ghost"), **ADA)),
    (RefusalCode.NOT_FOUND, "ghost", Override(workload="ghost", rule=OverrideRule.QUOTA, **ADA)),
    (RefusalCode.AMBIGUOUS, "twin", Cancel(workload="twin", **ADA)),
    (RefusalCode.AMBIGUOUS, "workload lab/red/new", work(training("new"), training("new", num_nodes=2))),
    (RefusalCode.UNKNOWN_TENANT, "workload train", Submit(spec=training(tenant_id=TenantId("lab/ghost")))),
    (RefusalCode.UNKNOWN_TENANT, "workload train", work(training(tenant_id=TenantId("lab/ghost")))),
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
    (RefusalCode.SETTLED, "tranche alpha-1/t1", facts(amended(rate_micro_usd_per_chip_hour=1))),
    (RefusalCode.SETTLED, "tranche alpha-1/t1", facts(amended(ends_ms=day(300)))),
    (RefusalCode.SETTLED, "tranche alpha-1/t1", facts(contract(tranches=[]))),
    (RefusalCode.SETTLED, "delivery D-1", facts(delivery(domains=1))),
    (RefusalCode.SETTLED, "pool alpha/main", facts(pool(chips_per_node=4))),
    (RefusalCode.SETTLED, "pool alpha/main", facts(pool(accelerator=TPU))),
    (RefusalCode.GANG_TOO_LARGE, "workload train", Submit(spec=training(num_nodes=3))),
    (RefusalCode.GANG_TOO_LARGE, "workload train", Submit(spec=training(choices=(choice(chips_per_node=16),)))),
    (RefusalCode.GANG_TOO_LARGE, "workload train", work(training(num_nodes=3))),
    (RefusalCode.NO_SUCH_POOL, "workload train", Submit(spec=training(choices=(choice(TPU),)))),
    (RefusalCode.NO_SUCH_POOL, "workload train", Submit(spec=training(infra=Infra(region="west")))),
    (RefusalCode.NO_SUCH_POOL, "workload train", Submit(spec=training(infra=Infra(provider="ghost")))),
    (RefusalCode.NO_SUCH_POOL, "workload train", Submit(spec=training(infra=Infra(zone="z")))),
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
    (RefusalCode.CURRENCY_DIFFERS, "offer O-EUR", serving("O-EUR")),
    (RefusalCode.CURRENCY_DIFFERS, f"notice {OPEN}", answering(currency="EUR")),
    (RefusalCode.CURRENCY_DIFFERS, "offer O-EUR", awarding("O-EUR")),
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
        offer("O-EUR", currency="EUR"),
        offer("O-OWN", "alpha"),
        offer("O-OLD", new_capacity=False),
        offer("O-PAST", expires_ms=day(20)),
    )
    gamma = contract("gamma", clauses=[leap], tranches=[], calendar=Calendar(zone="America/New_York"))
    control.do(facts(provider("gamma"), gamma, *offers))
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
    earned = {code for code, _, _ in EARNED} | by_own_test
    assert earned | OF_THE_EDGES == set(RefusalCode)
    assert not earned & OF_THE_EDGES


def test_of_several_reasons_the_first_of_the_documented_order_is_given_with_the_others() -> None:
    wrong = contract(
        clauses=[exclusivity(interval=Interval(day(5), day(5)))],
        tranches=[tranche(), tranche(name="t2", pool_id="alpha/ghost")],
    )
    refusal = lived_in().refused(facts(tenant("ghost/team"), delivery(domains=1), wrong))
    assert refusal.code is RefusalCode.UNKNOWN_REFERENCE
    assert [text.partition(":")[0] for text in refusal.others] == [
        "tenant ghost/team",
        "clause alpha-1/only",
        "delivery D-1",
    ]


def test_a_refusal_says_what_would_have_been_taken() -> None:
    control = lived_in()
    assert "lab/red" in control.refused(Submit(spec=training(tenant_id=TenantId("ghost")))).accepted
    assert "at most 2 × 8 in one domain" in control.refused(Submit(spec=training(num_nodes=9))).accepted
    assert control.refused(Drain(target="ghost", **ADA)).accepted == "alpha, beta, gamma, alpha/main, beta/main"
    assert control.refused(Submit(spec=training(choices=(choice(TPU),)))).accepted.startswith("alpha/main (H100")
    assert control.refused(Cancel(workload="twin", **ADA)).accepted.count("w-") == 2


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
