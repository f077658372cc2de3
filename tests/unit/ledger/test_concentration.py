"""Concentration against the textbook formula in floats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.ids import ProviderId
from multihome.ledger.concentration import Concentration, concentration

AMOUNTS = st.dictionaries(st.sampled_from("abcdef").map(ProviderId), st.integers(0, 10**15), max_size=6)


@given(AMOUNTS)
def test_index_and_largest_share(amounts: dict[ProviderId, int]) -> None:
    found = concentration(amounts)
    total = sum(amounts.values())
    if total == 0:
        assert found == Concentration(None, 0, 0)
        return
    shares = [100 * amount / total for amount in amounts.values()]
    assert found.hhi == pytest.approx(sum(share * share for share in shares), abs=0.51)
    assert found.largest_share_bps == pytest.approx(100 * max(shares), abs=0.51)
    assert found.largest_id is not None
    assert amounts[found.largest_id] == max(amounts.values())
    assert 10_000 // len(amounts) <= found.hhi <= 10_000


def test_known_values() -> None:
    even = {ProviderId(name): 7 for name in "abcd"}
    assert concentration(even) == Concentration(ProviderId("d"), 2_500, 2_500)
    assert concentration({ProviderId("a"): 9, ProviderId("b"): 0}) == Concentration(ProviderId("a"), 10_000, 10_000)
    assert concentration({ProviderId("a"): 60, ProviderId("b"): 30, ProviderId("c"): 10}).hhi == 4_600


def test_the_answer_does_not_depend_on_the_order() -> None:
    assert concentration({ProviderId("a"): 1, ProviderId("b"): 1}) == concentration(
        {ProviderId("b"): 1, ProviderId("a"): 1}
    )
