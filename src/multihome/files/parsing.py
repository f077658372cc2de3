"""Text to plain data with the place of everything in it.

YAML of the plain sort: no aliases, anchors or custom tags, no duplicate keys. Parsed event by event, so that depth and
size are refused as they are met and never after the fact. Only `true`, `false`, whole numbers and nothing are more than
text: what a scalar says is kept as it was written, `2.50` and `NO` included.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from multihome.files.problems import FileProblem
from multihome.wire.shape_problems import Path, field_text

DEPTH_MAX = 32
NODES_MAX = 20_000
DOCUMENTS_MAX = 2_000

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Mark(msgspec.Struct, frozen=True):
    """A place in a text; both count from 1."""

    line: int
    column: int


class Place(msgspec.Struct, frozen=True):
    """Where a field's name begins, and where what stands in it begins; the same for entries of a list."""

    name: Mark
    value: Mark


class Parsed(msgspec.Struct, frozen=True):
    """One document of a file: plain data, and the place of each path within it."""

    data: Any
    places: dict[Path, Place]


class _Refused(Exception):  # noqa: N818 -- carries a refusal out of the recursion and never leaves this module
    """The rest of the text cannot be read."""

    def __init__(self, mark: Mark, field: str, wrong: str, suggestion: str = "") -> None:
        super().__init__(wrong)
        self.mark = mark
        self.field = field
        self.wrong = wrong
        self.suggestion = suggestion


def parse(file: str, text: str) -> tuple[tuple[Parsed, ...], tuple[FileProblem, ...]]:
    """Every document of a text, and what is wrong with it; after the first break nothing more of it is read."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    reader = _Reader(file, events)
    documents: list[Parsed] = []
    try:
        for document in reader.documents():
            documents.append(document)  # noqa: PERF402 -- those before a break are kept
    except _Refused as refused:
        reader.problem(refused.mark, refused.field, refused.wrong, refused.suggestion)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
        reader.problem(place, "", f"is no YAML: {_reason(error)}")
    except yaml.YAMLError as error:
        reader.problem(Mark(1, 1), "", f"is no YAML: {' '.join(str(error).split())}")
    return tuple(documents), tuple(reader.problems)


def _reason(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)


class _Reader:
    """Builds data from events: the one place that holds the state of a parse."""

    def __init__(self, file: str, events: Iterator[Event]) -> None:
        self.problems: list[FileProblem] = []
        self._file = file
        self._events = events
        self._nodes = 0
        self._documents = 0
        self._places: dict[Path, Place] = {}

    def problem(self, mark: Mark, field: str, wrong: str, suggestion: str = "") -> None:
        self.problems.append(FileProblem(self._file, mark.line, mark.column, field, wrong=wrong, suggestion=suggestion))

    def documents(self) -> Iterator[Parsed]:
        """The documents of the text; one that holds nothing is passed over."""
        for event in self._events:
            if not isinstance(event, DocumentStartEvent):
                continue
            self._places = {}
            root = next(self._events)
            self._places[()] = Place(_mark(root), _mark(root))
            self._documents += 1
            if self._documents > DOCUMENTS_MAX:
                raise _Refused(_mark(root), "", f"more than {DOCUMENTS_MAX} documents in one file (DOCUMENTS_MAX)")
            data = self._node(root, ())
            assert isinstance(next(self._events), DocumentEndEvent), "a document has one root"
            if data is not None:
                yield Parsed(data, self._places)

    def _node(self, event: Event, path: Path) -> Any:  # noqa: ANN401 -- data of any shape
        self._admit(event, path)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _admit(self, event: Event, path: Path) -> None:
        """Refuse what may not stand in a document at all."""
        mark, field = _mark(event), field_text(path)
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise _Refused(mark, field, f"more than {NODES_MAX} values in one file (NODES_MAX)")
        if len(path) > DEPTH_MAX:
            raise _Refused(mark, "", f"nested more than {DEPTH_MAX} deep (DEPTH_MAX)")
        if isinstance(event, AliasEvent):
            raise _Refused(mark, field, f"alias *{event.anchor} is not allowed", "write the value out")
        assert isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent), "no other event begins a node"
        if event.anchor is not None:
            raise _Refused(mark, field, f"anchor &{event.anchor} is not allowed", "leave it out")
        if event.tag is not None:
            raise _Refused(mark, field, f"tag {event.tag} is not allowed", "leave it out")

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            inner = (*path, len(items))
            self._places[inner] = Place(_mark(event), _mark(event))
            items.append(self._node(event, inner))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            name_mark = _mark(event)
            if not isinstance(event, ScalarEvent):
                self._admit(event, path)
                raise _Refused(name_mark, field_text(path), "the name of a field is a mapping or a list, not text")
            self._admit(event, (*path, event.value))
            inner = (*path, event.value)
            value_event = next(self._events)
            if event.value in fields:
                first = self._places[inner].name
                self.problem(name_mark, field_text(inner), f"stands here twice, first in line {first.line}")
            self._places[inner] = Place(name_mark, _mark(value_event))
            fields[event.value] = self._node(value_event, inner)
        return fields


def _mark(event: Event) -> Mark:
    assert event.start_mark is not None, "events of a text carry their place"
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar(event: ScalarEvent) -> str | int | bool | None:
    """Text as it was written, unless it is plain and says true, false, nothing or a whole number in its usual form."""
    value: str = event.value
    if not event.implicit[0]:
        return value
    if value in _WORDS:
        return _WORDS[value]
    return int(value) if _WHOLE.fullmatch(value) else value
