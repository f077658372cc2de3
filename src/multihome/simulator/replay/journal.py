"""A journal that remembers its head and its newest snapshot, and no record: a replay of years would fill the memory.

Every record is encoded, hashed and checked as in any journal; the head's hash stands for all of them.
"""

from collections.abc import Iterator, Sequence

from multihome.ports.journal import (
    GENESIS_HASH,
    HistoryRow,
    JournalBrokenError,
    JournalFullError,
    JournalRow,
    Snapshot,
    check_batch,
)


class HeadJournal:
    """The `Journal` port for a replay. It begins empty, or after a snapshot."""

    def __init__(self, begins_after: Snapshot | None) -> None:
        """Begin where a snapshot was taken, or at nothing."""
        self._snapshot = begins_after
        self._head = (begins_after.seq, begins_after.hash) if begins_after is not None else (0, GENESIS_HASH)

    def head(self) -> tuple[int, str]:
        """See `Journal.head`."""
        return self._head

    def append(self, rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
        """See `Journal.append`."""
        check_batch(self._head, rows, history)
        if rows:
            self._head = (rows[-1].seq, rows[-1].hash)

    def read(self, after_seq: int) -> Iterator[JournalRow]:
        """See `Journal.read`: there is nothing after the head, and what came before it is gone."""
        if after_seq != self._head[0]:
            msg = f"records after {after_seq} were not kept"
            raise JournalBrokenError(msg)
        return iter(())

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`: only one of the head can be kept."""
        if (snapshot.seq, snapshot.hash) != self._head:
            msg = f"a snapshot of record {snapshot.seq}, and the head is {self._head[0]}"
            raise JournalBrokenError(msg)
        self._snapshot = snapshot

    def latest_snapshot(self) -> Snapshot | None:
        """See `Journal.latest_snapshot`."""
        return self._snapshot

    def history(
        self, kind: str, *, key: str = "", workload: str = "", after_seq: int = 0, limit: int = 1_000
    ) -> list[HistoryRow]:
        """See `Journal.history`: nothing is kept of it."""
        del kind, key, workload, after_seq, limit
        return []

    def backup(self, target: str) -> None:
        """See `Journal.backup`: there is nothing to copy."""
        msg = f"no copy to {target}: the records were not kept"
        raise JournalFullError(msg)

    def close(self) -> None:
        """See `Journal.close`."""
