"""Rates usage: records become charge lines, and every line two postings that cancel.

Money is rounded once per line, half to even. A line is what one workload used of one tranche at one rate in one month
of the contract, so that totals by provider, contract, tenant and workload are sums of the same lines and agree to the
micro-unit.
"""

from collections.abc import Iterable

import msgspec

from multihome.domain.events import ChipTimeMetered
from multihome.domain.ids import ContractId, ProviderId, TenantId, TrancheId, WorkloadId
from multihome.units.money import Rounding, charge_micro_usd


class LineKey(msgspec.Struct, frozen=True, order=True):
    """What one charge line is for."""

    month_start_ms: int
    provider_id: ProviderId
    contract_id: ContractId
    tranche_id: TrancheId
    tenant_id: TenantId
    workload_id: WorkloadId
    rate_micro_usd_per_chip_hour: int


class ChargeLine(msgspec.Struct, frozen=True):
    """A charge: chip time and what it costs."""

    key: LineKey
    chip_ms: int
    amount_micro_usd: int


class Posting(msgspec.Struct, frozen=True):
    """One side of a double entry; debits are positive."""

    account: str
    currency: str
    amount_micro: int


def charge_lines(records: Iterable[ChipTimeMetered]) -> list[ChargeLine]:
    """Charge lines of usage records, in a fixed order whatever order the records came in.

    A record that comes twice (same run, same interval) counts once.
    """
    seen: set[tuple[str, int, int]] = set()
    chip_ms: dict[LineKey, int] = {}
    for record in records:
        identity = (record.run_id, record.interval.start_ms, record.interval.end_ms)
        if identity in seen:
            continue
        seen.add(identity)
        key = LineKey(
            month_start_ms=record.month_start_ms,
            provider_id=record.provider_id,
            contract_id=record.contract_id,
            tranche_id=record.tranche_id,
            tenant_id=record.tenant_id,
            workload_id=record.workload_id,
            rate_micro_usd_per_chip_hour=record.rate_micro_usd_per_chip_hour,
        )
        chip_ms[key] = chip_ms.get(key, 0) + record.chip_ms
    return [
        ChargeLine(key, used, charge_micro_usd(used, key.rate_micro_usd_per_chip_hour, Rounding.HALF_EVEN))
        for key, used in sorted(chip_ms.items())
    ]


def postings(lines: Iterable[ChargeLine]) -> list[Posting]:
    """Double entries of charge lines: the tenant's cost against what the contract is owed."""
    entries: list[Posting] = []
    for line in lines:
        entries.append(Posting(f"cost:{line.key.tenant_id}", "USD", line.amount_micro_usd))
        entries.append(Posting(f"payable:{line.key.contract_id}", "USD", -line.amount_micro_usd))
    return entries


def imbalance(entries: Iterable[Posting]) -> dict[str, int]:
    """The sum of postings per currency where it is not zero: an empty answer is a balanced ledger."""
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, 0) + entry.amount_micro
    return {currency: total for currency, total in sums.items() if total}
