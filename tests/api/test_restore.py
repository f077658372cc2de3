"""A journal restored from an old backup launches nothing before it knows what runs, and stops what it does not know."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench.site import PROVIDER, Plane, workload
from multihome.adapters.clock_os.clock import OsClock
from multihome.adapters.engine_local.drill import begin_outage, end_outage
from multihome.app.journals import restore
from multihome.app.state_directory import RESTORED_FILE
from multihome.domain.ids import ProviderId

PERSON = {"actor": "ada", "why": "a test"}


def api_of(made: Plane) -> httpx.Client:
    headers = {"authorization": f"Bearer {made.token}"}
    return httpx.Client(base_url=made.info.address, headers=headers, timeout=30, trust_env=False)


def submit(api: httpx.Client, name: str, run: str, nodes: int) -> str:
    answer = api.post("/v1/workloads", json=workload(name, run) | {"num_nodes": nodes})
    [workload_id] = answer.json()["workload_ids"]
    return workload_id


def until(what: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 25
    while not what():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def state_of(api: httpx.Client, workload_id: str) -> str:
    return api.get(f"/v1/workloads/{workload_id}").json()["row"]["state"]


def bring_back(made: Plane, backup: Path) -> None:
    """What a person does: the journal aside, the backup in its place."""
    for part in made.state.glob("journal.sqlite3*"):
        part.unlink()
    restore(backup, made.state)
    made.start_again()


def shims(made: Plane) -> dict[str, str]:
    runs = made.state / "engines" / PROVIDER / "runs"
    return {run.name: (run / "shim.json").read_text() for run in runs.iterdir() if (run / "shim.json").exists()}


def test_what_a_backup_does_not_know_is_stopped_and_launched_once(fresh: Plane, tmp_path: Path) -> None:
    def noted(name: str) -> str:
        file = tmp_path / name
        return f"echo begin >> {file}; trap 'echo end >> {file}; exit 0' TERM; sleep 300 & wait"

    def notes(name: str) -> list[str]:
        return (tmp_path / name).read_text().split() if (tmp_path / name).exists() else []

    backup = tmp_path / "backup.sqlite3"
    with api_of(fresh) as api:
        kept = [submit(api, f"kept-{number}", "sleep 300", 2) for number in range(4)]
        until(lambda: all(state_of(api, workload_id) == "running" for workload_id in kept))
        waiting = submit(api, "waiting", noted("waiting"), 1)
        assert api.post("/v1/backup", json={"file": str(backup)}).status_code == 200
        api.delete(f"/v1/workloads/{kept[3]}", params=PERSON)
        later = submit(api, "later", noted("later"), 1)
        until(lambda: notes("waiting") == notes("later") == ["begin"])
    before = shims(fresh)
    fresh.kill()
    bring_back(fresh, backup)
    with api_of(fresh) as api:
        until(lambda: {f"{waiting}.0.1", f"{later}.0.1"} <= _orphans(api))
        until(lambda: notes("waiting") == notes("later") == ["begin", "end"])
        # Room for the one that waits, which is launched again now that its forgotten launch is over.
        api.delete(f"/v1/workloads/{kept[2]}", params=PERSON)
        until(lambda: notes("waiting") == ["begin", "end", "begin"])
        assert [state_of(api, workload_id) for workload_id in kept[:2]] == ["running", "running"]
    after = shims(fresh)
    assert all(after[f"{workload_id}.0.1"] == before[f"{workload_id}.0.1"] for workload_id in kept[:2])
    assert notes("later") == ["begin", "end"]
    assert not (fresh.state / RESTORED_FILE).exists()


def _orphans(api: httpx.Client) -> set[str]:
    return {alarm["subject"] for alarm in api.get("/v1/status").json()["alarms"] if alarm["code"] == "orphan"}


def test_nothing_is_launched_while_a_provider_is_unheard(fresh: Plane, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite3"
    with api_of(fresh) as api:
        assert api.post("/v1/backup", json={"file": str(backup)}).status_code == 200
    fresh.stop()
    begin_outage(fresh.state, ProviderId(PROVIDER), OsClock())
    bring_back(fresh, backup)
    with api_of(fresh) as api:
        workload_id = submit(api, "hello", "sleep 300", 1)
        [alarm] = [alarm for alarm in api.get("/v1/status").json()["alarms"] if alarm["subject"] == PROVIDER]
        assert "restored from a backup" in alarm["text"]
        # A second start in between does not forget it.
        fresh.stop()
        fresh.start_again()
    with api_of(fresh) as api:
        time.sleep(0.5)
        assert _rounds(api) == 0
        end_outage(fresh.state, ProviderId(PROVIDER))
        until(lambda: state_of(api, workload_id) == "running")
        assert _rounds(api) > 0
        assert not (fresh.state / RESTORED_FILE).exists()


def _rounds(api: httpx.Client) -> float:
    [line] = [line for line in api.get("/metrics").text.splitlines() if line.startswith("multihome_rounds ")]
    return float(line.split()[1])
