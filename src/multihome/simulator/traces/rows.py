"""Rows of delimited text, cell by cell, with the place of everything that is wrong in them.

Cells are split at the delimiter: none of these formats quotes. A cell that is wrong is told and reads as 0, and the row
is then not sound, so that one pass finds all that is wrong in a row.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from multihome.files.problems import FileProblem, file_problem
from multihome.simulator.traces.quantities import instant_ms, scaled, whole
from multihome.units.time import MS_PER_DAY, MS_PER_SECOND
from multihome.wire.fields import shown

PROBLEMS_MAX = 20
"""Problems that are told of one trace; reading stops there."""

ROWS_MAX = 5_000_000
"""Rows of one trace."""

LINE_CHARS_MAX = 65_536
"""Characters of one row."""

NAME_CHARS_MAX = 256
"""Characters of a job's, tenant's, model's or accelerator's name."""

CHIPS_MAX = 10_000_000
"""Chips of one job: more than any cluster has."""

SPAN_MS_MAX = 100 * 366 * MS_PER_DAY
"""A hundred years: no job arrives later after a trace's start, and none lasts longer."""


class Problems:
    """What is wrong in one file, up to a limit; whoever reads stops when it is full."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[FileProblem] = []

    @property
    def is_full(self) -> bool:
        """Say whether nothing more is told."""
        return len(self.found) >= PROBLEMS_MAX

    def add(self, problem: FileProblem) -> None:
        """Tell one more; the last one says that reading stopped."""
        if self.is_full:
            return
        self.found.append(problem)
        if self.is_full:
            wrong = f"{PROBLEMS_MAX} problems (PROBLEMS_MAX); what comes after the last of them was not read"
            self.found.append(file_problem(self.file, wrong))

    def at(self, line: int, wrong: str, suggestion: str) -> None:
        """Tell what is wrong with a line as a whole."""
        self.add(FileProblem(self.file, line, 1, "", wrong, suggestion=suggestion))

    def whole_file(self, wrong: str, suggestion: str) -> None:
        """Tell what is wrong with the file."""
        self.add(file_problem(self.file, wrong, suggestion))


class Layout(msgspec.Struct, frozen=True):
    """The names of a row's cells in their order; an empty `delimiter` stands for runs of white space."""

    names: tuple[str, ...]
    delimiter: str

    def index(self, name: str) -> int:
        """Where a cell stands; the name is one of `names`."""
        return self.names.index(name)


class Row:
    """One row that has all its cells. A quantity that is wrong is told and reads as 0."""

    __slots__ = ("_layout", "_problems", "cells", "is_sound", "line", "text")

    def __init__(self, line: int, text: str, cells: list[str], layout: Layout, problems: Problems) -> None:
        self.line = line
        self.text = text
        self.cells = cells
        self.is_sound = True
        self._layout = layout
        self._problems = problems

    def whole(self, index: int, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        value = whole(self.cells[index])
        if least <= value <= most:
            return value
        return self.wrong(index, f"a whole number from {least:,} to {most:,}", "write digits only, like 8")

    def ms(self, index: int, least_ms: int) -> int:
        """Seconds, with decimals or without, as milliseconds."""
        value = scaled(self.cells[index], MS_PER_SECOND)
        if least_ms <= value <= SPAN_MS_MAX:
            return value
        expected = f"seconds from {least_ms / MS_PER_SECOND:g} to {SPAN_MS_MAX // MS_PER_SECOND:,}"
        return self.wrong(index, expected, "write them like 90 or 90.5")

    def milli(self, index: int, most: int) -> int:
        """A decimal number in thousandths."""
        value = scaled(self.cells[index], 1_000)
        if 0 <= value <= most * 1_000:
            return value
        return self.wrong(index, f"a number from 0 to {most:,}", "write it like 1 or 1.5")

    def instant(self, index: int) -> int:
        """A date with a time, in milliseconds since 1970."""
        value = instant_ms(self.cells[index])
        if value >= 0:
            return value
        return self.wrong(index, "a date with a time, in 1970 or later", "write it like 2026-01-31 12:00:00")

    def name(self, index: int) -> str:
        """A name of bounded length that can be printed; it may be empty."""
        value = self.cells[index]
        if len(value) > NAME_CHARS_MAX:
            self.wrong(index, f"at most {NAME_CHARS_MAX} characters (NAME_CHARS_MAX)", "shorten it")
        elif not value.isprintable():
            self.wrong(index, "text that can be printed", "take out what is no letter, digit, mark or space")
        return value

    def filled_name(self, index: int) -> str:
        """A name that is not empty."""
        value = self.name(index)
        if not value.strip():
            self.wrong(index, "a name", "fill it in")
        return value

    def wrong(self, index: int, expected: str, suggestion: str) -> int:
        """Tell that a cell is not what it should be."""
        self.is_sound = False
        given = shown(self.cells[index])
        wrong = f"{given} is not {expected}"
        column = _column(self.text, index, self._layout.delimiter)
        place = (self._problems.file, self.line, column, self._layout.names[index])
        self._problems.add(FileProblem(*place, wrong, given, expected, suggestion))
        return 0


def rows_of(lines: Sequence[str], first: int, layout: Layout, problems: Problems) -> Iterator[Row]:
    """The rows from line `first` (counted from 1) on that have all their cells; empty lines are passed over."""
    delimiter, width = layout.delimiter or None, len(layout.names)
    rows = 0
    for line, raw in enumerate(lines[first - 1 :], start=first):
        if not raw or raw.isspace():
            continue
        rows += 1
        if problems.is_full or not _is_admitted(line, raw, rows, problems):
            return
        cells = raw.split(delimiter)
        if len(cells) == width:
            yield Row(line, raw, cells, layout, problems)
        else:
            problems.at(line, f"has {len(cells):,} fields, not {width}", f"the fields are {_listed(layout)}")


def _is_admitted(line: int, raw: str, rows: int, problems: Problems) -> bool:
    if rows > ROWS_MAX:
        problems.at(line, f"more than {ROWS_MAX:,} rows (ROWS_MAX)", "cut the trace into parts")
        return False
    if len(raw) > LINE_CHARS_MAX:
        problems.at(line, f"is longer than {LINE_CHARS_MAX:,} characters (LINE_CHARS_MAX)", "is this the right format?")
        return False
    return True


def header_of(lines: Sequence[str], delimiter: str, needed: Sequence[str], problems: Problems) -> Layout:
    """The layout that the first line names; a needed column that is missing or stands twice is told."""
    first = lines[0] if lines else ""
    names = tuple(name.strip() for name in first.split(delimiter))
    for name in needed:
        count = names.count(name)
        if count != 1:
            wrong = f"the header names the column {name!r} {'twice' if count else 'nowhere'}"
            problems.at(1, wrong, f"the columns needed are {', '.join(needed)}")
    return Layout(names, delimiter)


def no_rows(problems: Problems) -> None:
    """Tell that a file holds nothing to simulate, unless something else is wrong with it."""
    if not problems.found:
        problems.whole_file("holds no row", "give a trace with at least one")


def is_first_row(head: str, is_row: Callable[[str], bool]) -> bool:
    """Ask `is_row` about the first line that holds anything."""
    return next((is_row(line) for line in head.split("\n") if line.strip()), False)


def _column(text: str, index: int, delimiter: str) -> int:
    """Where a cell begins in its line, counted from 1."""
    place = 0
    for cell in text.split(delimiter or None)[:index]:
        place = text.index(cell, place) + len(cell) + len(delimiter)
    return place + len(text[place:]) - len(text[place:].lstrip()) + 1


def _listed(layout: Layout) -> str:
    names = ", ".join(layout.names)
    return names if len(names) <= NAME_CHARS_MAX and names.isprintable() else shown(names)
