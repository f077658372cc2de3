"""The command that replays a trace."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multihome.cli import options
from multihome.cli.launchers import Simulated, SimulateOptions
from multihome.cli.session import ArgumentsWrongError, launchers_of, say, show_on_terminal

if TYPE_CHECKING:
    from rich.table import Table

_MS_PER_S = 1_000
_ROUNDED_MS_MIN = 60_000
_SECONDS_MAX = 7 * 86_400
"""Longer rounds and restarts are refused by the policy itself."""


def simulate(  # noqa: PLR0913, PLR0917 -- one parameter an option
    context: typer.Context,
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="A trace of jobs.")],
    form: Annotated[str, typer.Option("--format", help="Its format; auto finds out.")] = "auto",
    cluster: Annotated[
        str, typer.Option(metavar="NAME:CHIPS,...", help="Pools; NAME:CHIPS/PER_NODE@USD says more.")
    ] = "",
    throughputs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Rates of models by accelerator, where jobs have steps.")
    ] = None,
    round_s: Annotated[float, typer.Option("--round-s", min=0, max=_SECONDS_MAX, help="0: at each event.")] = 360,
    restart_s: Annotated[
        float, typer.Option("--restart-s", min=0, max=_SECONDS_MAX, help="What a start or a move takes.")
    ] = 30,
    objective: Annotated[str, typer.Option(help="value, jct, makespan or fairness.")] = "jct",
    policy: Annotated[str, typer.Option(help="prices, fifo, priority, cheapest or max-min.")] = "prices",
    knowledge: Annotated[
        str, typer.Option(metavar="blind|known", help="Whether work left may be used; for makespan it is, else not.")
    ] = "",
    alpha: Annotated[float, typer.Option(min=0, max=4, help="Exponent of the work left, where known.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Names the run.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write Parquet and a report there.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep there how far it is.")] = None,
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    as_json: options.Json = False,
) -> None:
    """Replay a trace of jobs on a cluster, through the loop that runs live."""
    if not cluster:
        wrong = "--cluster is needed; for example --cluster v100:8,p100:16,k80:24"
        raise ArgumentsWrongError(wrong)
    if resume and checkpoint is None:
        wrong = "--resume goes on from a checkpoint; name its file with --checkpoint FILE"
        raise ArgumentsWrongError(wrong)
    wanted = SimulateOptions(
        trace=trace,
        form=form,
        cluster=cluster,
        throughputs=throughputs,
        round_ms=round(round_s * _MS_PER_S),
        restart_ms=round(restart_s * _MS_PER_S),
        objective=objective,
        policy=policy,
        # As Gavel's policies do: its makespan policy knows the steps that remain, its fair ones do not.
        knowledge=knowledge or ("known" if objective == "makespan" else "blind"),
        alpha_milli=round(alpha * 1_000),
        seed=seed,
        out=out,
        checkpoint=checkpoint,
        resume=resume,
    )
    _show(launchers_of(context).simulate(wanted), as_json=as_json)


def _show(found: Simulated, *, as_json: bool) -> None:
    import msgspec  # noqa: PLC0415

    if as_json:
        say(msgspec.json.encode(found).decode())
        return
    show_on_terminal(_table(found))
    for file in found.files:
        say(file)


def _lasting(seconds: float) -> str:
    """In words, to the second where it is a minute or more."""
    from multihome.units.time import format_duration  # noqa: PLC0415

    ms = round(seconds * _MS_PER_S)
    return format_duration(ms if ms < _ROUNDED_MS_MIN else ms // _MS_PER_S * _MS_PER_S)


def _table(found: Simulated) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_header=False)
    rows = (
        ("policy", f"{found.policy}, after {found.objective}, {found.knowledge}"),
        ("jobs ended", f"{found.ended:,} of {found.jobs:,} in {found.rounds:,} rounds"),
        ("mean completion", f"{found.mean_completion_s:,.1f} s ({_lasting(found.mean_completion_s)})"),
        (
            "p50, p95, p99",
            ", ".join(map(_lasting, (found.p50_completion_s, found.p95_completion_s, found.p99_completion_s))),
        ),
        ("mean queue delay", f"{found.mean_queue_delay_s:,.1f} s"),
        ("makespan", f"{found.makespan_s:,.1f} s ({_lasting(found.makespan_s)})"),
        ("utilisation", f"{found.utilisation_percent:.2f} %, goodput {found.goodput_percent:.2f} %"),
        ("fairness rho", f"mean {found.mean_fairness_rho:.3f}, worst {found.worst_fairness_rho:.3f}"),
        ("moves, restarts", f"{found.preemptions:,}, {found.restarts:,}; {found.lost_s:,.0f} s of starting"),
        ("used", f"{found.chip_hours:,.1f} chip-hours, {found.cost_usd:,.2f} USD"),
        ("journal", f"{found.journal_records:,} records, head {found.journal_head[:16]}"),
    )
    for row in rows:
        table.add_row(*row)
    return table
