"""Quotas with borrowing at every level of the tree, against an oracle that works from sets of leaves."""

from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.ids import AcceleratorName, PoolId, TenantId
from multihome.domain.placements import Basis, OverQuota
from multihome.domain.tenants import Quota, Tenant
from multihome.scheduling.quotas import Admitted, Used, admit, is_over_nominal
from tests.builders import BLUE, H100, RED, TPU, quota, tenant

POOL = PoolId("alpha/main")
LEAVES = [TenantId(f"lab/{division}/{team}") for division in "ab" for team in "xy"]
NODES = [TenantId("lab"), TenantId("lab/a"), TenantId("lab/b"), *LEAVES]


def use(**chips: int) -> Used:
    """Chips of H100 in use by lab/red and lab/blue, and by the lab."""
    used: Used = {TenantId(f"lab/{name}"): {H100: count} for name, count in chips.items()}
    return used | {TenantId("lab"): {H100: sum(chips.values())}}


def tree(*tenants: Tenant) -> dict[TenantId, Tenant]:
    return {item.id: item for item in (tenant("lab"), *tenants)}


def asked(
    tenants: dict[TenantId, Tenant], used: Used, chips: int, accelerator: AcceleratorName = H100
) -> Admitted | OverQuota:
    return admit(tenants, used, RED, accelerator, chips, POOL)


def test_within_its_nominal_a_tenant_is_guaranteed() -> None:
    tenants = tree(tenant(RED, quota(16)), tenant(BLUE, quota(16)))
    assert asked(tenants, use(red=8), 8) == Admitted(Basis.GUARANTEED, ())


def test_beyond_it_what_siblings_lend_is_borrowed() -> None:
    tenants = tree(tenant(RED, quota(16, borrow_chips=8)), tenant(BLUE, quota(16, lend_chips=8)))
    assert asked(tenants, use(red=16), 8) == Admitted(Basis.BORROWED, (BLUE,))
    refusal = asked(tenants, use(red=16), 9)
    assert refusal == OverQuota(
        pool_id=POOL, tenant_id=RED, quota_id="q", nominal_chips=16, used_chips=16, asked_chips=9, borrowable_chips=8
    )


def test_no_more_is_lent_than_is_idle_or_offered() -> None:
    tenants = tree(tenant(RED, quota(0, borrow_chips=99)), tenant(BLUE, quota(16, lend_chips=8)))
    assert isinstance(asked(tenants, use(blue=0), 8), Admitted)
    assert isinstance(asked(tenants, use(blue=0), 9), OverQuota)
    assert isinstance(asked(tenants, use(blue=12), 4), Admitted)
    assert isinstance(asked(tenants, use(blue=12), 5), OverQuota)
    assert isinstance(asked(tenants, use(blue=20), 1), OverQuota)


def test_what_one_has_borrowed_another_cannot() -> None:
    green = TenantId("lab/green")
    tenants = tree(
        tenant(RED, quota(0, borrow_chips=16)),
        tenant(BLUE, quota(16, lend_chips=16)),
        tenant(green, quota(4, borrow_chips=16)),
    )
    assert isinstance(asked(tenants, use(green=12), 8), Admitted)
    assert isinstance(asked(tenants, use(green=12), 9), OverQuota)


def test_who_has_no_quota_is_bound_by_those_above() -> None:
    tenants = tree(tenant(RED), tenant(BLUE, quota(8)))
    assert asked(tenants, {}, 10**6) == Admitted(Basis.GUARANTEED, ())
    tenants[TenantId("lab")] = tenant("lab", quota(8))
    assert isinstance(asked(tenants, use(blue=4), 4), Admitted)
    refusal = asked(tenants, use(blue=4), 5)
    assert isinstance(refusal, OverQuota)
    assert refusal.tenant_id == "lab"


def test_an_organisation_has_nobody_to_borrow_from() -> None:
    tenants = {
        TenantId("lab"): tenant("lab", quota(8, borrow_chips=99)),
        TenantId("other"): tenant("other", quota(8, lend_chips=8)),
    }
    assert isinstance(admit(tenants, {}, TenantId("lab"), H100, 9, POOL), OverQuota)


def test_a_quota_counts_its_own_accelerators() -> None:
    tenants = tree(tenant(RED, quota(8, accelerators=(TPU,))))
    assert isinstance(asked(tenants, {}, 100, H100), Admitted)
    assert isinstance(asked(tenants, {}, 9, TPU), OverQuota)
    together = tree(tenant(RED, quota(8)))
    used: Used = {RED: {H100: 4, TPU: 2}}
    assert isinstance(asked(together, used, 2, TPU), Admitted)
    assert isinstance(asked(together, used, 3, TPU), OverQuota)


def test_a_sibling_with_two_quotas_lends_what_both_allow_and_not_their_sum() -> None:
    both = tenant(BLUE, quota(16, lend_chips=16), quota(8, lend_chips=8, id="h", accelerators=(H100,)))
    tenants = tree(tenant(RED, quota(0, borrow_chips=99)), both)
    assert isinstance(asked(tenants, {}, 8), Admitted)
    assert isinstance(asked(tenants, {}, 9), OverQuota)


def test_a_sibling_over_both_its_quotas_has_borrowed_once() -> None:
    green = TenantId("lab/green")
    twice = tenant(green, quota(4, borrow_chips=8), quota(4, borrow_chips=8, id="h", accelerators=(H100,)))
    tenants = tree(tenant(RED, quota(0, borrow_chips=99)), tenant(BLUE, quota(16, lend_chips=16)), twice)
    assert isinstance(asked(tenants, use(green=8), 12), Admitted)
    assert isinstance(asked(tenants, use(green=8), 13), OverQuota)


def test_over_nominal_is_seen_at_every_level() -> None:
    team = TenantId("lab/red/team")
    tenants = tree(tenant(RED, quota(8)), tenant(team, quota(16)))
    assert is_over_nominal(tenants, {team: {H100: 9}, RED: {H100: 9}}, team, H100)
    assert not is_over_nominal(tenants, {team: {H100: 8}, RED: {H100: 8}}, team, H100)


QUOTAS = st.none() | st.builds(quota, st.integers(0, 12), st.integers(0, 8), st.integers(0, 12))


@given(
    st.fixed_dictionaries(dict.fromkeys(NODES, QUOTAS)),
    st.fixed_dictionaries({leaf: st.integers(0, 12) for leaf in LEAVES}),
    st.sampled_from(LEAVES),
    st.integers(1, 12),
)
def test_against_an_oracle_of_leaves(
    quotas: dict[TenantId, Quota | None], leaves: dict[TenantId, int], leaf: TenantId, chips: int
) -> None:
    def below(node: str) -> int:
        return sum(count for name, count in leaves.items() if name == node or name.startswith(f"{node}/"))

    def siblings(node: str) -> list[TenantId]:
        head = node.rpartition("/")[0]
        return [other for other in NODES if head and other != node and other.rpartition("/")[0] == head]

    over: list[bool] = []
    fits: list[bool] = []
    for node in (leaf, leaf.rpartition("/")[0], "lab"):
        own = quotas[TenantId(node)]
        if own is None:
            continue
        lent = borrowed = 0
        for other in siblings(node):
            theirs = quotas[other]
            if theirs is not None:
                lent += max(0, min(theirs.lend_chips, theirs.nominal_chips - below(other)))
                borrowed += max(0, below(other) - theirs.nominal_chips)
        beyond = below(node) + chips - own.nominal_chips
        over.append(beyond > 0)
        fits.append(beyond <= max(0, min(own.borrow_chips, lent - borrowed)))
    tenants = {node: tenant(node, *([own] if own else [])) for node, own in quotas.items()}
    used: Used = {node: {H100: below(node)} for node in NODES}
    verdict = admit(tenants, used, leaf, H100, chips, POOL)
    if all(fits):
        assert isinstance(verdict, Admitted)
        assert verdict.basis is (Basis.BORROWED if any(over) else Basis.GUARANTEED)
        assert bool(verdict.lender_ids) is any(over)
    else:
        assert isinstance(verdict, OverQuota)
