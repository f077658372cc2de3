"""Commands that make what others verify without trusting this program."""

from pathlib import Path
from typing import Annotated

import typer

from multihome.cli import options
from multihome.cli.launchers import LaunchError
from multihome.cli.session import launchers_of, say, say_either


def evidence_export(
    context: typer.Context,
    contract: Annotated[str, typer.Argument(metavar="CONTRACT")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file.")],
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Write the evidence of a contract: the whole journal with its signed head, for `multihome-verify`."""
    found = launchers_of(context).proofs.export(state.absolute(), contract, out)
    facts = {"file": str(found.file), "records": found.records, "head": found.head}
    say_either(as_json, facts, f"{found.file}: {found.records} records, head {found.head}")


def head_sign(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it here instead.")] = None,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Sign the journal's head and print it; it is kept in the state directory too."""
    proofs = launchers_of(context).proofs
    if out is None:
        say(proofs.sign(state.absolute()).text.strip())
        return
    found = proofs.publish(state.absolute(), (str(out),))
    if found.failures[str(out)]:
        raise LaunchError(found.failures[str(out)])
    head = found.head
    say_either(as_json, {"file": str(out), "seq": head.seq, "hash": head.hash}, f"{out}: {head.seq}:{head.hash}")


def head_publish(
    context: typer.Context,
    targets: Annotated[
        list[str], typer.Argument(metavar="FILE|URL...", help="Files that are replaced, and where to post it.")
    ],
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Sign the journal's head and take it to where others keep it; every target is tried, whatever became of others."""
    found = launchers_of(context).proofs.publish(state.absolute(), targets)
    head, failed = found.head, {target: error for target, error in found.failures.items() if error}
    arrived = [target for target in found.failures if target not in failed]
    facts = {"seq": head.seq, "hash": head.hash, "arrived": arrived, "failed": failed}
    words = "\n".join(f"{target}: {head.seq}:{head.hash}" for target in arrived)
    if as_json or arrived:
        say_either(as_json, facts, words)
    if failed:
        raise LaunchError("\n".join(failed.values()))


def head_stamp(
    context: typer.Context,
    authority: Annotated[str, typer.Option("--tsa", metavar="URL", help="A time-stamping authority (RFC 3161).")],
    head: Annotated[
        Path | None, typer.Option("--head", metavar="FILE", help="A signed head; the journal's of now by default.")
    ] = None,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Have an authority stamp a signed head; the time stamp is kept beside it and goes into every bundle."""
    time, token = launchers_of(context).proofs.stamp(state.absolute(), authority, head)
    say_either(as_json, {"time": time, "file": str(token)}, f"{token}: stamped at {time}")


def head_key(
    context: typer.Context, state: options.State = options.state_default(), *, as_json: options.Json = False
) -> None:
    """Print the public key that heads are signed with; it is made where there is none yet."""
    pem = launchers_of(context).proofs.public_key(state.absolute())
    say_either(as_json, {"public_key": pem}, pem.strip())
