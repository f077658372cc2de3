"""`multihome simulate`: one JSON object that does not change, files, a checkpoint, and what is wrong in words."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
TABLE = {
    "a": {"('m', 1)": {"null": 2.0}, "('m', 2)": {"null": 4.0}},
    "b": {"('m', 1)": {"null": 1.0}, "('m', 2)": {"null": 2.0}},
}
JOBS = ((1_000, 1, 0), (60, 1, 50), (800, 2, 130))
GOLDEN = {
    "trace": "small.trace",
    "format": "gavel",
    "policy": "prices",
    "objective": "jct",
    "knowledge": "known",
    "seed": 0,
    "jobs": 3,
    "ended": 3,
    "rounds": 10,
    "mean_completion_s": 396.667,
    "p50_completion_s": 280.0,
    "p95_completion_s": 820.0,
    "p99_completion_s": 820.0,
    "mean_queue_delay_s": 40.0,
    "makespan_s": 820.0,
    "utilisation_percent": 72.22,
    "goodput_percent": 51.67,
    "mean_fairness_rho": 2.013,
    "worst_fairness_rho": 3.0,
    "preemptions": 1,
    "restarts": 1,
    "lost_s": 40.0,
    "chip_hours": 0.3611111111111111,
    "cost_usd": 0.361111,
    "files": [],
}
"""By hand: job 1 runs from 10 s, job 2 from 110 s to 140 s. At 200 s job 3 is worth more on both chips than job 1 is on
one, with 620 steps left: job 3 ends at 410 s, and job 1 goes on from 510 s to 820 s. Chips count from a start to the
boundary at which it is known that they are free."""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    rows = (f"m\trun\tdir\t--steps\t1\t{steps}\t{chips}\t1\t-1.0\t{arrival}\n" for steps, chips, arrival in JOBS)
    (tmp_path / "small.trace").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "table.json").write_text(json.dumps(TABLE), encoding="utf-8")
    return ("simulate", "small.trace", "--throughputs", "table.json", "--round-s", "100", "--restart-s", "10")


def test_a_small_trace_as_json_is_what_it_was(run: Run, files: tuple[str, ...]) -> None:
    done = run(*files, "--cluster", "a:2", "--knowledge", "known", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "nobody watches, so nothing is shown"
    found = json.loads(done.stdout)
    assert len(found.pop("journal_head")) == 64
    assert found.pop("journal_records") > 20
    assert found == GOLDEN


def test_people_get_a_table_and_the_files(run: Run, files: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*files, "--cluster", "a:2,b:2", "--policy", "fifo", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "mean completion" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "out/report.html" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "jobs.parquet",
        "pools.parquet",
        "providers.parquet",
        "report.html",
        "rounds.parquet",
    }


@pytest.mark.parametrize(
    ("more", "code", "wrong"),
    [
        ((), 2, "--cluster is needed"),
        (("--cluster", "a"), 1, "--cluster 'a' is no pool; write NAME:CHIPS"),
        (("--cluster", "a:1"), 1, "job-3: its gang of 2 chips fits no pool of a:1"),
        (("--cluster", "c:2"), 1, "no rate above 0 is known for ('m', 1) on any of c:2"),
        (("--cluster", "a:2", "--policy", "luck"), 1, "--policy luck: give one of prices, fifo"),
        (("--cluster", "a:2", "--objective", "x"), 1, "--objective x: give one of value, jct"),
        (("--cluster", "a:2", "--knowledge", "x"), 1, "--knowledge x: give one of blind, known"),
        (("--cluster", "a:2", "--resume"), 2, "name its file with --checkpoint FILE"),
        (("--cluster", "a:2", "--resume", "--checkpoint", "none"), 1, "leave out --resume to begin anew"),
        (("--cluster", "a:2", "--throughputs", "none"), 1, "none: cannot be read"),
        (("--cluster", "a:2", "--format", "swf"), 1, "small.trace:1:1"),
    ],
)
def test_what_is_wrong_is_said(run: Run, files: tuple[str, ...], more: tuple[str, ...], code: int, wrong: str) -> None:
    done = run(*files, *more)
    assert done.returncode == code, done.stdout
    assert wrong in done.stderr
    assert "Traceback" not in done.stderr
