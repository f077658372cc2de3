"""Ids are of one shape, all different, and no letter of them is likelier than another."""

import string
from collections import Counter

from multihome.adapters.clock_os.clock import OsIdMint

LETTERS = string.ascii_lowercase + string.digits
IDS = 20_000


def test_ids_are_ten_letters_that_are_equally_likely() -> None:
    ids = [OsIdMint().mint() for _ in range(IDS)]
    assert len(set(ids)) == IDS
    assert {len(minted) for minted in ids} == {10}
    for place in range(10):
        seen = Counter(minted[place] for minted in ids)
        assert set(seen) <= set(LETTERS)
        # About 556 of each; 200 off is more than eight standard deviations.
        assert all(abs(seen[letter] - IDS / len(LETTERS)) < 200 for letter in LETTERS), (place, seen)
