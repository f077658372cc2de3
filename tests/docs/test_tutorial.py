"""The tutorial does what it says: its commands are run, and what they print is compared."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.console import ROOT, Command, Session, commands_in, environment, matches

TUTORIAL = ROOT / "docs" / "tutorial.md"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A reader in a copy of the documents; whatever happens, nothing keeps running."""
    folder = tmp_path / "docs"
    shutil.copytree(ROOT / "docs" / "tutorial", folder / "tutorial")
    reader = Session(folder, environment(folder / "state", tmp_path / "bin"))
    yield reader
    for line in ("multihome cancel train --why end", "multihome cancel second --why end", "multihome down"):
        reader.shown(line)


@pytest.mark.timeout(180)
def test_the_tutorial_shows_what_happens(session: Session) -> None:
    commands = commands_in(TUTORIAL.read_text(encoding="utf-8"))
    assert len(commands) > 20
    for command in commands:
        session.run(command)
    assert (session.folder / "timeline.svg").read_text().startswith("<svg")


def test_a_wrong_output_is_seen(session: Session) -> None:
    session.run(Command("multihome version", ("multihome ...",)))
    with pytest.raises(AssertionError, match="expected"):
        session.run(Command("multihome version", ("multihome 99",)))


@pytest.mark.parametrize(
    ("expected", "shown", "same"),
    [
        (("a ...",), "a b c\n", True),
        (("a ...", "..."), "a b\nc\nd\n", True),
        (("a",), "a\nb\n", False),
        (("...", "b"), "a\nc\n", False),
        (("a   b",), "a b\n", True),
        ((), "", True),
    ],
)
def test_dots_stand_for_what_differs(expected: tuple[str, ...], shown: str, same: bool) -> None:  # noqa: FBT001
    assert matches(expected, shown) is same
