"""The parts of the placement core on problems that are solved by hand."""

import math

import msgspec
import numpy as np
import pytest

from multihome.scheduling.core.dual import Prices, bound, marginal_welfare, surplus, tenant_gains, wanted, welfare
from multihome.scheduling.core.moving import improved
from multihome.scheduling.core.prices import cold_prices, sampled, warm_prices
from multihome.scheduling.core.problem import NO_ROW, Fairness, own_units_of, summed, units_of, without_misfits
from multihome.scheduling.core.rounding import filled_up, rounded, running
from multihome.scheduling.core.sharing import apportioned
from multihome.scheduling.core.smoothed import point_at, scaled
from multihome.scheduling.core.solve import gap_of, solve, solve_again
from multihome.scheduling.core.usage import marginal_step_prices, overfull, usage_of, worth_of
from tests.placement_columns import one_family

POOL = [(10.0, 0.0, False)]
LENDER = 1
QUOTA = [(2.0, -5.0, False), (2.0, -5.0, True), (4.0, 0.0, True)]
"""Two units of its own and two that could be lent, both guaranteed; four more may be borrowed."""


def counts(*members: int) -> np.ndarray:
    return np.array([members], dtype=np.int64)


def linear_prices(*row: float) -> Prices:
    return Prices(np.array(row), np.ones(1))


def test_units_of_rows_are_those_of_their_steps() -> None:
    problem = one_family([(0, 0, 1, 1)], [QUOTA, [(3, 0, False)]], sources=[LENDER, NO_ROW])
    assert units_of(problem).tolist() == [8, 3]
    assert own_units_of(problem).tolist() == [2, 3]
    assert summed(np.array([1, 1, 0]), np.array([2.0, 3.0, 4.0]), 3).tolist() == [4, 5, 0]


def test_what_no_row_could_hold_is_no_option() -> None:
    problem = without_misfits(one_family([(0, 0, 10, 1), (0, 0, 11, 1)], [POOL]))
    assert (problem.bundle == problem.no_bundle).tolist() == [[False, True]]


def test_a_bound_is_what_classes_and_supply_gain() -> None:
    # At 3 a chip the first gains 8 × 5 - 8 × 3, the second nothing; ten chips gain 3 each.
    problem = one_family([(0, 0, 8, 40), (0, 0, 4, 8)], [POOL])
    assert bound(problem, linear_prices(3.0)) == pytest.approx(16 + 30)
    assert bound(problem, linear_prices(0.0)) == pytest.approx(48)
    assert surplus(problem, linear_prices(3.0)).tolist() == [[16, -4]]


def test_a_bound_counts_what_is_drawn_on_a_source() -> None:
    problem = one_family([(0, 0, 1, 7)], [QUOTA, [(3, 0, False)]], sources=[LENDER, NO_ROW])
    # The row at 1, the source at 4: own steps gain 6, lent ones 2, borrowed ones nothing; the source 4 on 3 units.
    assert bound(problem, linear_prices(1.0, 4.0)) == pytest.approx(6 + 2 * 6 + 2 * 2 + 3 * 4)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_a_tenant_s_gain_is_the_most_that_welfare_less_value_can_be(alpha: float) -> None:
    fair = Fairness(alpha=alpha, weight=np.array([2.0]), reference=np.array([100.0]), floor=np.array([1.0]))
    rate = np.array([0.7])
    best = wanted(fair, rate)
    assert marginal_welfare(fair, best) == pytest.approx(rate)
    assert tenant_gains(fair, rate) == pytest.approx(welfare(fair, best) - rate * best)
    for other in (best * 0.9, best * 1.1):
        assert (welfare(fair, other) - rate * other < tenant_gains(fair, rate)).all()
    assert welfare(fair, fair.reference - fair.floor) == pytest.approx(0.0)
    assert marginal_welfare(fair, fair.reference - fair.floor) == pytest.approx(fair.weight)


def test_usage_says_what_is_left_with_what_may_be_drawn() -> None:
    problem = one_family([(0, 0, 3, 1), (0, 2, 2, 1)], [QUOTA, [(3, 0, False)], QUOTA], sources=[1, NO_ROW, 1])
    usage = usage_of(problem, counts(1, 0))
    assert usage.units().tolist() == [3, 1, 0]
    # Two more from the lender; the other has two of its own besides.
    assert usage.left().tolist() == [2, 2, 4]
    assert usage.chips_left()[:3] == pytest.approx([2, 2, 4], abs=1e-5)
    assert usage.chips_left()[-1] < 0


def test_worth_adds_subsidies_and_steps_up() -> None:
    problem = one_family([(0, 0, 3, 10)], [[(2, -5, False), (4, 2, False)]])
    worth = worth_of(problem, counts(1))
    assert (worth.objective, worth.subsidy, worth.by_tenant.tolist()) == (10 + 10 - 2, 10, [10])
    assert overfull(problem, counts(2)).tolist() == []
    assert overfull(problem, counts(3)).tolist() == [0]
    # The next chip pays the second step; while guarantees last it pays nothing.
    assert marginal_step_prices(problem, usage_of(problem, counts(1)))[0] == 2
    assert marginal_step_prices(problem, usage_of(problem, counts(0)))[0] == 0


def test_a_smoothed_dual_lies_above_the_dual_and_falls_onto_it() -> None:
    problem = one_family([(0, 0, 8, 40), (0, 0, 4, 8)], [POOL])
    at = scaled(problem)
    row = np.array([3.0]) / at.price_unit
    totals = [point_at(at, row, np.ones(1), heat).total * at.price_unit for heat in (1.0, 0.1, 1e-4)]
    assert totals[0] > totals[1] > totals[2] >= 46 - 1e-3
    assert totals[2] == pytest.approx(46, rel=1e-4)


def test_a_smoothed_dual_s_gradient_is_its_slope() -> None:
    fair = Fairness(alpha=1.0, weight=np.ones(2), reference=np.array([50.0, 20.0]), floor=np.ones(2))
    problem = one_family([(0, 0, 8, 40), (1, 0, 4, 8)], [[(6, 0, False), (4, 1, False)]], fairness=fair)
    at = scaled(problem)
    row, rate, step = np.array([0.6]), np.array([0.8, 0.9]), 1e-3
    here = point_at(at, row, rate, 0.5)
    up, down = point_at(at, row + step, rate, 0.5).total, point_at(at, row - step, rate, 0.5).total
    assert here.row_gradient[0] == pytest.approx((up - down) / (2 * step), rel=1e-2)
    for tenant in range(2):
        move = step * (np.arange(2) == tenant)
        up, down = point_at(at, row, rate + move, 0.5).total, point_at(at, row, rate - move, 0.5).total
        assert here.rate_gradient[tenant] == pytest.approx((up - down) / (2 * step), rel=1e-2)


def test_prices_of_many_alike_meet_their_worth_per_chip() -> None:
    # Twenty gangs want a chip that ten have: the price is between the tenth's worth and the eleventh's.
    problem = one_family([(0, 0, 1, 100.0 + index) for index in range(20)], [POOL])
    prices = cold_prices(problem).prices
    assert prices.row[0] == pytest.approx(109.5, abs=1.0)
    assert bound(problem, prices) == pytest.approx(sum(range(110, 120)), rel=1e-3)
    again = warm_prices(problem, prices).prices
    assert bound(problem, again) <= bound(problem, prices)


def test_the_price_of_an_empty_row_is_nothing() -> None:
    problem = one_family([(0, 0, 1, 100.0)], [POOL, POOL])
    assert cold_prices(problem).prices.row == pytest.approx([0, 0], abs=1.0)


def test_a_sample_stands_for_all_chips() -> None:
    problem = one_family([(0, 0, 1 + index % 4, 10) for index in range(400)], [[(500, 0, False)]])
    part = sampled(problem, 40)
    assert len(part.members) <= 44
    assert (part.members * part.chips[0]).sum() == pytest.approx(1000, rel=0.02)


def test_running_sums_are_by_group_and_in_order() -> None:
    assert running(np.array([1, 0, 1, 0]), np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [1, 2, 4, 6]
    assert running(np.array([], dtype=np.int64), np.array([])).tolist() == []


def test_whole_gangs_go_by_surplus_per_chip() -> None:
    problem = one_family([(0, 0, 8, 40), (0, 0, 4, 12), (0, 0, 2, 4)], [POOL])
    assert rounded(problem, linear_prices(2.5), counts(0, 0, 0)).tolist() == [[1, 0, 1]]
    # What is held stays.
    assert rounded(problem, linear_prices(2.5), counts(0, 1, 0)).tolist() == [[0, 1, 1]]


def test_filling_up_takes_nothing_that_is_worth_less_than_the_step_that_is_reached() -> None:
    problem = one_family([(0, 0, 1, 3), (0, 0, 1, 1)], [[(1, 0, False), (1, 2, False)]])
    assert filled_up(problem, linear_prices(5.0), counts(1, 0)).tolist() == [[1, 0]]
    assert filled_up(problem, linear_prices(5.0), counts(0, 1)).tolist() == [[1, 1]]


def test_a_gang_moves_where_there_is_room_and_another_fills_its_place() -> None:
    # The first row is full; the second has a price, and room.
    problem = msgspec.structs.replace(
        one_family([(0, 0, 8, 40), (0, 0, 8, 30)], [[(8.0, 0.0, False)], POOL]),
        bundle=np.array([[0, 0], [1, 2]], dtype=np.int32),
        chips=np.full((2, 2), 8.0),
        value=np.array([[40.0, 30.0], [39.0, 0.0]]),
        cost=np.zeros((2, 2)),
    )
    start = np.array([[1, 0], [0, 0]], dtype=np.int64)
    found, worth = improved(problem, linear_prices(3.0, 4.0), start, math.inf)
    assert found.tolist() == [[0, 1], [1, 0]]
    assert worth.objective == 69


def test_many_members_are_shared_out_and_what_does_not_fit_is_not() -> None:
    problem = one_family([(0, 0, 1, 5), (0, 0, 2, 10)], [POOL], members=[8, 4])
    share = np.array([[0.5, 0.75]], dtype=np.float32)
    assert apportioned(problem, share, counts(0, 0)).tolist() == [[4, 3]]
    everything = apportioned(problem, np.ones((1, 2), dtype=np.float32), counts(0, 0))
    assert len(overfull(problem, everything)) == 0
    assert everything[0, 0] == 8
    # Of those held no more stay than their share, but for one.
    assert apportioned(problem, share, counts(8, 0)).tolist()[0][0] == 5


def test_a_gap_is_a_share_of_value_without_subsidies() -> None:
    problem = one_family([(0, 0, 2, 10)], [[(2, -5, False)]])
    assert gap_of(problem, worth_of(problem, counts(1)), 21.0) == pytest.approx(1 / 10)
    assert gap_of(problem, worth_of(problem, counts(0)), 1.0) == math.inf
    assert gap_of(problem, worth_of(problem, counts(0)), 0.0) == 0.0


def test_lenders_get_back_what_they_lent() -> None:
    # The lender's guarantee is worth 5 a chip; the borrower would pay 3.
    rows = [[(1.0, -5.0, False), (2.0, -5.0, True)], [(2.0, 0.0, False)], [(2.0, 0.0, True)]]
    problem = one_family([(0, 0, 3, 3), (1, 2, 2, 6)], rows, sources=[1, NO_ROW, 1])
    assert solve(problem).counts.tolist() == [[1, 0]]
    alone = one_family([(1, 2, 2, 6)], rows, sources=[1, NO_ROW, 1])
    answer = solve(alone)
    assert answer.counts.tolist() == [[1]]
    assert answer.bound >= 6


def test_draws_other_than_one_limit_a_budget() -> None:
    problem = one_family([(0, 0, 1, 10), (0, 0, 1, 9)], [[(3.0, 0.0, False)]], draw=2.0)
    assert solve(problem).counts.tolist() == [[1, 0]]


def test_equal_problems_have_equal_answers_cold_and_warm() -> None:
    problem = one_family([(0, 0, 1 + index % 3, 50 + index * 7 % 40) for index in range(60)], [[(40, 0, False)]])
    one, other = solve(problem), solve(problem)
    assert one.counts.tobytes() == other.counts.tobytes()
    assert one.prices.row.tobytes() == other.prices.row.tobytes()
    warm = [solve_again(problem, one.prices, one.counts) for _ in range(2)]
    assert warm[0].counts.tobytes() == warm[1].counts.tobytes()
    assert warm[0].gap <= one.gap + 0.01
