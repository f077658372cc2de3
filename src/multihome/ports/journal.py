"""The port through which the truth is kept."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec


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


class Journal(Protocol):
    """An append-only, hash-chained record of inputs and events, with the history projected from it."""

    def head(self) -> tuple[int, str]:
        """The last record's number and hash; 0 and 64 zeros for an empty journal."""
        ...

    def append(self, rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
        """Make a batch durable, all or none; returns only when the disk has it.

        Raises:
            JournalFullError: nothing was kept.
            StaleWriterError: another writer took over.
        """
        ...

    def read(self, after_seq: int) -> Iterator[JournalRow]:
        """All records after `after_seq`, in order."""
        ...

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; older ones may be dropped, the journal never is."""
        ...

    def latest_snapshot(self) -> Snapshot | None:
        """The newest snapshot, if any."""
        ...

    def history(self, kind: str, *, key: str = "", workload: str = "", after_seq: int = 0, limit: int = 1_000) -> list[HistoryRow]:
        """Rows of one kind, oldest first, narrowed by key or workload when these are not empty."""
        ...

    def backup(self, target: str) -> None:
        """Write a consistent copy to a file while the journal is in use."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
