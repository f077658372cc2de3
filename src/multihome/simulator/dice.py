"""The simulator's one source of chance: seeded, so that a seed is a whole story."""

from collections.abc import Sequence
from random import Random  # noqa: TID251 -- seeded, and the only import of it outside tests
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of chance. Streams of different names are independent, so that a new use of one leaves the others be."""

    def __init__(self, seed: int, name: str) -> None:
        """Begin the stream of that name; the same seed and name give the same stream under any hash seed."""
        self._roll = Random(f"{seed}/{name}").random  # noqa: S311 -- chance of a simulation, not of a secret

    def chance(self, per_mille: int) -> bool:
        """Say yes so many times in a thousand."""
        return self._roll() * 1_000 < per_mille

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._roll() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely; there is at least one."""
        return options[int(self._roll() * len(options))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in any order."""
        return sorted(items, key=lambda _: self._roll())
