"""The reference of the command line, from the commands themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import typer

from multihome.cli.main import command_line
from tools.tables import code, page, table

COMMAND = "multihome"
_WORDS: dict[type, str] = {int: "NUMBER", float: "DECIMAL", str: "TEXT", Path: "PATH"}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, in the order of the help; groups are walked into."""
    yield from _commands(COMMAND, cast("Any", typer.main.get_command(command_line())))


def commands_page() -> str:
    """Every command: what it does, its arguments and options."""
    parts: list[str] = []
    for name, command in commands():
        parts += [f"## {name}", str(command.help or ""), f"```\n{_usage(name, command)}\n```", _parameters(command)]
    return page(
        "Commands",
        "Exit codes: 0 is a yes; 1 a refusal or a failure, told in words on standard error; 2 wrong files or "
        "arguments. "
        "`--json` prints what the API answered, for programs, and an error too as one object on standard output: "
        '`{"refusal": ...}` as the API has it, with the `places` (file, line, column) of what it and each of its '
        '`others` are about; `{"problems": [...]}` of files that are wrong; or `{"failure": TEXT}`. `--help` says the '
        "same as this page.",
        *parts,
    )


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- click has no types here
    inner: dict[str, Any] = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for word, below in inner.items():
        yield from _commands(f"{name} {word}", below)


def _shown(command: Any) -> list[Any]:  # noqa: ANN401
    return [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]


def _usage(name: str, command: Any) -> str:  # noqa: ANN401
    words = [name]
    for parameter in _shown(command):
        if parameter.param_type_name == "argument":
            words.append(_metavar(parameter))
        elif parameter.required:
            words.append(f"{parameter.opts[0]} {_metavar(parameter)}")
    return " ".join((*words, "[OPTIONS]"))


def _parameters(command: Any) -> str:  # noqa: ANN401
    rows = [
        (
            code(_spelling(parameter)),
            str(getattr(parameter, "help", "") or ""),
            "**refused**" if parameter.required else _default(parameter),
        )
        for parameter in _shown(command)
        if parameter.name != "help"
    ]
    return table(("argument or option", "means", "when left out"), rows) if rows else ""


def _spelling(parameter: Any) -> str:  # noqa: ANN401
    if parameter.param_type_name == "argument":
        return _metavar(parameter)
    spellings = ", ".join(sorted(parameter.opts, key=len, reverse=True))
    return spellings if parameter.is_flag else f"{spellings} {_metavar(parameter)}"


def _metavar(parameter: Any) -> str:  # noqa: ANN401
    return str(parameter.metavar or _WORDS[parameter.type_descriptor.annotation])


def _default(parameter: Any) -> str:  # noqa: ANN401
    default = parameter.default
    if parameter.name == "actor":
        return "whoever is logged in"
    if isinstance(default, Path):
        return code(f"~/{default.relative_to(Path.home())}")
    return "" if default in (None, "", False) else code(str(default))
