"""Every registered benchmark still runs, and the registry tells what it found."""

from pathlib import Path

import msgspec
import pytest

from bench import registry
from bench.__main__ import main
from bench.registry import Figure, Measurement, Size, at_least, at_most, figure, figures
from bench.report import Record

MEASURED = figures()


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The only figure there is: it counts to its size."""
    monkeypatch.setattr(registry, "_FIGURES", {})

    @figure(name="planted", unit="steps", goal=at_least(10), against="nothing")
    def count(size: Size) -> Measurement:  # pyright: ignore[reportUnusedFunction] -- the registry holds it
        return Measurement(float(sum(1 for _ in size.value)), f"{len(size.value)} letters", size.value)

    return registry._FIGURES["planted"]


def records(path: Path) -> list[Record]:
    return [msgspec.json.decode(line, type=Record) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("name", MEASURED)
def test_a_benchmark_runs_at_smoke_size(name: str, tmp_path: Path) -> None:
    results = tmp_path / "bench.jsonl"
    assert main(["--only", name, "--size", "smoke"], results) == 0
    assert main(["--only", name, "--size", "smoke"], results) == 0
    record, again = records(results)
    assert record.result_hash == again.result_hash, "two runs at one size compute the same"
    assert record.name == name
    assert record.value > 0
    assert record.result_hash
    assert record.cores > 0


@pytest.mark.usefixtures("planted")
def test_a_run_prints_a_table_and_appends_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "build" / "bench.jsonl"
    assert main(["--size", "smoke"], results) == 0
    assert main(["--size", "full"], results) == 0
    smoke, full = records(results)
    assert (smoke.value, smoke.size, smoke.goal) == (5.0, "smoke: 5 letters", ">= 10")
    assert (full.value, full.size, full.unit, full.against) == (4.0, "full: 4 letters", "steps", "nothing")
    printed = capsys.readouterr().out
    assert "planted" in printed
    assert "NO" in printed


@pytest.mark.usefixtures("planted")
def test_an_unknown_name_measures_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "bench.jsonl"
    assert main(["--only", "planted,missing"], results) == 2
    assert not results.exists()
    assert "no figure is called missing" in capsys.readouterr().out


def test_two_figures_cannot_share_a_name(planted: Figure) -> None:
    with pytest.raises(AssertionError, match="two figures are called planted"):
        figure(name="planted", unit="", goal=at_most(1), against="")(planted.measure)


@pytest.mark.parametrize(("goal", "met"), [(at_least(2), [False, True, True]), (at_most(2), [True, True, False])])
def test_a_goal_has_a_good_side(goal: registry.Goal, met: list[bool]) -> None:
    assert [goal.is_met(value) for value in (1, 2, 3)] == met
