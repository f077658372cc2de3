"""Tests documents that options of placement are made of: what they name must be known."""

from collections.abc import Iterator

from multihome.controller.known import Known, reference
from multihome.domain.datasets import DataSet, Transfer
from multihome.domain.refusals import Refusal
from multihome.domain.throughputs import ThroughputTable
from multihome.domain.workloads import WorkloadSpec


def placement_problems(known: Known, document: DataSet | Transfer | ThroughputTable) -> Iterator[Refusal]:
    """Providers, tenants and accelerators that nobody knows."""
    match document:
        case DataSet():
            for at in document.locations:
                yield from reference(f"dataset {document.id}", "provider", at.provider_id, known.providers)
        case Transfer():
            subject = f"transfer {document.id}"
            yield from reference(subject, "provider", document.from_provider_id, known.providers)
            if document.to_provider_id:
                yield from reference(subject, "provider", document.to_provider_id, known.providers)
        case ThroughputTable():
            subject = f"throughput {document.id}"
            yield from reference(subject, "tenant", document.tenant_id, known.tenants)
            for found in document.measurements:
                yield from reference(subject, "accelerator", found.accelerator, known.accelerators)


def data_set_problems(known: Known, subject: str, spec: WorkloadSpec) -> Iterator[Refusal]:
    """Data sets of a workload that nobody described."""
    for name in spec.data_sets:
        yield from reference(subject, "data set", name, known.data_sets)
