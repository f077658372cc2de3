"""A tranche is found with its contract by its id."""

import pytest

from multihome.clauses.book import find_tranche
from multihome.domain.ids import TrancheId
from tests.builders import book, contract, tranche


def test_a_tranche_is_found_with_its_contract() -> None:
    parts = (tranche(), tranche(name="t2"))
    of = contract(tranches=parts)
    facts = book(of, contract("beta"))
    assert find_tranche(facts, parts[1].id) == (of, parts[1])


@pytest.mark.parametrize("name", ["alpha-1/t3", "gamma-1/t1", "alpha-1"])
def test_what_is_not_on_record_is_not_found(name: str) -> None:
    assert find_tranche(book(contract()), TrancheId(name)) is None
