"""Shows what benchmarks found: a table for people, a JSON line for programs."""

import os
from pathlib import Path

import msgspec
from rich.console import Console
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


def show(console: Console, size: Size, rows: list[tuple[Figure, Record]]) -> None:
    """Print what was found, and what each figure is compared with; a goal is judged at full size only."""
    table = Table("figure", "value", "unit", "goal", "met", "size")
    for figure, record in rows:
        met = "yes" if figure.goal.is_met(record.value) else "NO"
        shown = f"{record.value:,.6g}"
        table.add_row(record.name, shown, record.unit, record.goal, met if size is Size.FULL else "-", record.size)
    console.print(table)
    for _, record in rows:
        console.print(f"{record.name}: against {record.against} (result {record.result_hash[:12]})")
