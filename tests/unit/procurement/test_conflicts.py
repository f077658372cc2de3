"""Which clauses of which contracts cannot all be kept, and where they meet."""

from typing import Any

import msgspec
import pytest

from multihome.adapters.solver_highs import HighsSolver
from multihome.clauses.book import Book
from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ClauseTerms,
    ConcentrationCap,
    Dimension,
    Favoured,
    FavouredRemedy,
    Measure,
    MinimumCommitment,
    PriceTiers,
    Ramp,
    Scope,
    Tier,
    TierMode,
    Use,
)
from multihome.domain.contracts import Award, Contract, Waiver
from multihome.domain.ids import WaiverId
from multihome.domain.solves import SolveRequest, SolveResult, SolveStatus
from multihome.domain.supply import Pool
from multihome.domain.workloads import WorkloadKind
from multihome.procurement import conflicts as conflicts_module
from multihome.procurement.conflict_rows import model_of
from multihome.procurement.conflicts import Checked, clauses_named, find_conflicts
from multihome.runtime.solving import decide_with
from multihome.units.calendar import Period
from multihome.units.time import FOREVER_MS, Interval
from tests.awards import cap, most_favoured
from tests.builders import (
    H100,
    RATE,
    START_MS,
    TPU,
    YEAR,
    accelerator,
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

CAPACITY_USD = 32 * 365 * 24 * RATE
"""What a default tranche costs in its year, in micro-USD."""
API = Scope(workload_kinds=(WorkloadKind.INFERENCE,), products=("api",))


def check(facts: Book) -> Checked:
    types = {H100: accelerator(vendor="NVIDIA"), TPU: accelerator(TPU, vendor="Google")}
    return decide_with(HighsSolver(), find_conflicts(model_of(facts, types)))


def found(*facts: Contract | Waiver | Pool) -> list[tuple[str, ...]]:
    checked = check(book(*facts))
    assert checked.unsettled == ""
    return [clauses_named(one.clauses) for one in checked.conflicts]


def minimum(amount_micro_usd: int, **more: Any) -> MinimumCommitment:
    facts: dict[str, Any] = {
        "id": "min",
        "interval": YEAR,
        "period": Period.YEAR,
        "steps": (AmountStep(from_ms=START_MS, amount_micro_usd=amount_micro_usd),),
        "source": "test",
    }
    return MinimumCommitment(**(facts | more))


def tiers(*rates: int, **more: Any) -> PriceTiers:
    facts: dict[str, Any] = {
        "id": "tiers",
        "interval": YEAR,
        "period": Period.MONTH,
        "mode": TierMode.GRADUATED,
        "tiers": tuple(
            Tier(from_chip_hours=100 * number, rate_micro_usd_per_chip_hour=rate) for number, rate in enumerate(rates)
        ),
        "source": "test",
    }
    return PriceTiers(**(facts | more))


def for_api(**more: Any) -> Contract:
    """A contract of beta whose capacity is meant for the API alone."""
    part = tranche("beta-1", pool_id="beta/main", use=Use(workload_kinds=API.workload_kinds, products=API.products))
    return contract("beta", tranches=[part], **more)


def test_contracts_that_fit_have_no_conflict() -> None:
    assert found(contract(clauses=[take_or_pay(), exclusivity(scope=API)]), contract("beta", [take_or_pay()])) == []


def test_an_exclusivity_meets_what_another_contract_makes_one_use() -> None:
    only = contract(clauses=[exclusivity(scope=API)])
    assert found(only, for_api(clauses=[take_or_pay()])) == [("alpha-1/only", "beta-1/top")]
    assert found(only, for_api(clauses=[minimum(1_000_000_000)])) == [("alpha-1/only", "beta-1/min")]
    assert found(only, contract("beta", [minimum(1_000_000_000)])) == []


def test_an_exclusivity_for_part_of_a_month_may_leave_enough_of_it() -> None:
    def meets(days: int) -> list[tuple[str, ...]]:
        short = exclusivity(interval=Interval(day(10), day(10 + days)))
        return found(contract(clauses=[short]), contract("beta", [take_or_pay(share_bps=8_000)]))

    assert meets(6) == []
    assert meets(7) == [("alpha-1/only", "beta-1/top")]


def test_a_scope_by_chip_and_territory_covers_what_lies_in_it() -> None:
    def meets(scope: Scope, **more: Any) -> bool:
        facts = book(contract(clauses=[exclusivity(scope=scope)]), contract("beta", [take_or_pay()]))
        return bool(check(msgspec.structs.replace(facts, providers={"beta": provider("beta", **more)})).conflicts)

    assert meets(Scope(accelerators=(H100,)))
    assert not meets(Scope(accelerators=(TPU,)))
    assert meets(Scope(territories=("east",)))
    assert not meets(Scope(territories=("west",)))
    assert meets(Scope(territories=("DE",)), jurisdiction="DE")


def test_two_exclusivities_of_different_holders_claim_the_same_work() -> None:
    training = Scope(workload_kinds=(WorkloadKind.TRAINING,))
    assert found(contract(clauses=[exclusivity()]), contract("beta", [exclusivity(scope=training)])) == [
        ("alpha-1/only", "beta-1/only")
    ]
    assert found(contract(clauses=[exclusivity(scope=API)]), contract("beta", [exclusivity(scope=training)])) == []
    later = exclusivity(interval=Interval(day(50), YEAR.end_ms))
    assert found(contract(clauses=[exclusivity(interval=Interval(START_MS, day(50)))]), contract("beta", [later])) == []


def test_a_first_refusal_meets_the_exclusivity_of_another() -> None:
    refusal = contract(clauses=[first_refusal()], tranches=[])
    assert found(refusal, contract("beta", [exclusivity()], [])) == [("alpha-1/rofr", "beta-1/only")]
    assert found(refusal, contract("beta", [first_refusal()], [])) == []


def test_capacity_awarded_without_permission_cannot_be_paid_for_and_used() -> None:
    refusal = contract(clauses=[first_refusal()])
    assert found(refusal, contract("beta", [take_or_pay()])) == [("alpha-1/rofr", "beta-1/top")]
    waived = tranche("beta-1", pool_id="beta/main", award=Award(awarded_ms=day(20), waiver_ids=(WaiverId("W-1"),)))
    assert found(refusal, contract("beta", [take_or_pay()], [waived]), waiver()) == []


def test_a_cap_meets_two_take_or_pays_that_it_could_keep_one_by_one() -> None:
    region = cap(dimension=Dimension.REGION, of="east")
    west = (contract("gamma"), pool("gamma", region="west"))
    assert found(contract(clauses=[take_or_pay(), region]), contract("beta", [take_or_pay()]), *west) == [
        ("alpha-1/top", "alpha-1/cap", "beta-1/top")
    ]
    assert found(contract(clauses=[take_or_pay(), region]), contract("beta"), *west) == []


@pytest.mark.parametrize(
    ("terms", "meets"),
    [
        (cap(dimension=Dimension.REGION, measure=Measure.SPEND, cap_bps=4_500), True),
        (cap(dimension=Dimension.REGION, measure=Measure.CHIPS, cap_bps=4_500), True),
        (cap(dimension=Dimension.VENDOR, of="Google", measure=Measure.POWER, cap_bps=4_500), False),
        (cap(dimension=Dimension.VENDOR, of="NVIDIA", measure=Measure.POWER, cap_bps=4_500), True),
        (cap(dimension=Dimension.PROVIDER, of="beta", measure=Measure.POWER, cap_bps=1_000), False),
        (cap(dimension=Dimension.PROVIDER, of="alpha", cap_bps=4_400, window_days=365), True),
        (cap(dimension=Dimension.PROVIDER, of="alpha", cap_bps=4_500, window_days=365), False),
    ],
)
def test_a_cap_is_kept_on_its_own_basis(terms: ConcentrationCap, *, meets: bool) -> None:
    """Of alpha at least 80 % is taken, so that it has at least 0.8 of 1.8 where beta is used in full: 44.4 %."""
    facts = book(contract(clauses=[take_or_pay(), terms]), contract("beta"), pool("beta", region="west"))
    assert bool(check(facts).conflicts) is meets


def test_a_minimum_above_all_that_could_be_used_is_a_conflict_of_its_own() -> None:
    assert found(contract(clauses=[minimum(CAPACITY_USD)])) == []
    assert found(contract(clauses=[minimum(CAPACITY_USD + CAPACITY_USD // 1_000)])) == [("alpha-1/min",)]
    assert found(contract(clauses=[minimum(1)], tranches=[])) == [("alpha-1/min",)]


def test_a_minimum_without_an_end_is_looked_at_while_there_is_capacity() -> None:
    forever = Interval(START_MS, FOREVER_MS)
    open_ended = contract(clauses=[minimum(CAPACITY_USD // 13, period=Period.MONTH, interval=forever)])
    assert found(msgspec.structs.replace(open_ended, interval=forever)) == []


def test_a_step_of_a_minimum_counts_from_the_period_that_begins_in_it() -> None:
    steps = (
        AmountStep(from_ms=START_MS, amount_micro_usd=0),
        AmountStep(from_ms=day(40), amount_micro_usd=CAPACITY_USD),
    )
    assert found(contract(clauses=[minimum(0, period=Period.MONTH, steps=steps)])) == [("alpha-1/min",)]
    late = (steps[0], AmountStep(from_ms=day(340), amount_micro_usd=CAPACITY_USD))
    assert found(contract(clauses=[minimum(0, period=Period.MONTH, steps=late)])) == []


def test_higher_tiers_make_a_minimum_possible() -> None:
    above = minimum(2 * CAPACITY_USD)
    assert found(contract(clauses=[above, tiers(RATE, 2 * RATE)])) == []
    assert found(contract(clauses=[above, tiers(RATE, 2 * RATE, tranches=("t2",))])) == [("alpha-1/min",)]


def ramp(*steps: tuple[int, int]) -> Ramp:
    chips = tuple(ChipStep(from_ms=day(number), chips=count) for number, count in steps)
    return Ramp(id="ramp", interval=YEAR, tranche="t1", steps=chips, source="test")


def test_a_ramp_holds_back_what_a_minimum_wants() -> None:
    slow = ramp((0, 8), (181, 32))
    assert found(contract(clauses=[minimum(CAPACITY_USD), slow])) == [("alpha-1/min", "alpha-1/ramp")]
    assert found(contract(clauses=[minimum(CAPACITY_USD // 2), slow, take_or_pay(share_bps=10_000)])) == []


def test_a_most_favoured_clause_meets_tiers_that_fix_its_rate() -> None:
    favoured = most_favoured()
    beta = contract("beta", tranches=[tranche("beta-1", pool_id="beta/main", rate_micro_usd_per_chip_hour=3 * RATE)])
    assert found(contract(clauses=[favoured, tiers(RATE, 2 * RATE)]), beta) == [("alpha-1/mfn", "alpha-1/tiers")]
    assert found(contract(clauses=[favoured, tiers(RATE, 3 * RATE)]), beta) == []
    assert found(contract(clauses=[favoured]), beta) == []
    ends = most_favoured(remedy=FavouredRemedy.TERMINATE)
    assert found(contract(clauses=[ends, tiers(RATE)]), beta) == []


def test_a_favoured_buyer_pays_no_more_than_the_same_provider_asks_elsewhere() -> None:
    cheap = contract(tranches=[tranche("alpha-2", rate_micro_usd_per_chip_hour=RATE // 2)])
    second = msgspec.structs.replace(cheap, id="alpha-2")
    favoured = most_favoured(favoured=Favoured.BUYER)
    assert found(contract(clauses=[favoured, tiers(RATE)]), second) == [("alpha-1/mfn", "alpha-1/tiers")]
    assert found(contract(clauses=[favoured, tiers(RATE // 2, RATE)]), second) == []


def test_conflicts_without_a_common_clause_are_told_one_after_the_other() -> None:
    impossible: list[ClauseTerms] = [minimum(2 * CAPACITY_USD), exclusivity(scope=API)]
    assert found(contract(clauses=impossible), for_api(clauses=[take_or_pay()])) == [
        ("alpha-1/min",),
        ("alpha-1/only", "beta-1/top"),
    ]


def test_where_they_meet_is_told_in_words() -> None:
    (conflict,) = check(book(contract(clauses=[exclusivity(scope=API)]), for_api(clauses=[take_or_pay()]))).conflicts
    assert conflict.meets == (
        "beta-1/t1 may not be used for inference api, 2026-01-01 to 2027-01-01",
        "80 % of beta-1/t1 is taken, 2026-01-01 to 2027-01-01",
    )


class TiredSolver:
    """Reaches its limit on every request."""

    def solve(self, request: SolveRequest) -> SolveResult:
        assert request.limits == conflicts_module.LIMITS
        return SolveResult(SolveStatus.LIMIT, 0.0, 0.0, (), (), 0, 0)


def test_a_limit_is_told_and_not_taken_for_an_answer() -> None:
    checked = decide_with(TiredSolver(), find_conflicts(model_of(book(contract(clauses=[take_or_pay()])), {})))
    assert checked.conflicts == ()
    assert checked.unsettled == "the solve 'can these be kept' reached its limit of nodes or iterations"


@pytest.mark.parametrize("limit", ["ROUNDS_MAX", "CONFLICTS_MAX"])
def test_every_limit_of_the_search_has_a_name(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(conflicts_module, limit, 1)
    facts = book(
        contract(clauses=[minimum(2 * CAPACITY_USD), exclusivity(scope=API)]), for_api(clauses=[take_or_pay()])
    )
    assert f"({limit})" in check(facts).unsettled
