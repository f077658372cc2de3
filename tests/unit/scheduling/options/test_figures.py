"""What the figures of an option are made of: value, urgency, switching, data, sizes and deadlines, in whole numbers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.datasets import DataLocation, DataSet, Transfer
from multihome.domain.ids import ProviderId
from multihome.domain.placements import Basis
from multihome.domain.valuation import Valuation
from multihome.domain.workloads import NodeScaling
from multihome.scheduling.options.data import Arrival, KnownData, arrival_of_data
from multihome.scheduling.options.deadlines import (
    ANY,
    GIVEN_BACK,
    SAFE,
    DeadlineRule,
    Race,
    allowed_bases,
    needed_bps,
    work_ms,
)
from multihome.scheduling.options.elastic import node_counts
from multihome.scheduling.options.switching import horizon_ms, lost_ms, switching, switching_per_round
from multihome.scheduling.options.value import (
    COLUMN_MICRO_USD_MAX,
    ageing_bps,
    cost_per_round,
    dearest_work,
    hourly_value,
    urgency_bps,
    value_per_round,
)
from multihome.units.time import MS_PER_HOUR, MS_PER_MINUTE
from tests.builders import ALPHA, BETA, service, training

VALUATION = Valuation()
HOME = DataLocation(provider_id=ALPHA, region="east")
AWAY = DataLocation(provider_id=BETA, region="west")
CORPUS = DataSet(id="corpus", size_bytes=10**12, locations=(HOME,))


def transfer(transfer_id: str, **more: str | int) -> Transfer:
    facts = {"from_provider_id": ALPHA, "micro_usd_per_gb": 20_000, "bytes_per_s": 10**9, "source": "list", "as_of": ""}
    return Transfer(**({"id": transfer_id} | facts | more))  # pyright: ignore[reportArgumentType]


def known(*transfers: Transfer) -> KnownData:
    return KnownData({CORPUS.id: CORPUS}, {each.id: each for each in transfers})


# --- Value ---


def test_a_stated_value_stands() -> None:
    assert hourly_value(training(value_micro_usd_per_hour=7), 5, 10**9, VALUATION).micro_usd_per_hour == 7


def test_a_value_that_is_not_stated_is_a_multiple_of_the_dearest_cost_and_grows_with_priority() -> None:
    lowest, zero, high = (hourly_value(training(), priority, 1_000_000, VALUATION) for priority in (-1_000, 0, 1_000))
    assert (lowest.micro_usd_per_hour, zero.micro_usd_per_hour, high.micro_usd_per_hour) == (
        2_000_000,
        3_000_000,
        4_000_000,
    )
    assert zero.words == "not stated: 300 % of its dearest option's cost, at priority 0"


@given(st.integers(-1_000, 1_000), st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 10**9)), min_size=1))
def test_a_value_that_is_not_stated_exceeds_the_cost_of_every_option(
    priority: int, options: list[tuple[int, int]]
) -> None:
    dearest = max(dearest_work(cost, relative) for cost, relative in options)
    hourly = hourly_value(training(), priority, dearest, VALUATION).micro_usd_per_hour
    for cost, relative in options:
        value = value_per_round(hourly, relative, 10_000, MS_PER_HOUR)
        assert value >= cost_per_round(cost, MS_PER_HOUR)
        if cost > 0:
            assert value > 0


def test_waiting_raises_the_value_up_to_a_limit() -> None:
    assert [ageing_bps(hours * MS_PER_HOUR, VALUATION) for hours in (0, 1, 2, 39, 40, 10**6)] == [
        0,
        500,
        1_000,
        19_500,
        20_000,
        20_000,
    ]


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 20_000), st.integers(0, 20_000))
def test_urgency_never_falls_as_time_passes_or_the_deadline_presses(a: int, b: int, c: int, d: int) -> None:
    (early, late), (easy, hard) = sorted((a, b)), sorted((c, d))
    assert 10_000 <= urgency_bps(early, easy, VALUATION) <= urgency_bps(late, hard, VALUATION) <= 70_000


@given(st.integers(0, 2**63), st.integers(1, 10**12), st.integers(10_000, 10**6), st.integers(1, 10**9))
def test_value_per_round_is_the_exact_product_rounded_and_cut(
    hourly: int, relative: int, urgency: int, round_ms: int
) -> None:
    exact = Fraction(hourly) * Fraction(relative, 10**6) * Fraction(urgency, 10**4) * Fraction(round_ms, 3_600_000)
    # Python's `round` of a fraction is half to even.
    assert value_per_round(hourly, relative, urgency, round_ms) == min(round(exact), COLUMN_MICRO_USD_MAX)
    assert float(COLUMN_MICRO_USD_MAX) == COLUMN_MICRO_USD_MAX


# --- Switching ---


def test_work_lost_is_the_steps_since_the_checkpoint_at_the_known_rate() -> None:
    assert lost_ms(0, None, 5_000) == 0
    assert lost_ms(10, None, 5_000) == 5_000
    assert lost_ms(10, 3_600_000, MS_PER_HOUR) == 10_000
    assert lost_ms(10, 3_600_000, 4_000) == 4_000


def test_a_switch_costs_what_is_done_again_the_start_and_the_data() -> None:
    valuation = Valuation(restart_ms=MS_PER_MINUTE)
    once = switching(60_000_000, (30 * MS_PER_MINUTE, 500_000), 2_000_000, Arrival(7, MS_PER_MINUTE), valuation)
    assert once.lost_micro_usd == 15_000_000
    assert once.start_micro_usd == 4_000_000
    assert once.data_micro_usd == 7
    assert once.delay_ms == 2 * MS_PER_MINUTE
    assert once.micro_usd == 19_000_007


def test_what_is_paid_once_is_spread_and_the_part_of_a_round_is_rounded_up() -> None:
    valuation = Valuation(switching_horizon_ms=1_000)
    assert (horizon_ms(None, 10, valuation), horizon_ms(300, 10, valuation), horizon_ms(3, 10, valuation)) == (
        1_000,
        300,
        10,
    )
    once = switching(0, (0, 0), 1, Arrival(1_001, 0), valuation)
    assert switching_per_round(once, 10, 1_000) == 11
    assert switching_per_round(once, 10, 10) == 1_001


# --- Data ---


def test_data_that_is_there_costs_nothing_and_a_running_gang_has_its_data() -> None:
    assert arrival_of_data(["corpus"], HOME, (), known(), VALUATION) == Arrival()
    assert arrival_of_data(["corpus"], AWAY, (AWAY,), known(), VALUATION) == Arrival()


def test_missing_data_costs_money_and_time_by_the_fact_that_says_it_most_exactly() -> None:
    facts = known(transfer("any"), transfer("exact", to_provider_id=BETA, to_region="west", micro_usd_per_gb=10_000))
    found = arrival_of_data(["corpus"], AWAY, (), facts, VALUATION)
    assert (found.micro_usd, found.delay_ms) == (10_000_000, 1_000_000)
    assert found.words == (
        "data set corpus: 1,000,000,000,000 bytes from alpha/east cost $10.00 and take 16m 40s (transfer exact, list)",
    )


def test_what_nobody_says_is_the_policys_and_the_words_say_so() -> None:
    found = arrival_of_data(["corpus"], AWAY, (), known(transfer("other", from_region="north")), VALUATION)
    assert (found.micro_usd, found.delay_ms) == (90_000_000, 4_000_000)
    assert "no fact says it: the valuation's price and speed" in found.words[0]


def test_the_cheapest_replica_is_taken() -> None:
    both = DataSet(id="corpus", size_bytes=10**9, locations=(HOME, DataLocation(provider_id=BETA, region="south")))
    free = transfer("free", from_provider_id=BETA, micro_usd_per_gb=0)
    found = arrival_of_data(["corpus"], AWAY, (), KnownData({"corpus": both}, {"free": free}), VALUATION)
    assert (found.micro_usd, found.delay_ms) == (0, 1_000)


def test_an_unknown_data_set_and_one_that_is_nowhere_are_said_and_not_counted() -> None:
    nowhere = DataSet(id="lost", size_bytes=5, locations=())
    found = arrival_of_data(["what", "lost"], AWAY, (), KnownData({"lost": nowhere}, {}), VALUATION)
    assert (found.micro_usd, found.delay_ms) == (0, 0)
    assert found.words == (
        "no data set is known as what: moving it is not counted",
        "nobody says where data set lost is: moving it is not counted",
    )


@given(st.integers(1, 2**63 - 1), st.integers(0, 10**9), st.integers(1, 10**12))
def test_money_and_time_of_a_move_are_never_understated(size: int, price: int, speed: int) -> None:
    data = KnownData(
        {"d": DataSet(id="d", size_bytes=size, locations=(HOME,))},
        {"t": transfer("t", micro_usd_per_gb=price, bytes_per_s=speed)},
    )
    found = arrival_of_data(["d"], AWAY, (), data, VALUATION)
    assert Fraction(size * price, 10**9) <= found.micro_usd < Fraction(size * price, 10**9) + 1
    assert Fraction(size * 1_000, speed) <= found.delay_ms < Fraction(size * 1_000, speed) + 1


# --- Sizes ---


def test_a_fixed_gang_and_a_replica_have_one_size() -> None:
    assert node_counts(training(num_nodes=4), 0) == (4,)
    assert node_counts(service(num_nodes=4), 4) == (4,)


def test_an_elastic_gang_has_its_full_size_its_smallest_and_halves_between() -> None:
    assert node_counts(training(num_nodes=16, nodes_min=2), 0) == (16, 8, 4, 2)
    assert node_counts(training(num_nodes=16, nodes_min=2), 5) == (16, 8, 5, 4, 2)


def test_measured_sizes_come_before_halves_and_only_so_many_are_kept() -> None:
    points = tuple(NodeScaling(nodes=nodes, throughput_bps=5_000) for nodes in (11, 13, 23, 29))
    assert node_counts(training(num_nodes=64, nodes_min=2, scaling=points), 0) == (64, 29, 23, 13, 11, 2)


@pytest.mark.parametrize("nodes_now", [0, 3, 200])
def test_sizes_lie_within_the_range(nodes_now: int) -> None:
    counts = node_counts(training(num_nodes=100, nodes_min=7), nodes_now)
    assert counts[0] == 100
    assert counts[-1] >= 3
    assert all(7 <= count <= 100 for count in counts)


# --- Deadlines ---


def race(left_ms: int, **more: int) -> Race:
    facts = {"began_ms": 0, "deadline_ms": 1_000, "work_ms": 500, "delay_ms": 10, "look_ms": 20}
    return Race(left_ms=left_ms, **(facts | more))


@pytest.mark.parametrize(
    ("left_ms", "on", "now_ms", "bases", "rule"),
    [
        (500, None, 0, GIVEN_BACK, DeadlineRule.AHEAD),
        (500, None, 100, ANY, DeadlineRule.BEHIND),
        (400, None, 200, GIVEN_BACK, DeadlineRule.AHEAD),
        (500, Basis.BORROWED, 100, ANY, DeadlineRule.EXPLOIT),
        (500, Basis.BORROWED, 470, ANY, DeadlineRule.EXPLOIT),
        (500, Basis.BORROWED, 471, SAFE, DeadlineRule.SAFETY),
        (400, Basis.GUARANTEED, 200, SAFE, DeadlineRule.CATCHING_UP),
        (390, Basis.GUARANTEED, 200, ANY, DeadlineRule.AHEAD),
        (500, None, 2_000, SAFE, DeadlineRule.SAFETY),
    ],
)
def test_bases_follow_uniform_progress_with_a_safety_net(
    left_ms: int, on: Basis | None, now_ms: int, bases: tuple[Basis, ...], rule: DeadlineRule
) -> None:
    found = allowed_bases(race(left_ms), on, now_ms)
    assert (found.bases, found.rule) == (bases, rule)


def test_the_share_of_time_needed() -> None:
    assert [needed_bps(race(left), now) for left, now in ((0, 0), (500, 0), (500, 500), (500, 900), (1, 1_000))] == [
        0,
        5_000,
        10_000,
        10_000,
        10_000,
    ]
    assert work_ms(10, 3_600_000) == 10_000


def test_a_transfer_says_whose_egress_it_is() -> None:
    other = transfer("t", from_provider_id=ProviderId("gamma"))
    assert "no fact says it" in arrival_of_data(["corpus"], AWAY, (), known(other), VALUATION).words[0]
