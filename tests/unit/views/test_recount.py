"""Costs by another road: a meter, a rate or a rounding that is wrong is seen, and one that is right never is."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from multihome.app.demo import Stage, _check_costs
from multihome.controller import endings
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock, DeclareLost, Install
from multihome.domain.events import ChipTimeMetered
from multihome.domain.ids import ContractId, ProviderId, TenantId, WorkloadId
from multihome.domain.workloads import Infra
from multihome.ledger import charges
from multihome.ledger.usage import meter
from multihome.units.money import Rounding, charge_micro_usd
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval
from multihome.views.history import HistoryEntry
from multihome.views.recount import Cost, Costs, Dimension, Recount, differences
from multihome.views.report import Report, costs_of, report
from tests.builders import ALPHA, BLUE, START_MS, contract, service, training, tranche, world
from tests.control import Control

ODD_RATE = 2_333_333


def recounted(control: Control) -> Costs:
    recount = Recount()
    for step in control.steps:
        for event in step.events:
            recount.take(event, step.at)
    return recount.costs(lambda _: control.now.contract_ms)


def told(control: Control) -> Report:
    entries = [HistoryEntry(step.at, event) for step in control.steps for event in step.events]
    return report(control.state, entries, control.now)


def begun(*, rate: int = ODD_RATE) -> Control:
    control = Control()
    control.do(Install(installation_id="test"))
    control.do(DeclareClock(start_ms=START_MS))
    odd = contract(tranches=(tranche(rate_micro_usd_per_chip_hour=rate),))
    control.do(Apply(documents=(*world(), odd), workloads=()))
    return control


def advance(control: Control, by_ms: int) -> None:
    control.do(AdvanceClock(to_ms=control.now.contract_ms + by_ms))
    control.wait(1_000)
    control.tick()


def busy() -> Control:
    """Over a month's end: a run that ended, one that was fenced and came back, a replica that ended, one that lives."""
    control = begun()
    first = control.running(training("a", infra=Infra(provider="alpha")))
    serving = control.submit(service("b", replicas=2, tenant_id=BLUE, infra=Infra(provider="beta")))
    control.place()
    for unit in range(2):
        control.started(control.run_of(serving, unit).id)
    lost = control.running(training("c", num_nodes=2, infra=Infra(provider="alpha")))
    advance(control, 3 * MS_PER_HOUR + 1)
    control.hear_ended(first, 0)
    advance(control, 33 * MS_PER_DAY + 7)
    control.do(DeclareLost(provider_id=ALPHA, actor="ann", why="fire"))
    advance(control, 77_777)
    control.hear_ended(control.run_of(serving, 1).id, 1)
    control.hear(control.report(lost), provider_id=ALPHA)
    advance(control, MS_PER_HOUR + 13)
    return control


def test_a_report_agrees_with_run_times_and_rates() -> None:
    control = busy()
    costs = recounted(control)
    assert differences(costs, costs_of(told(control))) == ()
    assert set(costs[Dimension.PROVIDER]) == {"alpha", "beta"}
    assert set(costs[Dimension.TENANT]) == {"lab/red", "lab/blue"}
    assert len(costs[Dimension.WORKLOAD]) == 3
    assert costs[Dimension.TOTAL]["total"].amount_micro_usd > 0


def test_costs_by_hand() -> None:
    """8 chips for 3 h and 1 ms at 2.333333 USD: 55.999992 USD, and 5,185 micro-USD for the millisecond."""
    control = begun()
    run_id = control.running(training("a", infra=Infra(provider="alpha")))
    advance(control, 3 * MS_PER_HOUR + 1)
    control.hear_ended(run_id, 0)
    advance(control, MS_PER_DAY)
    expected = Cost(8 * (3 * MS_PER_HOUR + 1), 55_999_997)
    costs = recounted(control)
    assert costs[Dimension.TOTAL] == {"total": expected}
    assert costs[Dimension.CONTRACT] == {"alpha-1": expected}
    assert costs[Dimension.WORKLOAD] == {"a (w-m4)": expected}


@pytest.mark.parametrize(("chip_ms_rate", "amount"), [(1_800_000, 0), (3 * 1_800_000, 2), (5 * 1_800_000, 2)])
def test_half_a_micro_unit_is_rounded_to_even(chip_ms_rate: int, amount: int) -> None:
    control = begun(rate=chip_ms_rate // 8)
    run_id = control.running(training("a", infra=Infra(provider="alpha")))
    advance(control, 1)
    control.hear_ended(run_id, 0)
    assert recounted(control)[Dimension.TOTAL]["total"] == Cost(8, amount)
    assert differences(recounted(control), costs_of(told(control))) == ()


Spoil = Callable[[ChipTimeMetered], Iterator[ChipTimeMetered]]


def _with(**changes: Any) -> Spoil:
    return lambda record: iter([msgspec.structs.replace(record, **changes)])


def _a_millisecond_short(record: ChipTimeMetered) -> Iterator[ChipTimeMetered]:
    end_ms = record.interval.end_ms - 1
    chips = record.chip_ms // (record.interval.end_ms - record.interval.start_ms)
    interval = Interval(record.interval.start_ms, end_ms)
    yield msgspec.structs.replace(record, interval=interval, chip_ms=chips * (end_ms - record.interval.start_ms))


WRONG_METERS: dict[str, Spoil] = {
    "nothing": lambda _: iter(()),
    "a millisecond short": _a_millisecond_short,
    "one chip-millisecond more": lambda r: iter([msgspec.structs.replace(r, chip_ms=r.chip_ms + 1)]),
    "another rate": _with(rate_micro_usd_per_chip_hour=ODD_RATE + 1),
    "another tenant": _with(tenant_id=TenantId("lab/other")),
    "another provider": _with(provider_id=ProviderId("gamma")),
    "another contract": _with(contract_id=ContractId("gamma-1")),
    "another workload": _with(workload_id=WorkloadId("w-other")),
}


@pytest.mark.parametrize("name", WRONG_METERS)
def test_a_wrong_meter_is_seen_and_the_demonstration_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these leaves sums of the same charge lines, which agree with each other by every dimension."""

    def wrong(*arguments: Any) -> Iterator[ChipTimeMetered]:
        for record in meter(*arguments):
            yield from WRONG_METERS[name](record)

    monkeypatch.setattr(endings, "meter", wrong)
    control = busy()
    view = told(control)
    parts = (view.by_provider, view.by_contract, view.by_tenant, view.by_workload)
    assert {sum(line.amount_micro_usd for line in part) for part in parts} == {view.total.amount_micro_usd}
    assert differences(recounted(control), costs_of(view))
    assert claims(view, recounted(control)) == [False]


@pytest.mark.parametrize("rounding", [Rounding.DOWN, Rounding.UP])
def test_a_wrong_rounding_is_seen(rounding: Rounding, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(chip_ms: int, rate: int, _: Rounding) -> int:
        return charge_micro_usd(chip_ms, rate, rounding)

    monkeypatch.setattr(charges, "charge_micro_usd", wrong)
    control = busy()
    assert differences(recounted(control), costs_of(told(control)))


def test_the_demonstration_s_claim_holds_of_what_is_right_and_not_of_nothing() -> None:
    control = busy()
    assert claims(told(control), recounted(control)) == [True]
    empty = begun()
    assert claims(told(empty), recounted(empty)) == [False]


def claims(view: Report, costs: Costs) -> list[bool]:
    """Whether the demonstration's claim about costs holds of a report."""
    stage = Stage(Console(quiet=True), state=None, scenario=None, started_ms=0, checks=[])  # pyright: ignore[reportArgumentType]
    _check_costs(stage, view, costs)
    return [check.held for check in stage.checks]


@given(
    steps=st.lists(st.tuples(st.integers(0, 40 * MS_PER_DAY), st.sampled_from(["submit", "end", "lose"])), max_size=8),
    rate=st.integers(0, 10_000_019),
)
def test_whatever_happens_both_roads_agree(steps: list[tuple[int, str]], rate: int) -> None:
    control = begun(rate=rate)
    for pause_ms, what in steps:
        live = [run for run in control.state.runs.values() if run.started is not None and not run.replaced]
        if what == "submit":
            control.submit(training())
            control.place()
            for run in [run for run in control.state.runs.values() if run.started is None]:
                control.started(run.id)
        elif what == "end" and live:
            control.hear_ended(live[0].id, 0)
        elif what == "lose" and not control.state.provider_states:
            control.do(DeclareLost(provider_id=ALPHA, actor="ann", why="fire"))
        advance(control, pause_ms)
    assert differences(recounted(control), costs_of(told(control))) == ()
