"""SQLite as a journal's database: opened so that what was acknowledged survives, and copied while it is in use.

Write-ahead log, `synchronous=FULL`, every file's directory entry flushed before the first acknowledgement. Uses the
packaged SQLite, never Python's own: two SQLite libraries in one process must not open one file.
"""

import importlib
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from multihome.adapters.relational.journal import Database, RelationalJournal
from multihome.adapters.relational.schema import prepare
from multihome.ports.journal import JournalBrokenError, JournalFullError

JOURNAL_FILE = "journal.sqlite3"
"""The name of the journal in a state directory."""

APPLICATION_ID = 0x4D484D4A
"""The letters MHMJ in the file's header: a Multihome journal."""

BUSY_S_MAX = 5
"""How long a statement waits for another process that holds the file."""

READERS_MAX = 8
"""Connections that read at the same time; a further reader waits for one of them."""

CHECKPOINT_PAGES = 500
"""Pages in the log before a commit also moves them into the file. Over 1,200 appends of 64 + 64 rows of 400 bytes
with keys in random order: 500 pages, p99 7 ms and at most 10–20 ms; 1,000 (SQLite's own), 19 and 55; 2,000, 40 and 111;
the CPU they cost hardly differs. A second thread that checkpoints let the log grow to 700 MB under constant writing."""

LOG_BYTES_KEPT = 64 * 1024 * 1024
"""The log, which a large snapshot makes long, is cut back to this."""

_FIRST_AFFECTED = (3, 7, 0)
_FIRST_SOUND = (3, 51, 3)
_SOUND_BRANCHES = {(3, 44): 6, (3, 50): 7}

_FULL_CODES = frozenset({5, 8, 10, 13, 14})
"""BUSY, READONLY, IOERR, FULL, CANTOPEN: not now, and nothing was kept. One exception is SQLite's own: when the flush
of a commit fails and the machine dies before the next commit, the refused batch may be in the log afterwards."""
_BROKEN_CODES = frozenset({11, 26})
"""CORRUPT, NOTADB."""

# Loaded by name because the package carries no types.
_driver = importlib.import_module("pysqlite3.dbapi2")


def open_sqlite(state_directory: Path, program: str) -> RelationalJournal:
    """Open the journal of a state directory, made if it is not there, and take over as its writer.

    `program` is the name and version of this program, for whoever meets the file later.

    Raises:
        JournalBrokenError: the file is not a journal, is damaged, or comes from a newer version.
        JournalFullError: the file cannot be written now.
        RuntimeError: this SQLite loses data.
    """
    refuse_affected(_driver.sqlite_version_info)
    made = not state_directory.exists()
    state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state_directory / JOURNAL_FILE
    database = Database(
        writer=_engine(path, connections_max=1, writes=True),
        readers=_engine(path, connections_max=READERS_MAX, writes=False),
        copy_to=lambda target: _copy(path, target),
        port_error=_port_error,
    )
    with ExitStack() as undo:
        undo.callback(database.writer.dispose)
        undo.callback(database.readers.dispose)
        try:
            with database.writer.begin() as connection:
                _claim(connection, path)
                prepare(connection, program)
        except DBAPIError as error:
            raise _port_error(error) from error
        opened = RelationalJournal(database, program)
        # By now the file and its log exist; without this a power cut could take their names away, and all they hold.
        _flush(state_directory)
        if made:
            _flush(state_directory.parent)
        undo.pop_all()
    return opened


def refuse_affected(version: tuple[int, int, int]) -> None:
    """Refuse an SQLite whose log can lose committed transactions when it is reset (3.7.0 to 3.51.2, with exceptions).

    Raises:
        RuntimeError: says which version it is.
    """
    sound_patch = _SOUND_BRANCHES.get(version[:2])
    if not _FIRST_AFFECTED <= version < _FIRST_SOUND or (sound_patch is not None and version[2] >= sound_patch):
        return
    msg = f"SQLite {'.'.join(map(str, version))} can lose committed transactions (WAL reset); use 3.51.3 or newer"
    raise RuntimeError(msg)


def _engine(path: Path, *, connections_max: int, writes: bool) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        module=_driver,
        poolclass=QueuePool,
        pool_size=connections_max,
        max_overflow=0,
        # Transactions begin where we say so; connections wander between threads, one thread at a time.
        connect_args={"timeout": BUSY_S_MAX, "isolation_level": None, "check_same_thread": False},
    )
    event.listen(engine, "connect", _set_up_writer if writes else _set_up_reader)
    event.listen(engine, "begin", _begin_writing if writes else _begin_reading)
    return engine


def _set_up_writer(connection: Any, _record: object) -> None:  # noqa: ANN401
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        msg = f"the file system does not carry a write-ahead log (journal mode {mode})"
        raise JournalBrokenError(msg)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES_KEPT}")
    _set_up_both(connection)


def _set_up_reader(connection: Any, _record: object) -> None:  # noqa: ANN401
    connection.execute("PRAGMA query_only = ON")
    _set_up_both(connection)


def _set_up_both(connection: Any) -> None:  # noqa: ANN401
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA trusted_schema = OFF")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _claim(connection: Connection, path: Path) -> None:
    """Mark an empty file as ours; refuse one that is another's."""
    application_id = connection.exec_driver_sql("PRAGMA application_id").scalar()
    if application_id == APPLICATION_ID:
        return
    if application_id != 0 or connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
        msg = f"{path} is a database, but not a Multihome journal"
        raise JournalBrokenError(msg)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _port_error(error: DBAPIError) -> Exception:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in _FULL_CODES:
        return JournalFullError(str(error.orig))
    if code in _BROKEN_CODES:
        return JournalBrokenError(str(error.orig))
    return error


def _copy(path: Path, target: Path) -> None:
    """Copy under a name of its own and give it the target's name when it is whole, so that no half copy bears it."""
    if target.exists():
        raise FileExistsError(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent)
        os.close(handle)
        partial = Path(name)
        try:
            _copy_pages(path, partial)
            _flush(partial)
            # Unlike a rename, a link never replaces what came to be there in the meantime.
            target.hardlink_to(partial)
        finally:
            partial.unlink()
        _flush(target.parent)
    except FileExistsError:
        raise
    except (OSError, _driver.Error) as error:
        msg = f"no copy was made: {error}"
        raise JournalFullError(msg) from error


def _copy_pages(path: Path, partial: Path) -> None:
    source = _driver.connect(str(path), timeout=BUSY_S_MAX, isolation_level=None)
    try:
        copy = _driver.connect(str(partial), isolation_level=None)
        try:
            # All pages in one step read one state of the file, and the log lets the writer go on meanwhile.
            copy.execute("PRAGMA synchronous = OFF")
            source.backup(copy, pages=-1)
        finally:
            copy.close()
    finally:
        source.close()


def _flush(path: Path) -> None:
    """Return when the disk has the file, or the names in the directory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
