"""What every engine promises, written against the port. A control at the end shows that the checks can fail."""

import json
import secrets
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from multihome.domain.ids import Generation, RunId
from multihome.domain.runs import Inventory, LaunchIntent, Progress, ReportState
from multihome.domain.workloads import Service
from multihome.ports.engine import Engine, EngineUnavailableError, LaunchRefusedError
from tests.engines.conformance.workbench import FOREVER, Workbench, rank_processes, supervisors, wait_until

SERVER = "exec python -m http.server --bind $MULTIHOME_NODE_IP $MULTIHOME_PORT"


def test_a_run_is_up_when_launch_returns_and_ends_by_itself(bench: Workbench) -> None:
    intent = bench.intent(f"until [ -e {bench.notes}/go ]; do sleep 0.01; done")
    bench.engine.launch(intent)
    report = bench.reports()[intent.run_id]
    assert (report.state, report.token, report.generation) == (ReportState.RUNNING, intent.token, 1)
    assert report.exit_code is None
    (bench.notes / "go").touch()
    report = bench.ended(intent)
    assert (report.exit_code, report.detail) == (0, "")


@pytest.mark.parametrize(
    ("run", "exit_code"), [("true", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_an_exit_code_is_the_programs(bench: Workbench, run: str, exit_code: int) -> None:
    intent = bench.intent(run)
    bench.engine.launch(intent)
    assert bench.ended(intent).exit_code == exit_code


def test_setup_comes_first_in_the_same_directory(bench: Workbench) -> None:
    intent = bench.intent("cat made", setup="echo by setup > made")
    bench.engine.launch(intent)
    assert bench.ended(intent).exit_code == 0
    assert bench.log(intent) == b"by setup\n"


def test_a_failed_setup_fails_the_run(bench: Workbench) -> None:
    intent = bench.counted("true", setup="exit 9")
    bench.engine.launch(intent)
    assert bench.ended(intent).exit_code == 9
    assert bench.starts(intent) == 0


def test_when_one_rank_fails_the_rest_are_ended(bench: Workbench) -> None:
    intent = bench.intent('[ "$MULTIHOME_NODE_RANK" = 1 ] && exit 7; exec sleep 600', ranks=3)
    bench.engine.launch(intent)
    report = bench.ended(intent)
    assert report.exit_code == 7
    assert "rank 1" in report.detail
    assert rank_processes([intent.token]) == []


def test_a_gang_ends_when_its_last_rank_does(bench: Workbench) -> None:
    intent = bench.intent(f'[ "$MULTIHOME_NODE_RANK" = 0 ] || {FOREVER}', ranks=2)
    bench.engine.launch(intent)
    bench.report_when(intent, lambda report: report.state is ReportState.RUNNING)
    bench.engine.stop(intent.run_id, intent.generation, 5_000)
    assert bench.ended(intent).exit_code == 143


def test_a_repeat_changes_nothing(bench: Workbench) -> None:
    intent = bench.counted()
    for engine in (bench.engine, bench.engine, bench.new_engine()):
        engine.launch(intent)
    wait_until(lambda: bench.starts(intent) >= 1)
    bench.engine.stop(intent.run_id, intent.generation, 5_000)
    bench.ended(intent)
    bench.engine.launch(intent)
    bench.engine.forget(intent.run_id)
    bench.engine.launch(intent)
    assert bench.starts(intent) == 1


def test_launches_of_one_run_at_once_start_it_once(bench: Workbench) -> None:
    intent = bench.counted(ranks=2)
    engines = [bench.engine, bench.new_engine()] * 4
    with ThreadPoolExecutor(len(engines)) as pool:
        assert list(pool.map(lambda engine: engine.launch(intent), engines)) == [None] * len(engines)
    wait_until(lambda: bench.starts(intent) >= 2)
    bench.engine.stop(intent.run_id, intent.generation, 5_000)
    bench.ended(intent)
    assert bench.starts(intent) == 2


def test_an_older_generation_is_refused(bench: Workbench) -> None:
    newer = bench.intent(FOREVER, generation=2)
    older = bench.counted(generation=1, workload_id=newer.workload_id)
    bench.engine.launch(newer)
    with pytest.raises(LaunchRefusedError, match="stale"):
        bench.new_engine().launch(older)
    assert set(bench.reports()) == {newer.run_id}
    assert bench.starts(older) == 0


def test_a_fence_refuses_what_is_older_and_is_never_lowered(bench: Workbench) -> None:
    fenced = bench.counted(generation=3)
    bench.engine.fence(fenced.checkpoint_key, Generation(4))
    bench.engine.fence(fenced.checkpoint_key, Generation(2))
    with pytest.raises(LaunchRefusedError):
        bench.engine.launch(fenced)
    bench.engine.launch(bench.intent("true", generation=4, workload_id=fenced.workload_id))
    assert bench.starts(fenced) == 0


def test_a_stop_before_the_launch_forbids_it(bench: Workbench) -> None:
    intent = bench.counted()
    bench.engine.stop(intent.run_id, intent.generation, 1_000)
    with pytest.raises(LaunchRefusedError):
        bench.new_engine().launch(intent)
    assert bench.reports() == {}
    bench.engine.launch(bench.intent("true", generation=2, workload_id=intent.workload_id))
    assert bench.starts(intent) == 0


def test_a_stop_lets_the_program_end_within_the_grace(bench: Workbench) -> None:
    intent = bench.intent("trap 'echo saved; exit 0' TERM; echo up; while :; do sleep 0.01; done")
    bench.engine.launch(intent)
    wait_until(lambda: bench.log(intent) == b"up\n")
    bench.engine.stop(intent.run_id, intent.generation, 10_000)
    assert bench.ended(intent).exit_code == 0
    # The shell tells of its own child's end too.
    assert bench.log(intent).endswith(b"saved\n")


def test_a_stop_kills_after_the_grace_and_leaves_no_descendant(bench: Workbench) -> None:
    # One descendant has wiped its environment, and is known by the length of its sleep only.
    nap = f"600.{secrets.randbelow(10**9):09}"
    intent = bench.intent(
        f"trap '' TERM; setsid sleep 600 & env -i setsid sleep {nap} & echo up; while :; do sleep 0.01; done"
    )
    bench.engine.launch(intent)
    wait_until(lambda: bench.log(intent) == b"up\n")
    bench.engine.stop(intent.run_id, intent.generation, 100)
    assert bench.reports()[intent.run_id].state is ReportState.RUNNING
    assert bench.ended(intent).exit_code == 137
    assert rank_processes([intent.token]) == []
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert f"sleep\0{nap}\0".encode() not in commands


def test_a_second_stop_may_be_more_urgent(bench: Workbench) -> None:
    intent = bench.intent("trap '' TERM; echo up; while :; do sleep 0.01; done")
    bench.engine.launch(intent)
    wait_until(lambda: bench.log(intent) == b"up\n")
    bench.engine.stop(intent.run_id, intent.generation, 600_000)
    bench.engine.stop(intent.run_id, intent.generation, 0)
    assert bench.ended(intent).exit_code == 137


def test_a_new_control_plane_adopts_what_runs(bench: Workbench) -> None:
    intent = bench.intent(FOREVER, ranks=2)
    bench.engine.launch(intent)
    bench.engine = bench.new_engine()
    report = bench.reports()[intent.run_id]
    assert (report.state, report.token) == (ReportState.RUNNING, intent.token)
    bench.engine.stop(intent.run_id, intent.generation, 5_000)
    assert bench.ended(intent).exit_code == 143


def test_progress_is_what_the_program_wrote_last(bench: Workbench) -> None:
    told = {"step": 12, "checkpoint_step": 10, "resumed_from_step": 5, "loss": 1.25}
    intent = bench.intent(
        f"echo '{json.dumps(told)}' > part; mv part $MULTIHOME_PROGRESS_FILE; echo up; until [ -e {bench.notes}/go ]; "
        'do sleep 0.01; done; echo \'{"step": "many"}\' > $MULTIHOME_PROGRESS_FILE; echo bad; exec sleep 600'
    )
    bench.engine.launch(intent)
    wait_until(lambda: bench.log(intent) == b"up\n")
    expected = Progress(step=12, checkpoint_step=10, resumed_from_step=5, loss_micro=1_250_000)
    assert bench.reports()[intent.run_id].progress == expected
    (bench.notes / "go").touch()
    wait_until(lambda: bench.log(intent) == b"up\nbad\n")
    assert bench.reports()[intent.run_id].progress is None


def test_a_service_is_ready_when_its_path_answers(bench: Workbench) -> None:
    service = Service(replicas=2, readiness_path="/", port=8080)
    workload_id = "wready"
    replicas = [
        bench.intent(
            SERVER, service=service, unit=unit, workload_id=workload_id, checkpoint_key=f"{workload_id}.{unit}"
        )
        for unit in range(2)
    ]
    unready = bench.intent(FOREVER, service=service)
    for intent in (*replicas, unready):
        bench.engine.launch(intent)
    endpoints = {bench.report_when(intent, lambda report: report.ready).endpoint for intent in replicas}
    assert len(endpoints) == 2
    assert all(endpoint.startswith("127.") and endpoint.endswith(":8080") for endpoint in endpoints)
    report = bench.reports()[unready.run_id]
    assert (report.ready, report.endpoint) == (False, "")


def test_logs_follow_from_an_offset(bench: Workbench) -> None:
    intent = bench.intent("echo rank $MULTIHOME_NODE_RANK; echo error >&2", ranks=2)
    bench.engine.launch(intent)
    bench.ended(intent)
    assert bench.log(intent, 1) == b"rank 1\nerror\n"
    assert bench.log(intent, 1, 7) == b"error\n"
    assert bench.log(intent, 1, 13) == b""
    assert bench.log(intent, 9) == b""


def test_a_forgotten_run_keeps_its_logs_and_a_living_one_is_not_forgotten(bench: Workbench) -> None:
    ended, alive = bench.intent("echo done"), bench.intent(FOREVER)
    for intent in (ended, alive):
        bench.engine.launch(intent)
    bench.ended(ended)
    for intent in (ended, alive, bench.intent("true")):
        bench.engine.forget(intent.run_id)
    assert set(bench.reports()) == {alive.run_id}
    assert bench.log(ended) == b"done\n"


def test_a_rank_finds_what_it_needs_and_nothing_else(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("CONTROL_PLANE_ONLY", "1")
    envs = {"EPOCHS": "3", "MULTIHOME_GENERATION": "99"}
    intent = bench.intent("env -0; pwd >&2", ranks=2, generation=4, unit=1, envs=envs)
    bench.engine.launch(intent)
    bench.ended(intent)
    seen = []
    for rank in range(2):
        entries = bench.log(intent, rank).decode().split("\0")
        seen.append(dict(entry.split("=", 1) for entry in entries[:-1]))
        assert entries[-1].strip() == seen[rank]["HOME"] == seen[rank]["MULTIHOME_WORKDIR"]
    addresses = seen[0]["MULTIHOME_NODE_IPS"].split("\n")
    assert len(set(addresses)) == 2
    for rank, variables in enumerate(seen):
        expected = {
            "EPOCHS": "3",
            "MULTIHOME_GENERATION": "4",
            "MULTIHOME_REPLICA": "1",
            "MULTIHOME_RUN_ID": intent.run_id,
            "MULTIHOME_TOKEN": intent.token,
            "MULTIHOME_NODE_RANK": str(rank),
            "MULTIHOME_NODE_IP": addresses[rank],
            "MULTIHOME_NUM_NODES": "2",
            "MULTIHOME_ACCELERATOR": "H100-SXM-80GB",
            "MULTIHOME_ACCELERATORS_PER_NODE": "8",
            "MULTIHOME_CHECKPOINT_INTERVAL_STEPS": "10",
            "SKYPILOT_NODE_RANK": str(rank),
            "SKYPILOT_NODE_IPS": seen[0]["MULTIHOME_NODE_IPS"],
            "SKYPILOT_NUM_NODES": "2",
            "SKYPILOT_NUM_GPUS_PER_NODE": "8",
        }
        assert expected.items() <= variables.items()
        assert not {"PYTHONPATH", "CONTROL_PLANE_ONLY"} & variables.keys()
        assert variables["PATH"].split(":")[0] == str(Path(sys.executable).parent)
        assert Path(variables["TMPDIR"]).is_dir()
        assert Path(variables["MULTIHOME_CHECKPOINT_DIR"]).is_dir()
    assert seen[0]["MULTIHOME_PORT"] == seen[1]["MULTIHOME_PORT"]


def test_a_workdir_is_where_each_rank_runs(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "project"
    (source / "package").mkdir(parents=True)
    (source / "package" / "train.txt").write_text("a file\n")
    intent = bench.intent("cat package/train.txt; echo changed > package/train.txt", ranks=2, workdir=str(source))
    bench.engine.launch(intent)
    assert bench.ended(intent).exit_code == 0
    assert [bench.log(intent, rank) for rank in range(2)] == [b"a file\n"] * 2
    assert (source / "package" / "train.txt").read_text() == "a file\n"


def test_a_secret_reaches_the_program_and_no_disk(bench: Workbench) -> None:
    value = "s3cr3t-" + "x9" * 12
    bench.put_secret("API_KEY", value)
    intent = bench.intent("[ ${#API_KEY} = 31 ] && exec sleep 600", secrets=("API_KEY",))
    bench.engine.launch(intent)
    assert bench.reports()[intent.run_id].state is ReportState.RUNNING
    files = [path for path in bench.root.rglob("*") if path.is_file()]
    holders = [path.name for path in files if value.encode() in path.read_bytes()]
    assert holders == ["API_KEY"]
    assert not [
        path for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists() and value.encode() in path.read_bytes()
    ]
    bench.engine.stop(intent.run_id, intent.generation, 5_000)
    assert bench.ended(intent).exit_code == 143


@pytest.mark.parametrize("name", ["ABSENT", "../runs", "a b"])
def test_a_missing_secret_refuses_the_launch_by_name(bench: Workbench, name: str) -> None:
    intent = bench.counted(secrets=(name,))
    with pytest.raises(LaunchRefusedError, match=name):
        bench.engine.launch(intent)
    assert bench.reports() == {}


def test_a_silent_provider_answers_nothing_and_its_runs_are_dead_afterwards(bench: Workbench) -> None:
    intent, late = bench.intent(FOREVER, ranks=2), bench.counted()
    bench.engine.launch(intent)
    bench.begin_outage()
    assert rank_processes([intent.token]) == supervisors([intent.token]) == []
    calls = (
        lambda: bench.engine.launch(late),
        lambda: bench.engine.stop(intent.run_id, intent.generation, 0),
        bench.engine.observe,
        lambda: bench.engine.forget(intent.run_id),
        lambda: bench.engine.fence("key", Generation(1)),
        lambda: bench.engine.logs(intent.run_id, 0, 0),
    )
    for call in calls:
        with pytest.raises(EngineUnavailableError):
            call()
    bench.end_outage()
    report = bench.reports()[intent.run_id]
    assert (report.state, report.exit_code, report.detail) == (ReportState.ENDED, 137, "killed")
    bench.engine.launch(intent)
    assert bench.reports()[intent.run_id] == report
    assert bench.starts(late) == 0


class StartsTwice:
    """A control: an engine that takes each repeat for a run of its own."""

    def __init__(self, honest: Engine) -> None:
        self.honest = honest
        self.provider_id = honest.provider_id
        self.engine_class = honest.engine_class
        self.launches = 0

    def launch(self, intent: LaunchIntent) -> None:
        self.launches += 1
        other = RunId(f"{intent.run_id}.{self.launches}")
        self.honest.launch(type(intent)(**{**_fields(intent), "run_id": other}))

    def stop(self, run_id: RunId, generation: Generation, grace_ms: int) -> None:
        for launch in range(1, self.launches + 1):
            self.honest.stop(RunId(f"{run_id}.{launch}"), generation, grace_ms)

    def observe(self) -> Inventory:
        inventory = self.honest.observe()
        renamed = {report.run_id.rpartition(".")[0]: report for report in inventory.reports}
        reports = tuple(type(report)(**{**_fields(report), "run_id": name}) for name, report in renamed.items())
        return Inventory(provider_id=self.provider_id, reports=reports)

    def forget(self, run_id: RunId) -> None:
        self.honest.forget(RunId(f"{run_id}.1"))

    def fence(self, checkpoint_key: str, generation: Generation) -> None:
        self.honest.fence(checkpoint_key, generation)

    def logs(self, run_id: RunId, rank: int, follow_from: int) -> Iterator[bytes]:
        return self.honest.logs(run_id, rank, follow_from)


class LosesStops(StartsTwice):
    """A control: an engine that forgets a stop of what is not there, and fences nothing."""

    def launch(self, intent: LaunchIntent) -> None:
        self.honest.launch(intent)

    def stop(self, run_id: RunId, generation: Generation, grace_ms: int) -> None:
        if run_id in {report.run_id for report in self.honest.observe().reports}:
            self.honest.stop(run_id, generation, grace_ms)

    def observe(self) -> Inventory:
        return self.honest.observe()

    def fence(self, checkpoint_key: str, generation: Generation) -> None:
        pass


def _fields(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (StartsTwice, test_a_repeat_changes_nothing),
        (LosesStops, test_a_stop_before_the_launch_forbids_it),
        (LosesStops, test_a_fence_refuses_what_is_older_and_is_never_lowered),
    ],
)
def test_a_broken_engine_is_caught(bench: Workbench, broken: type[StartsTwice], check) -> None:  # noqa: ANN001
    honest = bench.engine
    bench.engine = broken(honest)
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            check(bench)
    finally:
        bench.engine = honest
