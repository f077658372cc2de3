"""A result's hash follows what was computed: not how fast, in which order, under which ids, or how much."""

import pytest

from bench import api
from bench.registry import Size
from bench.results import hash_of, run_facts, state_facts, status_facts, workload_facts
from multihome.controller.state import State
from multihome.domain.ids import ContractId
from multihome.ports.journal import Journal
from multihome.runtime.loop import replay
from multihome.views.history import HistoryEntry
from multihome.views.report import report
from multihome.views.status import status, workload_rows
from tests.builders import training
from tests.control import Control, installed


def waiting(*names: str, priority: int = 0) -> Control:
    control = installed()
    for name in names:
        control.submit(training(name, priority=priority))
    return control


def rows_hash(control: Control) -> str:
    return hash_of(workload_facts(workload_rows(control.state, control.state.workloads.values(), control.now)))


def test_order_ids_instants_and_rounds_change_no_hash() -> None:
    one, other = waiting("a", "b"), waiting("b", "a")
    other.wait(5_000)
    assert one.state.workloads.keys() == other.state.workloads.keys()
    assert rows_hash(one) == rows_hash(other)
    assert hash_of(state_facts(one.state)) == hash_of(state_facts(other.state))
    assert hash_of(status_facts(status(one.state, one.now))) == hash_of(status_facts(status(other.state, other.now)))


def test_as_many_of_something_else_change_it() -> None:
    one, other = waiting("a", "b"), waiting("a", "b", priority=1)
    assert rows_hash(one) != rows_hash(other)
    assert hash_of(state_facts(one.state)) != hash_of(state_facts(other.state))


def test_another_placement_changes_it() -> None:
    def placed(control: Control) -> str:
        control.place()
        entries = [HistoryEntry(step.at, event) for step in control.steps for event in step.events]
        return hash_of(run_facts(report(control.state, entries, control.now).runs))

    assert placed(waiting("a")) == placed(waiting("a"))
    elsewhere = waiting("a")
    # Without its contract, the pool it would have gone to has no capacity.
    del elsewhere.state.contracts[ContractId("alpha-1")]
    assert placed(elsewhere) != placed(waiting("a"))


def test_a_replay_that_folds_wrongly_changes_its_figure_s_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The planted fault keeps every count: one workload comes back with another priority."""

    def wrong(journal: Journal) -> tuple[State, int, str]:
        state, seq, last_hash = replay(journal)
        next(iter(state.workloads.values())).priority += 1
        return state, seq, last_hash

    right = api.replay_events_per_s(Size.SMOKE)
    monkeypatch.setattr(api, "replay", wrong)
    assert api.replay_events_per_s(Size.SMOKE).result_hash != right.result_hash


def test_a_hash_needs_no_order_of_keys() -> None:
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": 2})
