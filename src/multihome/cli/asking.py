"""Commands that ask and show."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multihome.cli import options
from multihome.cli.session import ArgumentsWrongError, client_of, say, tell

if TYPE_CHECKING:
    from rich.console import RenderableType

    from multihome.client.client import Client
    from multihome.views.status import StatusView

ROWS_SHOWN_MAX = 40


def status(
    context: typer.Context,
    workload: Annotated[str | None, typer.Argument(metavar="[WORKLOAD]", help="Show this one's gangs.")] = None,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Show what there is and what runs."""
    from multihome.cli import tables  # noqa: PLC0415

    client = client_of(context, state)
    if workload is not None:
        tell(client.workload(workload), as_json, tables.workload)
        return

    def shown(view: "StatusView") -> "RenderableType":
        page = client.workloads(limit=ROWS_SHOWN_MAX).value
        return tables.status(view, page.workloads)

    tell(client.status(), as_json, shown)


def explain(
    context: typer.Context,
    workload: options.Workload,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Tell why a workload runs where it does, or why it waits, and what happened to it."""
    from multihome.cli import tables  # noqa: PLC0415

    tell(client_of(context, state).explain(workload), as_json, tables.explanation)


def logs(
    context: typer.Context,
    workload: options.Workload,
    unit: Annotated[int, typer.Option(min=0, help="Which gang.")] = 0,
    rank: Annotated[int, typer.Option(min=0, help="Which rank of it.")] = 0,
    state: options.State = options.state_default(),
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    as_json: options.Json = False,
) -> None:
    """Print what a rank has written: with --json as lines of text, each with its offset in bytes."""
    if follow and as_json:
        wrong = "--follow prints without end, and --json one object: choose one of them"
        raise ArgumentsWrongError(wrong)
    client = client_of(context, state)
    if as_json:
        say(_logs_json(client, workload, unit, rank))
        return
    out = typer.get_binary_stream("stdout")
    if follow:
        for chunk in client.follow_logs(workload, unit=unit, rank=rank):
            out.write(chunk)
            out.flush()
        return
    offset = 0
    while (chunk := client.logs(workload, unit=unit, rank=rank, offset=offset)).body:
        out.write(chunk.body)
        offset = chunk.next_offset
    out.flush()


def report(
    context: typer.Context,
    timeline: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the runs as SVG.")] = None,
    state: options.State = options.state_default(),
    *,
    as_json: options.Json = False,
) -> None:
    """Tell who ran where, what it cost, and what every clause made of it."""
    from multihome.cli import reports  # noqa: PLC0415

    reply = client_of(context, state).report()
    if timeline is not None:
        from multihome.views.timeline import timeline_svg  # noqa: PLC0415

        timeline.write_text(timeline_svg(reply.value), encoding="utf-8")
    tell(reply, as_json, reports.report)


def market(
    context: typer.Context, state: options.State = options.state_default(), *, as_json: options.Json = False
) -> None:
    """Show what limits placement, what one more chip would be worth there, and how good what runs is."""
    from multihome.cli import market_tables  # noqa: PLC0415

    tell(client_of(context, state).market(), as_json, market_tables.market)


def clock_show(
    context: typer.Context, state: options.State = options.state_default(), *, as_json: options.Json = False
) -> None:
    """Show contract time and real time."""
    from multihome.cli import tables  # noqa: PLC0415

    tell(client_of(context, state).clock(), as_json, tables.clock)


def _logs_json(client: "Client", workload: str, unit: int, rank: int) -> str:
    """All that a rank has written so far. What is no UTF-8 is shown by the replacement character."""
    import msgspec  # noqa: PLC0415

    body, chunk = b"", client.logs(workload, unit=unit, rank=rank)
    while chunk.body:
        body += chunk.body
        chunk = client.logs(workload, unit=unit, rank=rank, offset=chunk.next_offset)
    lines: list[dict[str, object]] = []
    offset = 0
    for line in body.splitlines(keepends=True):
        lines.append({"offset": offset, "text": line.rstrip(b"\r\n").decode("utf-8", "replace")})
        offset += len(line)
    shown = {"run_id": chunk.run_id, "unit": unit, "rank": rank, "next_offset": offset, "lines": lines}
    return msgspec.json.encode(shown).decode()
