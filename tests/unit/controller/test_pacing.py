"""Throughput is learned from the progress that runs report, while they are in sight, and explained with its source."""

import io
import math

from rich.console import Console

from multihome.cli.tables import explanation
from multihome.controller.decision import Decision
from multihome.domain.commands import Apply, EngineSilent, Submit
from multihome.domain.datasets import DataLocation, DataSet, Transfer
from multihome.domain.events import ThroughputLearned
from multihome.domain.ids import AcceleratorName, ProviderId, RunId, TenantId
from multihome.domain.refusals import RefusalCode
from multihome.domain.runs import Progress
from multihome.domain.throughputs import Measurement, ThroughputSource, ThroughputTable
from multihome.domain.valuation import Valuation
from multihome.units.time import MS_PER_MINUTE
from multihome.views.explain import explain
from multihome.views.throughputs import throughput_rows
from tests.builders import ALPHA, H100, choice, training
from tests.control import Control, of_kind, replayed
from tests.lives import begin

SPEC = training(model="m")


def report(control: Control, run_id: RunId, step: int, after_ms: int = MS_PER_MINUTE) -> Decision:
    control.wait(after_ms)
    return control.hear(control.report(run_id, progress=Progress(step=step)))


def test_a_minute_in_sight_teaches_the_rate_and_replay_knows_it_too() -> None:
    control, run_id, _ = begin(SPEC)
    assert of_kind(report(control, run_id, 7), ThroughputLearned) == []
    (learned,) = of_kind(report(control, run_id, 107), ThroughputLearned)
    assert (learned.rate.tenant_id, learned.rate.model, learned.rate.chips) == ("lab/red", "m", 8)
    # The steps before the first report do not count: the start was among them.
    assert learned.rate.log_micro == round(math.log(6_000) * 1_000_000)
    assert replayed(control).learned_rates == control.state.learned_rates != {}


def test_the_longer_a_cell_is_known_the_rarer_it_is_looked_at() -> None:
    control, run_id, _ = begin(SPEC)
    learned = [bool(of_kind(report(control, run_id, 100 * minute), ThroughputLearned)) for minute in range(1, 12)]
    assert [minute for minute, found in enumerate(learned, 1) if found] == [2, 4, 7, 11]


def test_too_short_a_stretch_and_a_run_that_does_not_move_teach_nothing() -> None:
    control, run_id, _ = begin(SPEC)
    report(control, run_id, 1)
    assert of_kind(report(control, run_id, 2, MS_PER_MINUTE - 1), ThroughputLearned) == []
    control, run_id, _ = begin(SPEC)
    report(control, run_id, 1)
    assert of_kind(report(control, run_id, 1), ThroughputLearned) == []


def test_what_happens_out_of_sight_is_not_measured() -> None:
    control, run_id, _ = begin(SPEC)
    report(control, run_id, 1)
    control.tell(EngineSilent(provider_id=ALPHA, error="no answer"))
    assert of_kind(report(control, run_id, 500), ThroughputLearned) == []
    (learned,) = of_kind(report(control, run_id, 600), ThroughputLearned)
    assert learned.rate.log_micro == round(math.log(6_000) * 1_000_000)


def test_rates_are_shown_with_where_they_come_from() -> None:
    control, run_id, workload_id = begin(SPEC)
    (row,) = throughput_rows(control.state, SPEC)
    assert (row.source, row.unit) == (ThroughputSource.PRIOR, "peak")
    # Eight chips of 1,000 TFLOP/s, from a logarithm to the millionth.
    assert abs(row.rate_milli - 8_000_000) < 10
    report(control, run_id, 1)
    report(control, run_id, 101)
    (row,) = throughput_rows(control.state, SPEC)
    assert (row.source, row.unit) == (ThroughputSource.LEARNED, "steps")
    assert abs(row.rate_milli - 6_000_000) < 10
    assert row.words == "learned from 1 look until 2026-01-01 as 6000 steps an hour, ±14 %"
    told = explain(control.state, (), workload_id, control.now)
    assert told is not None
    assert told.throughputs == (row,)
    console = Console(width=200, file=io.StringIO())
    console.print(explanation(told))
    assert isinstance(console.file, io.StringIO)
    assert f"throughput\n  8 H100-SXM-80GB: 100 % of the first, ±14 % ({row.words})\n" in console.file.getvalue()
    # Under another name nothing is known of it.
    (row,) = throughput_rows(control.state, training(model="n"))
    assert row.source is ThroughputSource.PRIOR


def test_a_rate_beyond_what_is_shown_is_cut() -> None:
    control, _, _ = begin(SPEC)
    (row,) = throughput_rows(control.state, training(choices=(choice(throughput_milli=2**63 - 1),)))
    assert row.rate_milli <= 10**18 + 10**6


def test_documents_name_only_what_is_known() -> None:
    control, _, _ = begin(SPEC)
    nowhere = DataLocation(provider_id=ProviderId("nobody"), region="x")
    measured = Measurement(
        accelerator=AcceleratorName("B9"), chips=1, steps_per_hour_milli=1, spread_bps=1, by="me", measured_ms=0
    )
    documents = (
        DataSet(id="d", size_bytes=1, locations=(nowhere,)),
        Transfer(
            id="t",
            from_provider_id=ProviderId("nobody"),
            to_provider_id=ProviderId("noone"),
            micro_usd_per_gb=1,
            bytes_per_s=1,
            source="s",
            as_of="d",
        ),
        ThroughputTable(id="h", tenant_id=TenantId("them"), model="m", measurements=(measured,)),
    )
    for document, wrong in zip(documents, ("provider 'nobody'", "provider 'nobody'", "tenant 'them'"), strict=True):
        refusal = control.refused(Apply(documents=(document,), workloads=()))
        assert refusal.code is RefusalCode.UNKNOWN_REFERENCE
        assert wrong in refusal.text
    refusal = control.refused(Submit(spec=training("reader", data_sets=("d",))))
    assert (refusal.code, refusal.text) == (RefusalCode.UNKNOWN_REFERENCE, "data set 'd' is not known")


def test_facts_and_the_policy_are_kept_and_used() -> None:
    control, _, _ = begin(SPEC)
    assert control.state.valuation() == Valuation()
    valuation = Valuation(restart_ms=1)
    table = ThroughputTable(
        id="h",
        tenant_id=TenantId("lab"),
        model="m",
        measurements=(
            Measurement(
                accelerator=H100, chips=8, steps_per_hour_milli=5_000, spread_bps=100, by="bench", measured_ms=0
            ),
        ),
    )
    here = DataSet(id="d", size_bytes=1, locations=(DataLocation(provider_id=ALPHA, region="east"),))
    control.do(Apply(documents=(valuation, table, here), workloads=()))
    assert control.state.valuation() == valuation
    (row,) = throughput_rows(control.state, SPEC)
    assert (row.rate_milli, row.words) == (5_000, "measured by bench on 1970-01-01 as 5 steps an hour")
    control.submit(training("reader", data_sets=("d",)))
