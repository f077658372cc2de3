"""Where documents and the named things in them stand, so that a refusal can be told with its place.

Pure: reads plain data and places, and knows the words that refusals have for what they are about.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from multihome.files.parsing import Mark, Parsed
from multihome.files.references import entry_names
from multihome.wire.documents import WORKLOAD_KIND

# The lists of a document whose entries are named things of their own, and what one of them is called.
_PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "provider": (("pools", "pool"),),
    "contract": (("clauses", "clause"), ("tranches", "tranche")),
    "tenant": (("quotas", "quota"),),
}


# A refusal of the edge names a document by its number in the body that was sent.
_NUMBERED = re.compile(r"documents\[([0-9]{1,6})\]", re.ASCII)


class Part(msgspec.Struct, frozen=True):
    """A named thing within a document, as refusals call it (`tranche azure-2019/h100`), and the place it begins at."""

    subject: str
    line: int
    column: int


class Origin(msgspec.Struct, frozen=True):
    """Where a document stands: its kind and name, what refusals call it, its place, and the named things in it."""

    kind: str
    name: str
    subject: str
    file: str
    line: int
    column: int
    parts: tuple[Part, ...] = ()


class FilePlace(msgspec.Struct, frozen=True, order=True):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"


def origin_of(file: str, parsed: Parsed, kind: str, name: str) -> Origin:
    """The origin of a document with its parts. A workload is called by its tenant too: two tenants may share a name."""
    mark = parsed.places[()].value
    subject = workload_subject(str(parsed.data["tenant"]), name) if kind == WORKLOAD_KIND else f"{kind} {name}"
    return Origin(kind, name, subject, file, mark.line, mark.column, tuple(_parts(parsed, kind, name)))


def workload_subject(tenant: str, name: str) -> str:
    """What refusals call a workload."""
    return f"{WORKLOAD_KIND} {tenant}/{name}"


def _parts(parsed: Parsed, kind: str, name: str) -> Iterator[Part]:
    for field, word in _PARTS.get(kind, ()):
        for index, inner in entry_names(parsed.data, field):
            mark: Mark = parsed.places[field, index].value
            yield Part(f"{word} {name}/{inner}", mark.line, mark.column)


def places_of(subject: str, origins: Sequence[Origin]) -> tuple[FilePlace, ...]:
    """Where what a refusal is about stands: its own line, each of them where versions share a name.

    Of what stands in no file (a tranche that was left out) it is the place of the document that it belongs to. Empty
    where that is in none either. `origins` are those of the documents in the order in which they were sent.
    """
    numbered = _NUMBERED.match(subject)
    if numbered:
        number = int(numbered[1])
        return tuple(_place(origin) for origin in origins[number : number + 1])
    found = [place for origin in origins for named, place in _named(origin) if named == subject]
    return tuple(sorted(found)) or _places_of_owner(subject, origins)


def _named(origin: Origin) -> Iterator[tuple[str, FilePlace]]:
    yield origin.subject, _place(origin)
    for part in origin.parts:
        yield part.subject, FilePlace(origin.file, part.line, part.column)


def _places_of_owner(subject: str, origins: Sequence[Origin]) -> tuple[FilePlace, ...]:
    word, _, name = subject.partition(" ")
    owner = name.rpartition("/")[0]
    kinds = {kind for kind, parts in _PARTS.items() if word in {inner for _, inner in parts}}
    return tuple(_place(origin) for origin in origins if origin.kind in kinds and origin.name == owner)


def _place(origin: Origin) -> FilePlace:
    return FilePlace(origin.file, origin.line, origin.column)
