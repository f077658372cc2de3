"""What all tests share: a Hypothesis profile, the measured data, and no skip where none is allowed."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
NO_SKIPS = os.environ.get("MULTIHOME_NO_SKIPS") == "1"

# A deadline would measure the machine. In CI the profile that Hypothesis chooses by itself repeats its examples.
# One failing example is enough, and one exception: a planted fault is expected as what it is.
settings.register_profile("house", deadline=None, report_multiple_bugs=False)
settings.register_profile("house-ci", settings.get_profile("ci"), report_multiple_bugs=False)
settings.load_profile("house-ci" if "CI" in os.environ else "house")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The public traces and price lists: $MULTIHOME_DATA, or `shared/data` beside the repository."""
    directory = Path(os.environ.get("MULTIHOME_DATA", ROOT.parent / "shared" / "data"))
    if not directory.is_dir():
        pytest.skip(f"no data at {directory}; set MULTIHOME_DATA")
    return directory


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as skipped too; it is strict, and stays what it is.
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where MULTIHOME_NO_SKIPS=1 allows no skip: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failure under MULTIHOME_NO_SKIPS=1."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into a failure under MULTIHOME_NO_SKIPS=1."""
    report = yield
    _fail_if_skipped(report)
    return report
