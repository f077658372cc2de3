"""Commands that change something."""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multihome.cli import options
from multihome.cli.session import ArgumentsWrongError, FilesWrongError, client_of, say, sending, tell
from multihome.files.problems import file_problem

if TYPE_CHECKING:
    from multihome.client.client import Client, Reply
    from multihome.domain.workloads import WorkloadSpec
    from multihome.files.loading import Loaded
    from multihome.files.origins import Origin
    from multihome.wire.responses import AcceptedOut

FAILED = 1
STDIN = "standard input"
"""What a workload's file is called that came from there."""


def apply(
    context: typer.Context,
    paths: options.Paths,
    state: options.State = options.state_default(),
    tenant: Annotated[str, typer.Option(help="Whose a workload is that does not say.")] = "",
    env: options.Env = [],  # noqa: B006 -- typer copies it
    *,
    as_json: options.Json = False,
) -> None:
    """Record what files describe: all of it, or nothing."""
    _apply(context, paths, state, tenant, env, as_json=as_json, dry_run=False)


def diff(
    context: typer.Context,
    paths: options.Paths,
    state: options.State = options.state_default(),
    tenant: Annotated[str, typer.Option(help="Whose a workload is that does not say.")] = "",
    env: options.Env = [],  # noqa: B006 -- typer copies it
    *,
    as_json: options.Json = False,
) -> None:
    """Show what `apply` would change, and change nothing."""
    _apply(context, paths, state, tenant, env, as_json=as_json, dry_run=True)


def submit(  # noqa: PLR0913 -- one argument an option
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A workload's file, or - for standard input.")],
    name: Annotated[str, typer.Option(help="Call it so, instead of as the file does.")] = "",
    tenant: Annotated[str, typer.Option(help="Whose it is, where the file does not say.")] = "",
    env: options.Env = [],  # noqa: B006 -- typer copies it
    state: options.State = options.state_default(),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say where it would go and why; submit nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended, or a service is ready.")] = False,
    as_json: options.Json = False,
) -> None:
    """Ask for a workload to be run."""
    import msgspec  # noqa: PLC0415

    from multihome.cli import tables  # noqa: PLC0415

    client = client_of(context, state)
    loaded = _load_file(client, file, tenant)
    spec = _with_env(_one_workload(loaded, file), env)
    if name:
        spec = msgspec.structs.replace(spec, name=name)
    after_seq = client.head().value.seq if wait else 0
    with sending(_as_sent(loaded, spec)):
        if dry_run:
            tell(client.preview(spec), as_json, tables.foreseen)
            return
        reply = client.submit(spec)
    _told(reply, as_json=as_json)
    if wait and not _awaited(client, reply.value.workload_ids[0], after_seq, spec.units, is_service=bool(spec.service)):
        raise typer.Exit(FAILED)


def cancel(
    context: typer.Context,
    workload: options.Workload,
    why: options.Why,
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Stop a workload for good."""
    _told(client_of(context, state).cancel(workload, actor, why), as_json=as_json)


def drain(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="PROVIDER|POOL")],
    why: options.Why,
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Admit nothing more to a provider or pool; what runs there stops with a checkpoint and waits for room."""
    _told(client_of(context, state).drain(target, actor, why), as_json=as_json)


def undrain(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="PROVIDER|POOL")],
    why: options.Why,
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Admit to a provider or pool again."""
    _told(client_of(context, state).undrain(target, actor, why), as_json=as_json)


def override(
    context: typer.Context,
    workload: options.Workload,
    why: options.Why,
    rule: Annotated[str, typer.Option(help="quota or priority.")],
    priority: Annotated[int, typer.Option(help="The new one, where that is the rule.")] = 0,
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Set a rule aside for one workload. Clauses and capacity cannot be."""
    _told(client_of(context, state).override(workload, rule, priority, actor, why), as_json=as_json)


def declare_lost(
    context: typer.Context,
    provider: options.Provider,
    why: options.Why,
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Treat a provider as gone: what runs there is fenced, and may run again elsewhere."""
    _told(client_of(context, state).declare_lost(provider, actor, why), as_json=as_json)


def restore_provider(
    context: typer.Context,
    provider: options.Provider,
    why: options.Why,
    actor: options.Actor = options.actor_default(),
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Admit to a provider again that was declared lost."""
    _told(client_of(context, state).restore(provider, actor, why), as_json=as_json)


def clock_advance(
    context: typer.Context,
    to: Annotated[str, typer.Option(metavar="DATE", help="Move to this instant.")] = "",
    by: Annotated[str, typer.Option(metavar="DURATION", help="Move on by 90s, 10m, 1h30m or 2d.")] = "",
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Move the scenario clock."""
    move = {name: text for name, text in (("to", to), ("by", by)) if text}
    _told(client_of(context, state).move_clock(move), as_json=as_json)


def _told(reply: "Reply[AcceptedOut]", *, as_json: bool) -> None:
    """Print what a command changed."""
    from multihome.cli import tables  # noqa: PLC0415

    tell(reply, as_json, tables.accepted)


def _apply(
    context: typer.Context, paths: list[Path], state: Path, tenant: str, env: list[str], *, as_json: bool, dry_run: bool
) -> None:
    from multihome.cli import tables  # noqa: PLC0415

    client = client_of(context, state)
    loaded = _load(client, list(paths), tenant)
    workloads = tuple(_with_env(spec, env) for spec in loaded.workloads)
    with sending(loaded.origins):
        reply = client.apply(loaded.documents, workloads, dry_run=dry_run)
    tell(reply, as_json, tables.applied)


def _load(client: "Client", paths: list[Path], tenant: str) -> "Loaded":
    """What files say, held against the names that the control plane knows; wrong files end the command."""
    return _checked(_read(client, paths, tenant))


def _read(client: "Client", paths: list[Path], tenant: str) -> "Loaded":
    import msgspec  # noqa: PLC0415

    from multihome.files.loading import load  # noqa: PLC0415
    from multihome.files.references import KnownNames  # noqa: PLC0415

    names = msgspec.structs.asdict(client.names().value)
    return load(paths, known=KnownNames(**{kind: frozenset(found) for kind, found in names.items()}), tenant=tenant)


def _checked(loaded: "Loaded") -> "Loaded":
    if loaded.problems:
        raise FilesWrongError(loaded.problems)
    return loaded


def _load_file(client: "Client", file: str, tenant: str) -> "Loaded":
    import msgspec  # noqa: PLC0415

    if file != "-":
        return _load(client, [Path(file)], tenant)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "stdin.yaml"
        copy.write_bytes(sys.stdin.buffer.read())
        read = _read(client, [copy], tenant)
    problems = tuple(msgspec.structs.replace(problem, file=STDIN) for problem in read.problems)
    origins = tuple(msgspec.structs.replace(origin, file=STDIN) for origin in read.origins)
    return _checked(msgspec.structs.replace(read, problems=problems, origins=origins))


def _one_workload(loaded: "Loaded", file: str) -> "WorkloadSpec":
    if len(loaded.workloads) != 1 or loaded.documents:
        wrong = f"expected one workload, and found {_counted(loaded)}"
        raise FilesWrongError((file_problem(file, wrong, "`multihome apply` takes any number of documents"),))
    return loaded.workloads[0]


def _counted(loaded: "Loaded") -> str:
    """How many documents of which kind there are: `2 workloads, 1 tenant`."""
    counts = Counter(origin.kind for origin in loaded.origins)
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items())


def _as_sent(loaded: "Loaded", spec: "WorkloadSpec") -> "tuple[Origin, ...]":
    """The origin of the one workload, as refusals call it: the command line may have given it another name."""
    import msgspec  # noqa: PLC0415

    from multihome.files.origins import workload_subject  # noqa: PLC0415

    subject = workload_subject(spec.tenant_id, spec.name)
    return tuple(msgspec.structs.replace(origin, subject=subject) for origin in loaded.origins)


def _with_env(spec: "WorkloadSpec", env: list[str]) -> "WorkloadSpec":
    """A workload with variables set from the command line, which win over those of its file."""
    import msgspec  # noqa: PLC0415

    wrong = [given for given in env if not given.partition("=")[0] or "=" not in given]
    if wrong:
        raise ArgumentsWrongError("\n".join(f"--env {given}: expected NAME=VALUE" for given in wrong))
    given = {name: value for name, _, value in (item.partition("=") for item in env)}
    return msgspec.structs.replace(spec, envs={**spec.envs, **given})


def _awaited(client: "Client", workload_id: str, after_seq: int, units: int, *, is_service: bool) -> bool:
    """Follow the journal until a workload has ended, or all units of a service are ready; whether that is a success."""
    from multihome.domain.events import RunReady, WorkloadEnded  # noqa: PLC0415
    from multihome.domain.runs import Outcome  # noqa: PLC0415

    ready: set[str] = set()
    for change in client.changes(after_seq):
        for event in change.events:
            if isinstance(event, WorkloadEnded) and event.workload_id == workload_id:
                say(f"{event.outcome.value}: {event.text}")
                return event.outcome is Outcome.SUCCEEDED
            if isinstance(event, RunReady) and event.run_id.startswith(f"{workload_id}."):
                ready.add(event.run_id.split(".")[1])
        if is_service and len(ready) >= units:
            say("ready")
            return True
    return False
