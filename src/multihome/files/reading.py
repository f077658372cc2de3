"""Paths to texts: which files a folder holds, and what is in them, within limits.

The only module of `files` that touches a disk. It opens regular files alone, never waits on one, never reads past a
limit, and never leaves the folder it was given.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from multihome.files.problems import FileProblem, file_problem

FILE_BYTES_MAX = 1024 * 1024
TOTAL_BYTES_MAX = 16 * 1024 * 1024
FILES_MAX = 1_000
FOLDER_DEPTH_MAX = 16
SUFFIXES = (".yaml", ".yml")
"""What is read from a folder; a file that is named itself may end in anything."""

# What YAML calls unprintable, line ends and tabs apart.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")


class SourceText(msgspec.Struct, frozen=True):
    """A file's text, the name it is shown under, and the folder whose limits it may not leave."""

    file: str
    path: Path
    root: Path
    text: str


def read_texts(paths: tuple[Path, ...]) -> tuple[tuple[SourceText, ...], tuple[FileProblem, ...]]:
    """The texts of files, and of the files in folders, in order of their paths; and what could not be read."""
    texts: list[SourceText] = []
    problems: list[FileProblem] = []
    seen: set[Path] = set()
    bytes_left = TOTAL_BYTES_MAX
    for path in paths:
        for found in _files_of(path):
            if isinstance(found, FileProblem):
                problems.append(found)
                continue
            file, root = found
            resolved = _real(file)
            if resolved in seen:
                continue
            seen.add(resolved)
            if len(seen) > FILES_MAX:
                problems.append(file_problem(str(file), f"more than {FILES_MAX} files (FILES_MAX)"))
                return tuple(texts), tuple(problems)
            content = _content(file, bytes_left)
            if isinstance(content, FileProblem):
                problems.append(content)
                continue
            bytes_left -= len(content)
            text = _text(str(file), content)
            if isinstance(text, FileProblem):
                problems.append(text)
            else:
                texts.append(SourceText(file=str(file), path=resolved, root=root, text=text))
    return tuple(texts), tuple(problems)


def _files_of(path: Path) -> Iterator[tuple[Path, Path] | FileProblem]:
    """A file with its folder, or every document file of a folder with that folder."""
    try:
        if path.is_dir():
            found = list(_walk(path, path.resolve(), 0))
            yield from found or [file_problem(str(path), "holds no document: no file in it ends in .yaml or .yml")]
        elif path.exists():
            yield path, path.resolve().parent
        else:
            yield file_problem(str(path), "no such file or folder")
    except (OSError, ValueError, RuntimeError) as error:
        yield file_problem(str(path), f"cannot be read: {_reason(error)}")


def _walk(folder: Path, root: Path, depth: int) -> Iterator[tuple[Path, Path] | FileProblem]:
    """Document files in order of name. What begins with a dot is passed over, and so are links to folders."""
    if depth > FOLDER_DEPTH_MAX:
        yield file_problem(str(folder), f"folders are nested more than {FOLDER_DEPTH_MAX} deep (FOLDER_DEPTH_MAX)")
        return
    for entry in sorted(folder.iterdir()):
        is_document = entry.suffix in SUFFIXES
        if entry.name.startswith("."):
            continue
        if not _real(entry).is_relative_to(root):
            if is_document or entry.is_dir():
                yield file_problem(str(entry), f"leads out of the folder {root.name}")
        elif entry.is_dir() and is_document:
            yield file_problem(str(entry), "is a folder, where a file is meant")
        elif entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry, root, depth + 1)
        elif is_document:
            yield entry, root


def _real(path: Path) -> Path:
    """Where a path leads through all links; a circle of links ends somewhere in it, and cannot be opened."""
    return Path(os.path.realpath(path))


def _content(file: Path, bytes_left: int) -> bytes | FileProblem:
    """A regular file's bytes. Opened without waiting, so that a FIFO cannot hold us up, and checked once open."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return file_problem(str(file), f"cannot be read: {_reason(error)}")
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return file_problem(str(file), f"is a {_sort(status.st_mode)}, where a file is meant")
        # A size may be wrong (files of the kernel say 0), so that the read itself stops past the limit too.
        content = b"" if status.st_size > FILE_BYTES_MAX else stream.read(FILE_BYTES_MAX + 1)
    if status.st_size > FILE_BYTES_MAX or len(content) > FILE_BYTES_MAX:
        return file_problem(str(file), f"is larger than {FILE_BYTES_MAX} bytes (FILE_BYTES_MAX)")
    if len(content) > bytes_left:
        return file_problem(str(file), f"all files together are larger than {TOTAL_BYTES_MAX} bytes (TOTAL_BYTES_MAX)")
    return content


def _text(file: str, content: bytes) -> str | FileProblem:
    if b"\x00" in content:
        return file_problem(file, "is binary, where text is meant")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(content[: error.start].decode("utf-8-sig", errors="replace"))
        return FileProblem(file, line, column, "", f"is not UTF-8: byte 0x{content[error.start]:02x}")
    control = _CONTROL.search(text)
    if control is not None:
        line, column = _place(text[: control.start()])
        return FileProblem(file, line, column, "", f"holds the control character U+{ord(control[0]):04X}")
    return text


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _sort(mode: int) -> str:
    sorts = (
        (stat.S_ISDIR, "folder"),
        (stat.S_ISFIFO, "FIFO"),
        (stat.S_ISCHR, "device"),
        (stat.S_ISBLK, "device"),
        (stat.S_ISSOCK, "socket"),
    )
    return next((word for test, word in sorts if test(mode)), "special file")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
