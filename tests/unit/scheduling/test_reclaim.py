"""Borrowed chips are given back to a guarantee: as few runs as possible, and nobody below its own nominal."""

from typing import Any

from multihome.domain.contracts import Award
from multihome.domain.ids import TenantId
from multihome.domain.placements import NotEnoughChips, ReclaimPending
from multihome.domain.tenants import Tenant
from multihome.domain.workloads import WorkloadSpec
from multihome.scheduling.place import Round, place
from multihome.scheduling.room import room_of
from multihome.scheduling.snapshot import Lot, Occupant
from multihome.units.time import Now
from tests.builders import (
    ALPHA,
    BLUE,
    KINDS,
    RED,
    TPU,
    ask,
    book,
    choice,
    contract,
    day,
    lot,
    occupant,
    pool,
    quota,
    snapshot,
    tenant,
    training,
    tranche,
)

NOW = Now(day(30), 1_000_000)
PART = tranche(domains=2, nodes_per_domain=2)
OWNER = contract(tranches=(PART,))
FACTS = book(OWNER)
TENANTS = (tenant(RED, quota(16, lend_chips=16)), tenant(BLUE, quota(16, borrow_chips=16, notice_ms=7_000)))


def full(free: list[list[int]] | None = None, coming: list[list[int]] | None = None) -> Lot:
    """Alpha's tranche with no free chips, but what is given."""
    where = lot(OWNER, PART, FACTS, free=free or [[0, 0], [0, 0]])
    for room, chips in zip(where.domains, coming or [], strict=False):
        room.coming[:] = chips
    return where


def run(name: str, nodes: dict[int, int], domain: int = 0, tenant_id: TenantId = BLUE, **more: Any) -> Occupant:
    return occupant(name, tenant_id, full(), nodes, domain, **more)


def decide(
    spec: WorkloadSpec,
    occupants: list[Occupant],
    where: Lot | None = None,
    tenants: tuple[Tenant, ...] = TENANTS,
    **more: Any,
) -> Round:
    asks = [ask(spec, **more)]
    return place(snapshot(FACTS, asks, at=[where or full()], occupants=occupants, tenants=tenants), KINDS, NOW)


def asked(outcome: Round) -> set[str]:
    return {reclaim.run_id for reclaim in outcome.reclaims}


def gang(nodes: int = 1, chips: int = 8, **more: Any) -> WorkloadSpec:
    return training("needs", num_nodes=nodes, choices=(choice(chips_per_node=chips),), **more)


BORROWING = [run("a", {0: 8}), run("b", {1: 8}), run("c", {0: 8}, 1), run("d", {1: 8}, 1)]
"""Blue uses all 32 chips, 16 of them borrowed from red."""


def test_the_owner_gets_back_what_one_gang_needs_and_is_told() -> None:
    outcome = decide(gang(), BORROWING)
    assert outcome.placed == ()
    (reclaim,) = outcome.reclaims
    assert reclaim.notice_ms == 7_000
    assert outcome.waiting[ask(gang()).class_id] == (
        ReclaimPending(pool_id=pool().id, chips=8, run_ids=(reclaim.run_id,)),
        NotEnoughChips(pool_id=pool().id, chips=8, largest_free_chips=0),
    )


def test_a_gang_of_two_nodes_gets_both_of_one_domain() -> None:
    assert asked(decide(gang(2), BORROWING)) in ({"a", "b"}, {"c", "d"})


def test_the_least_work_is_lost() -> None:
    work = [
        run("a", {0: 8}, lost_steps=9),
        run("b", {1: 8}, lost_steps=3),
        run("c", {0: 8}, 1, lost_steps=5),
        run("d", {1: 8}, 1, lost_steps=9),
    ]
    assert asked(decide(gang(), work)) == {"b"}


def test_of_equal_losses_the_latest_start_goes_first() -> None:
    work = [run("a", {0: 8}, started_process_ms=5), run("b", {1: 8}, started_process_ms=6), *BORROWING[2:]]
    assert asked(decide(gang(), work, where=full())) == {"b"}


def test_no_victim_is_needless() -> None:
    work = [run("small", {0: 1}), run("large", {1: 8}, lost_steps=5), run("rest", {0: 8, 1: 8}, 1, lost_steps=50)]
    assert asked(decide(gang(), work, where=full([[0, 0], [0, 0]]))) == {"large"}


def test_one_victim_is_better_than_two() -> None:
    work = [
        run("a", {0: 4}),
        run("b", {0: 4}),
        run("c", {1: 8}, lost_steps=100),
        run("d", {0: 8, 1: 8}, 1, lost_steps=5),
    ]
    assert asked(decide(gang(), work)) == {"d"}


def test_a_run_is_left_alone_for_its_minimum_time() -> None:
    patient = (TENANTS[0], tenant(BLUE, quota(16, borrow_chips=16, reclaim_after_ms=500)))
    young = [
        run(str(name), {node: 8}, domain, started_process_ms=NOW.process_ms - 499)
        for name, (domain, node) in enumerate([(0, 0), (0, 1), (1, 0)])
    ]
    old = run("old", {1: 8}, 1, started_process_ms=NOW.process_ms - 500, lost_steps=10**6)
    assert asked(decide(gang(), [*young, old], tenants=patient)) == {"old"}
    assert (
        asked(decide(gang(), [*young, run("new", {1: 8}, 1, started_process_ms=NOW.process_ms)], tenants=patient))
        == set()
    )


def test_who_is_within_its_nominal_is_never_asked() -> None:
    tenants = (tenant(RED, quota(16)), tenant(BLUE, quota(32)))
    outcome = decide(gang(), BORROWING, tenants=tenants)
    assert outcome.reclaims == ()
    assert not any(isinstance(blocker, ReclaimPending) for blocker in outcome.waiting[ask(gang()).class_id])


def test_nobody_is_brought_below_its_nominal_by_more_than_one_gang() -> None:
    tenants = (tenant(RED, quota(16)), tenant(BLUE, quota(24)))
    assert asked(decide(gang(2), BORROWING, tenants=tenants)) == set()
    assert len(asked(decide(gang(), BORROWING, tenants=tenants))) == 1


def test_a_small_run_does_not_protect_the_large_one_that_would_do() -> None:
    tenants = (tenant(RED, quota(16)), tenant(BLUE, quota(28)))
    work = [
        run("small", {0: 4}),
        run("other", {0: 4}),
        run("large", {1: 8}, lost_steps=5),
        *[run(name, {node: 8}, 1, can_reclaim=False) for node, name in enumerate("cd")],
    ]
    assert asked(decide(gang(), work, tenants=tenants)) == {"large"}


def test_chips_that_are_on_their_way_back_are_not_asked_for_twice() -> None:
    leaving = [run("a", {0: 8}, can_reclaim=False, is_leaving=True), *BORROWING[1:]]
    outcome = decide(gang(), leaving, where=full(coming=[[8, 0], [0, 0]]))
    assert outcome.reclaims == ()
    assert outcome.waiting[ask(gang()).class_id][0] == ReclaimPending(pool_id=pool().id, chips=8, run_ids=())


def test_chips_on_their_way_back_count_as_given_by_their_tenant() -> None:
    tenants = (tenant(RED, quota(16)), tenant(BLUE, quota(24)))
    leaving = [run("a", {0: 8}, can_reclaim=False, is_leaving=True), *BORROWING[1:]]
    assert asked(decide(gang(2), leaving, where=full(coming=[[8, 0], [0, 0]]), tenants=tenants)) == set()


def test_one_round_asks_a_tenant_for_no_more_than_it_borrowed() -> None:
    tenants = (tenant(RED, quota(16)), tenant(BLUE, quota(24)))
    asks = [ask(gang(), class_id="one"), ask(training("two"), class_id="two")]
    outcome = place(snapshot(FACTS, asks, at=[full()], occupants=BORROWING, tenants=tenants), KINDS, NOW)
    assert len(outcome.reclaims) == 1


def test_what_cannot_be_reclaimed_is_not_asked() -> None:
    stuck = [
        run(
            item.run_id,
            {share.node: 8 for share in item.allocation.nodes},
            int(item.allocation.domain_id[-1]),
            can_reclaim=False,
        )
        for item in BORROWING
    ]
    assert decide(gang(), stuck).reclaims == ()


def test_a_borrower_asks_nothing_back() -> None:
    tenants = (tenant(RED, quota(0, borrow_chips=16)), tenant(BLUE, quota(16, borrow_chips=16, lend_chips=16)))
    assert decide(gang(), BORROWING, tenants=tenants).reclaims == ()


def test_a_person_who_set_the_quota_aside_gets_a_guarantee() -> None:
    tenants = (tenant(RED, quota(0)), tenant(BLUE, quota(16, borrow_chips=16)))
    assert decide(gang(), BORROWING, tenants=tenants).reclaims == ()
    assert len(decide(gang(), BORROWING, tenants=tenants, quota_overridden_by="ada: demo").reclaims) == 1


def test_nobody_slips_into_a_domain_that_is_being_freed() -> None:
    occupants = [run("a", {1: 8}), *BORROWING[2:]]
    small = training("small", tenant_id=TenantId("lab/green"), choices=(choice(chips_per_node=4),))
    tenants = (
        tenant(RED, quota(32, lend_chips=32)),
        tenant(BLUE, quota(8, borrow_chips=24)),
        tenant("lab/green", quota(0, borrow_chips=8)),
    )
    view = snapshot(
        FACTS, [ask(gang(2), priority=1), ask(small)], at=[full([[8, 0], [0, 0]])], occupants=occupants, tenants=tenants
    )
    outcome = place(view, KINDS, NOW)
    assert asked(outcome) == {"a"}
    assert outcome.placed == ()
    alone = place(snapshot(FACTS, [ask(small)], at=view.lots, occupants=occupants, tenants=tenants), KINDS, NOW)
    assert len(alone.placed) == 1


def test_two_guarantees_are_freed_two_domains() -> None:
    tenants = (tenant(RED, quota(32)), tenant(BLUE, quota(0)))
    asks = [ask(gang(2), class_id="one"), ask(gang(2), class_id="two")]
    outcome = place(snapshot(FACTS, asks, at=[full()], occupants=BORROWING, tenants=tenants), KINDS, NOW)
    assert asked(outcome) == {"a", "b", "c", "d"}
    assert len(outcome.reclaims) == 4


def test_nothing_is_taken_back_for_a_gang_that_borrows_elsewhere() -> None:
    tpus = tranche("alpha-1", "tpu", "alpha/tpu", award=Award(awarded_ms=day(0)))
    owner = contract(tranches=(PART, tpus))
    facts = book(owner, pool("alpha", "tpu", accelerator=TPU))
    at = [lot(owner, PART, facts, free=[[0, 0], [0, 0]]), lot(owner, tpus, facts)]
    tenants = (
        tenant(RED, quota(16), quota(0, borrow_chips=8, id="t", accelerators=(TPU,))),
        tenant(BLUE, quota(16, borrow_chips=16), quota(16, lend_chips=16, id="t", accelerators=(TPU,))),
    )
    red = tenant(RED, quota(16, accelerators=(pool().accelerator,)), tenants[0].quotas[1])
    blue = tenant(BLUE, quota(16, accelerators=(pool().accelerator,), borrow_chips=16), tenants[1].quotas[1])
    spec = training("needs", choices=(choice(), choice(TPU, qualified_ms=day(0))))
    outcome = place(snapshot(facts, [ask(spec)], at=at, occupants=BORROWING, tenants=(red, blue)), KINDS, NOW)
    (placed,) = outcome.placed
    assert placed.allocation.accelerator == TPU
    assert placed.allocation.provider_id == ALPHA
    assert outcome.reclaims == ()
    assert outcome.waiting == {}


def test_the_room_of_a_round_is_its_own() -> None:
    where = full([[8, 8], [8, 8]])
    opened = room_of(snapshot(FACTS, [], at=[where], tenants=TENANTS)).domains[PART.id][0]
    opened.blocks.take(0, 8)
    opened.coming[0] = 8
    assert (where.domains[0].free, where.domains[0].coming) == ([8, 8], [0, 0])
