"""The journal in memory, for the simulator and for tests.

What a disk would hold is a `MemoryDisk`, which outlives the journal that writes to it: a crash is to let the journal
go and to open another one on the same disk. Never touches a real disk, except to write a backup.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import msgspec

from multihome.ports.journal import (
    GENESIS_HASH,
    SNAPSHOTS_KEPT,
    HistoryRow,
    JournalBrokenError,
    JournalFullError,
    JournalRow,
    Snapshot,
    StaleWriterError,
    check_batch,
)


class MemoryDisk(msgspec.Struct):
    """Everything that survives a crash. Only the journal of the newest epoch writes to it."""

    epoch: int = 0
    rows: list[JournalRow] = msgspec.field(default_factory=list[JournalRow])
    history: dict[str, list[HistoryRow]] = msgspec.field(default_factory=dict[str, list[HistoryRow]])
    """By kind, oldest first; under the empty kind stand all of them."""
    snapshots: list[Snapshot] = msgspec.field(default_factory=list[Snapshot])
    """Oldest first, no more than `SNAPSHOTS_KEPT`."""


def disk_from_backup(target: str) -> MemoryDisk:
    """The disk that `MemoryJournal.backup` wrote to a file."""
    return msgspec.msgpack.decode(Path(target).read_bytes(), type=MemoryDisk)


def never_fails() -> None:
    """The commit that always succeeds."""


class MemoryJournal:
    """The `Journal` port over a `MemoryDisk`; opening takes the writer's place.

    One thread writes at a time; others may read.
    """

    def __init__(self, disk: MemoryDisk, before_commit: Callable[[], None] = never_fails) -> None:
        """Take over as the disk's writer under a new epoch.

        `before_commit` is called when a batch or a snapshot has been checked and before any of it is kept; what it
        raises leaves the disk as it was and reaches the caller: JournalFullError plays a full disk, anything else a
        crash before the commit.
        """
        self._disk = disk
        self._before_commit = before_commit
        disk.epoch += 1
        self._epoch = disk.epoch
        self._closed = False

    def head(self) -> tuple[int, str]:
        """See `Journal.head`."""
        self._refuse_closed()
        rows = self._disk.rows
        return (rows[-1].seq, rows[-1].hash) if rows else (0, GENESIS_HASH)

    def append(self, rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
        """See `Journal.append`."""
        self._refuse_stale()
        check_batch(self.head(), rows, history)
        self._before_commit()
        # The records last and at once, so that another thread that sees one also sees its history.
        for item in history:
            self._disk.history.setdefault(item.kind, []).append(item)
            self._disk.history.setdefault("", []).append(item)
        self._disk.rows.extend(rows)

    def read(self, after_seq: int) -> Iterator[JournalRow]:
        """See `Journal.read`."""
        self._refuse_closed()
        while after_seq < len(self._disk.rows):
            yield self._disk.rows[after_seq]
            after_seq += 1

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        self._refuse_stale()
        if self._hash_of(snapshot.seq) != snapshot.hash:
            msg = f"a snapshot of record {snapshot.seq} with hash {snapshot.hash}, which the journal does not have"
            raise JournalBrokenError(msg)
        self._before_commit()
        others = [kept for kept in self._disk.snapshots if kept.seq != snapshot.seq]
        self._disk.snapshots = sorted([*others, snapshot], key=attrgetter("seq"))[-SNAPSHOTS_KEPT:]

    def latest_snapshot(self) -> Snapshot | None:
        """See `Journal.latest_snapshot`."""
        self._refuse_closed()
        return self._disk.snapshots[-1] if self._disk.snapshots else None

    def history(
        self, kind: str, *, key: str = "", workload: str = "", after_seq: int = 0, limit: int = 1_000
    ) -> list[HistoryRow]:
        """See `Journal.history`."""
        self._refuse_closed()
        of_kind = self._disk.history.get(kind, [])
        page: list[HistoryRow] = []
        for item in of_kind[bisect_right(of_kind, after_seq, key=attrgetter("seq")) :]:
            if (key and item.key != key) or (workload and item.workload != workload):
                continue
            if len(page) >= limit and (not page or item.seq != page[-1].seq):
                break
            page.append(item)
        return page

    def backup(self, target: str) -> None:
        """See `Journal.backup`; `disk_from_backup` reads it."""
        self._refuse_closed()
        try:
            with Path(target).open("xb") as file:
                file.write(msgspec.msgpack.encode(self._disk))
        except FileExistsError:
            raise
        except OSError as error:
            msg = f"no copy was made: {error}"
            raise JournalFullError(msg) from error

    def close(self) -> None:
        """See `Journal.close`; a second time does nothing."""
        self._closed = True

    def _hash_of(self, seq: int) -> str | None:
        if seq == 0:
            return GENESIS_HASH
        return self._disk.rows[seq - 1].hash if 0 < seq <= len(self._disk.rows) else None

    def _refuse_closed(self) -> None:
        if self._closed:
            msg = "the journal is closed"
            raise ValueError(msg)

    def _refuse_stale(self) -> None:
        self._refuse_closed()
        if self._disk.epoch != self._epoch:
            msg = f"this writer has epoch {self._epoch}, the journal is at epoch {self._disk.epoch}"
            raise StaleWriterError(msg)
