"""The list of options of a class: which rows it has, what they are worth and cost, and why others are not there."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.domain.datasets import DataLocation, DataSet
from multihome.domain.placements import Allocation, Basis, NodeShare, OutsideJurisdiction, Price
from multihome.domain.throughputs import (
    LearnedRate,
    Measurement,
    ThroughputSource,
    ThroughputTable,
    cell_key,
    model_key,
)
from multihome.domain.valuation import Valuation
from multihome.domain.workloads import Checkpointing, NodeScaling, WorkloadSpec
from multihome.scheduling.options.data import KnownData
from multihome.scheduling.options.deadlines import ANY, SAFE, DeadlineRule
from multihome.scheduling.options.listing import options_for
from multihome.scheduling.options.rows import Course, Kept, KnownFacts, Options
from multihome.scheduling.options.throughput import KnownRates
from multihome.scheduling.snapshot import Lot
from multihome.units.time import MS_PER_HOUR, MS_PER_MINUTE, Now
from tests.builders import (
    ALPHA,
    H100,
    KINDS,
    RATE,
    RED,
    TPU,
    accelerator,
    book,
    choice,
    contract,
    day,
    lots,
    pool,
    provider,
    service,
    training,
    tranche,
)

NOW = Now(day(30), day(30))
ROUND_MS = 6 * MS_PER_MINUTE
HOME = DataLocation(provider_id=ALPHA, region="east")
FRESH = Course(asked_ms=NOW.contract_ms, waited_ms=0)
ALPHA_LOT, BETA_LOT = "alpha-1/t1", "beta-1/t1"
BOOK = book(contract(), contract("beta"))
CUSTOM = book(contract(), contract("beta"), pool("beta", accelerator=TPU))


def rate(steps_per_hour: int, chips: int = 8, **more: Any) -> ThroughputTable:
    found = Measurement(
        accelerator=more.pop("accelerator", H100),
        chips=chips,
        steps_per_hour_milli=steps_per_hour * 1_000,
        spread_bps=1,
        by="bench",
        measured_ms=day(1),
    )
    return ThroughputTable(**({"id": f"t{chips}", "tenant_id": "lab", "model": "m", "measurements": (found,)} | more))


def listed(spec: WorkloadSpec, course: Course = FRESH, at: tuple[Lot, ...] | None = None, **more: Any) -> Options:
    facts = more.get("book", BOOK)
    where = lots(facts) if at is None else at
    prices = more.get("prices", {ALPHA_LOT: RATE, BETA_LOT: 2 * RATE})
    known = KnownFacts(
        facts,
        KINDS,
        KnownRates(
            {H100: accelerator(), TPU: accelerator(TPU, bf16_flops=2 * 10**15)},
            {table.id: table for table in more.get("tables", ())},
            more.get("learned", {}),
        ),
        KnownData({each.id: each for each in more.get("data_sets", ())}, {}),
    )

    def price(chips: int) -> tuple[Price | None, ...]:
        assert chips > 0
        found = (prices.get(lot.tranche.id, RATE) for lot in where)
        return tuple(None if each is None else Price(micro_usd_per_chip_hour=each, rule="rate") for each in found)

    return options_for(
        spec, spec.priority, where, price, known, more.get("valuation", Valuation()), course, (NOW, ROUND_MS)
    )


def running(steps_lost: int = 0, tranche_id: str = ALPHA_LOT, nodes: int = 1, **more: Any) -> Course:
    where = tranche_id.partition("-")[0]
    facts: dict[str, Any] = {
        "provider_id": where,
        "pool_id": f"{where}/main",
        "contract_id": f"{where}-1",
        "tranche_id": tranche_id,
        "domain_id": f"{tranche_id}#0",
        "accelerator": H100,
    }
    allocation = Allocation(nodes=tuple(NodeShare(node=node, chips=8) for node in range(nodes)), **facts)
    kept = Kept(allocation, more.pop("basis", Basis.GUARANTEED), 2 * MS_PER_HOUR, steps_lost)
    return Course(**({"asked_ms": day(20), "waited_ms": 0, "kept": kept} | more))


def test_a_row_has_the_value_and_the_cost_of_a_round_of_the_whole_gang() -> None:
    found = listed(training(value_micro_usd_per_hour=100_000_000), valuation=Valuation(restart_ms=0))
    assert [(row.tranche_id, row.chips, row.value_micro_usd, row.cost_micro_usd) for row in found.rows] == [
        (ALPHA_LOT, 8, 10_000_000, 2_000_000),
        (BETA_LOT, 8, 10_000_000, 4_000_000),
    ]
    assert found.rows[0].bases == ANY
    assert found.rows[0].reasons == (
        "value stated by the workload",
        "throughput nobody measured 8 H100-SXM-80GB: peak bf16 FLOP/s, within ×1.5",
    )


def test_the_start_is_spread_over_the_horizon() -> None:
    valuation = Valuation(restart_ms=12 * MS_PER_MINUTE, switching_horizon_ms=2 * MS_PER_HOUR)
    row = listed(training(value_micro_usd_per_hour=100_000_000), valuation=valuation).rows[0]
    assert row.figures.once.micro_usd == 20_000_000
    assert row.cost_micro_usd == 2_000_000 + 1_000_000


def test_what_runs_stays_for_nothing_and_moves_for_what_it_loses() -> None:
    spec = training(value_micro_usd_per_hour=100_000_000, model="m")
    found = listed(spec, running(steps_lost=50), tables=(rate(100),), valuation=Valuation(restart_ms=0))
    kept, other = found.rows
    assert (kept.is_kept, kept.tranche_id, kept.cost_micro_usd) == (True, ALPHA_LOT, 2_000_000)
    # Half an hour of work; the rate comes from a logarithm to the millionth.
    assert abs(other.figures.once.lost_micro_usd - 50_000_000) < 1_000


def test_a_running_gang_pays_for_its_checkpoint_and_data_only_where_they_are_not() -> None:
    spec = training(
        value_micro_usd_per_hour=100_000_000,
        data_sets=("corpus",),
        checkpointing=Checkpointing(interval_steps=1, size_bytes=10**11),
    )
    corpus = DataSet(id="corpus", size_bytes=10**12, locations=(HOME,))
    found = listed(spec, running(checkpoint_at=HOME), data_sets=(corpus,))
    assert [row.figures.once.data_micro_usd for row in found.rows] == [0, 99_000_000]
    waiting = listed(spec, data_sets=(corpus,))
    assert [row.figures.once.data_micro_usd for row in waiting.rows] == [0, 90_000_000]
    assert waiting.rows[1].figures.once.delay_ms == 60_000 + 4_000_000


def test_an_accelerator_that_nobody_measured_is_compared_by_peak_flops() -> None:
    spec = training(choices=(choice(), choice(TPU, qualified_ms=0)), value_micro_usd_per_hour=100_000_000)
    found = listed(spec, book=CUSTOM)
    assert {row.accelerator: row.figures.relative_ppm for row in found.rows} == {H100: 1_000_000, TPU: 2_000_000}
    assert found.scale.unit == "peak"


def test_a_stated_ratio_outweighs_peak_flops_and_says_its_source() -> None:
    spec = training(choices=(choice(throughput_milli=1_000), choice(TPU, qualified_ms=0, throughput_milli=1_000)))
    by_name = {row.accelerator: row.figures for row in listed(spec, book=CUSTOM).rows}
    assert by_name[TPU].throughput.source is ThroughputSource.STATED
    assert 1_000_000 < by_name[TPU].relative_ppm < 1_100_000


def test_what_was_learned_counts_for_that_tenant_and_model_only() -> None:
    learned = LearnedRate(
        tenant_id=RED,
        model="m",
        accelerator=TPU,
        chips=8,
        log_micro=0,
        variance_micro=1,
        observations=3,
        learned_ms=day(2),
    )
    spec = training(choices=(choice(), choice(TPU, qualified_ms=0)), model="m")
    for key, source in ((model_key(RED, "m"), "learned"), (model_key(RED, "n"), "prior")):
        found = listed(spec, book=CUSTOM, learned={key: {cell_key(TPU, 8): learned}})
        (row,) = (row for row in found.rows if row.accelerator == TPU)
        assert row.figures.throughput.source.value == source


def test_a_table_of_another_branch_of_the_tree_is_not_seen() -> None:
    spec = training(model="m")
    assert listed(spec, tables=(rate(5, tenant_id="lab/blue"),)).scale.unit == "peak"
    assert listed(spec, tables=(rate(5),)).scale.unit == "steps"


def test_an_elastic_gang_has_a_row_for_every_size_with_its_measured_scaling() -> None:
    spec = training(num_nodes=2, nodes_min=1, scaling=(NodeScaling(nodes=1, throughput_bps=9_000),))
    found = listed(spec, at=lots(book(contract())), valuation=Valuation(stated_spread_bps=10_001))
    assert {row.nodes: (row.chips, row.figures.relative_ppm) for row in found.rows} == {
        2: (16, 1_000_000),
        1: (8, 900_000),
    }


def test_a_size_that_no_domain_holds_is_told_and_smaller_ones_stay() -> None:
    found = listed(training(num_nodes=4, nodes_min=1), at=lots(book(contract())))
    assert {row.nodes for row in found.rows} == {2, 1}
    (dropped,) = found.dropped
    assert (dropped.nodes, type(dropped.blocker).__name__) == (4, "GangLargerThanDomain")


def test_residency_is_a_hard_rule_whatever_it_would_be_worth() -> None:
    facts = book(contract(), contract("beta"))
    here = tuple(
        lot if lot.provider.id == ALPHA else msgspec.structs.replace(lot, provider=provider("beta", jurisdiction="DE"))
        for lot in lots(facts)
    )
    found = listed(training(jurisdictions=("DE",), value_micro_usd_per_hour=10**12), at=here)
    assert [row.tranche_id for row in found.rows] == [BETA_LOT]
    (dropped,) = found.dropped
    assert isinstance(dropped.blocker, OutsideJurisdiction)


def test_what_a_clause_does_not_sell_and_what_nobody_asked_for_is_told_in_words() -> None:
    found = listed(training(), prices={ALPHA_LOT: None, BETA_LOT: RATE})
    assert [(drop.tranche_id, drop.words) for drop in found.dropped] == [
        (ALPHA_LOT, "a clause sells no block of 8 chips there")
    ]
    found = listed(training(), book=CUSTOM)
    assert [drop.words for drop in found.dropped] == ["it is not what or where the workload asks for"]


def many(count: int) -> tuple[Lot, ...]:
    parts = tuple(tranche(name=f"t{number:02}") for number in range(count))
    return lots(book(contract(tranches=parts)))


def test_only_the_best_options_are_kept_and_what_it_has_is_among_them() -> None:
    rates = {f"alpha-1/t{number:02}": RATE + number for number in range(40)}
    spec = training(value_micro_usd_per_hour=100_000_000)
    valuation = Valuation(options_max=8)
    found = listed(spec, running(tranche_id="alpha-1/t39"), many(40), prices=rates, valuation=valuation)
    assert [row.tranche_id for row in found.rows] == ["alpha-1/t39", *(f"alpha-1/t{number:02}" for number in range(7))]
    assert len(found.dropped) == 32
    assert found.dropped[0].words.startswith("8 options are kept: its surplus of ")


def test_a_deadline_without_a_known_rate_runs_where_nothing_is_taken_back() -> None:
    found = listed(training(steps=10, deadline_ms=day(40)))
    assert (found.allowed.bases, found.allowed.rule) == (SAFE, DeadlineRule.UNKNOWN_RATE)
    assert all(row.bases == SAFE for row in found.rows)


def test_a_deadline_that_presses_keeps_to_guaranteed_and_to_what_is_fast_enough() -> None:
    tables = (rate(100), rate(200, accelerator=TPU, id="tpu"))
    spec = training(
        choices=(choice(), choice(TPU, qualified_ms=0)), model="m", steps=400, deadline_ms=day(30) + 3 * MS_PER_HOUR
    )
    found = listed(spec, book=CUSTOM, tables=tables, valuation=Valuation(look_ms=MS_PER_HOUR))
    assert found.allowed.rule is DeadlineRule.SAFETY
    assert [row.accelerator for row in found.rows] == [TPU]
    assert [drop.words for drop in found.dropped] == ["it is too slow to make the deadline"]
    assert found.rows[0].figures.urgency_bps > 30_000


def test_every_replica_of_a_service_is_a_gang_of_one_size() -> None:
    assert {row.nodes for row in listed(service(num_nodes=2)).rows} == {2}


@given(
    st.integers(0, 10**15),
    st.integers(-1_000, 1_000),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=12),
    st.integers(2, 8),
    st.integers(0, 10**9),
)
@settings(deadline=None)
def test_whatever_is_asked_the_list_is_sparse_sorted_complete_and_within_columns(
    value: int, priority: int, rates: list[int], most: int, waited: int
) -> None:
    at = many(len(rates))
    prices = {lot.tranche.id: rate for lot, rate in zip(at, rates, strict=True)}
    spec = training(value_micro_usd_per_hour=value, priority=priority)
    course = Course(asked_ms=day(1), waited_ms=waited)
    found = listed(spec, course, at, prices=prices, valuation=Valuation(options_max=most))
    assert len(found.rows) == min(most, len(rates))
    assert {row.tranche_id for row in found.rows} | {drop.tranche_id for drop in found.dropped} == set(prices)
    surplus = [row.surplus_micro_usd for row in found.rows]
    assert surplus == sorted(surplus, reverse=True)
    for row in found.rows:
        assert 0 <= row.value_micro_usd < 2**53
        assert 0 <= row.cost_micro_usd < 2**53
        if value == 0 and row.figures.rent_micro_usd:
            assert row.value_micro_usd > row.figures.rent_micro_usd
