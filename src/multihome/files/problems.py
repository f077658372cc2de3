"""A problem in a file, and how it is printed. Every module of `files` returns these; none raises or prints."""

import msgspec


class FileProblem(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong in a file or with it.

    `line` and `column` count from 1; both are 0 when the problem is the file's own. `field` is the path within the
    document, empty when there is none. `wrong` is a sentence; `given` repeats what stood there (never a secret),
    `expected` says what may stand there, `suggestion` what to do.
    """

    file: str
    line: int
    column: int
    field: str
    wrong: str
    given: str = ""
    expected: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        """`file:line:column: field: what is wrong; what helps`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        field = f"{self.field}: " if self.field else ""
        suggestion = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}: {field}{self.wrong}{suggestion}"


def file_problem(file: str, wrong: str, suggestion: str = "") -> FileProblem:
    """A problem of a file as a whole."""
    return FileProblem(file=file, line=0, column=0, field="", wrong=wrong, suggestion=suggestion)
