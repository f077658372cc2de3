"""What becomes of a command's error: words on standard error, or with --json one object on standard output.

Nobody sees a traceback of what a person or the control plane did.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from multihome.cli.launchers import LaunchError
from multihome.cli.session import WRONG_FILES, ArgumentsWrongError, FilesRefusedError, FilesWrongError, say, warn
from multihome.client.directory import NotRunningError
from multihome.client.refused import RefusedError
from multihome.wire.refusals import ProblemOut, RefusalOut

if TYPE_CHECKING:
    from multihome.files.origins import FilePlace, Origin

FAILED = 1
TOLD = (FilesWrongError, ArgumentsWrongError, FilesRefusedError, RefusedError, LaunchError, NotRunningError)
"""What people and the control plane do; anything else is a bug, and is not caught."""


def telling(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose errors are told as its `--json` says; they end the process."""

    @functools.wraps(command)
    def told(*args: object, **options: object) -> None:
        try:
            command(*args, **options)
        except TOLD as error:
            if options.get("as_json"):
                say(msgspec.json.encode(_facts(error)).decode())
            else:
                warn(_words(error))
            raise SystemExit(_exit_code(error)) from None

    return told


def _exit_code(error: Exception) -> int:
    return WRONG_FILES if isinstance(error, FilesWrongError | ArgumentsWrongError) else FAILED


def _facts(error: Exception) -> Mapping[str, object]:
    """An error as one JSON object: `problems` of files, a `refusal` as the API has it with places, or a `failure`."""
    match error:
        case FilesWrongError():
            return {"problems": error.problems}
        case FilesRefusedError():
            return {"refusal": _placed(error.refusal, error.origins)}
        case RefusedError():
            return {"refusal": _placed(error.refusal, ())}
        case _:
            return {"failure": str(error)}


def _placed(refusal: RefusalOut, origins: "Sequence[Origin]") -> Mapping[str, object]:
    others = [_problem(other, origins) for other in refusal.others]
    return {**_problem(refusal, origins), "others": others}


def _problem(problem: RefusalOut | ProblemOut, origins: "Sequence[Origin]") -> Mapping[str, object]:
    return {
        "code": problem.code,
        "subject": problem.subject,
        "text": problem.text,
        "accepted": problem.accepted,
        "places": _places(problem.subject, origins),
    }


def _words(error: Exception) -> str:
    match error:
        case FilesRefusedError():
            return _refusal_words(error.refusal, error.origins)
        case RefusedError():
            return _refusal_words(error.refusal, ())
        case _:
            return str(error)


def _refusal_words(refusal: RefusalOut, origins: "Sequence[Origin]") -> str:
    """A refusal and everything else that is wrong: where, what it is about, why, and what would be accepted."""
    lines = _problem_lines("refused", refusal, origins)
    for other in refusal.others:
        lines.extend(_problem_lines("also", other, origins))
    return "\n".join(lines)


def _problem_lines(word: str, problem: RefusalOut | ProblemOut, origins: "Sequence[Origin]") -> list[str]:
    places = ", ".join(map(str, _places(problem.subject, origins)))
    line = f"{word} ({problem.code}): {problem.subject}: {problem.text}"
    return [f"{places}: {line}" if places else line, *([f"  accepted: {problem.accepted}"] if problem.accepted else [])]


def _places(subject: str, origins: "Sequence[Origin]") -> "tuple[FilePlace, ...]":
    if not origins:
        return ()
    # Importing it costs what reading documents costs, which only a command that has read some should pay.
    from multihome.files.origins import places_of  # noqa: PLC0415

    return places_of(subject, origins)
