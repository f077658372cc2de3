"""Which workloads are identical to the scheduler, and fingerprints of what people described."""

import hashlib

import msgspec

from multihome.domain.ids import ClassId
from multihome.domain.throughputs import model_of
from multihome.domain.workloads import WorkloadSpec

_ENCODER = msgspec.json.Encoder(order="deterministic")


def class_of(spec: WorkloadSpec, priority: int, quota_overridden_by: str) -> ClassId:
    """The class of workloads that ask for the same thing on the same terms; name and program do not matter.

    Who has a deadline races alone: what it may use follows from its own progress. A workload that names no model shares
    a class with others like it, and what was learned under its name counts where it is the first of them.
    """
    model = model_of(spec) if spec.deadline_ms is not None else spec.model or spec.model_from
    ask = (
        spec.tenant_id,
        spec.kind,
        spec.product,
        spec.choices,
        spec.num_nodes,
        spec.infra,
        spec.jurisdictions,
        priority,
        quota_overridden_by,
        spec.value_micro_usd_per_hour,
        spec.nodes_min,
        spec.scaling,
        model,
        spec.precision,
        spec.steps,
        spec.deadline_ms,
        spec.data_sets,
        spec.checkpointing,
    )
    return ClassId(hashlib.blake2b(_ENCODER.encode(ask), digest_size=8).hexdigest())


def spec_sha256(spec: WorkloadSpec) -> str:
    """A fingerprint of all that was asked for."""
    return hashlib.sha256(_ENCODER.encode(spec)).hexdigest()
