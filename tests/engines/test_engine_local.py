"""What only the local engine promises: its crash points, its identities, its files."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.engine_local import shim
from multihome.adapters.engine_local.engine import LocalEngine
from multihome.adapters.engine_local.layout import component, locked
from multihome.adapters.engine_local.output import read_output
from multihome.adapters.engine_local.settings import START_MS_MAX, EngineSettings
from multihome.adapters.engine_local.shim import Log
from multihome.domain.ids import Generation, ProviderId
from multihome.domain.runs import LaunchIntent, ReportState
from multihome.ports.engine import EngineUnavailableError, LaunchRefusedError
from tests.engines.conformance.workbench import FOREVER, PROVIDER, Workbench, rank_processes, supervisors, wait_until

CONTROL_PLANE = """
import os, signal, sys
from pathlib import Path
import msgspec
from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.engine_local.engine import LocalEngine
from multihome.domain.ids import ProviderId
from multihome.domain.runs import LaunchIntent
root, provider_id, last = sys.argv[1:]
def failpoint(point):
    if point == last:
        os.kill(os.getpid(), signal.SIGKILL)
engine = LocalEngine(Path(root), ProviderId(provider_id), OsClock(), failpoint=failpoint)
engine.launch(msgspec.json.decode(sys.stdin.buffer.read(), type=LaunchIntent))
"""


def launch_and_die(bench: Workbench, intent: LaunchIntent, point: str) -> None:
    """Launch in another control plane, which is killed at a point of the launch."""
    done = subprocess.run(
        [sys.executable, "-c", CONTROL_PLANE, str(bench.root), PROVIDER, point],
        input=msgspec.json.encode(intent),
        check=False,
        timeout=30,
    )
    assert done.returncode == -signal.SIGKILL


def home(bench: Workbench) -> Path:
    return bench.root / "engines" / PROVIDER


def run_dir(bench: Workbench, intent: LaunchIntent) -> Path:
    return home(bench) / "runs" / intent.run_id


def engine_at(bench: Workbench, points: dict[str, Callable[[], object]], **settings: int) -> LocalEngine:
    """An engine of the same state that does something at named points of a launch."""

    def reach(point: str) -> None:
        if point in points:
            points[point]()

    return LocalEngine(bench.root, PROVIDER, OsClock(), EngineSettings(**settings), failpoint=reach)


def make_undecided(bench: Workbench, intent: LaunchIntent) -> None:
    """Claim a run that nobody starts."""
    launch_and_die(bench, intent, "claimed")
    assert not (run_dir(bench, intent) / "shim.json").exists()


def age(bench: Workbench, intent: LaunchIntent) -> None:
    """Let the claim be older than an undecided run may grow."""
    then = OsClock().wall_ms() / 1_000 - START_MS_MAX / 1_000 - 1
    os.utime(run_dir(bench, intent) / "intent.json", (then, then))


@pytest.mark.parametrize("point", ["staged", "claimed", "spawned", "up"])
def test_a_control_plane_may_die_at_any_point_of_a_launch(local: Workbench, point: str) -> None:
    intent = local.counted(ranks=2)
    launch_and_die(local, intent, point)
    inventory = local.new_engine().observe()
    assert inventory.foreign == ()
    assert {report.state for report in inventory.reports} <= {ReportState.STARTING, ReportState.RUNNING}
    assert (len(inventory.reports) == 0) == (point == "staged")
    local.engine.launch(intent)
    assert local.reports()[intent.run_id].state is ReportState.RUNNING
    wait_until(lambda: local.starts(intent) >= 2)
    local.engine.stop(intent.run_id, intent.generation, 5_000)
    local.ended(intent)
    assert local.starts(intent) == 2


def test_a_run_goes_on_when_its_control_plane_was_killed_after_the_spawn(local: Workbench) -> None:
    intent = local.intent(FOREVER)
    launch_and_die(local, intent, "spawned")
    assert local.report_when(intent, lambda report: report.state is ReportState.RUNNING).token == intent.token


def test_what_a_dead_launcher_staged_is_cleared_and_a_living_ones_is_not(local: Workbench) -> None:
    launch_and_die(local, local.intent("true"), "staged")
    staging = home(local) / "staging"
    assert len(list(staging.iterdir())) == 1
    during: list[int] = []

    def look() -> None:
        local.new_engine()
        during.append(len(list(staging.iterdir())))

    engine_at(local, {"staged": look}).launch(local.intent("true"))
    assert during == [1]
    assert list(staging.iterdir()) == []


def test_an_undecided_run_is_starting_and_given_up_in_time_for_good(local: Workbench) -> None:
    intent = local.counted()
    make_undecided(local, intent)
    assert local.reports()[intent.run_id].state is ReportState.STARTING
    age(local, intent)
    assert local.reports() == {}
    with pytest.raises(LaunchRefusedError, match="in time"):
        local.engine.launch(intent)
    assert local.starts(intent) == 0


def test_an_undecided_run_is_not_given_up_while_someone_launches_it(local: Workbench) -> None:
    intent = local.intent(FOREVER)
    make_undecided(local, intent)
    states: list[ReportState] = []

    def look() -> None:
        age(local, intent)
        states.append(local.reports()[intent.run_id].state)

    engine_at(local, {"spawned": look}).launch(intent)
    assert states[0] in {ReportState.STARTING, ReportState.RUNNING}
    assert local.reports()[intent.run_id].state is ReportState.RUNNING


def test_a_stop_of_an_undecided_run_ends_it_and_a_late_supervisor_starts_nothing(local: Workbench) -> None:
    intent = local.counted()
    engine = engine_at(local, {"claimed": lambda: local.engine.stop(intent.run_id, Generation(1), 0)})
    with pytest.raises(LaunchRefusedError, match="stopped before it started"):
        engine.launch(intent)
    other = local.counted()
    make_undecided(local, other)
    local.engine.stop(other.run_id, Generation(1), 0)
    assert local.ended(other).exit_code == 143
    assert local.starts(intent) == local.starts(other) == 0


def test_a_stop_while_the_supervisor_starts_is_not_lost(local: Workbench) -> None:
    intent = local.intent(FOREVER)
    engine = engine_at(local, {"spawned": lambda: local.engine.stop(intent.run_id, Generation(1), 0)})
    try:
        engine.launch(intent)
    except LaunchRefusedError:
        assert local.reports() == {}
    else:
        assert local.ended(intent).exit_code in {137, 143}


def test_if_one_rank_cannot_start_none_does(local: Workbench) -> None:
    intent = local.intent(FOREVER, ranks=3)
    engine = engine_at(local, {"claimed": (run_dir(local, intent) / "rank-2").rmdir})
    for _ in range(2):
        with pytest.raises(LaunchRefusedError, match="rank 2"):
            engine.launch(intent)
    assert rank_processes([intent.token]) == []
    assert local.reports() == {}


def run_supervisor(directory: Path) -> bytes:
    """A supervisor by itself, of one rank that notes its start; returns the reason why it decided nothing."""
    argv = ["/bin/bash", "-c", "echo started > started"]
    payload: dict[str, Any] = {
        "token": "t" * 32,
        "ranks": [{"argv": argv, "cwd": ".", "env": {}}],
        "probe": None,
        "nice": 0,
        "limits": {},
        "gang_grace_ms": 1_000,
        "log_segment_bytes_max": 4_096,
        "log_segments_max": 1,
    }
    command = [sys.executable, "-I", "-S", shim.__file__, str(directory)]
    return subprocess.run(
        command, input=json.dumps(payload).encode(), check=False, capture_output=True, timeout=30
    ).stdout


def test_a_supervisor_by_itself_starts_its_ranks(tmp_path: Path) -> None:
    assert run_supervisor(tmp_path) == b""
    assert json.loads((tmp_path / "exit.json").read_text()) == {"exit_code": 0, "detail": "", "is_up": True}
    assert (tmp_path / "started").exists()


def test_a_second_supervisor_of_a_run_does_nothing(tmp_path: Path) -> None:
    with locked(tmp_path / "SHIM", OsClock(), 0):
        assert run_supervisor(tmp_path) == b""
    assert [path.name for path in tmp_path.iterdir()] == ["SHIM"]


@pytest.mark.parametrize("name", ["shim.json", "exit.json"])
def test_a_late_supervisor_does_not_start_what_was_decided(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert run_supervisor(tmp_path) == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["SHIM", name]


def test_a_supervisor_that_decides_looks_for_a_stop(tmp_path: Path) -> None:
    (tmp_path / "stop.json").write_text('{"generation": 1, "grace_ms": 0}')
    run_supervisor(tmp_path)
    end = json.loads((tmp_path / "exit.json").read_text())
    assert (end["exit_code"], end["is_up"]) == (143, False)
    assert not (tmp_path / "started").exists()


def test_a_killed_supervisor_is_noticed_and_what_it_left_is_killed(local: Workbench) -> None:
    intent = local.intent("setsid sleep 600 & exec sleep 600", ranks=2)
    local.engine.launch(intent)
    wait_until(lambda: len(rank_processes([intent.token])) == 4)
    os.kill(supervisors([intent.token])[0], signal.SIGKILL)
    report = local.ended(intent)
    assert (report.exit_code, report.detail) == (137, "killed")
    assert rank_processes([intent.token]) == []


@pytest.mark.parametrize("fault", ["start_ticks", "token"])
def test_a_process_that_took_over_the_number_is_not_mistaken_for_the_supervisor(local: Workbench, fault: str) -> None:
    intent = local.intent(FOREVER)
    local.engine.launch(intent)
    path = run_dir(local, intent) / "shim.json"
    genuine = json.loads(path.read_text())
    environ = {"MULTIHOME_TOKEN": intent.token if fault == "start_ticks" else "f" * 32}
    with subprocess.Popen(["sleep", "600"], env=environ) as victim:
        try:
            ticks = int(Path(f"/proc/{victim.pid}/stat").read_text().rpartition(")")[2].split()[19])
            forged = {**genuine, "pid": victim.pid, "start_ticks": ticks - 1 if fault == "start_ticks" else ticks}
            path.write_text(json.dumps(forged))
            local.engine.stop(intent.run_id, intent.generation, 0)
            if fault == "token":
                assert local.ended(intent).exit_code == 137
            with pytest.raises(subprocess.TimeoutExpired):
                victim.wait(0.2)
        finally:
            victim.kill()
    path.write_text(json.dumps(genuine))


def test_a_service_that_was_up_before_this_boot_is_dead(local: Workbench) -> None:
    intent = local.intent(FOREVER)
    local.engine.launch(intent)
    path = run_dir(local, intent) / "shim.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot_id": "another"}))
    assert local.ended(intent).exit_code == 137


class OutageOnSecondLook(dict[str, str]):
    """Variables of a control plane; the second look at them, just before the spawn, finds an outage beginning."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(MULTIHOME_SECRET_KEY="value")
        self.looks = 0
        self.bench = bench
        self.outage = threading.Thread(target=bench.begin_outage)

    def __contains__(self, name: object) -> bool:
        self.looks += 1
        if self.looks == 2:
            self.outage.start()
            wait_until((home(self.bench) / "SILENT").exists)
            # Time enough to look for processes and find none.
            self.outage.join(0.3)
        return super().__contains__(name)


def test_nothing_starts_behind_the_back_of_an_outage(local: Workbench) -> None:
    intent = local.intent(FOREVER, secrets=("KEY",))
    environ = OutageOnSecondLook(local)
    LocalEngine(local.root, PROVIDER, OsClock(), environ=environ).launch(intent)
    environ.outage.join()
    assert rank_processes([intent.token]) == supervisors([intent.token]) == []
    local.end_outage()
    assert local.ended(intent).exit_code == 137


def test_what_is_not_ours_is_foreign_and_left_alone(local: Workbench) -> None:
    intent = local.intent("true")
    local.engine.launch(intent)
    local.ended(intent)
    runs = home(local) / "runs"
    (runs / "empty").mkdir()
    shutil.copytree(run_dir(local, intent), runs / "copied")
    (runs / "tokenless").mkdir()
    tokenless = msgspec.structs.replace(intent, run_id="tokenless", token="?")
    (runs / "tokenless" / "intent.json").write_bytes(msgspec.json.encode(tokenless))
    inventory = local.engine.observe()
    assert inventory.foreign == ("copied", "empty", "tokenless")
    assert {report.run_id for report in inventory.reports} == {intent.run_id}
    with pytest.raises(LaunchRefusedError, match="token"):
        local.engine.launch(msgspec.structs.replace(intent, token="g" * 32))


def test_output_beyond_the_limit_drops_the_oldest_and_keeps_offsets(local: Workbench) -> None:
    engine = engine_at(local, {}, log_segment_bytes_max=4_096, log_segments_max=3)
    intent = local.intent("for i in {10000..19999}; do echo $i; done")
    engine.launch(intent)
    local.ended(intent)
    whole = b"".join(b"%d\n" % number for number in range(10_000, 20_000))
    kept = local.log(intent)
    assert 0 < len(kept) < len(whole)
    assert whole.endswith(kept)
    assert local.log(intent, 0, len(whole) - 12) == whole[-12:]
    assert len(list(run_dir(local, intent).glob("rank-0.log*"))) == 3


@given(pieces=st.lists(st.binary(max_size=40), max_size=20), limit=st.integers(1, 50), offset=st.integers(0, 200))
def test_output_is_whole_from_any_offset(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], limit: int, offset: int
) -> None:
    directory = tmp_path_factory.mktemp("run")
    log = Log(str(directory / "rank-0.log"), limit, 1_000)
    for piece in pieces:
        log.write(piece)
    os.close(log.file)
    assert b"".join(read_output(directory, 0, offset)) == b"".join(pieces)[offset:]


@given(names=st.sets(st.text(max_size=12), min_size=2, max_size=5))
def test_every_name_becomes_one_component_of_its_own(names: set[str]) -> None:
    components = {component(name) for name in names}
    assert len(components) == len(names)
    assert all(part not in {"", ".", ".."} and "/" not in part and not part.startswith(".") for part in components)


def test_a_hostile_id_stays_in_its_directory(local: Workbench) -> None:
    intent = local.intent("true", checkpoint_key="../../outside", workload_id="../../w")
    local.engine.launch(intent)
    assert local.ended(intent).exit_code == 0
    assert sorted(path.name for path in local.root.iterdir()) == ["checkpoints", "engines", "notes"]


def test_a_disk_that_refuses_is_named_and_nothing_starts(local: Workbench) -> None:
    intent = local.counted()
    staging = home(local) / "staging"
    staging.rmdir()
    staging.touch()
    with pytest.raises(LaunchRefusedError, match=r"Errno 20.*staging"):
        local.engine.launch(intent)
    staging.unlink()
    staging.mkdir()
    local.engine.launch(intent)
    wait_until(lambda: local.starts(intent) == 1)


def test_a_disk_that_fills_up_between_claim_and_start_refuses_for_good(local: Workbench) -> None:
    intent = local.counted()
    engine = engine_at(local, {"claimed": (run_dir(local, intent) / ".shim.json.part").mkdir})
    with pytest.raises(LaunchRefusedError, match=r"shim\.json"):
        engine.launch(intent)
    with pytest.raises(LaunchRefusedError):
        local.engine.launch(intent)
    assert local.reports() == {}
    assert local.starts(intent) == 0


def test_a_state_directory_that_cannot_be_read_is_no_answer(local: Workbench) -> None:
    runs = home(local) / "runs"
    runs.rename(home(local) / "away")
    with pytest.raises(EngineUnavailableError):
        local.engine.observe()
    (home(local) / "away").rename(runs)


@pytest.mark.parametrize(
    "changes",
    [
        {"provider_id": ProviderId("south")},
        {"token": "short"},
        {"nodes": ()},
        {"checkpoint_key": ""},
        {"envs": {"A=B": "1"}},
        {"envs": {"A": "1\0"}},
        {"envs": {"A": "x" * (256 << 10)}},
        {"workdir": "/nonexistent"},
    ],
)
def test_what_can_never_run_is_refused(local: Workbench, changes: dict[str, Any]) -> None:
    with pytest.raises(LaunchRefusedError):
        local.engine.launch(local.intent("true", **changes))
    assert local.reports() == {}


def test_a_workdir_beyond_the_limits_is_refused(local: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "large").write_bytes(b"x" * 100)
    intent = local.intent("true", workdir=str(source))
    for limits in ({"workdir_bytes_max": 99}, {"workdir_files_max": 0}):
        with pytest.raises(LaunchRefusedError, match="more than"):
            engine_at(local, {}, **limits).launch(intent)
    os.mkfifo(source / "pipe")
    with pytest.raises(LaunchRefusedError, match="pipe"):
        local.engine.launch(intent)


def test_a_secret_that_others_can_read_is_refused_and_one_of_the_control_plane_is_found(
    local: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.put_secret("LEAKY", "value")
    (local.root / "secrets" / "LEAKY").chmod(0o644)
    with pytest.raises(LaunchRefusedError, match="chmod 600"):
        local.engine.launch(local.intent("true", secrets=("LEAKY",)))
    monkeypatch.setenv("MULTIHOME_SECRET_GIVEN", "by the control plane")
    with pytest.raises(LaunchRefusedError, match=r"LEAKY may be read.*; the secret GONE is missing.*; .* LOST is miss"):
        local.engine.launch(local.intent("true", secrets=("LEAKY", "GONE", "LOST")))
    intent = local.intent("echo $GIVEN; ulimit -c", secrets=("GIVEN",))
    local.engine.launch(intent)
    local.ended(intent)
    assert local.log(intent) == b"by the control plane\n0\n"


def test_a_rank_may_not_take_more_memory_than_allowed(local: Workbench) -> None:
    engine = engine_at(local, {}, address_space_bytes_max=256 << 20)
    intent = local.intent("python -c 'bytearray(512 << 20)'")
    engine.launch(intent)
    assert local.ended(intent).exit_code == 1
    assert b"MemoryError" in local.log(intent)
