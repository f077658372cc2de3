"""Deliveries, credits and ends at the command line: a golden transcript, and every answer as JSON."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.engine_local.drill import begin_outage
from multihome.app.processes import stop
from multihome.domain.clause_terms import FeeStep, Termination, Window
from multihome.views.contracts import ContractView
from multihome.views.sequences import CreditsView, TrancheSequence, TranchesView
from multihome.wire.responses import AcceptedOut
from tests.builders import ALPHA, BETA, YEAR, contract, day, delay_remedy, tranche, world
from tests.cli.test_first_refusal import commands_of, same_for_all
from tests.seeding import seed

T = TypeVar("T")
Run = Callable[..., subprocess.CompletedProcess[str]]

TRANSCRIPT = Path(__file__).with_name("sequences.txt")
COLUMNS_MAX = 80


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory; whatever runs on it is stopped afterwards."""
    path = tmp_path / "state"
    yield path
    stop(path)
    for provider_id in (ALPHA, BETA):
        if (path / "engines" / provider_id).is_dir():
            begin_outage(path, provider_id, OsClock())


@pytest.fixture
def seeded(state: Path) -> Path:
    """A state directory where alpha owes a second tranche, promised for the last day of January."""
    remedy = delay_remedy("late", end_tranche_after_days=30, end_order_after_days=90, shifts_end=True)
    end = Termination(
        id="end",
        interval=YEAR,
        notice=Window(days=30),
        causes=("late delivery",),
        cure_days=10,
        fees=(FeeStep(from_ms=day(60), share_bps=4_000),),
        source="test",
    )
    parts = (tranche(), tranche(name="t2", promised_ms=day(30), ends_ms=day(300)))
    seed(state, *world(), contract(clauses=[remedy, end], tranches=parts))
    return state


@pytest.mark.usefixtures("seeded")
@pytest.mark.timeout(120)
def test_the_transcript_is_what_is_printed(run: Run, tmp_path: Path) -> None:
    expected = TRANSCRIPT.read_text(encoding="utf-8")
    seen = ""
    for line in commands_of(expected):
        done = run(*shlex.split(line))
        ending = f"[exit {done.returncode}]\n" if done.returncode else ""
        seen += f"$ multihome {line}\n{same_for_all(done.stdout + done.stderr, tmp_path)}{ending}"
        assert "Traceback" not in done.stderr, done.stderr
        if " ".join(line.split()[:2]) in {"tranche show", "credit list"}:
            assert [one for one in done.stdout.splitlines() if len(one.rstrip()) > COLUMNS_MAX] == []
    assert seen == expected


@pytest.mark.usefixtures("seeded")
@pytest.mark.timeout(120)
def test_every_answer_comes_as_json(run: Run) -> None:
    def asked(line: str, kind: type[T]) -> T:
        done = run(*shlex.split(line), "--json")
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout, type=kind)

    run("up", "--port", "0")
    run("clock", "advance", "--to", "2026-02-20")
    assert asked("tranche show alpha-1/t2", TrancheSequence).lateness.state == "remedy"
    moved = asked("tranche move alpha-1/t2 accepted --domains 2 --why seen", AcceptedOut)
    assert "20 days late" in str(moved.changes)
    shown = asked("tranche show alpha-1/t2", TrancheSequence)
    assert (shown.phase, shown.accepted_domains, shown.may_follow) == ("accepted", 2, ("order_ended",))
    assert shown.ends_ms == day(300 + 20)
    tranches = asked("tranche show", TranchesView).tranches
    assert [row.phase for row in tranches] == ["accepted", "accepted", "accepted"]
    [due] = asked("credit list", CreditsView).credits
    # 20 days late, 5 of grace, 0.5 % a day of 32 chips × 720 h × 2.50.
    assert due.amount_micro_usd == 15 * 50 * 32 * 720 * 2_500_000 // 10_000
    asked("credit claim alpha-1/t2 --why invoice", AcceptedOut)
    assert asked("credit list", CreditsView).credits == ()
    asked("contract breach alpha-1 'late delivery' --why late", AcceptedOut)
    asked("contract cure alpha-1 --why came", AcceptedOut)
    run("clock", "advance", "--to", "2026-03-20")
    foreseen = asked("contract terminate alpha-1 --ground convenience --why cheaper --dry-run", AcceptedOut)
    assert asked("contract show alpha-1", ContractView).termination.phase == "in_force"
    assert asked("contract terminate alpha-1 --ground convenience --why cheaper", AcceptedOut) == foreseen
    assert re.search(r"ends on 2026-04-\d\d", str(foreseen.changes))
    assert asked("contract show alpha-1", ContractView).termination.phase == "notice_given"
