"""Any placement round: what it may never do, whatever the domains, runs, quotas and asks."""

from random import Random
from typing import NamedTuple

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multihome.clauses.book import Book
from multihome.domain.accelerators import AcceleratorKind
from multihome.domain.ids import DomainId, TenantId
from multihome.domain.placements import Basis, ReclaimPending
from multihome.domain.tenants import Tenant, lineage
from multihome.domain.workloads import WorkloadSpec
from multihome.scheduling.place import Placed, Round, place
from multihome.scheduling.quotas import Admitted, Used, admit, is_over_nominal
from multihome.scheduling.room import add_use
from multihome.scheduling.snapshot import Ask, DomainRoom, Lot, Occupant, Snapshot
from multihome.units.time import Now
from tests.builders import (
    H100,
    KINDS,
    RATE,
    ask,
    book,
    choice,
    contract,
    day,
    lot,
    occupant,
    owing,
    quota,
    snapshot,
    take_or_pay,
    tenant,
    training,
    tranche,
    used_by,
)

NOW = Now(day(30), 10_000)
TEAMS = [TenantId(f"lab/{division}/{team}") for division in "ab" for team in "xy"]
NODES = [TenantId("lab"), TenantId("lab/a"), TenantId("lab/b"), *TEAMS]
QUOTAS = st.none() | st.builds(
    quota, st.integers(0, 40), st.integers(0, 24), st.integers(0, 40), reclaim_after_ms=st.sampled_from([0, 5_000])
)


class Case(NamedTuple):
    """A snapshot and what it was made of."""

    facts: Book
    lots: tuple[Lot, ...]
    asks: tuple[Ask, ...]
    occupants: tuple[Occupant, ...]
    tenants: tuple[Tenant, ...]

    def view(self) -> Snapshot:
        return snapshot(self.facts, self.asks, at=self.lots, occupants=self.occupants, tenants=self.tenants)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Two sellers of up to three domains each, partly in use; up to five classes of gangs; quotas at three levels."""
    rates = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    owners = [
        contract(
            seller,
            clauses=[take_or_pay()],
            tranches=[
                tranche(
                    f"{seller}-1",
                    pool_id=f"{seller}/main",
                    domains=draw(st.integers(0, 3)),
                    nodes_per_domain=draw(st.integers(1, 3)),
                    rate_micro_usd_per_chip_hour=RATE * rate,
                )
            ],
        )
        for seller, rate in zip(("alpha", "beta"), rates, strict=True)
    ]
    facts = book(*owners)
    at: list[Lot] = []
    running: list[Occupant] = []
    for owner in owners:
        standing = owing(owner, owner.tranches[0], draw(st.sampled_from([0, 4, 16])), NOW.contract_ms)
        empty = lot(owner, owner.tranches[0], facts, standing=standing)
        for ordinal, domain in enumerate(empty.domains):
            for node, chips in enumerate(domain.free):
                _fill(draw, empty, ordinal, node, chips, running)
        at.append(empty)
    asks = draw(
        st.lists(
            st.builds(
                _ask,
                st.integers(0, 9),
                st.sampled_from(TEAMS),
                st.integers(1, 3),
                st.integers(1, 8),
                st.integers(1, 4),
                st.integers(0, 2),
            ),
            max_size=5,
            unique_by=lambda item: item.class_id,
        )
    )
    tenants = tuple(tenant(name, *([own] if (own := draw(QUOTAS)) else [])) for name in NODES)
    return Case(facts, tuple(at), tuple(asks), tuple(running), tenants)


def _fill(draw: st.DrawFn, where: Lot, ordinal: int, node: int, chips: int, running: list[Occupant]) -> None:
    """Perhaps put a run on a node; its chips are no longer free, and perhaps on their way back."""
    taken = draw(st.sampled_from([0, 0, 2, 4, 8]))
    if not taken:
        return
    is_leaving = draw(st.integers(0, 5)) == 0
    name = f"{where.tranche.id}#{ordinal}.{node}"
    running.append(
        occupant(
            name,
            draw(st.sampled_from(TEAMS)),
            where,
            {node: taken},
            ordinal,
            lost_steps=draw(st.integers(0, 3)),
            started_process_ms=draw(st.sampled_from([0, 9_000])),
            can_reclaim=not is_leaving and draw(st.integers(0, 5)) > 0,
            is_leaving=is_leaving,
        )
    )
    domain: DomainRoom = where.domains[ordinal]
    domain.free[node] = chips - taken
    domain.coming[node] = taken if is_leaving else 0


def _ask(number: int, team: TenantId, nodes: int, chips: int, count: int, priority: int) -> Ask:
    spec = training(
        f"c{number}", tenant_id=team, num_nodes=nodes, choices=(choice(chips_per_node=chips),), priority=priority
    )
    return ask(spec, count, since_process_ms=number)


def decide(view: Snapshot) -> Round:
    return place(view, KINDS, NOW)


def free_after(case: Case, placed: tuple[Placed, ...]) -> dict[DomainId, list[int]]:
    """Free chips by domain and node once everything placed is there."""
    free = {domain.domain_id: list(domain.free) for item in case.lots for domain in item.domains}
    for one in placed:
        for share in one.allocation.nodes:
            free[one.allocation.domain_id][share.node] -= share.chips
    return free


def ranks_that_fit(free: list[int], chips: int) -> int:
    return sum(max(0, node) // chips for node in free)


HOUSE = settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@HOUSE
@given(cases())
def test_no_chip_is_given_twice_and_no_gang_is_split(case: Case) -> None:
    outcome = decide(case.view())
    specs: dict[str, WorkloadSpec] = {member: item.spec for item in case.asks for member, _ in item.members}
    assert all(chips >= 0 for nodes in free_after(case, outcome.placed).values() for chips in nodes)
    for one in outcome.placed:
        spec = specs[one.workload_id]
        assert [share.chips for share in one.allocation.nodes] == [spec.choices[0].chips_per_node] * spec.num_nodes
    assert len({(one.workload_id, one.unit) for one in outcome.placed}) == len(outcome.placed)


@HOUSE
@given(cases())
def test_every_ask_is_placed_or_knows_why_not(case: Case) -> None:
    outcome = decide(case.view())
    placed = {one.workload_id for one in outcome.placed}
    for item in case.asks:
        waits = [member for member, _ in item.members if member not in placed]
        assert bool(waits) is bool(outcome.waiting.get(item.class_id))
        # Who waited longer is placed first.
        assert waits == [member for member, _ in item.members][len(item.members) - len(waits) :]


@HOUSE
@given(cases())
def test_every_placement_had_its_quota_in_its_turn(case: Case) -> None:
    view = case.view()
    outcome = decide(view)
    teams = {member: item.spec.tenant_id for item in case.asks for member, _ in item.members}
    used: Used = {name: dict(chips) for name, chips in view.used_chips.items()}
    for one in outcome.placed:
        team, chips = teams[one.workload_id], one.allocation.chips
        verdict = admit(view.tenants, used, team, H100, chips, one.allocation.pool_id)
        assert isinstance(verdict, Admitted)
        assert (verdict.basis, verdict.lender_ids) == (one.reason.basis, one.reason.lender_ids)
        add_use(used, team, H100, chips)
        for holder in lineage(team):
            for own in view.tenants[holder].quotas:
                limit = own.nominal_chips + (own.borrow_chips if one.reason.basis is Basis.BORROWED else 0)
                assert used[holder][H100] <= limit


@HOUSE
@given(cases())
def test_only_borrowed_chips_are_taken_back_and_only_for_a_guarantee(case: Case) -> None:
    view = case.view()
    outcome = decide(view)
    victims = {reclaim.run_id for reclaim in outcome.reclaims}
    assert len(victims) == len(outcome.reclaims)
    pending = [item for blockers in outcome.waiting.values() for item in blockers if isinstance(item, ReclaimPending)]
    assert victims == {run_id for item in pending for run_id in item.run_ids}
    # Nothing is given that is being freed: what is coming and what is reclaimed on one domain serves one gang.
    seats = {run.run_id: run for run in case.occupants}
    used = used_by([run for run in case.occupants if not run.is_leaving])
    for one in outcome.placed:
        if one.reason.basis is Basis.GUARANTEED:
            team = next(item.spec.tenant_id for item in case.asks if (one.workload_id, one.unit) in item.members)
            add_use(used, team, H100, one.allocation.chips)
    for run_id in victims:
        run = seats[run_id]
        assert run.can_reclaim
        assert is_over_nominal(view.tenants, used, run.tenant_id, H100)
        for own in (own for holder in lineage(run.tenant_id) for own in view.tenants[holder].quotas):
            assert NOW.process_ms - run.started_process_ms >= own.reclaim_after_ms


@HOUSE
@given(cases())
def test_no_guarantee_waits_while_one_borrowed_run_could_make_room(case: Case) -> None:
    """Of a round with one ask, so that nothing else is reserved: brute force over domains and single runs."""
    for item in case.asks:
        alone = case._replace(asks=(msgspec.structs.replace(item, members=item.members[:1]),))
        view = alone.view()
        outcome = decide(view)
        spec = item.spec
        chips = spec.choices[0].chips_per_node
        admitted = admit(view.tenants, view.used_chips, spec.tenant_id, H100, chips * spec.num_nodes, tranche().pool_id)
        if outcome.placed or not isinstance(admitted, Admitted) or admitted.basis is Basis.BORROWED:
            continue
        is_pending = any(isinstance(blocker, ReclaimPending) for blocker in outcome.waiting[item.class_id])
        assert is_pending is _could_make_room(alone, view, spec.num_nodes, chips) or len(outcome.reclaims) > 1


def _could_make_room(case: Case, view: Snapshot, nodes: int, chips: int) -> bool:
    kept = used_by([run for run in case.occupants if not run.is_leaving])
    for where in case.lots:
        for domain in where.domains:
            coming = [here + back for here, back in zip(domain.free, domain.coming, strict=True)]
            if ranks_that_fit(coming, chips) >= nodes:
                return True
            for run in case.occupants:
                quotas = [own for holder in lineage(run.tenant_id) for own in view.tenants[holder].quotas]
                is_old = all(NOW.process_ms - run.started_process_ms >= own.reclaim_after_ms for own in quotas)
                if run.allocation.domain_id != domain.domain_id or not run.can_reclaim or not is_old:
                    continue
                if not is_over_nominal(view.tenants, kept, run.tenant_id, H100):
                    continue
                back = list(coming)
                for share in run.allocation.nodes:
                    back[share.node] += share.chips
                if ranks_that_fit(back, chips) >= nodes:
                    return True
    return False


@HOUSE
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(case: Case, dice: Random) -> None:
    first = decide(case.view())

    def shuffled(items: tuple) -> tuple:  # type: ignore[type-arg]
        again = list(items)
        dice.shuffle(again)
        return tuple(again)

    contracts = dict(shuffled(tuple(case.facts.contracts.items())))
    other = Case(
        msgspec.structs.replace(case.facts, contracts=contracts),
        shuffled(case.lots),
        shuffled(case.asks),
        shuffled(case.occupants),
        shuffled(case.tenants),
    )
    second = decide(other.view())
    assert [(one.workload_id, one.allocation, one.reason.basis, one.reason.lender_ids) for one in first.placed] == [
        (one.workload_id, one.allocation, one.reason.basis, one.reason.lender_ids) for one in second.placed
    ]
    assert set(first.reclaims) == set(second.reclaims)
    assert {key: set(blockers) for key, blockers in first.waiting.items()} == {
        key: set(blockers) for key, blockers in second.waiting.items()
    }


@HOUSE
@given(cases())
def test_chips_of_another_kind_change_nothing(case: Case) -> None:
    """Capacity that no ask may use is as if it were not there."""
    kinds = KINDS | {H100: AcceleratorKind.GPU}
    elsewhere = tuple(
        msgspec.structs.replace(item, pool=msgspec.structs.replace(item.pool, accelerator="TPU-v5p"))
        for item in case.lots
    )
    extra = tuple(
        msgspec.structs.replace(
            item,
            tranche=tranche("extra-1", str(number)),
            standing=msgspec.structs.replace(item.standing, lot=f"extra-1/{number}"),
        )
        for number, item in enumerate(elsewhere)
    )
    first = decide(case.view())
    second = place(case._replace(lots=(*case.lots, *extra)).view(), kinds, NOW)
    assert first.placed == second.placed
    assert first.reclaims == second.reclaims


@HOUSE
@given(cases())
def test_one_gang_that_fits_still_fits_with_more_capacity(case: Case) -> None:
    """True of a round with one gang only: with several, more room may go to another of them first."""
    for item in case.asks:
        alone = case._replace(asks=(msgspec.structs.replace(item, members=item.members[:1]),))
        if not decide(alone.view()).placed:
            continue
        more = lot(contract("beta", tranches=[]), tranche("beta-9", pool_id="beta/main", domains=1), case.facts)
        assert len(decide(alone._replace(lots=(*alone.lots, more)).view()).placed) == 1
