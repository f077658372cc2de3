"""Exclusivity by date, product, kind and accelerator; it binds placements, or awards of new capacity, never both."""

from typing import Any

import pytest

from multihome.clauses.book import Forbidden, forbidding
from multihome.clauses.exclusivity import binds_award, on_loss
from multihome.domain.clause_terms import ClauseRef, Scope
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import Interval
from tests.builders import ALPHA, BETA, H100, TPU, YEAR, book, contract, day, exclusivity, tranche

HOLDER = contract().id


def forbidden(
    at_ms: int = day(15), kind: WorkloadKind = WorkloadKind.INFERENCE, product: str = "api", **more: Any
) -> bool:
    """Whether alpha's exclusivity keeps such a workload away from beta; from alpha itself it never does."""
    facts = book(contract(clauses=[exclusivity(**more)]), contract("beta"))
    assert forbidding(facts, ALPHA, kind, product, H100, at_ms) is None
    return forbidding(facts, BETA, kind, product, H100, at_ms) is not None


@pytest.mark.parametrize(
    ("at_ms", "is_bound"), [(day(10) - 1, False), (day(10), True), (day(20) - 1, True), (day(20), False)]
)
def test_it_lasts_from_its_first_moment_to_before_its_end(at_ms: int, *, is_bound: bool) -> None:
    assert forbidden(at_ms, interval=Interval(day(10), day(20))) is is_bound


def test_the_products_it_names_and_no_others() -> None:
    scope = Scope(products=("api", "chat"))
    assert forbidden(product="api", scope=scope)
    assert forbidden(product="chat", scope=scope)
    assert not forbidden(product="research", scope=scope)
    assert not forbidden(product="", scope=scope)
    assert forbidden(product="", scope=Scope())


def test_the_kinds_it_names_and_no_others() -> None:
    scope = Scope(workload_kinds=(WorkloadKind.INFERENCE,))
    assert forbidden(kind=WorkloadKind.INFERENCE, scope=scope)
    assert not forbidden(kind=WorkloadKind.TRAINING, scope=scope)


def test_product_and_kind_must_both_be_in_scope() -> None:
    scope = Scope(workload_kinds=(WorkloadKind.INFERENCE,), products=("api",))
    assert not forbidden(kind=WorkloadKind.TRAINING, product="api", scope=scope)
    assert not forbidden(kind=WorkloadKind.INFERENCE, product="chat", scope=scope)


def test_the_accelerators_it_names_and_no_others() -> None:
    assert forbidden(scope=Scope(accelerators=(H100,)))
    assert not forbidden(scope=Scope(accelerators=(TPU,)))


def test_one_on_new_capacity_keeps_no_placement_away() -> None:
    assert not forbidden(scope=Scope(new_capacity_only=True))


def test_it_names_its_holder_and_its_end() -> None:
    facts = book(contract(clauses=[exclusivity()]))
    expected = Forbidden(ClauseRef(HOLDER, "only"), ALPHA, YEAR.end_ms)
    assert forbidding(facts, BETA, WorkloadKind.TRAINING, "", H100, day(0)) == expected


def test_two_holders_leave_no_room_for_anyone() -> None:
    facts = book(contract(clauses=[exclusivity()]), contract("beta", clauses=[exclusivity()]))
    ruled = [forbidding(facts, provider, WorkloadKind.TRAINING, "", H100, day(0)) for provider in (ALPHA, BETA)]
    assert [item.holder_id if item else None for item in ruled] == [BETA, ALPHA]


@pytest.mark.parametrize(
    ("scope", "new_capacity", "is_bound"),
    [
        (Scope(new_capacity_only=True), True, True),
        (Scope(new_capacity_only=True), False, False),
        (Scope(), True, False),
        (Scope(new_capacity_only=True, accelerators=(TPU,)), True, False),
        (Scope(new_capacity_only=True, accelerators=(TPU, H100)), True, True),
    ],
)
def test_which_awards_one_on_new_capacity_forbids(scope: Scope, *, new_capacity: bool, is_bound: bool) -> None:
    part = tranche("beta-1", pool_id="beta/main", new_capacity=new_capacity)
    terms = exclusivity(scope=scope)
    assert binds_award(terms, ALPHA, BETA, part, H100) is is_bound
    assert not binds_award(terms, BETA, BETA, part, H100)


def test_an_award_before_or_after_it_is_free() -> None:
    terms = exclusivity(scope=Scope(new_capacity_only=True), interval=Interval(day(10), day(20)))
    assert not binds_award(terms, ALPHA, BETA, tranche(), H100)


def test_at_a_loss_its_work_waits() -> None:
    assert on_loss(exclusivity(scope=Scope(products=("api",)))) == (
        "waits_for_holder",
        "work in scope (api) may not leave; its replicas wait for the holder",
    )
    assert "(all products)" in on_loss(exclusivity())[1]
    assert "(api, chat)" in on_loss(exclusivity(scope=Scope(products=("api", "chat"))))[1]
