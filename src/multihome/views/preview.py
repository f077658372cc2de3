"""What would happen to a workload if it were submitted now: placement, price and clauses, without acting."""

import msgspec

from multihome.controller.classes import class_of
from multihome.controller.documents import workload_problems
from multihome.controller.rounds import accelerator_kinds, snapshot_of
from multihome.controller.state import State
from multihome.domain.ids import PoolId, WorkloadId
from multihome.domain.placements import Allocation, Blocker, PlacementReason
from multihome.domain.refusals import Refusal
from multihome.domain.workloads import WorkloadSpec
from multihome.scheduling.place import place
from multihome.scheduling.snapshot import Ask
from multihome.units.time import Now
from multihome.views.prices import PriceRow, price_rows
from multihome.views.words import describe, reason_sentences, unplaced_by


class PreviewUnit(msgspec.Struct, frozen=True):
    """Where one gang would go, and why."""

    unit: int
    pool_id: PoolId
    chips: int
    allocation: Allocation
    reason: PlacementReason
    sentences: tuple[str, ...]


class Preview(msgspec.Struct, frozen=True):
    """What a submit would lead to. `refusal` is set where it would not be accepted at all."""

    refusal: Refusal | None
    placed: tuple[PreviewUnit, ...]
    waiting_units: int
    blockers: tuple[Blocker, ...]
    waits_because: tuple[str, ...]
    prices: tuple[PriceRow, ...]
    notes: tuple[str, ...] = ()
    """What was asked for and is not placed by, in sentences."""


def preview(state: State, spec: WorkloadSpec, now: Now) -> Preview:
    """Place the workload in a round of its own, ahead of the queue's order but behind nothing that runs."""
    problems = workload_problems(state, spec)
    if problems:
        return Preview(problems[0], (), spec.units, (), (), (), ())
    class_id = class_of(spec, spec.priority, "")
    nobody = WorkloadId("preview")
    ask = Ask(
        class_id=class_id,
        spec=spec,
        priority=spec.priority,
        quota_overridden_by="",
        since_process_ms=now.process_ms,
        members=tuple((nobody, unit) for unit in range(spec.units)),
    )
    snapshot = msgspec.structs.replace(snapshot_of(state, now), asks=(ask,))
    outcome = place(snapshot, accelerator_kinds(state), now)
    blockers = outcome.waiting.get(class_id, ())
    return Preview(
        refusal=None,
        placed=tuple(
            PreviewUnit(
                unit=placed.unit,
                pool_id=placed.allocation.pool_id,
                chips=placed.allocation.chips,
                allocation=placed.allocation,
                reason=placed.reason,
                sentences=reason_sentences(placed.reason),
            )
            for placed in outcome.placed
        ),
        waiting_units=spec.units - len(outcome.placed),
        blockers=blockers,
        waits_because=tuple(describe(blocker) for blocker in blockers),
        notes=unplaced_by(spec),
        prices=price_rows(state, spec, now),
    )
