"""The demonstration: the main job on one scenario, made of the commands that anybody can run one at a time.

Every command is shown as it is run, in a process of its own. What the story claims is checked at the end from the
control plane's own answers, and a claim that does not hold makes the demonstration fail.
"""

import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from multihome.adapters.clock_os.clock import OsClock, OsIdMint
from multihome.app.journals import recount_state
from multihome.client.client import Client
from multihome.client.directory import NotRunningError
from multihome.units.time import format_instant
from multihome.views.recount import Costs, Dimension, differences
from multihome.views.report import Report, costs_of
from multihome.views.status import WorkloadRow

PROGRAM = (sys.executable, "-m", "multihome.app.main")
"""How this program is started again."""
ACTOR = "demo"
START = "2025-06-02"
LOST = "coreweave"
WAIT_MS_MAX = 45_000
POLL_MS = 300
SETTLE_MS = 1_500
"""Several placement rounds: long enough for something to start that should not."""
OUTPUT_LINES_MAX = 60
RUNNING_MIN = 10
RESUMED_MIN = 2


class DemoFailedError(Exception):
    """A step did not come to pass; the message says which."""


class Check(msgspec.Struct, frozen=True):
    """A claim of the story, whether it held, and what was seen."""

    claim: str
    held: bool
    seen: str


class Stage(msgspec.Struct):
    """Where the demonstration plays."""

    console: Console
    state: Path
    scenario: Path
    started_ms: int
    client: Client | None = None
    checks: list[Check] = []


def demo(state: Path, scenario: Path, *, keep: bool) -> int:
    """Run the whole story; 0 when every claim held. The state directory is made anew."""
    if not (scenario / "base").is_dir():
        sys.stderr.write(f"there is no scenario in {scenario}; run the demonstration from the project's folder\n")
        return 2
    stage = Stage(console=Console(highlight=False), state=state, scenario=scenario, started_ms=OsClock().monotonic_ms())
    _end(stage)
    stage.client = None
    shutil.rmtree(state, ignore_errors=True)
    try:
        for step in (_start, _apply, _train, _explain, _reclaim, _lose, _bring_back, _qualify, _deliver, _report):
            step(stage)
    except DemoFailedError as error:
        stage.console.print(f"[bold red]The demonstration stopped:[/] {error}")
        return 1
    finally:
        if not keep:
            _end(stage)
    return _conclude(stage, keep=keep)


# --- The steps -------------------------------------------------------------------------------------------------------


def _start(stage: Stage) -> None:
    _title(stage, "1. Start the control plane: SQLite journal, local engine, HTTP API, a scenario clock")
    _run(stage, "up", "--port", "0", "--clock-start", START)


def _apply(stage: Stage) -> None:
    _title(stage, "2. Apply the scenario: providers, contracts, tenants, workloads. Then apply it again")
    examples = _examples(stage)
    base = str(stage.scenario / "base")
    _run(stage, "diff", base, "--env", examples, lines=12)
    _run(stage, "apply", base, "--env", examples, lines=12)
    again = _ask(stage, "apply", base, "--env", examples)
    _expect(stage, "applying twice changes nothing", not again["changes"], f"{len(again['changes'])} changes")
    _wait(
        stage,
        f"{RUNNING_MIN} workloads run as real processes",
        lambda: sum(row.units_up > 0 for row in _rows(stage)) >= RUNNING_MIN,
    )


def _train(stage: Stage) -> None:
    _title(stage, "3. Time passes: gangs train, services answer, chip-hours accrue")
    for _ in range(6):
        _run(stage, "clock", "advance", "--by", "12h", lines=0)
    _wait(stage, "gangs have saved a first checkpoint", lambda: _saved(stage, "posttrain-rl") > 0)
    _wait(stage, "the chat service is ready", lambda: _row(stage, "chat").state == "ready")
    _run(stage, "status")
    _generate(stage)


def _explain(stage: Stage) -> None:
    _title(stage, "4. Every decision explains itself: why there, and why not")
    _run(stage, "explain", "frontier-pretrain", lines=24)
    for name in ("api-inference", "moe-scaling", "alignment-sweep", "long-context"):
        reasons = _ask(stage, "explain", name)["waits_because"]
        stage.console.print(f"[bold]{name}[/] waits because")
        for reason in reasons[:6]:
            stage.console.print(f"  · {reason}", soft_wrap=True)
    forbidden = " ".join(_ask(stage, "explain", "api-inference")["waits_because"])
    _expect(
        stage,
        "API replicas wait for the incumbent rather than leave",
        "api-exclusive" in forbidden and _row(stage, "api-inference").pools == ("azure/eastus-h100",),
        "clause azure-2019/api-exclusive",
    )


def _reclaim(stage: Stage) -> None:
    _title(stage, "5. A guarantee comes back for its chips: borrowed ones are reclaimed with notice")
    launch = str(stage.scenario / "later/chat-launch.yaml")
    _run(stage, "submit", launch, "--dry-run", "--env", _examples(stage))
    _run(stage, "apply", launch, "--env", _examples(stage))
    _wait(stage, "the launch has its chips", lambda: _row(stage, "chat-launch").state == "ready")
    reclaimed = [run for run in _report_now(stage).runs if run.outcome == "stopped" and run.basis == "borrowed"]
    _expect(
        stage, "borrowed chips were given back to a guarantee", bool(reclaimed), ", ".join(r.name for r in reclaimed)
    )


def _lose(stage: Stage) -> None:
    _title(stage, f"6. Lose {LOST}: its processes die and its engine falls silent. Silence alone concludes nothing")
    there = [row.name for row in _rows(stage) if any(pool.startswith(f"{LOST}/") for pool in row.pools)]
    _run(stage, "drill", "outage", LOST)
    _wait(stage, "silence is noticed", lambda: _openness(stage) == "silent")
    stage.console.print(
        f"Silent, so unknown: {', '.join(there)}. Nothing is started again until someone declares it lost."
    )
    _run(stage, "provider", "declare-lost", LOST, "--actor", "ops", "--why", "no answer from any site")
    _run(stage, "clock", "advance", "--by", "6h", lines=0)
    _wait(stage, "two gangs train again elsewhere", lambda: len(_resumed(stage)) >= RESUMED_MIN)
    _run(stage, "clock", "advance", "--by", "30h", lines=0)
    _run(stage, "status")


def _bring_back(stage: Stage) -> None:
    _title(stage, f"7. Bring {LOST} back: nothing churns")
    before = _runs_elsewhere(stage)
    _run(stage, "drill", "restore", LOST)
    _run(stage, "provider", "restore", LOST, "--actor", "ops", "--why", "all sites answer")
    _wait(stage, "its pools admit again", lambda: _openness(stage) == "answering" and _up(stage, "chat-launch"))
    finished = {run.run_id for run in _report_now(stage).runs if run.outcome == "succeeded"}
    moved = before - _runs_elsewhere(stage) - finished
    _expect(stage, "nothing that runs elsewhere moves back", not moved, f"{len(before)} runs stayed where they were")


def _qualify(stage: Stage) -> None:
    _title(stage, "8. 20 June: a workload becomes qualified on TPUs, and only now may run there")
    _expect(stage, "no TPU before the qualification", _row(stage, "multimodal-tpu").state == "waiting", "waiting")
    _run(stage, "clock", "advance", "--to", "2025-06-20T00:00:00Z", lines=1)
    _wait(stage, "multimodal-tpu runs", lambda: _up(stage, "multimodal-tpu"))


def _deliver(stage: Stage) -> None:
    _title(stage, "9. Stargate's second tranche is accepted nine days late: capacity from that day, and not before")
    _run(stage, "apply", str(stage.scenario / "later/stargate-tranche-2.yaml"))
    _run(stage, "clock", "advance", "--to", "2025-06-23T23:00:00Z", lines=1)
    threading.Event().wait(SETTLE_MS / 1_000)
    _expect(stage, "no capacity before the accepted date", not _up(stage, "moe-scaling"), "moe-scaling still waits")
    _run(stage, "clock", "advance", "--to", "2025-06-24T00:00:00Z", lines=1)
    _wait(stage, "moe-scaling runs", lambda: _up(stage, "moe-scaling"))
    for _ in range(6):
        _run(stage, "clock", "advance", "--by", "1d", lines=0)


def _report(stage: Stage) -> None:
    _title(stage, "10. The report: who ran where, when and why, what it cost, and what every clause made of it")
    picture = stage.state / "timeline.svg"
    _run(stage, "report", "--timeline", str(picture), lines=400)
    audit = _run(stage, "audit", "verify")
    _expect(stage, "the journal's chain and invariants hold", audit.returncode == 0, "audit verify")
    told = _report_now(stage)
    _check_report(stage, told)
    _check_costs(stage, told, recount_state(stage.state, told.contract_ms))


def _check_report(stage: Stage, report: Report) -> None:
    """Hold the story's claims against the report's figures."""
    kept = bool(report.lost_work) and all(line.steps < line.checkpoint_interval_steps for line in report.lost_work)
    seen = ", ".join(f"{line.name} {line.steps} of {line.checkpoint_interval_steps}" for line in report.lost_work)
    _expect(stage, "less than one checkpoint interval of work was lost", kept, f"steps done again: {seen}")
    in_scope = [line for line in report.evidence if line.in_scope]
    proven = [line for line in in_scope if line.evidence.code in {"waiver", "exemption", "holder"}]
    _expect(
        stage,
        "every placement in a first refusal's scope has evidence",
        bool(in_scope) and proven == in_scope,
        f"{len(proven)} of {len(in_scope)}",
    )
    late = next(line for line in report.deliveries if line.tranche_id.endswith("/gb200-2"))
    on_time = late.first_billed_ms is not None and late.accepted_ms is not None
    _expect(
        stage,
        "the late tranche is billed from its acceptance",
        on_time and (late.first_billed_ms or 0) >= (late.accepted_ms or 0),
        f"accepted {format_instant(late.accepted_ms or 0)}, first billed {format_instant(late.first_billed_ms or 0)}",
    )


def _check_costs(stage: Stage, report: Report, recounted: Costs) -> None:
    """Hold what was charged against what run times and rates come to, which the journal's events alone say."""
    wrong = differences(recounted, costs_of(report))
    balanced = bool(recounted[Dimension.TOTAL]) and not wrong and not report.imbalance_micro
    names = sum(len(part) for part in recounted.values())
    seen = wrong[0] if wrong else f"{names} sums recounted from run times, to the micro-dollar"
    _expect(stage, "costs agree by every dimension with run times and rates, and postings balance", balanced, seen)


def _conclude(stage: Stage, *, keep: bool) -> int:
    table = Table("claim", "held", "seen", title="What the demonstration claims")
    for check in stage.checks:
        table.add_row(check.claim, "yes" if check.held else "[bold red]NO[/]", check.seen)
    stage.console.print(table)
    took_s = (OsClock().monotonic_ms() - stage.started_ms) / 1_000
    failed = sum(not check.held for check in stage.checks)
    stage.console.print(f"{len(stage.checks) - failed} of {len(stage.checks)} claims held, in {took_s:.0f} s.")
    stage.console.print(f"A picture of it: {stage.state / 'timeline.svg'}", soft_wrap=True)
    if keep:
        address = msgspec.json.decode((stage.state / "server.json").read_bytes())["address"]
        stage.console.print(
            f"The server still runs at {address}; try: multihome status --state {stage.state}", soft_wrap=True
        )
    return 1 if failed else 0


def _end(stage: Stage) -> None:
    """Stop what runs on the state directory, runs first: they would outlive the control plane."""
    if not (stage.state / "server.json").exists():
        return
    try:
        for row in _rows(stage):
            _client(stage).cancel(row.id, ACTOR, "the demonstration is over")
        _wait(stage, "every run has ended", lambda: not _rows(stage))
    except (DemoFailedError, NotRunningError):
        stage.console.print("[yellow]Not every run could be stopped.[/]")
    subprocess.run([*PROGRAM, "down"], env=_environment(stage), capture_output=True, check=False)


# --- How a step acts and looks ---------------------------------------------------------------------------------------


def _client(stage: Stage) -> Client:
    """The client of the control plane, once it runs."""
    if stage.client is None:
        stage.client = Client(stage.state, OsIdMint().mint, ACTOR)
    return stage.client


def _environment(stage: Stage) -> dict[str, str]:
    return {**os.environ, "MULTIHOME_STATE": str(stage.state), "COLUMNS": str(stage.console.width)}


def _title(stage: Stage, text: str) -> None:
    stage.console.print()
    stage.console.print(f"[bold cyan]{text}[/]")


def _run(stage: Stage, *words: str, lines: int = OUTPUT_LINES_MAX) -> "subprocess.CompletedProcess[str]":
    """Run a command as a user would, and show it with the beginning of what it prints."""
    stage.console.print(f"[dim]$[/] [bold]multihome {' '.join(words)}[/]", soft_wrap=True)
    done = subprocess.run([*PROGRAM, *words], env=_environment(stage), capture_output=True, text=True, check=False)
    shown = (done.stdout + done.stderr).rstrip().splitlines()
    for line in shown[:lines]:
        sys.stdout.write(f"{line}\n")
    if lines and len(shown) > lines:
        stage.console.print(f"[dim]  … {len(shown) - lines} more lines[/]")
    sys.stdout.flush()
    if done.returncode != 0:
        msg = f"`multihome {' '.join(words)}` ended with exit code {done.returncode}"
        raise DemoFailedError(msg)
    return done


def _ask(stage: Stage, *words: str) -> dict[str, list[str]]:
    """What a command answers to a program."""
    command = [*PROGRAM, *words, "--json"]
    done = subprocess.run(command, env=_environment(stage), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"`multihome {' '.join(words)}`: {(done.stderr or done.stdout).strip()}"
        raise DemoFailedError(msg)
    answer: dict[str, list[str]] = msgspec.json.decode(done.stdout)
    return answer


def _wait(stage: Stage, what: str, holds: Callable[[], bool]) -> None:
    """Wait until something holds, and note it as seen."""
    clock = OsClock()
    started_ms = clock.monotonic_ms()
    while not holds():
        if clock.monotonic_ms() - started_ms > WAIT_MS_MAX:
            msg = f"waited {WAIT_MS_MAX // 1_000} s in vain: {what}"
            raise DemoFailedError(msg)
        threading.Event().wait(POLL_MS / 1_000)
    stage.console.print(f"[green]✓[/] {what} ({(clock.monotonic_ms() - started_ms) / 1_000:.1f} s)")


def _expect(stage: Stage, claim: str, held: bool, seen: str) -> None:  # noqa: FBT001 -- the claim's truth is what it is about
    stage.checks.append(Check(claim, held, seen))
    mark = "[green]✓[/]" if held else "[bold red]✗[/]"
    stage.console.print(f"{mark} {claim}: {seen}", soft_wrap=True)


def _examples(stage: Stage) -> str:
    return f"MULTIHOME_EXAMPLES={(stage.scenario / '../../examples').resolve()}"


def _rows(stage: Stage) -> list[WorkloadRow]:
    return list(_client(stage).all_workloads())


def _row(stage: Stage, name: str) -> WorkloadRow:
    return next(row for row in _rows(stage) if row.name == name)


def _up(stage: Stage, name: str) -> bool:
    """Whether a workload is up, or has finished already."""
    return all(row.units_up > 0 for row in _rows(stage) if row.name == name)


def _saved(stage: Stage, name: str) -> int:
    progress = _row(stage, name).progress
    return progress.checkpoint_step if progress else 0


def _openness(stage: Stage) -> str:
    return next(row.openness for row in _client(stage).status().value.providers if row.id == LOST)


def _report_now(stage: Stage) -> Report:
    return _client(stage).report().value


def _resumed(stage: Stage) -> set[str]:
    """Gangs that lost their provider and have shown progress in a new run since."""
    return {line.name for line in _report_now(stage).lost_work if line.resumed_from_step > 0} & {
        run.name for run in _report_now(stage).runs if run.outcome == "fenced"
    }


def _runs_elsewhere(stage: Stage) -> set[str]:
    return {run.run_id for run in _report_now(stage).runs if run.outcome == "live" and run.provider_id != LOST}


def _generate(stage: Stage) -> None:
    """Ask a replica of the chat service for text, over HTTP, as its user would."""
    endpoint = next(unit.endpoint for unit in _client(stage).workload("chat").value.units if unit.endpoint)
    body = msgspec.json.encode({"prompt": "A contract ", "max_tokens": 40})
    request = urllib.request.Request(
        f"http://{endpoint}/generate", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 -- see above
        answer = msgspec.json.decode(reply.read())
    text = " ".join(str(answer["text"]).split())
    _expect(stage, "a service answers from a trained checkpoint", bool(text), f"step {answer['model_step']}: “{text}”")
