"""One type per id, so that a run can never be passed where a pool is meant."""

from typing import NewType

ProviderId = NewType("ProviderId", str)
AcceleratorName = NewType("AcceleratorName", str)
"""Canonical: `H100-SXM-80GB`, `TPU-v5p`."""
PoolId = NewType("PoolId", str)
"""`provider/name`."""
ContractId = NewType("ContractId", str)
TrancheId = NewType("TrancheId", str)
"""`contract/name`."""
DomainId = NewType("DomainId", str)
"""One interconnect domain of a pool: `tranche#n`."""
WaiverId = NewType("WaiverId", str)
NeedId = NewType("NeedId", str)
OfferId = NewType("OfferId", str)
NoticeId = NewType("NoticeId", str)
AwardId = NewType("AwardId", str)
TenantId = NewType("TenantId", str)
"""A path from the organisation down: `lab/research/pretraining`."""
WorkloadId = NewType("WorkloadId", str)
ClassId = NewType("ClassId", str)
"""Names the workloads that ask for the same thing on the same terms, so that a round decides once for all of them."""
RunId = NewType("RunId", str)
"""`workload.unit.generation`: a repeat of the same attempt has the same id."""
Generation = NewType("Generation", int)
"""Counts the attempts of one unit of a workload; an older one is fenced by a newer one."""


def run_id_of(workload_id: WorkloadId, unit: int, generation: Generation) -> RunId:
    """The id of an attempt; deterministic, so that no crash can mint a second one."""
    return RunId(f"{workload_id}.{unit}.{generation}")


def domain_id_of(tranche_id: TrancheId, ordinal: int) -> DomainId:
    """The id of a tranche's n-th interconnect domain, counted from 0."""
    return DomainId(f"{tranche_id}#{ordinal}")
