"""`python -m bench [--only a,b] [--size smoke|full]`: run benchmarks, print a table, append to build/bench.jsonl."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.registry import DataMissingError, Figure, Size, figures
from bench.report import Record, append, record_of, show

RESULTS = Path("build/bench.jsonl")


def main(arguments: Sequence[str] | None, results: Path) -> int:
    """Run the chosen benchmarks and return the exit status: 0, or 2 when a name is unknown.

    A figure whose data is not at hand is left out; under MULTIHOME_NO_SKIPS=1 that is status 1.
    """
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
        try:
            record = record_of(known[name], options.size, known[name].measure(options.size))
        except DataMissingError as missing:
            console.print(f"{name}: not measured, {missing}")
            if os.environ.get("MULTIHOME_NO_SKIPS") == "1":
                return 1
            continue
        append(results, record)
        rows.append((known[name], record))
    show(console, options.size, rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(None, RESULTS))
