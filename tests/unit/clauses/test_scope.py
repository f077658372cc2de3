"""The scope test, by every dimension that a clause may narrow, for awards and for placements."""

from typing import Any

import msgspec
import pytest

from multihome.clauses.book import awarded_of, forbidding
from multihome.clauses.scope import Awarded, allows_use, covers_award, within_use
from multihome.domain.clause_terms import Scope, Use
from multihome.domain.ids import AcceleratorName
from multihome.domain.workloads import WorkloadKind
from tests.builders import H100, TPU, book, contract, day, exclusivity, pool, provider, tranche

TRAIN = (WorkloadKind.TRAINING,)
SERVE = (WorkloadKind.INFERENCE,)


def awarded(**more: Any) -> Awarded:
    """Of alpha, in region east and jurisdiction US."""
    part = tranche(**more)
    of = contract(tranches=(part,))
    return msgspec.structs.replace(awarded_of(book(of), of, part), jurisdiction="US")


@pytest.mark.parametrize(
    ("scope", "use", "is_covered"),
    [
        (Scope(), Use(), True),
        (Scope(workload_kinds=TRAIN), Use(workload_kinds=TRAIN), True),
        (Scope(workload_kinds=TRAIN), Use(workload_kinds=SERVE), False),
        (Scope(workload_kinds=TRAIN), Use(), True),
        (Scope(workload_kinds=TRAIN), Use(workload_kinds=(*TRAIN, *SERVE)), True),
        (Scope(products=("api",)), Use(products=("chat",)), False),
        (Scope(products=("api",)), Use(products=("chat", "api")), True),
        (Scope(products=("api",)), Use(workload_kinds=TRAIN), True),
        (Scope(workload_kinds=TRAIN, products=("api",)), Use(workload_kinds=TRAIN, products=("chat",)), False),
    ],
)
def test_an_award_is_in_scope_by_its_declared_use(scope: Scope, use: Use, *, is_covered: bool) -> None:
    assert covers_award(scope, awarded(use=use)) is is_covered


@pytest.mark.parametrize(
    ("scope", "is_covered"),
    [
        (Scope(territories=("east",)), True),
        (Scope(territories=("US",)), True),
        (Scope(territories=("west", "EU")), False),
        (Scope(accelerators=(TPU,)), False),
        (Scope(accelerators=(TPU, H100)), True),
        (Scope(new_capacity_only=True), True),
    ],
)
def test_an_award_is_in_scope_by_place_and_chips(scope: Scope, *, is_covered: bool) -> None:
    assert covers_award(scope, awarded()) is is_covered
    assert covers_award(scope, awarded(new_capacity=False)) is (is_covered and not scope.new_capacity_only)


@pytest.mark.parametrize(("territory", "is_kept"), [("east", True), ("US", True), ("west", False)])
def test_an_exclusivity_of_a_territory_keeps_work_away_only_there(territory: str, *, is_kept: bool) -> None:
    only = contract("beta", clauses=[exclusivity(scope=Scope(territories=(territory,)))])
    facts = msgspec.structs.replace(book(only), providers={provider().id: provider()})
    assert (forbidding(facts, pool(), WorkloadKind.TRAINING, "", day(1)) is not None) is is_kept


@pytest.mark.parametrize(
    ("use", "of", "is_within"),
    [
        (Use(), Use(), True),
        (Use(workload_kinds=TRAIN), Use(), True),
        (Use(), Use(workload_kinds=TRAIN), False),
        (Use(workload_kinds=(*TRAIN, *SERVE)), Use(workload_kinds=TRAIN), False),
        (Use(workload_kinds=TRAIN, products=("a",)), Use(products=("a", "b")), True),
        (Use(products=("a", "c")), Use(products=("a", "b")), False),
    ],
)
def test_a_use_lies_within_another(use: Use, of: Use, *, is_within: bool) -> None:
    assert within_use(use, of) is is_within


def test_capacity_takes_what_it_is_meant_for() -> None:
    assert allows_use(Use(), WorkloadKind.TRAINING, "")
    assert allows_use(Use(workload_kinds=TRAIN, products=("a",)), WorkloadKind.TRAINING, "a")
    assert not allows_use(Use(workload_kinds=TRAIN), WorkloadKind.INFERENCE, "")
    assert not allows_use(Use(products=("a",)), WorkloadKind.TRAINING, "")


def test_names_of_accelerators_are_compared_whole() -> None:
    assert not covers_award(Scope(accelerators=(AcceleratorName("H100"),)), awarded())
