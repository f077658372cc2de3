"""`python -m bench [--only a,b] [--size smoke|full]`: run benchmarks, print a table, append to build/bench.jsonl."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.registry import Figure, Size, figures
from bench.report import Record, append, record_of, show

RESULTS = Path("build/bench.jsonl")


def main(arguments: Sequence[str] | None, results: Path) -> int:
    """Run the chosen benchmarks and return the exit status: 0, or 2 when a name is unknown."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run benchmarks, each in turn.")
    parser.add_argument("--only", default="", metavar="NAME,...", help="run these figures only")
    parser.add_argument("--size", type=Size, choices=list(Size), default=Size.FULL)
    options = parser.parse_args(arguments)
    known = figures()
    names = [name for name in options.only.split(",") if name] or list(known)
    unknown = [name for name in names if name not in known]
    console = Console()
    if unknown:
        console.print(f"no figure is called {', '.join(unknown)} (known: {', '.join(known) or 'none'})")
        return 2
    rows: list[tuple[Figure, Record]] = []
    for name in names:
        record = record_of(known[name], options.size, known[name].measure(options.size))
        append(results, record)
        rows.append((known[name], record))
    show(console, options.size, rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(None, RESULTS))
