"""The how-tos hold: their files load, and their commands print what they show."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from multihome.domain.ids import AcceleratorName
from multihome.files.loading import load
from multihome.files.references import KnownNames
from tests.builders import contract, first_refusal, offer, world
from tests.docs.console import ROOT, Command, Session, commands_in, environment
from tests.seeding import seed

FOLDER = ROOT / "docs" / "how-to"
GUIDES = sorted(path.stem for path in FOLDER.glob("*.md"))
WITH_FILES = {"add-a-clause", "add-a-provider", "be-told", "run-existing-skypilot-tasks"}
WITH_COMMANDS = {"back-up-and-restore", "check-contracts", "drill-an-outage", "prove-a-first-refusal"}
FIRST_REFUSAL = "run-a-first-refusal"
"""Has a market of its own, and ids that are minted on the way."""
DELIVERY = "follow-a-delivery"
"""Has a site of its own, and moves the clock by months."""
TUTORIAL = ROOT / "docs" / "tutorial"


def blocks(guide: str, language: str) -> list[str]:
    text = (FOLDER / f"{guide}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_every_example_is_looked_at() -> None:
    assert {guide for guide in GUIDES if blocks(guide, "yaml")} == WITH_FILES
    assert {guide for guide in GUIDES if blocks(guide, "console")} == WITH_COMMANDS | {FIRST_REFUSAL, DELIVERY}


@pytest.mark.parametrize("guide", sorted(WITH_FILES))
def test_files_load(guide: str, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(guide, "yaml")):
        (tmp_path / f"{number}.yaml").write_text(text)
    known = KnownNames(accelerators=frozenset({AcceleratorName("H200-SXM-141GB")}))
    loaded = load([TUTORIAL / "facts.yaml", tmp_path], known=known, tenant="lab/research")
    assert [str(problem) for problem in loaded.problems] == []
    assert len(loaded.origins) > len(load([TUTORIAL / "facts.yaml"], known=known).origins)


def test_a_wrong_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("kind: contract\nname: x\n")
    assert load([tmp_path], known=KnownNames()).problems


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A control plane that knows the tutorial's facts and runs its training gang; nothing keeps running."""
    shutil.copytree(TUTORIAL, tmp_path / "tutorial")
    shutil.copytree(FOLDER / "check-contracts", tmp_path / "check-contracts")
    reader = Session(tmp_path, environment(tmp_path / "state", tmp_path / "bin"))
    reader.run(Command('export MULTIHOME_STATE="$PWD/state"', ()))
    reader.run(Command("multihome up --port 0 --clock-start 2025-06-02", ("ready at ...",)))
    reader.run(Command("multihome apply tutorial/facts.yaml", ("...",)))
    reader.run(Command("multihome submit tutorial/train.yaml", ("workload ...",)))
    reader.run(Command("multihome status train", ("...running...", "...", "0 running ... step ...", "...")))
    yield reader
    up_again = "multihome up --port 0"
    for line in (up_again, "multihome drill restore south", "multihome cancel train --why end", "multihome down"):
        reader.shown(line)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("guide", sorted(WITH_COMMANDS))
def test_commands_show_what_happens(guide: str, session: Session) -> None:
    for command in commands_in((FOLDER / f"{guide}.md").read_text(encoding="utf-8")):
        session.run(command)


class Minting(Session):
    """A reader who notes the notice and the award that a command named last."""

    ids: ClassVar[dict[str, str]] = {}

    def shown(self, line: str) -> str:
        shown = super().shown(line)
        self.ids.update({found[2]: found[1] for found in re.finditer(r"\b(?:notice|award) (([NA])-[0-9a-z]+)", shown)})
        return shown


@pytest.mark.timeout(120)
def test_a_first_refusal_runs_as_its_guide_shows(tmp_path: Path) -> None:
    seed(tmp_path / "state", *world(), contract(clauses=[first_refusal(waiver_days=90)]), offer())
    reader = Minting(tmp_path, environment(tmp_path / "state", tmp_path / "bin"))
    reader.run(Command('export MULTIHOME_STATE="$PWD/state"', ()))
    reader.run(Command("multihome up --port 0", ("ready at ...",)))
    try:
        for command in commands_in((FOLDER / f"{FIRST_REFUSAL}.md").read_text(encoding="utf-8")):
            line = re.sub(r"\b([NA])-17\b", lambda found: reader.ids[found[1]], command.line)
            reader.run(Command(line, command.expected))
    finally:
        reader.shown("multihome down")


@pytest.mark.timeout(120)
def test_a_delivery_goes_as_its_guide_shows(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / DELIVERY, tmp_path / DELIVERY)
    reader = Session(tmp_path, environment(tmp_path / "state", tmp_path / "bin"))
    reader.run(Command('export MULTIHOME_STATE="$PWD/state"', ()))
    reader.run(Command("multihome up --port 0 --clock-start 2025-06-02", ("ready at ...",)))
    try:
        for command in commands_in((FOLDER / f"{DELIVERY}.md").read_text(encoding="utf-8")):
            reader.run(command)
    finally:
        reader.shown("multihome down")
