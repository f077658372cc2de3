"""Costs by another road: from when each run started and ended, its chips, and the rate its contract names.

Reads no usage record and no charge, and shares no code with what meters, rates or rounds them: what this finds and what
was charged must be the same to the micro-unit, or one of the two is wrong.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

import msgspec

from multihome.domain import events as ev
from multihome.domain.contracts import Contract
from multihome.domain.ids import ContractId, ProviderId, RunId, TenantId, TrancheId, WorkloadId
from multihome.units.time import Now

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_MS_PER_HOUR = timedelta(hours=1) // _MS


class Dimension(StrEnum):
    """By what costs are added up."""

    PROVIDER = "provider"
    CONTRACT = "contract"
    TENANT = "tenant"
    WORKLOAD = "workload"
    TOTAL = "total"


class Cost(msgspec.Struct, frozen=True):
    """Chip time, and what it costs."""

    chip_ms: int
    amount_micro_usd: int


Costs = dict[Dimension, dict[str, Cost]]
"""What everything cost, by dimension and name; a workload's name is `name (id)`. What used nothing has no entry."""


class _Sold(msgspec.Struct, frozen=True):
    """Whose a tranche is, and what an hour of its chips costs."""

    contract_id: ContractId
    provider_id: ProviderId
    rate_micro_usd: int


class _Ran(msgspec.Struct):
    """One attempt: where it ran, and from when to when by contract time."""

    workload_id: WorkloadId
    tranche_id: TrancheId
    chips: int
    start_ms: int | None = None
    end_ms: int | None = None


class Recount:
    """What the events so far say of when runs ran."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._tranches: dict[TrancheId, _Sold] = {}
        self._tenants: dict[WorkloadId, TenantId] = {}
        self._names: dict[WorkloadId, str] = {}
        self._runs: dict[RunId, _Ran] = {}

    def take(self, event: ev.Event, at: Now) -> None:
        """Take in what happened next. A run counts from its first start to its first end, and being fenced is one."""
        match event:
            case ev.RunIntended():
                chips = sum(share.chips for share in event.allocation.nodes)
                self._runs[event.run_id] = _Ran(event.workload_id, event.allocation.tranche_id, chips)
            case ev.RunStarted():
                run = self._runs.get(event.run_id)
                if run is not None and run.start_ms is None and run.end_ms is None:
                    run.start_ms = at.contract_ms
            case ev.RunEnded() | ev.RunFenced():
                run = self._runs.get(event.run_id)
                if run is not None and run.end_ms is None:
                    run.end_ms = at.contract_ms
            case ev.WorkloadSubmitted():
                self._tenants[event.workload_id] = event.spec.tenant_id
                self._names[event.workload_id] = event.spec.name
            case ev.DocumentRecorded(document=Contract() as contract):
                for tranche in contract.tranches:
                    rate = tranche.rate_micro_usd_per_chip_hour
                    self._tranches[tranche.id] = _Sold(contract.id, contract.provider_id, rate)
            case _:
                pass

    def costs(self, live_until_ms: Callable[[RunId], int]) -> Costs:
        """What all of it cost; a run that has not ended is counted up to the instant that is given for it.

        A line is what a workload used of a tranche in a month of UTC. Each is rounded once, half to even.
        """
        chip_ms: dict[tuple[tuple[int, int], TrancheId, WorkloadId], int] = {}
        for run_id, run in self._runs.items():
            if run.start_ms is None:
                continue
            end_ms = live_until_ms(run_id) if run.end_ms is None else run.end_ms
            for month, ran_ms in _by_month(run.start_ms, end_ms):
                line = (month, run.tranche_id, run.workload_id)
                chip_ms[line] = chip_ms.get(line, 0) + run.chips * ran_ms
        costs: Costs = {dimension: {} for dimension in Dimension}
        for (_, tranche_id, workload_id), used in chip_ms.items():
            sold = self._tranches.get(tranche_id, _Sold(ContractId("?"), ProviderId("?"), 0))
            # Fractions round half to even, as the house does.
            amount = round(Fraction(used, _MS_PER_HOUR) * sold.rate_micro_usd)
            for dimension, name in self._names_of(sold, workload_id):
                add_cost(costs, dimension, name, Cost(used, amount))
        return costs

    def _names_of(self, sold: _Sold, workload_id: WorkloadId) -> Iterator[tuple[Dimension, str]]:
        yield Dimension.PROVIDER, sold.provider_id
        yield Dimension.CONTRACT, sold.contract_id
        yield Dimension.TENANT, self._tenants.get(workload_id, TenantId("?"))
        yield Dimension.WORKLOAD, f"{self._names.get(workload_id, '?')} ({workload_id})"
        yield Dimension.TOTAL, "total"


def add_cost(costs: Costs, dimension: Dimension, name: str, more: Cost) -> None:
    """Add to what something has cost."""
    known = costs[dimension].get(name, Cost(0, 0))
    costs[dimension][name] = Cost(known.chip_ms + more.chip_ms, known.amount_micro_usd + more.amount_micro_usd)


def differences(recounted: Costs, charged: Costs) -> tuple[str, ...]:
    """Where what was charged is not what was recounted, in words; empty where both agree everywhere."""
    found: list[str] = []
    for dimension in Dimension:
        ours, theirs = recounted[dimension], charged[dimension]
        for name in sorted(ours.keys() | theirs.keys()):
            right, told = ours.get(name, Cost(0, 0)), theirs.get(name, Cost(0, 0))
            if right != told:
                found.append(
                    f"{dimension.value} {name}: run times come to {right.chip_ms} chip-ms and "
                    f"{right.amount_micro_usd} micro-USD, charged are {told.chip_ms} and {told.amount_micro_usd}"
                )
    return tuple(found)


def _by_month(start_ms: int, end_ms: int) -> Iterator[tuple[tuple[int, int], int]]:
    """An interval in calendar months of UTC: each with its milliseconds; none for an empty one."""
    at, end = _EPOCH + start_ms * _MS, _EPOCH + end_ms * _MS
    while at < end:
        next_month = (at.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        until = min(end, next_month)
        yield (at.year, at.month), (until - at) // _MS
        at = until
