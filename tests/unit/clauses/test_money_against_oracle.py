"""All money clauses together against the oracle, which knows none of them."""

import ast
import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.simulator import clause_oracle, clause_oracle_days
from multihome.simulator.clause_histories import random_history
from multihome.simulator.clause_oracle import expected
from multihome.simulator.clause_statements import ClauseFunctions, statement


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_the_clauses_and_the_oracle_agree(seed: int) -> None:
    history = random_history(seed)
    assert statement(history, ClauseFunctions()) == expected(history)


@pytest.mark.parametrize("seed", range(30))
def test_the_first_histories_agree(seed: int) -> None:
    history = random_history(seed)
    assert statement(history, ClauseFunctions()) == expected(history)


def test_the_oracle_takes_nothing_from_the_clauses() -> None:
    for module in (clause_oracle, clause_oracle_days):
        tree = ast.parse(inspect.getsource(module))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name for name in imported if name and "clauses" in name} == set()
        assert "multihome.units.money" not in imported
