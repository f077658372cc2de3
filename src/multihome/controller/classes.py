"""Which workloads are identical to the scheduler, and fingerprints of what people described."""

import hashlib

import msgspec

from multihome.domain.ids import ClassId
from multihome.domain.workloads import WorkloadSpec

_ENCODER = msgspec.json.Encoder(order="deterministic")


def class_of(spec: WorkloadSpec, priority: int, quota_overridden_by: str) -> ClassId:
    """The class of workloads that ask for the same thing on the same terms; name, program and data do not matter."""
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
    )
    return ClassId(hashlib.blake2b(_ENCODER.encode(ask), digest_size=8).hexdigest())


def spec_sha256(spec: WorkloadSpec) -> str:
    """A fingerprint of all that was asked for."""
    return hashlib.sha256(_ENCODER.encode(spec)).hexdigest()
