"""From paths to facts: defaults from outside, order, origins, working folders, the schemas and the scenario."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from multihome.controller.apply import apply
from multihome.controller.decide import decide
from multihome.controller.documents import document_problems, with_documents, workload_problems
from multihome.controller.rounds import run_round
from multihome.controller.state import State
from multihome.domain.commands import DeclareLost, Request
from multihome.domain.contracts import Waiver
from multihome.domain.events import (
    ClassWaits,
    DocumentRecorded,
    Event,
    RunEnded,
    RunIntended,
    RunStarted,
    RunStopAsked,
    WorkloadSubmitted,
)
from multihome.domain.ids import AcceleratorName, ProviderId, WorkloadId
from multihome.domain.runs import Outcome
from multihome.domain.workloads import AcceleratorChoice, Infra, Service, WorkloadKind
from multihome.files.loading import PROBLEMS_MAX, Loaded, load
from multihome.files.references import KnownNames, names_of
from multihome.files.schemas import schema_texts, write_schemas
from multihome.files.writing import dump
from multihome.units.time import Now, parse_instant

FIRST_DAY = Now(contract_ms=parse_instant("2025-06-02"), process_ms=0)
ROOT = Path(__file__).resolve().parents[3]
SCENARIO = ROOT / "scenarios" / "frontier-lab"
KNOWN = KnownNames(accelerators=frozenset({"H100-SXM-80GB", "TPU-v5p"}), tenants=frozenset({"lab", "lab/research"}))


def test_a_skypilot_task_needs_only_a_tenant(tmp_path: Path) -> None:
    (tmp_path / "llama.yaml").write_text(
        """
resources:
  cloud: gcp
  region: us-east5
  accelerators: {H100: 8, tpu-v5p-8: 1}
  ports: 8080
num_nodes: 2
envs: {LR: 1.10, DEBUG: true, SIZE: 7, EMPTY: ""}
secrets: {HF_TOKEN: null}
setup: pip install -r requirements.txt
run: |
  python train.py
service:
  readiness_probe: {path: /v1/models}
  replica_policy: {min_replicas: 2}
""",
        encoding="utf-8",
    )
    known = KNOWN | KnownNames(providers=frozenset({"gcp"}))
    loaded = load([tmp_path], known=known, tenant="lab/research")
    assert loaded.problems == ()
    (spec,) = loaded.workloads
    assert (spec.name, spec.tenant_id, spec.kind) == ("llama", "lab/research", WorkloadKind.INFERENCE)
    assert spec.infra == Infra(provider="gcp", region="us-east5")
    assert spec.choices == (
        AcceleratorChoice(accelerator=AcceleratorName("H100-SXM-80GB"), chips_per_node=8),
        AcceleratorChoice(accelerator=AcceleratorName("TPU-v5p"), chips_per_node=4),
    )
    assert spec.envs == {"LR": "1.10", "DEBUG": "true", "SIZE": "7", "EMPTY": ""}
    assert spec.secrets == ("HF_TOKEN",)
    assert spec.service == Service(replicas=2, readiness_path="/v1/models", port=8080)


@pytest.mark.parametrize(
    ("written", "cpus_milli", "memory_bytes"),
    [
        ("cpus: 8, memory: 64", 8_000, 64 * 2**30),
        ("cpus: 8+, memory: 64+", 8_000, 64 * 2**30),
        ("cpus: 0.5, memory: 1.5+", 500, 3 * 2**29),
        ("memory: 64GB+", 0, 64 * 10**9),
        ("memory: '512 MiB'", 0, 512 * 2**20),
    ],
)
def test_cpus_and_memory_are_kept(tmp_path: Path, written: str, cpus_milli: int, memory_bytes: int) -> None:
    text = f"tenant: lab\nresources: {{accelerators: H100, {written}}}\nrun: x\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    loaded = load([tmp_path], known=KNOWN)
    assert loaded.problems == ()
    (spec,) = loaded.workloads
    assert (spec.node_cpus_milli, spec.node_memory_bytes) == (cpus_milli, memory_bytes)


@pytest.mark.parametrize("written", ["cpus: 0", "cpus: -1", "cpus: 8++", "cpus: true", "cpus: 1.2345", "memory: 64XB"])
def test_cpus_and_memory_that_say_nothing_are_refused(tmp_path: Path, written: str) -> None:
    text = f"tenant: lab\nresources: {{accelerators: H100, {written}}}\nrun: x\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (problem,) = load([tmp_path], known=KNOWN).problems
    assert problem.field == f"resources.{written.partition(':')[0]}"


def test_workdir_counts_from_its_file_and_stays_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "jobs").mkdir()
    (tmp_path / "out").symlink_to("/tmp")
    task = "tenant: lab\nresources: {accelerators: H100}\nrun: x\nworkdir: "
    for name, workdir in (("good", "../code"), ("bad", "../.."), ("link", "../out")):
        (tmp_path / "jobs" / f"{name}.yaml").write_text(task + workdir, encoding="utf-8")
    loaded = load([tmp_path], known=KNOWN)
    assert [spec.workdir for spec in loaded.workloads] == [str(tmp_path / "code")]
    assert [(Path(problem.file).stem, problem.wrong) for problem in loaded.problems] == [
        ("bad", f"'../..' leads out of the folder {tmp_path.name}"),
        ("link", f"'../out' leads out of the folder {tmp_path.name}"),
        ("out", f"leads out of the folder {tmp_path.name}"),
    ]


def test_two_tenants_may_each_have_a_workload_of_one_name(tmp_path: Path) -> None:
    task = "name: a\nresources: {accelerators: H100}\nrun: x\ntenant: "
    (tmp_path / "f.yaml").write_text(f"{task}lab\n---\n{task}lab/research\n", encoding="utf-8")
    loaded = load([tmp_path], known=KNOWN)
    assert loaded.problems == ()
    assert [(origin.name, origin.line) for origin in loaded.origins] == [("a", 1), ("a", 6)]


def test_problems_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("a: 1\n" * (PROBLEMS_MAX + 2), encoding="utf-8")
    *told, last = load([tmp_path], known=KNOWN).problems
    # The name is repeated on every line but the first; it is no field; and tenant, resources and run are missing.
    assert len(told) == PROBLEMS_MAX
    assert last.wrong == "5 more problems are not shown"


def test_schemas_are_fresh(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    shipped = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "schemas").iterdir()}
    assert written == shipped == schema_texts(), "run: python -m multihome.files.schemas schemas"


@pytest.mark.parametrize("path", sorted(SCENARIO.rglob("*.yaml")), ids=lambda path: path.name)
def test_scenario_files_name_their_schema(path: Path) -> None:
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert match
    schema = json.loads((path.parent / match[1]).read_text(encoding="utf-8"))
    kinds = set(re.findall(r"(?m)^kind: (\w+)", path.read_text(encoding="utf-8"))) or {"workload"}
    assert kinds == {Path(match[1]).stem}
    assert schema["type"] == "object"


def scenario() -> tuple[Loaded, Loaded]:
    base = load([SCENARIO / "base"], known=KnownNames())
    later = load([SCENARIO / "later"], known=names_of((*base.documents, *base.workloads)))
    assert base.problems == later.problems == ()
    return base, later


def test_scenario_is_accepted_by_the_controller() -> None:
    base, later = scenario()
    known = with_documents(State(), (*base.documents, *later.documents))
    assert document_problems(State(), known, (*base.documents, *later.documents)) == []
    assert [problem for spec in base.workloads for problem in workload_problems(known, spec)] == []


def test_scenario_survives_being_written_and_read_again(tmp_path: Path) -> None:
    base, _ = scenario()
    (tmp_path / "all.yaml").write_text(dump((*base.documents, *base.workloads)), encoding="utf-8")
    again = load([tmp_path], known=KnownNames())
    assert (again.problems, again.documents, again.workloads) == ((), base.documents, base.workloads)


def test_scenario_waivers_carry_the_hash_of_their_notice() -> None:
    base, _ = scenario()
    waivers = [fact for fact in base.documents if isinstance(fact, Waiver)]
    notices = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in (SCENARIO / "notices").iterdir()}
    assert {waiver.id: waiver.notice_sha256 for waiver in waivers} == notices


def on_the_first_day() -> tuple[State, tuple[Event, ...]]:
    base, _ = scenario()
    state = State()
    for document in base.documents:
        apply(state, DocumentRecorded(document=document), FIRST_DAY)
    for spec in base.workloads:
        apply(state, WorkloadSubmitted(workload_id=WorkloadId(spec.name), spec=spec), FIRST_DAY)
    return state, play(state, FIRST_DAY)


def play(state: State, now: Now) -> tuple[Event, ...]:
    """A round whose launches all succeed."""
    events = run_round(state, now)
    for event in events:
        apply(state, event, now)
        if isinstance(event, RunIntended):
            apply(state, RunStarted(run_id=event.run_id), now)
    return events


def placed(events: tuple[Event, ...]) -> dict[str, str]:
    intended = [event for event in events if isinstance(event, RunIntended)]
    return {f"{event.workload_id}.{event.unit}": event.allocation.tranche_id for event in intended}


def test_scenario_on_its_first_day() -> None:
    _, events = on_the_first_day()
    assert placed(events) == {
        "frontier-pretrain.0": "azure-2019/eastus-h100",
        **{f"api-inference.{unit}": "azure-2019/eastus-h100" for unit in range(4)},
        "frontier-next.0": "stargate-2025/gb200-1",
        "chat.0": "coreweave-2025/h100",
        "chat.1": "coreweave-2025/h100",
        "tpu-pretrain.0": "google-2025/v5p",
        "posttrain-rl.0": "coreweave-2025/h100",
        "reward-model.0": "coreweave-2025/h100",
        "code-rl.0": "coreweave-2025/h100",
        "gb200-kernels.0": "coreweave-2025/gb200",
        "eval-reasoning.0": "google-2025/v5p",
        "eval-code.0": "google-2025/v5p",
    }
    intended = [event for event in events if isinstance(event, RunIntended)]
    borrowed = {event.workload_id for event in intended if event.reason.basis == "borrowed"}
    assert borrowed == {"posttrain-rl", "reward-model", "code-rl"}
    reasons = [
        {type(blocker).__name__ for blocker in event.blockers} for event in events if isinstance(event, ClassWaits)
    ]
    assert sorted(map(sorted, reasons)) == [
        ["AwardNotPermitted"],
        ["ForbiddenByClause", "NotEnoughChips"],
        ["GangLargerThanDomain", "NotDelivered", "NotEnoughChips"],
        ["NotDelivered"],
        ["NotQualified"],
        ["OverQuota"],
    ]


def test_scenario_later() -> None:
    state, events = on_the_first_day()
    borrowed = {event.run_id for event in events if isinstance(event, RunIntended) and event.reason.basis == "borrowed"}
    _, later = scenario()
    now = Now(contract_ms=FIRST_DAY.contract_ms, process_ms=60_000)
    (launch,) = later.workloads
    apply(state, WorkloadSubmitted(workload_id=WorkloadId(launch.name), spec=launch), now)
    (asked,) = [event for event in play(state, now) if isinstance(event, RunStopAsked)]
    assert asked.run_id in borrowed, "a guarantee takes back what was borrowed, and nothing else"
    apply(state, RunEnded(run_id=asked.run_id, outcome=Outcome.STOPPED, exit_code=143, text=""), now)
    assert placed(play(state, now)) == {
        "chat-launch.0": "coreweave-2025/h100",
        f"{asked.run_id.rpartition('.')[0]}": "google-2025/h100",
    }
    command = DeclareLost(provider_id=ProviderId("coreweave"), actor="ops", why="drill")
    request = Request(key="k", body_sha256="", minted_id="m", actor="ops", command=command)
    for event in decide(state, request, now).events:
        apply(state, event, now)
    still_there = {f"{run_id.rpartition('.')[0]}" for run_id in borrowed - {asked.run_id}}
    assert placed(play(state, now)) == dict.fromkeys({"chat.0", "chat.1", *still_there}, "google-2025/h100")
    for document in later.documents:
        apply(state, DocumentRecorded(document=document), now)
    late = Now(contract_ms=parse_instant("2025-06-24"), process_ms=60_000)
    assert placed(play(state, late)) == {
        "moe-scaling.0": "stargate-2025/gb200-2",
        "multimodal-tpu.0": "google-2025/v5p",
    }
