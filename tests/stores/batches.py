"""A store under test, and records that continue its journal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from multihome.ports.journal import GENESIS_HASH, HistoryRow, Journal, JournalRow, chain_hash

EMPTY = (0, GENESIS_HASH)


@dataclass
class Store:
    """A place that keeps a journal, and what is open there."""

    opener: Callable[[], Journal]
    backup_opener: Callable[[Path], Journal]
    opened: list[Journal] = field(default_factory=list)

    def open(self) -> Journal:
        """Take over as the writer, as a restart or a standby would."""
        self.opened.append(self.opener())
        return self.opened[-1]

    def open_backup(self, path: Path) -> Journal:
        self.opened.append(self.backup_opener(path))
        return self.opened[-1]


def rows_after(head: tuple[int, str], bodies: Sequence[bytes]) -> list[JournalRow]:
    seq, previous = head
    rows: list[JournalRow] = []
    for body in bodies:
        seq += 1
        previous = chain_hash(previous, body)
        rows.append(JournalRow(seq=seq, body=body, hash=previous))
    return rows


def run_ended(seq: int, key: str = "w.0.1", workload: str = "w") -> HistoryRow:
    return HistoryRow(seq=seq, kind="run", key=key, workload=workload, body=b'{"seq":%d}' % seq)


def grow(journal: Journal, bodies: Sequence[bytes]) -> list[JournalRow]:
    """Append records and one history row for each of them."""
    rows = rows_after(journal.head(), bodies)
    journal.append(rows, [run_ended(row.seq) for row in rows])
    return rows
