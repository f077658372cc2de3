"""Commands that start, stop and look after a control plane."""

from pathlib import Path
from typing import Annotated

import typer

from multihome.cli import options
from multihome.cli.launchers import StartOptions
from multihome.cli.session import ArgumentsWrongError, client_of, launchers_of, say, say_either, show_on_terminal


def up(
    context: typer.Context,
    state: options.State = options.state_default(),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on loopback; 0 takes any.")] = options.PORT_DEFAULT,
    clock_start: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Give an empty journal a scenario clock that starts here; refused on one that began otherwise.",
        ),
    ] = None,
    ready_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    *,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay in this process.")] = False,
    as_json: options.Json = False,
) -> None:
    """Start a control plane, and wait until it answers."""
    if clock_start is not None:
        _check_instant(clock_start)
    wanted = StartOptions(state.expanduser().absolute(), port, clock_start, ready_fd)
    if foreground:
        launchers_of(context).serve(wanted)
        return
    info = launchers_of(context).start(wanted)
    facts = {"address": info.address, "pid": info.pid}
    say_either(as_json, facts, f"ready at {info.address} (process {info.pid}, state {wanted.state})")


def _check_instant(text: str) -> None:
    from multihome.units.time import parse_instant  # noqa: PLC0415

    try:
        parse_instant(text)
    except ValueError as error:
        wrong = f"--clock-start {text}: {error}; expected a date like 2025-06-02, or an instant with its zone"
        raise ArgumentsWrongError(wrong) from error


def down(
    context: typer.Context, state: options.State = options.state_default(), *, as_json: options.Json = False
) -> None:
    """Stop the control plane. What runs goes on."""
    pid = launchers_of(context).stop(state.absolute())
    words = f"no control plane runs on {state}" if pid is None else f"stopped (process {pid})"
    say_either(as_json, {"stopped_pid": pid}, words)


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Write a consistent copy of the journal to a new file."""
    reply = client_of(context, state).backup(file)
    say(reply.raw.decode() if as_json else f"{reply.value.file}: up to record {reply.value.seq}")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Make a state directory from a backup; it must not have a journal yet."""
    seq = launchers_of(context).restore(file, state.absolute())
    words = f"{state}: restored up to record {seq}; start it with `multihome up --state {state}`"
    say_either(as_json, {"state": str(state), "seq": seq}, words)


def audit_verify(
    context: typer.Context, state: options.State = options.state_default(), *, as_json: options.Json = False
) -> None:
    """Hold the journal against the invariants; exit code 1 if one is broken."""
    import msgspec  # noqa: PLC0415

    from multihome.cli.tables import audited  # noqa: PLC0415

    found = launchers_of(context).audit(state.absolute())
    if as_json:
        say(msgspec.json.encode(found).decode())
    else:
        show_on_terminal(audited(found))
    if not found.holds:
        raise typer.Exit(1)


def version(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Print the version."""
    found = launchers_of(context).version
    say_either(as_json, {"version": found}, f"multihome {found}")


def demo(
    context: typer.Context,
    state: Annotated[
        Path | None, typer.Option("--state", help="State directory; build/demo by default, and made anew.")
    ] = None,
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the control plane and what runs under it as they are.")
    ] = False,
) -> None:
    """Play the scenario of a frontier lab on this machine, outage included, and check what comes of it.

    A show for people: it has no --json. What it made can be asked for afterwards, with --keep.
    """
    raise typer.Exit(launchers_of(context).demo(state, keep))


def campaign(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which campaign of evidence.")],
    seeds: Annotated[int, typer.Option(min=0, help="How many seeds; 0 is as many as the size has.")] = 0,
    size: Annotated[str, typer.Option(help="small or full.")] = "small",
    *,
    as_json: options.Json = False,
) -> None:
    """Run a campaign of evidence; its last line is `N passed, N failed`, its exit code 1 if any failed."""
    raise typer.Exit(launchers_of(context).campaign(name, size, seeds, as_json))


def drill_outage(
    context: typer.Context,
    provider: options.Provider,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Silence a provider's engine and kill what runs there, behind the control plane's back."""
    runs = launchers_of(context).begin_outage(state.absolute(), provider)
    say_either(as_json, {"provider": provider, "runs": runs}, f"{provider} is silent; it had {runs} runs")


def drill_restore(
    context: typer.Context,
    provider: options.Provider,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Let a provider's engine answer again."""
    launchers_of(context).end_outage(state.absolute(), provider)
    say_either(as_json, {"provider": provider}, f"{provider} answers again")
