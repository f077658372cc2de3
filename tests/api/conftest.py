"""A control plane in a process of its own, and a plain HTTP client for it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.site import Plane, plane


def api_of(made: Plane) -> httpx.Client:
    headers = {"authorization": f"Bearer {made.token}"}
    return httpx.Client(base_url=made.info.address, headers=headers, timeout=30, trust_env=False)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """With capacity: what is submitted runs."""
    with plane(tmp_path_factory.mktemp("running") / "state", delivered=True) as made:
        yield made


@pytest.fixture
def api(running: Plane) -> Iterator[httpx.Client]:
    with api_of(running) as client:
        yield client


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Plane]:
    """A control plane of one's own, to be killed or stopped."""
    with plane(tmp_path / "state", delivered=True) as made:
        yield made
