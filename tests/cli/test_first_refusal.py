"""First refusal at the command line, from offer to award: a golden transcript, and every answer as JSON."""

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
from multihome.views.award_preview import AwardPreview
from multihome.views.procurement import NoticeRow, NoticesView, OfferRow, OffersView
from multihome.views.was_allowed import WasAllowed
from multihome.wire.responses import AcceptedOut
from tests.builders import ALPHA, BETA, contract, first_refusal, offer, world
from tests.seeding import seed

T = TypeVar("T")
Run = Callable[..., subprocess.CompletedProcess[str]]

TRANSCRIPT = Path(__file__).with_name("first_refusal.txt")
MINTED = re.compile(r"\b([NA])-[0-9a-z]{10,13}\b")


def same_for_all(text: str, folder: Path) -> str:
    text = MINTED.sub(r"\1-ID", text.replace(str(folder), "DIR"))
    text = re.sub(r"\(real \d\d:\d\dZ\)", "(real HH:MMZ)", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST:PORT", re.sub(r"process \d+", "process N", text))
    text = re.sub(r"\b[0-9a-f]{12}\b|\b[0-9a-f]{64}\b", "HASH", text)
    return "".join(f"{re.sub(' {3,}', '  ', line.rstrip())}\n" for line in text.splitlines())


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
    """A state directory where alpha holds a first refusal and beta makes two offers."""
    dear = offer("O-2", rate_micro_usd_per_chip_hour=3_000_000)
    seed(state, *world(), contract(clauses=[first_refusal(waiver_days=90)]), offer(), dear)
    return state


def commands_of(transcript: str) -> list[str]:
    return re.findall(r"^\$ multihome (.*)$", transcript, re.MULTILINE)


@pytest.mark.usefixtures("seeded")
@pytest.mark.timeout(120)
def test_the_transcript_is_what_is_printed(run: Run, tmp_path: Path) -> None:
    expected = TRANSCRIPT.read_text(encoding="utf-8")
    seen, ids = "", {"N": "", "A": ""}
    for line in commands_of(expected):
        spelt = line.replace("N-ID", ids["N"]).replace("A-ID", ids["A"])
        done = run(*shlex.split(spelt))
        for found in re.finditer(r"\b(notice|award) ([NA]-[0-9a-z]{10,13})\b", done.stdout):
            ids[found[2][0]] = found[2]
        ending = f"[exit {done.returncode}]\n" if done.returncode else ""
        seen += f"$ multihome {line}\n{same_for_all(done.stdout + done.stderr, tmp_path)}{ending}"
        assert "Traceback" not in done.stderr, done.stderr
    assert seen == expected


@pytest.mark.usefixtures("seeded")
@pytest.mark.timeout(120)
def test_every_answer_comes_as_json(run: Run) -> None:
    def asked(line: str, kind: type[T]) -> T:
        done = run(*shlex.split(line), "--json")
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout, type=kind)

    run("up", "--port", "0")
    dates = "--chips 16 --start 2026-02-10 --end 2026-06-10"
    [notice] = asked(f"notice serve O-1 --clause alpha-1/rofr {dates}", AcceptedOut).made
    asked(f"notice answer {notice} declined", AcceptedOut)
    foreseen = asked(f"award O-1 {dates} --dry-run", AwardPreview)
    assert [one.code for one in foreseen.evidence] == ["waiver"]
    assert asked("offer list", OffersView).offers[0].taken_chips == 0
    [award] = asked(f"award O-1 {dates}", AcceptedOut).made
    assert asked("offer list", OffersView).offers[0].taken_chips == 16
    assert asked("offer show O-2", OfferRow).is_open
    assert asked("notice show", NoticesView).notices[0].left_chips == 0
    assert asked(f"notice show {notice}", NoticeRow).state == "declined"
    judged = asked(f"was-allowed {award}", WasAllowed)
    assert judged.then.verdict == judged.now.verdict == "allowed"
    assert asked("was-allowed alpha-1/t1", WasAllowed).kind == "tranche"
    assert run("was-allowed", "A-ghost").returncode == 1
    assert run("offer", "show", "ghost").returncode == 1
