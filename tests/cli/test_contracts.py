"""What a person sees of contracts: a golden transcript of `multihome contract` with clauses of every kind."""

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from multihome.cli import contract_tables
from multihome.cli.session import show_on_terminal
from multihome.domain.contracts import Award
from multihome.domain.ids import ContractId
from multihome.views.contracts import contract_view
from tests.builders import contract, day, pool, tranche
from tests.cli.test_transcript import equal_for_all, steps
from tests.control import installed

Run = Callable[..., subprocess.CompletedProcess[str]]

TRANSCRIPT = Path(__file__).with_name("contracts.txt")
AGREEMENT = Path(__file__).with_name("agreement.yaml")
COLUMNS_MAX = 80
COLUMNS_NARROW = 68


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


@pytest.mark.parametrize("name", ["eastus-h100", "a-tranche-with-a-name-longer-than-a-column"])
def test_names_fold_and_dates_do_not(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However long the names of a tranche and its pool are, each date and figure of the table is read on one line."""
    monkeypatch.setenv("COLUMNS", str(COLUMNS_NARROW))
    place = pool("alpha", "eastus-h100-reserved")
    part = tranche("alpha-1", name, place.id, domains=9_000, promised_ms=day(30), award=Award(awarded_ms=day(0)))
    state = installed(place, contract(tranches=(tranche(), part))).state
    view = contract_view(state, ContractId("alpha-1"), day(40))
    assert view is not None
    show_on_terminal(contract_tables.contract(view))
    table = capsys.readouterr().out.split("Tranches\n")[1].split("\n  ")[0].splitlines()
    assert all(len(line) <= COLUMNS_NARROW for line in table)
    [line] = [line for line in table if "144,000" in line]
    assert ("2026-01-31" in line, "2027-01-01" in line, "$2.50" in line) == (True, True, True)
    assert "".join(line.split(" ")[0] for line in table[2:]) == name
