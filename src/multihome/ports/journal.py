"""The port through which the truth is kept, and the arithmetic of its chain, which every store shares."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

GENESIS_HASH = "0" * 64
"""The hash before the first record."""

SNAPSHOTS_KEPT = 2
"""A store keeps the newest snapshot and the one before it, in case the newest cannot be used."""


class JournalRow(msgspec.Struct, frozen=True):
    """One record as it lies in the journal: `hash` is SHA-256 over the previous hash and the body, in hex."""

    seq: int
    body: bytes
    hash: str


class HistoryRow(msgspec.Struct, frozen=True):
    """A finished thing that has left memory: `kind` and `key` find it, `workload` groups it, `body` is JSON."""

    seq: int
    kind: str
    key: str
    workload: str
    body: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """State after the record `seq`, as bytes, with the hash of that record."""

    seq: int
    hash: str
    version: int
    body: bytes


class JournalFullError(Exception):
    """The journal cannot be written now (disk full, I/O error); nothing of the batch was kept. Reads go on."""


class JournalBrokenError(Exception):
    """The journal does not hold together, or comes from a newer version; nothing was changed."""


class StaleWriterError(Exception):
    """Another writer has taken over with a newer epoch; nothing was written."""


def chain_hash(previous: str, body: bytes) -> str:
    """SHA-256, in hex, over the previous record's hash (as the 64 ASCII letters it is) and the body."""
    return hashlib.sha256(previous.encode("ascii") + body).hexdigest()


def check_batch(head: tuple[int, str], rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
    """The second path before every append: the rows continue the head, and the history belongs to the rows.

    Raises:
        JournalBrokenError: says which row does not fit.
    """
    seq, previous = head
    for row in rows:
        if row.seq != seq + 1:
            msg = f"record {row.seq} cannot follow record {seq}"
            raise JournalBrokenError(msg)
        if row.hash != chain_hash(previous, row.body):
            msg = f"record {row.seq} does not carry the hash that follows from record {seq}"
            raise JournalBrokenError(msg)
        seq, previous = row.seq, row.hash
    oldest = head[0] + 1
    for item in history:
        if not oldest <= item.seq <= seq:
            msg = f"history of record {item.seq} is out of order, or its record is not in the batch"
            raise JournalBrokenError(msg)
        if not item.kind:
            msg = f"history of record {item.seq} has no kind"
            raise JournalBrokenError(msg)
        oldest = item.seq


class Journal(Protocol):
    """An append-only, hash-chained record of inputs and events, with the history projected from it."""

    def head(self) -> tuple[int, str]:
        """The last record's number and hash; 0 and 64 zeros for an empty journal."""
        ...

    def append(self, rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
        """Make a batch durable, all or none; returns only when the disk has it. History goes in order of `seq`.

        Raises:
            JournalFullError: nothing was kept; the same batch may be tried again.
            JournalBrokenError: the batch does not continue the head; nothing was kept.
            StaleWriterError: another writer took over; nothing was kept.
        """
        ...

    def read(self, after_seq: int) -> Iterator[JournalRow]:
        """All records after `after_seq`, in order; it ends at the head and may be left early.

        Raises:
            JournalBrokenError: a record is missing.
        """
        ...

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; all but the newest `SNAPSHOTS_KEPT` are dropped, the journal never is.

        Raises:
            JournalFullError: it was not kept.
            JournalBrokenError: the journal has no record of that number and hash; it was not kept.
            StaleWriterError: another writer took over; it was not kept.
        """
        ...

    def latest_snapshot(self) -> Snapshot | None:
        """The newest snapshot, if any."""
        ...

    def history(
        self, kind: str, *, key: str = "", workload: str = "", after_seq: int = 0, limit: int = 1_000
    ) -> list[HistoryRow]:
        """Rows of one kind, or of all kinds when it is empty, oldest first; narrowed by key or workload unless empty.

        A record's rows are never split, so the `seq` of the last one is where the next page starts: beyond `limit`
        come only the remaining rows of the last record.
        """
        ...

    def backup(self, target: str) -> None:
        """Write a consistent copy to a new file while the journal is in use; returns when the disk has it.

        Raises:
            FileExistsError: there is something at the target, which was not touched.
            JournalFullError: no copy was made.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
