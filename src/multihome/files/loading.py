"""Paths to facts: reads, parses, validates and cross-checks documents, and tells everything that is wrong at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec

from multihome.domain.commands import Document
from multihome.domain.ids import AcceleratorName
from multihome.domain.workloads import WorkloadSpec
from multihome.files.origins import Origin, origin_of
from multihome.files.parsing import Mark, Parsed, Place, parse
from multihome.files.problems import FileProblem, file_problem
from multihome.files.reading import SourceText, read_texts
from multihome.files.references import KnownNames, kind_and_name, names_in, reference_problems, repeated_names
from multihome.wire.documents import DOCUMENT_KINDS, WORKLOAD_KIND, Facts, read_document
from multihome.wire.fields import shown
from multihome.wire.shape_problems import ShapeProblem, Spot

PROBLEMS_MAX = 500
"""Problems that are told of one load; the rest appear once these are mended."""


class Loaded(msgspec.Struct, frozen=True):
    """What files say: facts in the order they build on each other, workloads in the order of the files.

    `origins` are in the same order, one for each document. With any problem the facts are those of the documents that
    had none; apply them only when there is no problem.
    """

    documents: tuple[Document, ...]
    workloads: tuple[WorkloadSpec, ...]
    origins: tuple[Origin, ...]
    problems: tuple[FileProblem, ...]


class _Entry(msgspec.Struct, frozen=True):
    """One document with its file."""

    source: SourceText
    parsed: Parsed
    kind: str
    name: str


def load(paths: Sequence[Path | str], *, known: KnownNames, tenant: str = "") -> Loaded:
    """Read files and folders of documents.

    `known` are the names applied before; documents may use those and each other's. `tenant` is whose a workload is
    that does not say; a workload without a name is called like its file.
    """
    texts, problems = read_texts(tuple(Path(path) for path in paths))
    found = list(problems)
    entries: list[_Entry] = []
    for source in texts:
        documents, parse_problems = parse(source.file, source.text)
        found.extend(parse_problems)
        if not documents and not parse_problems:
            found.append(FileProblem(source.file, 1, 1, "", "holds no document"))
        entries.extend(_entry(source, document, tenant) for document in documents)
    found.extend(_defined_twice(entries))
    known |= names_in(entry.parsed.data for entry in entries)
    facts: list[tuple[_Entry, Facts]] = []
    for entry in entries:
        outcome = _read(entry, known)
        if isinstance(outcome, Facts):
            facts.append((entry, outcome))
        else:
            found.extend(outcome)
    facts.sort(key=lambda pair: _RANK[pair[0].kind])
    return Loaded(
        documents=tuple(document for _, fact in facts for document in fact.documents),
        workloads=tuple(spec for _, fact in facts for spec in fact.workloads),
        origins=tuple(_origin(entry) for entry, _ in facts),
        problems=_told(found),
    )


def _told(found: Sequence[FileProblem]) -> tuple[FileProblem, ...]:
    """Problems in order of their places, as many as are told, and how many there are beyond."""
    told = tuple(sorted(found)[:PROBLEMS_MAX])
    more = len(found) - len(told)
    return (*told, file_problem(told[-1].file, f"{more} more problems are not shown")) if more else told


_RANK = {kind: rank for rank, kind in enumerate(DOCUMENT_KINDS)}


def _entry(source: SourceText, parsed: Parsed, tenant: str) -> _Entry:
    """The document with its defaults from outside: a workload's name and tenant."""
    kind, name = kind_and_name(parsed.data)
    if DOCUMENT_KINDS.get(kind) is DOCUMENT_KINDS[WORKLOAD_KIND]:
        defaults = {"name": source.path.stem} | ({"tenant": tenant} if tenant else {})
        parsed = Parsed(defaults | cast("dict[str, object]", parsed.data), parsed.places)
        kind, name = WORKLOAD_KIND, kind_and_name(parsed.data)[1]
    return _Entry(source, parsed, kind, name)


def _defined_twice(entries: Sequence[_Entry]) -> list[FileProblem]:
    first: dict[tuple[str, str, str], _Entry] = {}
    found: list[FileProblem] = []
    for entry in entries:
        if not entry.name:
            continue
        # Two tenants may each have a workload of one name.
        owner = str(entry.parsed.data.get("tenant", "")) if entry.kind == WORKLOAD_KIND else ""
        before = first.setdefault((entry.kind, entry.name, owner), entry)
        if before is not entry:
            line = before.parsed.places[()].value.line
            wrong = f"{entry.kind} {entry.name!r} is described twice, first in {before.source.file}:{line}"
            place = _place(entry.parsed, ("name",))
            found.append(FileProblem(entry.source.file, place.value.line, place.value.column, "name", wrong))
    return found


def _read(entry: _Entry, known: KnownNames) -> Facts | list[FileProblem]:
    """The facts of a document, or everything that is wrong with it: its shape, its names and its folder at once."""
    data = entry.parsed.data
    outcome = read_document(data, frozenset(AcceleratorName(name) for name in known.accelerators))
    workdir = _workdir(entry)
    problems = [] if isinstance(outcome, Facts) else list(outcome)
    told = {problem.path for problem in problems}
    further = (
        *repeated_names(data),
        *reference_problems(data, known),
        *([] if isinstance(workdir, str) else [workdir]),
    )
    # What has the wrong shape is no name of anything: that it is not known either would be said twice.
    problems.extend(problem for problem in further if problem.path not in told)
    if isinstance(outcome, Facts) and isinstance(workdir, str) and not problems:
        located = (msgspec.structs.replace(spec, workdir=workdir) for spec in outcome.workloads)
        return Facts(outcome.documents, tuple(located))
    return [_positioned(entry, problem) for problem in problems]


def _workdir(entry: _Entry) -> str | ShapeProblem:
    """A workload's working folder as an absolute path; it counts from its file and stays in its folder. Empty: none."""
    data, source = entry.parsed.data, entry.source
    given = data.get("workdir") if entry.kind == WORKLOAD_KIND else None
    if not isinstance(given, str) or not given:
        return ""
    wrong = ""
    workdir = source.root
    try:
        workdir = (source.path.parent / given).resolve()
        if not workdir.is_relative_to(source.root):
            wrong = f"{shown(given)} leads out of the folder {source.root.name}"
        elif not workdir.is_dir():
            wrong = f"{shown(given)} is no folder"
    except (OSError, ValueError, RuntimeError):
        wrong = f"{shown(given)} is no path"
    if wrong:
        return ShapeProblem(("workdir",), Spot.VALUE, "workdir", wrong, shown(given), "a folder below the file's")
    return str(workdir)


def _positioned(entry: _Entry, problem: ShapeProblem) -> FileProblem:
    place = _place(entry.parsed, problem.path)
    mark: Mark = place.name if problem.spot is Spot.NAME else place.value
    return FileProblem(
        file=entry.source.file,
        line=mark.line,
        column=mark.column,
        field=problem.field,
        wrong=problem.wrong,
        given=problem.given,
        expected=problem.expected,
        suggestion=problem.suggestion,
    )


def _place(parsed: Parsed, path: tuple[str | int, ...]) -> Place:
    """The place of a path, or of the nearest part around it that stands in the file."""
    while path not in parsed.places:
        path = path[:-1]
    return parsed.places[path]


def _origin(entry: _Entry) -> Origin:
    return origin_of(entry.source.file, entry.parsed, entry.kind, entry.name)
