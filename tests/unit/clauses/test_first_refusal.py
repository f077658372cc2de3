"""Right of first refusal: which awards it binds, and every way in which a waiver falls short."""

from typing import Any

import msgspec
import pytest

from multihome.clauses.book import Book, MissingPermission, permission, preferring
from multihome.clauses.first_refusal import on_loss
from multihome.domain.clause_terms import ClauseRef, Exemption, ExemptionGround, FirstRefusalMode, Scope, Window
from multihome.domain.contracts import Award, Contract, Tranche, WaiverAnswer
from multihome.domain.ids import AcceleratorName, WaiverId
from multihome.domain.placements import Evidence
from multihome.domain.supply import ProviderKind
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import Calendar
from multihome.units.time import Interval
from tests.builders import (
    ALPHA,
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
    tranche,
    waiver,
)

ROFR = ClauseRef(contract().id, "rofr")


def bound(award: Award, **more: Any) -> Tranche:
    """A tranche of beta, of 32 chips, which alpha's first refusal is about."""
    return tranche("beta-1", pool_id="beta/main", award=award, **more)


def ruling(part: Tranche, *facts: Any, **terms: Any) -> Evidence | MissingPermission:
    """What is said of beta's tranche where alpha holds a first refusal."""
    other = contract("beta", tranches=(part,))
    return permission(book(contract(clauses=[first_refusal(**terms)]), other, *facts), other, part)


def missing(part: Tranche, *facts: Any, **terms: Any) -> str:
    verdict = ruling(part, *facts, **terms)
    assert isinstance(verdict, MissingPermission), verdict
    assert verdict.clause == ROFR
    return verdict.missing


def evidence(part: Tranche, *facts: Any, **terms: Any) -> str:
    verdict = ruling(part, *facts, **terms)
    assert isinstance(verdict, Evidence), verdict
    assert verdict.awarded_ms == part.award.awarded_ms
    return verdict.code


WAIVED = Award(awarded_ms=day(20), waiver_ids=(WaiverId("W-1"),))


def test_a_waiver_that_covers_the_award_is_its_evidence() -> None:
    verdict = ruling(bound(WAIVED), waiver(answer=WaiverAnswer.MATCHED_IN_PART))
    assert verdict == Evidence(
        code="waiver",
        clause=ROFR,
        waiver_id=WaiverId("W-1"),
        notice_sha256="ab" * 32,
        awarded_ms=day(20),
        text="notice served, matched in part",
    )


def test_without_a_notice_or_an_exemption_nothing_is_permitted() -> None:
    assert missing(bound(Award(awarded_ms=day(20)))) == "no notice was served and no exemption is named"


def test_a_waiver_that_nobody_recorded_permits_nothing() -> None:
    assert missing(bound(WAIVED)) == "waiver W-1 is not on record"


@pytest.mark.parametrize(
    ("gap", "facts", "terms"),
    [
        ("none of the waivers named (W-1) belongs to it", {"clause_id": "other"}, {}),
        ("none of the waivers named (W-1) belongs to it", {"contract_id": "beta-1"}, {}),
        (
            "cannot have lapsed before 2026-01-22, when its notice window ends",
            {"answer": WaiverAnswer.LAPSED, "answered_ms": day(20) - 1},
            {},
        ),
        ("it was awarded on 2026-01-21, before waiver W-1 of 2026-01-21", {"answered_ms": day(20) + 1}, {}),
        ("had expired on 2026-01-21", {"expires_ms": day(20)}, {}),
        (f"covers {TPU}, not {H100}", {"accelerators": (TPU,)}, {}),
        ("has 31 of 31 chips left, and the tranche has 32", {"chips": 31}, {}),
        ("its rate is better for the provider than the one noticed", {"rate_micro_usd_per_chip_hour": RATE - 1}, {}),
    ],
)
def test_every_gap_of_a_waiver(gap: str, facts: dict[str, Any], terms: dict[str, Any]) -> None:
    assert gap in missing(bound(WAIVED), waiver(**facts), **terms)


@pytest.mark.parametrize(
    "facts",
    [
        {"answer": WaiverAnswer.LAPSED, "served_ms": day(9), "answered_ms": day(20)},
        {"answered_ms": day(20)},
        {"expires_ms": day(20) + 1},
        {"accelerators": (TPU, H100)},
        {"chips": 32},
        {"rate_micro_usd_per_chip_hour": RATE},
    ],
)
def test_the_last_that_a_waiver_still_covers(facts: dict[str, Any]) -> None:
    assert evidence(bound(WAIVED), waiver(**facts)) == "waiver"


def test_a_declined_notice_need_not_wait_for_its_window() -> None:
    assert evidence(bound(WAIVED), waiver(answered_ms=day(10) + 1), notice=Window(days=300)) == "waiver"


def test_earlier_awards_use_a_waiver_up() -> None:
    first = bound(WAIVED, name="a", domains=1)
    second = bound(msgspec.structs.replace(WAIVED, awarded_ms=day(21)), name="0", domains=1)
    third = bound(msgspec.structs.replace(WAIVED, awarded_ms=day(22)), name="00", domains=1)
    other = contract("beta", tranches=(third, second, first))
    facts = book(contract(clauses=[first_refusal()]), other, waiver(chips=40))
    assert isinstance(permission(facts, other, first), Evidence)
    assert isinstance(permission(facts, other, second), Evidence)
    gap = permission(facts, other, third)
    assert isinstance(gap, MissingPermission)
    assert "has 8 of 40 chips left, and the tranche has 16" in gap.missing


def test_awards_of_one_instant_draw_in_the_order_of_their_names() -> None:
    parts = [bound(WAIVED, name=name, domains=1) for name in ("b", "a")]
    other = contract("beta", tranches=parts)
    facts = book(contract(clauses=[first_refusal()]), other, waiver(chips=16))
    assert [isinstance(permission(facts, other, part), Evidence) for part in parts] == [False, True]


def test_awards_under_another_waiver_use_nothing_up() -> None:
    first = bound(Award(awarded_ms=day(19), waiver_ids=(WaiverId("W-0"),)), name="a")
    second = bound(WAIVED, name="b")
    other = contract("beta", tranches=(first, second))
    facts = book(contract(clauses=[first_refusal()]), other, waiver(), waiver(id=WaiverId("W-0")))
    assert isinstance(permission(facts, other, second), Evidence)


def test_a_ground_that_is_named_is_the_only_one_that_counts() -> None:
    own = Exemption(ground=ExemptionGround.OWN_SITE)
    loss = Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=3)
    ours = provider("beta", kind=ProviderKind.OWN)

    def judged(award: Award, *made: Exemption) -> Evidence | MissingPermission:
        part = bound(award)
        facts = book(contract(clauses=[first_refusal(exemptions=made)]), contract("beta", tranches=[part]))
        losses = {ALPHA: (Interval(day(18), day(30)),)}
        facts = msgspec.structs.replace(facts, providers={ours.id: ours}, losses=losses)
        return permission(facts, contract("beta", tranches=[part]), part)

    named = Award(awarded_ms=day(20), exempt_by=ExemptionGround.OWN_SITE)
    assert judged(named, loss, own) == Evidence(
        code="exemption", clause=ROFR, awarded_ms=day(20), text="the organisation's own site, for any use"
    )
    assert judged(Award(awarded_ms=day(20)), own) == judged(named, own)
    assert judged(named, loss) == MissingPermission(
        ROFR, "no notice was served, and its conditions for own_site do not hold"
    )
    after = Award(awarded_ms=day(20), exempt_by=ExemptionGround.PROVIDER_LOSS, replaces=ALPHA)
    assert isinstance(judged(after, own, loss), Evidence)
    assert isinstance(judged(after, own), MissingPermission)
    late = msgspec.structs.replace(after, awarded_ms=day(21))
    assert isinstance(judged(late, own, loss), MissingPermission)


def test_an_exclusivity_is_lifted_by_no_exemption() -> None:
    part = bound(Award(awarded_ms=day(20), exempt_by=ExemptionGround.OWN_SITE))
    holders = contract(clauses=[exclusivity(scope=Scope(new_capacity_only=True))])
    ours = provider("beta", kind=ProviderKind.OWN)
    facts = book(holders, contract("beta", tranches=[part]))
    facts = msgspec.structs.replace(facts, providers={ours.id: ours})
    verdict = permission(facts, contract("beta", tranches=[part]), part)
    assert isinstance(verdict, MissingPermission)
    assert "exclusive to the holder" in verdict.missing


def test_old_capacity_is_not_in_the_scope_of_a_clause_on_new() -> None:
    assert evidence(bound(Award(awarded_ms=day(20)), new_capacity=False)) == "not_new"


def test_old_capacity_is_in_the_scope_of_a_clause_on_all() -> None:
    assert missing(bound(Award(awarded_ms=day(20)), new_capacity=False), scope=Scope())


def test_another_accelerator_is_out_of_scope() -> None:
    scope = Scope(new_capacity_only=True, accelerators=(TPU,))
    assert evidence(bound(Award(awarded_ms=day(20))), scope=scope) == "no_clause"
    assert missing(bound(Award(awarded_ms=day(20))), pool("beta", accelerator=TPU), scope=scope)


@pytest.mark.parametrize(
    ("awarded_ms", "is_bound"), [(day(9), False), (day(10), True), (day(19), True), (day(20), False)]
)
def test_a_clause_binds_awards_of_its_own_days(awarded_ms: int, *, is_bound: bool) -> None:
    verdict = ruling(bound(Award(awarded_ms=awarded_ms)), interval=Interval(day(10), day(20)))
    assert isinstance(verdict, MissingPermission) is is_bound


def test_the_holder_needs_nobodys_permission() -> None:
    part = tranche()
    holder = contract(clauses=[first_refusal()], tranches=(part,))
    assert permission(book(holder), holder, part) == Evidence(code="holder", clause=ROFR, awarded_ms=YEAR.start_ms)


def test_where_nobody_holds_anything_that_is_the_evidence() -> None:
    part = tranche()
    plain = contract(tranches=(part,))
    assert permission(book(plain), plain, part) == Evidence(code="no_clause", awarded_ms=YEAR.start_ms)


def test_two_holders_must_both_be_asked() -> None:
    part = tranche("gamma-1", pool_id="gamma/main", award=WAIVED)
    third = contract("gamma", tranches=(part,))
    holders = [contract(clauses=[first_refusal()]), contract("beta", clauses=[first_refusal()])]
    facts = book(*holders, third, pool("gamma"), waiver())
    verdict = permission(facts, third, part)
    assert isinstance(verdict, MissingPermission)
    assert verdict.clause == ClauseRef(holders[1].id, "rofr")
    only_alpha: Book = book(holders[0], third, pool("gamma"), waiver())
    assert isinstance(permission(only_alpha, third, part), Evidence)


def test_an_award_against_an_exclusivity_on_new_capacity_is_not_permitted() -> None:
    part = bound(WAIVED)
    other = contract("beta", tranches=(part,))
    only = exclusivity(scope=Scope(new_capacity_only=True))
    verdict = permission(book(contract(clauses=[first_refusal(), only]), other, waiver()), other, part)
    assert verdict == MissingPermission(
        ClauseRef(contract().id, "only"), "new capacity was exclusive to the holder when it was awarded"
    )


def test_a_ruling_does_not_depend_on_what_came_later() -> None:
    part = bound(WAIVED)
    later = bound(msgspec.structs.replace(WAIVED, awarded_ms=day(30)), name="later")
    before = ruling(part, waiver())
    other = contract("beta", tranches=(part, later))
    facts = book(contract(clauses=[first_refusal()]), other, waiver())
    assert permission(facts, other, part) == before


def preferred(
    holder: Contract, at_ms: int = day(20), kind: WorkloadKind = WorkloadKind.TRAINING, product: str = ""
) -> bool:
    facts = book(holder, contract("beta"))
    assert preferring(facts, pool("beta"), kind, product, at_ms) is None
    return preferring(facts, pool(), kind, product, at_ms) == ROFR


def test_an_incumbent_is_tried_first_for_work_in_scope_while_the_clause_lasts() -> None:
    scope = Scope(workload_kinds=(WorkloadKind.TRAINING,), products=("research",))
    holder = contract(clauses=[first_refusal(scope=scope, incumbent_first=True, interval=Interval(day(10), day(20)))])
    assert preferred(holder, day(10), product="research")
    assert not preferred(holder, day(20), product="research")
    assert not preferred(holder, day(9), product="research")
    assert not preferred(holder, day(10), product="api")
    assert not preferred(holder, day(10), WorkloadKind.INFERENCE, "research")
    assert not preferred(contract(clauses=[first_refusal()]))


@pytest.mark.parametrize(("name", "is_preferred"), [(H100, True), (TPU, False)])
def test_an_incumbent_is_tried_first_for_the_accelerators_in_scope(
    name: AcceleratorName, *, is_preferred: bool
) -> None:
    holder = contract(clauses=[first_refusal(scope=Scope(accelerators=(name,)), incumbent_first=True)])
    assert preferred(holder) is is_preferred


@pytest.mark.parametrize("mode", FirstRefusalMode)
def test_a_loss_opens_no_exemption(mode: FirstRefusalMode) -> None:
    code, text = on_loss(first_refusal(mode=mode), Calendar(), day(0))
    assert code == "no_emergency_exemption"
    assert mode.value in text


def test_a_loss_opens_the_exemption_that_the_clause_makes_for_one() -> None:
    own = Exemption(ground=ExemptionGround.OWN_SITE, days=3)
    both = Exemption(
        ground=ExemptionGround.PROVIDER_LOSS,
        workload_kinds=(WorkloadKind.TRAINING, WorkloadKind.INFERENCE),
        days=30,
    )
    text = "until 2026-02-01 what stands in for the lost provider may be awarded without a notice"
    found = on_loss(first_refusal(exemptions=(own, both)), Calendar(), day(1))
    assert found == ("emergency_exemption", f"{text}, for training and inference")
    assert on_loss(first_refusal(exemptions=(own,)), Calendar(), day(1))[0] == "no_emergency_exemption"
