"""What a person sees of contracts: a golden transcript of `multihome contract` with clauses of every kind."""

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_transcript import equal_for_all, steps

Run = Callable[..., subprocess.CompletedProcess[str]]

TRANSCRIPT = Path(__file__).with_name("contracts.txt")
AGREEMENT = Path(__file__).with_name("agreement.yaml")
COLUMNS_MAX = 80


@pytest.mark.usefixtures("site")
def test_the_transcript_is_what_is_printed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agreement.yaml").write_text(AGREEMENT.read_text(encoding="utf-8"), encoding="utf-8")
    expected = TRANSCRIPT.read_text(encoding="utf-8")
    seen = ""
    for command, _, _ in steps(expected):
        done = run(*shlex.split(command)[1:])
        ending = f"[exit {done.returncode}]\n" if done.returncode else ""
        seen += f"$ {command}\n{equal_for_all(done.stdout + done.stderr, tmp_path)}{ending}"
        assert "Traceback" not in done.stderr, done.stderr
    assert seen == expected


def test_tables_fit_a_terminal() -> None:
    tables = TRANSCRIPT.read_text(encoding="utf-8").split("contract calendar")[1]
    assert [line for line in tables.splitlines() if len(line) > COLUMNS_MAX] == []
