"""The engines under test: another one joins the conformance suite by a workbench of its own in `WORKBENCHES`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.engine_local.drill import begin_outage, end_outage
from multihome.adapters.engine_local.engine import LocalEngine
from tests.engines.conformance.workbench import PROVIDER, Workbench


class LocalWorkbench(Workbench):
    def new_engine(self) -> LocalEngine:
        return LocalEngine(self.root, PROVIDER, OsClock())

    def begin_outage(self) -> None:
        begin_outage(self.root, PROVIDER, OsClock())

    def end_outage(self) -> None:
        end_outage(self.root, PROVIDER)

    def put_secret(self, name: str, value: str) -> None:
        directory = self.root / "secrets"
        directory.mkdir(exist_ok=True)
        (directory / name).touch(mode=0o600)
        (directory / name).write_text(value + "\n")


WORKBENCHES: dict[str, type[Workbench]] = {"local": LocalWorkbench}


@pytest.fixture(params=sorted(WORKBENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workbench]:
    """Each engine in turn; leaks fail the test that leaked."""
    workbench = WORKBENCHES[request.param](tmp_path)
    yield workbench
    workbench.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalWorkbench]:
    """The local engine, for what only it promises."""
    workbench = LocalWorkbench(tmp_path)
    yield workbench
    workbench.close()
