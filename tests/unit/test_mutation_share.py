"""The last line of `make mutate`: too few killed mutants fail, and a mutant without tests is not killed."""

import pytest

from tools.mutate import share


@pytest.mark.parametrize(
    ("stats", "text", "enough"),
    [
        ({"total": 1_000, "killed": 900, "survived": 100}, "900 of 1000 mutants killed, 90.00 %", True),
        ({"total": 1_000, "killed": 899, "survived": 1, "no_tests": 100}, "899 of 1000 mutants killed, 89.90 %", False),
        ({"total": 10, "killed": 8, "timeout": 2}, "10 of 10 mutants killed, 100.00 %", True),
        ({"total": 0, "killed": 0}, "0 of 0 mutants killed, 0.00 %", False),
    ],
)
def test_the_share_that_was_killed(stats: dict[str, int], text: str, *, enough: bool) -> None:
    assert share(stats) == (text, enough)
