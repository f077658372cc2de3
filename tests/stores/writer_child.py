"""A process that a test kills or starves: `python -m tests.stores.writer_child MODE DIRECTORY`.

`honest` appends for ever and writes each batch's last number to standard output once `append` has returned.
`hasty` is the planted fault: it writes the number at once and appends four batches together.
`starved` runs out of room for its files, gets it back, and goes on without opening the journal again.
"""

import json
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from multihome.adapters.relational.sqlite import open_sqlite
from multihome.ports.journal import HistoryRow, Journal, JournalFullError, JournalRow, Snapshot
from tests.stores.batches import grow, rows_after, run_ended

BATCH_ROWS = 8
BODY_BYTES = 500
STARVED_FILE_BYTES = 1_000_000


class HastyJournal:
    """Says that a batch is durable when it is only remembered."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: list[JournalRow] = []
        self._history: list[HistoryRow] = []

    def head(self) -> tuple[int, str]:
        return (self._rows[-1].seq, self._rows[-1].hash) if self._rows else self._journal.head()

    def append(self, rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
        self._rows += rows
        self._history += history
        if len(self._rows) >= 4 * BATCH_ROWS:
            self._journal.append(self._rows, self._history)
            self._rows, self._history = [], []


def append_for_ever(journal: Journal | HastyJournal) -> None:
    while True:
        seq, _ = head = journal.head()
        rows = rows_after(head, [b"%d" % (seq + at) + b"." * BODY_BYTES for at in range(1, BATCH_ROWS + 1)])
        journal.append(rows, [run_ended(row.seq) for row in rows])
        os.write(1, b"%d\n" % rows[-1].seq)


def starve(journal: Journal) -> dict[str, object]:
    """Append until no file may grow, twice; report what held before, during and after."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    refusals: list[str] = []
    for room in (STARVED_FILE_BYTES, 2 * STARVED_FILE_BYTES):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            while True:
                grow(journal, [b"x" * BODY_BYTES] * BATCH_ROWS)
        except JournalFullError as error:
            refusals.append(str(error))
        full_at = journal.head()
        read_while_full = [row.seq for row in journal.read(0)] == list(range(1, full_at[0] + 1))
        try:
            journal.save_snapshot(Snapshot(seq=full_at[0], hash=full_at[1], version=1, body=b"x" * 2 * room))
        except JournalFullError as error:
            refusals.append(str(error))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        rows = grow(journal, [b"there is room again"])
    return {
        "refusals": refusals,
        "whole_batches": (full_at[0] - 1) % BATCH_ROWS == 0,
        "read_while_full": read_while_full,
        "history_rows": len(journal.history("run", limit=1_000_000)),
        "went_on": rows[0].seq == full_at[0] + 1,
        "head": journal.head(),
    }


def main(mode: str, directory: str) -> None:
    journal = open_sqlite(Path(directory), "child 1")
    if mode == "starved":
        json.dump(starve(journal), sys.stdout)
    else:
        append_for_ever(journal if mode == "honest" else HastyJournal(journal))


if __name__ == "__main__":
    main(*sys.argv[1:])
