"""Shows what benchmarks found: a table for people, a JSON line for programs."""

import os
from pathlib import Path

import msgspec
from rich.table import Table

from bench.registry import Figure, Measurement, Size


class Record(msgspec.Struct, frozen=True):
    """One line of `build/bench.jsonl`; `size` says smoke or full, and how much that was."""

    name: str
    value: float
    unit: str
    against: str
    goal: str
    size: str
    cores: int
    result_hash: str


def record_of(figure: Figure, size: Size, found: Measurement) -> Record:
    """Put a measurement together with the figure it belongs to and the cores this process may use."""
    return Record(
        name=figure.name,
        value=found.value,
        unit=figure.unit,
        against=figure.against,
        goal=str(figure.goal),
        size=f"{size.value}: {found.size_text}",
        cores=len(os.sched_getaffinity(0)),
        result_hash=found.result_hash,
    )


def append(path: Path, record: Record) -> None:
    """Add one line to a file, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(record) + b"\n")


def table_of(size: Size, rows: list[tuple[Figure, Record]]) -> Table:
    """Lay out what was found; a goal is judged at full size only."""
    table = Table()
    for heading in ("figure", "value", "unit", "goal", "met"):
        table.add_column(heading, no_wrap=True)
    for heading in ("against", "size", "hash"):
        table.add_column(heading, overflow="fold")
    for figure, record in rows:
        met = "yes" if figure.goal.is_met(record.value) else "NO"
        table.add_row(
            record.name,
            f"{record.value:,.6g}",
            record.unit,
            record.goal,
            met if size is Size.FULL else "-",
            record.against,
            record.size,
            record.result_hash[:12],
        )
    return table
