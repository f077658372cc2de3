"""The `Journal` port over SQLAlchemy Core: what is written, in which transaction, and by whom it may be.

Threads: one connection writes, and a lock lends it to one thread at a time, whichever thread that is. Reads use
connections of their own, so they neither wait for a write nor see half of one; any number of threads may read.
`close` waits for a write under way; a read that is still going on afterwards fails.

Never knows which database it is: `Database` brings what differs.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from multihome.adapters.relational.tables import history, journal, meta, snapshots
from multihome.ports.journal import (
    GENESIS_HASH,
    SNAPSHOTS_KEPT,
    HistoryRow,
    JournalBrokenError,
    JournalRow,
    Snapshot,
    StaleWriterError,
    check_batch,
)

CHUNK_ROWS_MAX = 4_096
"""Records read by one query; between two queries no transaction is open, so a slow reader holds nothing back."""

CHUNK_BYTES_MAX = 4 * 1024 * 1024
"""A query is left early once this many bytes of bodies are in hand, which bounds the memory of a read."""

_HEAD = select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
_HASH_OF = select(journal.c.hash).where(journal.c.seq == bindparam("of_seq"))
# A row lock where the database has them; SQLite's writer has locked the whole file by then.
_EPOCH = select(meta.c.epoch).where(meta.c.id == 1).with_for_update()
_CHUNK = (
    select(journal.c.seq, journal.c.body, journal.c.hash)
    .where(journal.c.seq > bindparam("after_seq"))
    .order_by(journal.c.seq)
    .limit(CHUNK_ROWS_MAX)
)
_NEWEST_SNAPSHOT = (
    select(snapshots.c.seq, snapshots.c.hash, snapshots.c.version, snapshots.c.body)
    .order_by(snapshots.c.seq.desc())
    .limit(1)
)
_HISTORY = select(history.c.seq, history.c.kind, history.c.key, history.c.workload, history.c.body, history.c.id)


@dataclass(frozen=True)
class Database:
    """One open database: how to write to it, read from it and copy it, and what its errors mean."""

    writer: Engine
    """Begins a transaction with the lock that keeps every other writer out."""
    readers: Engine
    copy_to: Callable[[Path], None]
    """Writes a durable copy; raises FileExistsError when there is something at the target."""
    port_error: Callable[[DBAPIError], Exception]
    """The error of the port that says it, or the error itself when the port has no word for it."""


class RelationalJournal:
    """The journal in a database that is open and has the newest schema. Opening takes the writer's place."""

    def __init__(self, database: Database, program: str) -> None:
        """Take over as the writer, under a new epoch; `program` is left in the database as the one that wrote it."""
        self._database = database
        self._writing = threading.Lock()
        self._closed = False
        with self._port_errors():
            self._writer = database.writer.connect()
            with self._writer.begin():
                self._epoch = _take_epoch(self._writer, program)

    def head(self) -> tuple[int, str]:
        """See `Journal.head`."""
        with self._reading() as connection:
            return _head(connection)

    def append(self, rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
        """See `Journal.append`."""
        with self._fenced_transaction() as connection:
            check_batch(_head(connection), rows, history)
            _insert_batch(connection, rows, history)

    def read(self, after_seq: int) -> Iterator[JournalRow]:
        """See `Journal.read`."""
        while chunk := self._chunk(after_seq):
            for row in chunk:
                after_seq += 1
                if row.seq != after_seq:
                    msg = f"record {after_seq} is missing"
                    raise JournalBrokenError(msg)
                yield row

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        with self._fenced_transaction() as connection:
            found = connection.scalar(_HASH_OF, {"of_seq": snapshot.seq}) if snapshot.seq else GENESIS_HASH
            if found != snapshot.hash:
                msg = f"a snapshot of record {snapshot.seq} with hash {snapshot.hash}, but the journal has {found}"
                raise JournalBrokenError(msg)
            connection.execute(delete(snapshots).where(snapshots.c.seq == snapshot.seq))
            connection.execute(
                insert(snapshots),
                {"seq": snapshot.seq, "hash": snapshot.hash, "version": snapshot.version, "body": snapshot.body},
            )
            kept = select(snapshots.c.seq).order_by(snapshots.c.seq.desc()).limit(SNAPSHOTS_KEPT)
            connection.execute(delete(snapshots).where(snapshots.c.seq.not_in(kept)))

    def latest_snapshot(self) -> Snapshot | None:
        """See `Journal.latest_snapshot`."""
        with self._reading() as connection:
            row = connection.execute(_NEWEST_SNAPSHOT).one_or_none()
        return None if row is None else Snapshot(seq=row.seq, hash=row.hash, version=row.version, body=row.body)

    def history(
        self, kind: str, *, key: str = "", workload: str = "", after_seq: int = 0, limit: int = 1_000
    ) -> list[HistoryRow]:
        """See `Journal.history`."""
        asked = _HISTORY.order_by(history.c.seq, history.c.id)
        if kind:
            asked = asked.where(history.c.kind == kind)
        if key:
            asked = asked.where(history.c.key == key)
        if workload:
            asked = asked.where(history.c.workload == workload)
        with self._reading() as connection:
            found = list(connection.execute(asked.where(history.c.seq > after_seq).limit(limit)))
            if len(found) == limit and found:
                last = found[-1]
                found += connection.execute(asked.where(history.c.seq == last.seq, history.c.id > last.id))
        return [HistoryRow(seq, kind, key, workload, body) for seq, kind, key, workload, body, _ in found]

    def backup(self, target: str) -> None:
        """See `Journal.backup`."""
        self._refuse_closed()
        with self._port_errors():
            self._database.copy_to(Path(target))

    def close(self) -> None:
        """See `Journal.close`; a second time does nothing."""
        with self._writing:
            self._closed = True
            self._writer.close()
            self._database.writer.dispose()
            self._database.readers.dispose()

    @contextmanager
    def _fenced_transaction(self) -> Generator[Connection]:
        """One transaction on the writer's connection, kept whole or not at all, and only by the newest writer."""
        with self._writing, self._port_errors():
            self._refuse_closed()
            with self._writer.begin():
                self._refuse_stale()
                yield self._writer

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        self._refuse_closed()
        with self._port_errors(), self._database.readers.connect() as connection:
            yield connection

    @contextmanager
    def _port_errors(self) -> Generator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._database.port_error(error) from error

    def _refuse_closed(self) -> None:
        # A disposed pool would quietly open the file again.
        if self._closed:
            msg = "the journal is closed"
            raise ValueError(msg)

    def _refuse_stale(self) -> None:
        epoch = self._writer.scalar(_EPOCH)
        if epoch != self._epoch:
            msg = f"this writer has epoch {self._epoch}, the journal is at epoch {epoch}"
            raise StaleWriterError(msg)

    def _chunk(self, after_seq: int) -> list[JournalRow]:
        chunk: list[JournalRow] = []
        chunk_bytes = 0
        with self._reading() as connection:
            for seq, body, hash_ in connection.execute(_CHUNK, {"after_seq": after_seq}):
                chunk.append(JournalRow(seq, body, hash_))
                chunk_bytes += len(body)
                if chunk_bytes >= CHUNK_BYTES_MAX:
                    break
        return chunk


def _head(connection: Connection) -> tuple[int, str]:
    row = connection.execute(_HEAD).one_or_none()
    return (0, GENESIS_HASH) if row is None else (row.seq, row.hash)


def _take_epoch(connection: Connection, program: str) -> int:
    epoch = connection.scalar(_EPOCH)
    if epoch is None:
        connection.execute(insert(meta), {"id": 1, "epoch": 1, "written_by": program})
        return 1
    connection.execute(update(meta).where(meta.c.id == 1).values(epoch=epoch + 1, written_by=program))
    return epoch + 1


def _insert_batch(connection: Connection, rows: Sequence[JournalRow], items: Sequence[HistoryRow]) -> None:
    """Insert by Core's executemany, so that one statement serves every database.

    A whole append of 64 + 64 rows of 400 bytes, checkpoints included, costs 1.2 CPU-ms so and 0.9 with the two inserts
    as text for the driver; with keys in random order, whose indexes touch more pages, 2.2 and 1.85. A third of a
    millisecond is not worth a second dialect of SQL.
    """
    if rows:
        connection.execute(insert(journal), [{"seq": row.seq, "body": row.body, "hash": row.hash} for row in rows])
    if items:
        connection.execute(
            insert(history),
            [
                {"seq": item.seq, "kind": item.kind, "key": item.key, "workload": item.workload, "body": item.body}
                for item in items
            ],
        )
