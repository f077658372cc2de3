"""Meters runs: chip time between two instants becomes usage records, cut at the contract's months. Never rates them."""

from collections.abc import Iterator

from multihome.clauses.periods import metered_stretch, month_of
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import ChipTimeMetered
from multihome.domain.ids import RunId, TenantId, WorkloadId
from multihome.domain.placements import Allocation
from multihome.units.time import Interval


def meter(
    run_id: RunId,
    workload_id: WorkloadId,
    tenant_id: TenantId,
    allocation: Allocation,
    contract: Contract,
    tranche: Tranche,
    used: Interval,
) -> Iterator[ChipTimeMetered]:
    """Usage records of a run over an interval, none for an empty one.

    Each lies within one month of the contract's zone, and within or without each clause that counts.
    """
    start_ms = used.start_ms
    while start_ms < used.end_ms:
        end_ms = min(used.end_ms, metered_stretch(contract, start_ms).end_ms)
        yield ChipTimeMetered(
            run_id=run_id,
            workload_id=workload_id,
            tenant_id=tenant_id,
            provider_id=allocation.provider_id,
            pool_id=allocation.pool_id,
            contract_id=allocation.contract_id,
            tranche_id=allocation.tranche_id,
            interval=Interval(start_ms, end_ms),
            month_start_ms=month_of(contract, start_ms).start_ms,
            chip_ms=allocation.chips * (end_ms - start_ms),
            rate_micro_usd_per_chip_hour=tranche.rate_micro_usd_per_chip_hour,
        )
        start_ms = end_ms
