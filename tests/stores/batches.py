"""Makes records that continue a journal, for all tests of stores."""

from collections.abc import Sequence

from multihome.ports.journal import GENESIS_HASH, HistoryRow, Journal, JournalRow, chain_hash

EMPTY = (0, GENESIS_HASH)


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
