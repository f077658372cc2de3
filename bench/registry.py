"""What a figure is, and the one list of them. Measures nothing itself."""

import importlib
import operator
import pkgutil
from collections.abc import Callable
from enum import Enum, StrEnum

import msgspec

import bench


class DataMissingError(Exception):
    """A benchmark's public data is not at hand, and where it was looked for."""


class Size(StrEnum):
    """Smoke shows in a second or two that a benchmark still runs; only full gives a figure worth telling."""

    SMOKE = "smoke"
    FULL = "full"


class Bound(Enum):
    """On which side of its goal a figure is good."""

    AT_LEAST = ">="
    AT_MOST = "<="


class Goal(msgspec.Struct, frozen=True):
    """The value a figure should reach at full size, in the figure's unit."""

    bound: Bound
    value: float

    def is_met(self, value: float) -> bool:
        """Say whether `value` reaches the goal."""
        compare = operator.ge if self.bound is Bound.AT_LEAST else operator.le
        return compare(value, self.value)

    def __str__(self) -> str:
        """Show the goal as people read it: `>= 1,000`."""
        return f"{self.bound.value} {self.value:,g}"


class Measurement(msgspec.Struct, frozen=True):
    """What a benchmark found: the value in the figure's unit, the size it ran at in words, a hash of what it computed.

    The hash is of the result itself, not of how much there was: a behaviour that changes changes it. Two runs at one
    size agree in it, however fast they were. What chance or the clock decides (ids, instants) is left out.
    """

    value: float
    size_text: str
    result_hash: str


class Figure(msgspec.Struct, frozen=True):
    """A named benchmark; `against` says what its value is compared with, and where that number comes from."""

    name: str
    unit: str
    goal: Goal
    against: str
    measure: Callable[[Size], Measurement]


_FIGURES: dict[str, Figure] = {}


def at_least(value: float) -> Goal:
    """Make a goal for a figure where more is better."""
    return Goal(Bound.AT_LEAST, value)


def at_most(value: float) -> Goal:
    """Make a goal for a figure where less is better."""
    return Goal(Bound.AT_MOST, value)


def figure(
    *, name: str, unit: str, goal: Goal, against: str
) -> Callable[[Callable[[Size], Measurement]], Callable[[Size], Measurement]]:
    """Register the decorated benchmark under `name`, which no other may have."""

    def register(measure: Callable[[Size], Measurement]) -> Callable[[Size], Measurement]:
        assert name not in _FIGURES, f"two figures are called {name}"
        _FIGURES[name] = Figure(name, unit, goal, against, measure)
        return measure

    return register


def figures() -> dict[str, Figure]:
    """All figures by name, in order of name; imports every module of `bench` first."""
    for module in pkgutil.iter_modules(bench.__path__):
        if module.name != "__main__":
            importlib.import_module(f"{bench.__name__}.{module.name}")
    return dict(sorted(_FIGURES.items()))
