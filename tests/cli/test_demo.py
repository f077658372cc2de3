"""The demonstration itself, as `make demo` runs it: real processes, a lost provider, and every claim checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(240)
def test_every_claim_of_the_demonstration_holds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "multihome.app.main", "demo", "--state", str(tmp_path / "state")],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr
    assert "12 of 12 claims held" in done.stdout
    assert (tmp_path / "state" / "timeline.svg").read_text().startswith("<svg")


def test_a_demonstration_without_its_scenario_says_where_it_belongs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "multihome.app.main", "demo", "--state", str(tmp_path / "state")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "run the demonstration from the project's folder" in done.stderr
