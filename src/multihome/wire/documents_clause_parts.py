"""What the shapes of several clauses share: names and dates, scope, use, windows, and chips that stand for others.

Stands above the scalar types of `fields` and below the shapes of the clauses.
"""

from typing import Annotated, Any

from pydantic import Field, Strict, field_validator

from multihome.domain.clause_terms import Equivalence, Scope, Use, Window
from multihome.domain.ids import AcceleratorName
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import MINUTES_PER_DAY, DayCount
from multihome.units.time import Interval
from multihome.wire.fields import (
    LIST_ITEMS_MAX,
    Accelerator,
    ClosingMinute,
    Days,
    Factor,
    InstantMs,
    Name,
    Shape,
    Source,
    Word,
    after,
    minute_text,
    percent_text,
    without_empty,
)

Steps = Field(min_length=1, max_length=LIST_ITEMS_MAX)
WorkloadKinds = Annotated[list[Annotated[WorkloadKind, Strict(strict=False)]], Field(max_length=8)]
DayCountIn = Annotated[DayCount, Strict(strict=False)]


class UseIn(Shape):
    """What capacity is meant for; what is left out means anything."""

    workloads: WorkloadKinds = []
    """Kinds of workload; any when left out."""
    products: list[Word] = Field(default=[], max_length=32)
    """Products of workloads, like training, research or API; any when left out."""

    def to_fact(self) -> Use:
        """The use."""
        return Use(workload_kinds=tuple(self.workloads), products=tuple(self.products))


def use_data(use: Use) -> dict[str, Any]:
    """A use as a document has it; empty where it means anything."""
    return without_empty({"workloads": [kind.value for kind in use.workload_kinds], "products": list(use.products)})


class ScopeIn(Shape):
    """What a clause covers; what is left out covers everything of that sort."""

    workloads: WorkloadKinds = []
    """Kinds of workload; all when left out."""
    products: list[Word] = Field(default=[], max_length=32)
    """Products of workloads; all when left out."""
    new_capacity_only: bool = False
    """Only capacity that is awarded while the clause is in force."""
    accelerators: list[Accelerator] = Field(default=[], max_length=32)
    """All when left out."""
    territories: list[Word] = Field(default=[], max_length=32)
    """Regions or jurisdictions; everywhere when left out."""

    def to_fact(self) -> Scope:
        """The scope."""
        return Scope(
            workload_kinds=tuple(self.workloads),
            products=tuple(self.products),
            new_capacity_only=self.new_capacity_only,
            accelerators=tuple(AcceleratorName(name) for name in self.accelerators),
            territories=tuple(self.territories),
        )


def scope_data(scope: Scope) -> dict[str, Any]:
    """A scope as a document has it."""
    return without_empty(
        {
            "workloads": [kind.value for kind in scope.workload_kinds],
            "products": list(scope.products),
            "new_capacity_only": scope.new_capacity_only or None,
            "accelerators": list(scope.accelerators),
            "territories": list(scope.territories),
        }
    )


class EquivalentIn(Shape):
    """One chip that by agreement stands for another."""

    accelerator: Accelerator
    """What may be delivered."""
    stands_for: Accelerator
    """What was ordered or noticed."""
    throughput: Factor
    """The work of one chip delivered, of that of one chip it stands for; may be more than 100%."""

    def to_fact(self) -> Equivalence:
        """The equivalence."""
        return Equivalence(
            accelerator=AcceleratorName(self.accelerator),
            stands_for=AcceleratorName(self.stands_for),
            throughput_bps=self.throughput,
        )


def equivalents_data(equivalents: tuple[Equivalence, ...]) -> list[dict[str, Any]]:
    """Equivalences as a document has them."""
    return [
        {
            "accelerator": equivalence.accelerator,
            "stands_for": equivalence.stands_for,
            "throughput": percent_text(equivalence.throughput_bps),
        }
        for equivalence in equivalents
    ]


class ClauseShape(Shape):
    """What every clause has; its dates default to the contract's."""

    name: Name
    """Unique at any one time; an amended clause keeps its name under other dates."""
    from_: InstantMs | None = Field(default=None, alias="from")
    """When it comes into force; the contract's beginning, or its amendment's date, when left out."""
    until: InstantMs | None = None
    """When it ends; the contract's end when left out."""
    source: Source
    """Where it is written."""

    _ends_after = field_validator("until")(after("from_"))

    def interval(self, contract: Interval) -> Interval:
        """When the clause is in force."""
        start_ms = contract.start_ms if self.from_ is None else self.from_
        return Interval(start_ms, contract.end_ms if self.until is None else self.until)


class NoticeShape(ClauseShape):
    """A clause with a window of days in the contract's calendar: the day of the act itself is not counted."""

    notice_days: Days
    """How many days the window has."""
    notice_count: DayCountIn = DayCount.CALENDAR
    """Which days it counts: all, or Monday to Friday without the contract's holidays."""
    notice_closes: ClosingMinute = MINUTES_PER_DAY
    """At which local time of its last day it closes; at the end of the day when left out."""

    def window(self) -> Window:
        """The window."""
        return Window(days=self.notice_days, count=self.notice_count, closes_minute=self.notice_closes)


def window_data(window: Window) -> dict[str, Any]:
    """A window as a document has it; what a reader would fill in alike is left out."""
    data: dict[str, Any] = {"notice_days": window.days}
    if window.count is not DayCount.CALENDAR:
        data["notice_count"] = window.count.value
    if window.closes_minute != MINUTES_PER_DAY:
        data["notice_closes"] = minute_text(window.closes_minute)
    return data
