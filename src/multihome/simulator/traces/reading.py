"""A file to text with a limit on its size. What cannot be read is told, never raised."""

from pathlib import Path

import msgspec

from multihome.files.problems import FileProblem, file_problem

TRACE_BYTES_MAX = 256 * 1024 * 1024
"""Bytes of one trace. It is held in memory while it is read, and its rows with it."""


class TraceText(msgspec.Struct, frozen=True):
    """A file's name, as it was given, and its text in lines; no line has its end."""

    file: str
    lines: list[str]


def read_text(path: Path) -> TraceText | FileProblem:
    """The lines of a file in UTF-8, or why there are none."""
    file = str(path)
    try:
        with path.open("rb") as source:
            content = source.read(TRACE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return file_problem(file, f"cannot be read: {reason}", "give the path of a trace")
    return text_of(file, content)


def text_of(file: str, content: bytes) -> TraceText | FileProblem:
    """The lines of a file's bytes, or the place of the first byte that is no text."""
    if len(content) > TRACE_BYTES_MAX:
        return file_problem(file, f"is larger than {TRACE_BYTES_MAX:,} bytes (TRACE_BYTES_MAX)", "cut it into parts")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        wrong = f"byte 0x{content[error.start]:02x} is no UTF-8"
        return FileProblem(file, before.count(b"\n") + 1, column, "", wrong, suggestion="store the file as UTF-8")
    return TraceText(file, text.replace("\r\n", "\n").split("\n"))
