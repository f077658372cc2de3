"""Runs the console blocks of a document, and holds what is printed against what the document shows."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent.parent
READING = ("status", "explain", "logs", "report", "audit")
"""Commands that change nothing: they are asked again until they show what is expected, for so long."""
SETTLE_S_MAX = 20
POLL_S = 0.3

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Command(msgspec.Struct, frozen=True):
    """A line to run, and the lines that must come of it."""

    line: str
    expected: tuple[str, ...]


def commands_in(text: str) -> list[Command]:
    """The commands of all console blocks, in order."""
    found: list[Command] = []
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *expected = part.rstrip("\n").split("\n")
            found.append(Command(line, tuple(expected)))
    return found


def matches(expected: tuple[str, ...], shown: str) -> bool:
    """Whether output is as expected: `...` is any text within a line, and any lines where it stands alone."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*?".join(re.escape(part) for part in _plain(line).split("...")) + r"\n"
    lines = [_plain(line) for line in shown.splitlines()]
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines if line)) is not None


def environment(state: Path, tools: Path) -> dict[str, str]:
    """An environment in which both programs are this source, on a terminal of 120 columns."""
    tools.mkdir(exist_ok=True)
    for name, module in (("multihome", "multihome.app.main"), ("multihome-verify", "multihome_verify.main")):
        command = tools / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        command.chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {
        "PATH": path,
        "HOME": str(state),
        "USER": "somebody",
        "LANG": "C.UTF-8",
        "COLUMNS": "120",
        "PYTHONPATH": str(ROOT / "src"),
    }


class Session:
    """One reader at a terminal: variables that are exported stay."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.variables = dict(variables)

    def run(self, command: Command) -> None:
        """Run a line; an AssertionError says what it printed instead."""
        name, _, value = command.line.removeprefix("export ").partition("=")
        if command.line.startswith("export "):
            self.variables[name] = value.strip('"').replace("$PWD", str(self.folder))
            return
        words = command.line.split()
        until_s = time.monotonic() + (SETTLE_S_MAX if words[1] in READING else 0)
        while True:
            shown = self.shown(command.line)
            if matches(command.expected, shown):
                return
            assert time.monotonic() < until_s, f"$ {command.line}\n{shown}\n-- expected:\n" + "\n".join(
                command.expected
            )
            time.sleep(POLL_S)

    def shown(self, line: str) -> str:
        """What a line prints, errors included."""
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=self.folder,
            env=self.variables,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=50,
        )
        return done.stdout


def _plain(line: str) -> str:
    """A line with single spaces: columns are as wide as what stands in them."""
    return " ".join(line.split())
