"""The command line as a process: what it prints and how it exits."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.site import DELIVERY, DOCUMENTS, PROVIDER
from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.engine_local.drill import begin_outage
from multihome.app.processes import stop
from multihome.domain.ids import ProviderId

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory; whatever runs on it is stopped afterwards."""
    path = tmp_path / "state"
    yield path
    stop(path)
    if (path / "engines").is_dir():
        begin_outage(path, ProviderId(PROVIDER), OsClock())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the files of a site whose capacity is there."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "facts.yaml").write_text(DOCUMENTS, encoding="utf-8")
    (folder / "delivery.yaml").write_text(DELIVERY, encoding="utf-8")
    return folder


@pytest.fixture
def run(state: Path, tmp_path: Path) -> Run:
    """Run `multihome` with these arguments in the test's folder, on a terminal of 80 columns."""

    def run_it(*arguments: str, stdin: str = "", prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "MULTIHOME_STATE": str(state),
            "USER": "ada",
            "COLUMNS": "80",
        }
        command = [*prefix, sys.executable, "-m", "multihome.app.main", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, input=stdin, capture_output=True, text=True, timeout=50, check=False
        )

    return run_it
