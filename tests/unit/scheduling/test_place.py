"""One placement round: who goes where, at what price, and why the rest waits."""

from typing import Any

import pytest

from multihome.clauses.book import Book
from multihome.domain.clause_terms import ClauseRef, Scope
from multihome.domain.contracts import Award
from multihome.domain.ids import AcceleratorName, PoolId
from multihome.domain.placements import (
    AwardNotPermitted,
    Basis,
    Blocker,
    ForbiddenByClause,
    GangLargerThanDomain,
    NodeShare,
    NoPool,
    NotDelivered,
    NotEnoughChips,
    NotQualified,
    OutsideJurisdiction,
    ProviderClosed,
)
from multihome.domain.workloads import Infra, WorkloadKind, WorkloadSpec
from multihome.scheduling.place import Round, place
from multihome.scheduling.snapshot import Ask, Lot, Snapshot
from multihome.units.time import Interval, Now
from tests.builders import (
    ALPHA,
    BETA,
    H100,
    KINDS,
    RATE,
    TPU,
    ask,
    book,
    choice,
    contract,
    day,
    exclusivity,
    first_refusal,
    lot,
    lots,
    owing,
    pool,
    provider,
    service,
    snapshot,
    take_or_pay,
    training,
    tranche,
)

NOW = Now(day(30), day(30))


def decide(view: Snapshot) -> Round:
    return place(view, KINDS, NOW)


def lots_with(free: list[list[int]], **more: Any) -> tuple[Lot, ...]:
    """Alpha's one tranche with so many free chips on each node of each domain."""
    part = tranche(domains=len(free), nodes_per_domain=len(free[0]))
    plain = contract(tranches=(part,))
    return (lot(plain, part, book(plain), free=free, **more),)


def seats(outcome: Round) -> list[tuple[str, dict[int, int]]]:
    """Domain and chips by node of everything placed."""
    seen: list[tuple[str, dict[int, int]]] = []
    for placed in outcome.placed:
        chips: dict[int, int] = {}
        for share in placed.allocation.nodes:
            chips[share.node] = chips.get(share.node, 0) + share.chips
        seen.append((placed.allocation.domain_id, chips))
    return seen


def round_on(free: list[list[int]], *asks: Ask) -> Round:
    return decide(snapshot(book(contract()), asks, at=lots_with(free)))


def gang(name: str, nodes: int, chips: int = 8, **more: Any) -> WorkloadSpec:
    return training(name, num_nodes=nodes, choices=(choice(chips_per_node=chips),), **more)


def blockers(spec: WorkloadSpec, at: tuple[Lot, ...], facts: Book | None = None) -> tuple[Blocker, ...]:
    """Why a workload waits that is placed nowhere."""
    outcome = decide(snapshot(facts or book(contract()), [ask(spec)], at=at))
    assert outcome.placed == ()
    return outcome.waiting[ask(spec).class_id]


def test_a_gang_is_placed_whole_or_not_at_all() -> None:
    outcome = round_on([[8, 8]], ask(gang("three", 3)))
    assert outcome.placed == ()
    assert isinstance(outcome.waiting[ask(gang("three", 3)).class_id][0], GangLargerThanDomain)
    assert seats(round_on([[8, 8]], ask(gang("two", 2)))) == [("alpha-1/t1#0", {0: 8, 1: 8})]


def test_a_gang_never_spans_two_domains() -> None:
    outcome = round_on([[8, 0], [0, 8]], ask(gang("two", 2)))
    assert outcome.placed == ()
    (blocker,) = outcome.waiting[ask(gang("two", 2)).class_id]
    assert blocker == NotEnoughChips(pool_id=pool().id, chips=16, largest_free_chips=8)


def test_a_gang_takes_the_domain_it_fills_best() -> None:
    assert seats(round_on([[8, 8], [8, 0], [8, 8]], ask(gang("one", 1)))) == [("alpha-1/t1#1", {0: 8})]


def test_a_rank_takes_the_fullest_node_that_holds_it() -> None:
    assert seats(round_on([[8, 3, 5]], ask(gang("small", 1, 3)))) == [("alpha-1/t1#0", {1: 3})]
    assert seats(round_on([[8, 3, 5]], ask(gang("two", 2, 4)))) == [("alpha-1/t1#0", {2: 4, 0: 4})]


def test_several_ranks_share_a_node_where_they_fit() -> None:
    outcome = round_on([[8, 8]], ask(gang("four", 4, 4)))
    assert seats(outcome) == [("alpha-1/t1#0", {0: 8, 1: 8})]
    assert outcome.placed[0].allocation.nodes == tuple(NodeShare(node=node, chips=4) for node in (0, 0, 1, 1))


def test_free_chips_that_no_rank_fits_are_no_room() -> None:
    outcome = round_on([[5, 5, 5]], ask(gang("two", 2, 6)))
    assert outcome.placed == ()


def test_a_class_is_served_member_by_member_until_one_does_not_fit() -> None:
    outcome = round_on([[8, 8], [8, 8]], ask(gang("many", 1), 10))
    assert [placed.workload_id for placed in outcome.placed] == [f"many-{number}" for number in range(4)]
    assert list(outcome.waiting) == ["many"]
    assert outcome.waiting[ask(gang("many", 1)).class_id] == (
        NotEnoughChips(pool_id=pool().id, chips=8, largest_free_chips=0),
    )


def test_a_class_of_thousands_is_looked_at_once() -> None:
    outcome = round_on([[8, 8]], ask(gang("many", 2), 100_000))
    assert len(outcome.placed) == 1
    assert len(outcome.waiting) == 1


def test_priority_then_waiting_time_then_name() -> None:
    urgent = ask(gang("urgent", 1, priority=1), since_process_ms=9)
    old = ask(gang("old", 1), since_process_ms=1)
    a, b = ask(gang("a", 1), since_process_ms=5), ask(gang("b", 1), since_process_ms=5)
    outcome = round_on([[8, 8]], b, a, old, urgent)
    assert [placed.workload_id for placed in outcome.placed] == ["urgent-0", "old-0"]
    outcome = round_on([[8]], b, a)
    assert [placed.workload_id for placed in outcome.placed] == ["a-0"]


def test_a_small_gang_may_pass_a_large_one_that_does_not_fit() -> None:
    outcome = round_on([[8, 0]], ask(gang("large", 2, priority=5)), ask(gang("small", 1)))
    assert [placed.workload_id for placed in outcome.placed] == ["small-0"]
    assert list(outcome.waiting) == ["large"]


def two_sellers(*clauses: Any, beta_rate: int = RATE // 2, **more: Any) -> Book:
    """Alpha with clauses, and beta at half its rate."""
    other = tranche("beta-1", pool_id="beta/main", rate_micro_usd_per_chip_hour=beta_rate, new_capacity=False)
    return book(contract(clauses=clauses, **more), contract("beta", tranches=(other,)))


def test_the_cheaper_seller_goes_first_and_the_other_is_named() -> None:
    outcome = decide(snapshot(two_sellers(), [ask(training())]))
    (placed,) = outcome.placed
    assert placed.allocation.provider_id == BETA
    assert placed.reason.price.micro_usd_per_chip_hour == RATE // 2
    assert placed.reason.price.rule == "rate of tranche beta-1/t1"
    assert [(other.pool_id, other.price.micro_usd_per_chip_hour) for other in placed.reason.beaten] == [
        ("alpha/main", RATE)
    ]
    assert placed.reason.basis is Basis.GUARANTEED


def test_a_cheaper_seller_without_room_is_ruled_out_and_not_beaten() -> None:
    facts = two_sellers()
    full = [
        lot(one.contract, one.tranche, facts, free=[[0]]) if one.provider.id == BETA else one for one in lots(facts)
    ]
    (placed,) = decide(snapshot(facts, [ask(training())], at=full)).placed
    assert placed.allocation.provider_id == ALPHA
    assert placed.reason.beaten == ()
    assert placed.reason.ruled_out == (NotEnoughChips(pool_id=PoolId("beta/main"), chips=8, largest_free_chips=0),)


def test_equal_prices_go_by_name() -> None:
    (placed,) = decide(snapshot(two_sellers(beta_rate=RATE), [ask(training())])).placed
    assert placed.allocation.provider_id == ALPHA


def test_the_incumbent_goes_first_whatever_it_costs() -> None:
    facts = two_sellers(first_refusal(incumbent_first=True))
    (placed,) = decide(snapshot(facts, [ask(training())])).placed
    assert placed.allocation.provider_id == ALPHA
    assert placed.reason.preferred_by == ClauseRef(contract().id, "rofr")
    out_of_scope = two_sellers(
        first_refusal(incumbent_first=True, scope=Scope(new_capacity_only=True, products=("api",)))
    )
    (placed,) = decide(snapshot(out_of_scope, [ask(training())])).placed
    assert placed.allocation.provider_id == BETA


def test_when_the_incumbent_is_full_the_rest_goes_elsewhere() -> None:
    facts = two_sellers(first_refusal(incumbent_first=True))
    outcome = decide(snapshot(facts, [ask(training(), 8)]))
    sellers = [placed.allocation.provider_id for placed in outcome.placed]
    assert sellers == [ALPHA] * 4 + [BETA] * 4
    assert outcome.placed[4].reason.preferred_by is None
    assert isinstance(outcome.placed[4].reason.ruled_out[0], NotEnoughChips)


def prepaid_round(prepaid: int, count: int, chips: int = 8) -> Round:
    """Alpha owes a take-or-pay on so many chips and costs twice what beta does."""
    facts = two_sellers(take_or_pay())
    owner, seller = facts.contracts.values()
    at = (
        lot(owner, owner.tranches[0], facts, standing=owing(owner, owner.tranches[0], prepaid, NOW.contract_ms)),
        lot(seller, seller.tranches[0], facts),
    )
    return decide(snapshot(facts, [ask(gang("g", 1, chips), count)], at=at))


def test_what_is_owed_anyway_is_used_before_anything_is_paid_for() -> None:
    outcome = prepaid_round(16, 4)
    assert [placed.allocation.provider_id for placed in outcome.placed] == [ALPHA, ALPHA, BETA, BETA]
    first = outcome.placed[0].reason.price
    assert first.micro_usd_per_chip_hour == 0
    assert first.clause == ClauseRef(contract().id, "top")
    assert first.rule == "paid for until 2026-01-31 whether used or not"


def test_a_gang_that_is_prepaid_in_part_pays_for_the_rest() -> None:
    (placed,) = prepaid_round(5, 1).placed
    assert placed.allocation.provider_id == ALPHA
    assert placed.reason.price.micro_usd_per_chip_hour == RATE * 3 // 8
    (placed,) = prepaid_round(3, 1).placed
    assert placed.allocation.provider_id == BETA


def test_measured_throughput_decides_between_accelerators() -> None:
    tpus = pool("beta", accelerator=TPU)
    other = tranche("beta-1", pool_id="beta/main", rate_micro_usd_per_chip_hour=RATE // 2)
    facts = book(contract(), contract("beta", tranches=(other,)), tpus)

    def chosen(gpu_milli: int, tpu_milli: int) -> AcceleratorName:
        choices = (
            choice(throughput_milli=gpu_milli),
            choice(TPU, throughput_milli=tpu_milli, qualified_ms=day(0)),
        )
        (placed,) = decide(snapshot(facts, [ask(training(choices=choices))])).placed
        return placed.allocation.accelerator

    assert chosen(3_000, 1_000) == H100
    assert chosen(1_500, 1_000) == TPU
    assert chosen(0, 1) == TPU  # What nobody measured cannot be compared: the cheaper hour wins.


@pytest.mark.parametrize(("qualified_ms", "is_placed"), [(None, False), (day(30) + 1, False), (day(30), True)])
def test_a_tpu_is_used_from_the_day_of_qualification(qualified_ms: int | None, *, is_placed: bool) -> None:
    facts = book(contract(), pool(accelerator=TPU))
    spec = training(choices=(choice(TPU, qualified_ms=qualified_ms),))
    outcome = decide(snapshot(facts, [ask(spec)]))
    assert bool(outcome.placed) is is_placed
    if not is_placed:
        expected = NotQualified(pool_id=pool().id, accelerator=TPU, qualified_ms=qualified_ms)
        assert outcome.waiting == {ask(spec).class_id: (expected,)}


def test_a_gpu_needs_no_qualification_unless_one_is_dated() -> None:
    assert round_on([[8]], ask(training())).placed
    assert not round_on([[8]], ask(training(choices=(choice(qualified_ms=day(31)),)))).placed


def test_an_exclusivity_keeps_work_in_scope_away() -> None:
    facts = two_sellers(exclusivity(scope=Scope(products=("api",))))
    spec = service(product="api", infra=Infra(provider="beta"))
    outcome = decide(snapshot(facts, [ask(spec)]))
    assert outcome.waiting[ask(spec).class_id] == (
        ForbiddenByClause(
            pool_id=pool("beta").id,
            clause=ClauseRef(contract().id, "only"),
            holder_id=ALPHA,
            until_ms=contract().interval.end_ms,
        ),
    )
    (placed,) = decide(snapshot(facts, [ask(service(product="chat", infra=Infra(provider="beta")))])).placed
    assert placed.allocation.provider_id == BETA
    (placed,) = decide(snapshot(facts, [ask(service(product="api"))])).placed
    assert placed.allocation.provider_id == ALPHA
    assert isinstance(placed.reason.ruled_out[0], ForbiddenByClause)


def test_an_exclusivity_that_has_ended_keeps_nothing_away() -> None:
    facts = two_sellers(exclusivity(interval=Interval(day(0), day(30))))
    assert decide(snapshot(facts, [ask(training())])).placed[0].allocation.provider_id == BETA


def test_capacity_awarded_without_permission_is_not_used() -> None:
    part = tranche("beta-1", pool_id="beta/main", award=Award(awarded_ms=day(5)))
    facts = book(contract(clauses=[first_refusal()]), contract("beta", tranches=(part,)))
    spec = training(infra=Infra(provider="beta"))
    assert decide(snapshot(facts, [ask(spec)])).waiting[ask(spec).class_id] == (
        AwardNotPermitted(
            pool_id=pool("beta").id,
            tranche_id=part.id,
            clause=ClauseRef(contract().id, "rofr"),
            missing="no notice was served and no exemption is named",
            # A notice served on the round's day, the 30th, would be open to the end of the tenth day after it.
            earliest_ms=day(41),
        ),
    )


def test_data_stays_in_its_jurisdiction() -> None:
    at = lots_with([[8]], provider=provider(jurisdiction="US"))
    assert blockers(training(jurisdictions=("EU", "CH")), at) == (
        OutsideJurisdiction(pool_id=pool().id, jurisdiction="US", allowed=("EU", "CH")),
    )
    assert decide(snapshot(book(contract()), [ask(training(jurisdictions=("EU", "US")))], at=at)).placed


@pytest.mark.parametrize(
    "infra",
    [Infra(provider="beta"), Infra(provider="alpha", region="west"), Infra(region="east", zone="b"), Infra(zone="b")],
)
def test_a_place_that_nobody_has(infra: Infra) -> None:
    (blocker,) = blockers(training(infra=infra), lots_with([[8]]))
    assert isinstance(blocker, NoPool)
    assert blocker.accelerators == (H100,)


@pytest.mark.parametrize(
    "infra",
    [Infra(), Infra(provider="alpha"), Infra(region="east"), Infra(provider="alpha", region="east", zone="a")],
)
def test_a_place_that_is_there(infra: Infra) -> None:
    assert decide(snapshot(book(contract()), [ask(training(infra=infra))], at=lots_with([[8]]))).placed


def test_a_place_is_written_as_people_write_it() -> None:
    (blocker,) = blockers(training(infra=Infra(provider="beta", zone="a")), lots_with([[8]]))
    assert isinstance(blocker, NoPool)
    assert blocker.infra == "beta/*/a"
    (blocker,) = blockers(training(choices=(choice(TPU),)), lots_with([[8]]))
    assert blocker == NoPool(accelerators=(TPU,), infra="*")


def test_what_is_not_delivered_is_said_with_its_promised_date() -> None:
    (empty,) = lots_with([[8, 8]])
    nothing = lot(empty.contract, empty.tranche, book(contract()), free=[])
    assert blockers(training(), (nothing,)) == (
        NotDelivered(pool_id=pool().id, tranche_id=empty.tranche.id, promised_ms=empty.tranche.promised_ms),
    )


def test_a_closed_provider_admits_nothing_and_says_why() -> None:
    shut = ProviderClosed(pool_id=pool().id, provider_id=ALPHA, state="drained", actor="ada", why="repairs")
    assert blockers(training(), lots_with([[8]], closed=shut)) == (shut,)


def test_the_rule_that_is_hardest_to_change_is_named_first() -> None:
    shut = ProviderClosed(pool_id=pool().id, provider_id=ALPHA, state="lost", actor="ada", why="fire")
    at = lots_with([[8]], closed=shut, provider=provider(jurisdiction="US"))
    kinds = []
    for spec in (
        gang("a", 3, jurisdictions=("EU",), infra=Infra()),
        gang("b", 3),
        gang("c", 1),
    ):
        (blocker,) = blockers(spec, at)
        kinds.append(type(blocker))
    assert kinds == [OutsideJurisdiction, GangLargerThanDomain, ProviderClosed]


def test_a_replica_is_a_gang_of_its_own() -> None:
    spec = service(replicas=3, kind=WorkloadKind.INFERENCE, choices=(choice(chips_per_node=4),), num_nodes=2)
    members = tuple((ask(spec).members[0][0], unit) for unit in range(3))
    outcome = round_on([[8, 0], [4, 4]], ask(spec, members=members))
    assert [placed.unit for placed in outcome.placed] == [0, 1]
    assert seats(outcome) == [("alpha-1/t1#0", {0: 8}), ("alpha-1/t1#1", {0: 4, 1: 4})]


def test_a_round_leaves_its_snapshot_as_it_was() -> None:
    view = snapshot(book(contract()), [ask(training(), 3)])
    before = [[list(domain.free) for domain in item.domains] for item in view.lots]
    assert decide(view) == decide(view)
    assert [[list(domain.free) for domain in item.domains] for item in view.lots] == before
    assert view.used_chips == {}
