"""What a benchmark computed, without what chance or the clock decides: ids, instants, and how far a round had come.

Such facts go into the hash of a result, so that a changed behaviour shows there and a changed speed does not.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from multihome.controller.state import State
from multihome.views.report import RunLine
from multihome.views.status import StatusView, WorkloadRow

_ENCODER = msgspec.json.Encoder(order="deterministic")


def hash_of(*parts: object) -> str:
    """The SHA-256 of facts, in hexadecimal."""
    return hashlib.sha256(_ENCODER.encode(parts)).hexdigest()


def workload_facts(rows: Iterable[WorkloadRow]) -> list[object]:
    """Rows in an order of their own, since connections race. Why they wait is left out: a round may not know yet."""
    left_out = ("id", "submitted_contract_ms", "submitted_process_ms", "waits_for", "more_reasons")
    return sorted((_without(row, *left_out) for row in rows), key=_ENCODER.encode)


def status_facts(view: StatusView) -> object:
    """What a status says of supply and of how many workloads are in which state."""
    return _without(view, "contract_ms", "process_ms")


def state_facts(state: State) -> list[object]:
    """All documents, and each workload with what is remembered of it."""
    workloads = [(each.spec, each.class_id, each.priority, each.units) for each in state.workloads.values()]
    documents = (
        state.accelerators,
        state.providers,
        state.pools,
        state.contracts,
        state.waivers,
        state.deliveries,
        state.tenants,
    )
    queues = sorted((class_id, len(members)) for class_id, members in state.waiting.items())
    return [documents, sorted(workloads, key=_ENCODER.encode), queues, state.scenario_ms, len(state.answers)]


def run_facts(runs: Iterable[RunLine]) -> list[object]:
    """Where each run was placed and why; which of them have ended by now is a matter of time."""
    return [(run.name, run.tenant_id, run.unit, run.pool_id, run.chips, run.basis, run.sentences) for run in runs]


def _without(fact: msgspec.Struct, *fields: str) -> object:
    return {name: value for name, value in msgspec.structs.asdict(fact).items() if name not in fields}
