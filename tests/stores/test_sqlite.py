"""What SQLite alone must do: refuse what it cannot trust, bring old files forward, and agree with the memory store."""

import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.adapters.relational import journal as relational
from multihome.adapters.relational.schema import NEWEST_REVISION, create, migrate
from multihome.adapters.relational.sqlite import JOURNAL_FILE, open_sqlite, refuse_affected
from multihome.adapters.relational.tables import metadata
from multihome.ports.journal import HistoryRow, JournalBrokenError, JournalFullError, Snapshot
from tests.stores.batches import grow, rows_after

driver = importlib.import_module("pysqlite3.dbapi2")


def run_sql(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = driver.connect(str(path))
    try:
        found = connection.execute(statement).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


@pytest.mark.parametrize(
    "version", [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 9), (3, 50, 6), (3, 51, 0), (3, 51, 2)], ids=str
)
def test_an_sqlite_that_loses_data_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(RuntimeError, match=r"WAL reset"):
        refuse_affected(version)


@pytest.mark.parametrize(
    "version", [(3, 6, 23), (3, 44, 6), (3, 44, 7), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)], ids=str
)
def test_a_sound_sqlite_is_accepted(version: tuple[int, int, int]) -> None:
    refuse_affected(version)


def test_the_file_is_opened_so_that_a_commit_is_durable(tmp_path: Path) -> None:
    journal = open_sqlite(tmp_path, "tests 1")
    # Asked on the very connection that writes: another one would answer for itself.
    ask = journal._writer.exec_driver_sql
    assert ask("PRAGMA journal_mode").scalar() == "wal"
    assert ask("PRAGMA synchronous").scalar() == 2
    assert ask("PRAGMA mmap_size").scalar() == 0
    journal._writer.rollback()
    journal.close()


def schema_of(path: Path) -> list[tuple[object, ...]]:
    tables = ["alembic_version", *metadata.tables]
    shapes = [(table, *column) for table in tables for column in run_sql(path, f"PRAGMA table_xinfo({table})")]
    indexes = run_sql(path, "SELECT type, name, tbl_name FROM sqlite_master ORDER BY type, name")
    columns = [
        (name, *column)
        for kind, name, _ in indexes
        if kind == "index"
        for column in run_sql(path, f"PRAGMA index_xinfo({name})")
    ]
    return [*shapes, *indexes, *columns, *run_sql(path, "SELECT version_num FROM alembic_version")]


def test_the_short_and_the_long_road_lead_to_the_same_schema(tmp_path: Path) -> None:
    for name, road in (("short", create), ("long", lambda connection: migrate(connection, None, "tests 1"))):
        engine = create_engine(f"sqlite+pysqlite:///{tmp_path / name}", module=driver)
        with engine.begin() as connection:
            road(connection)
        engine.dispose()
    assert schema_of(tmp_path / "short") == schema_of(tmp_path / "long")
    assert (NEWEST_REVISION,) in schema_of(tmp_path / "long")


def test_a_file_from_a_newer_version_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    open_sqlite(tmp_path, "multihome 9.8").close()
    run_sql(tmp_path / JOURNAL_FILE, "UPDATE alembic_version SET version_num = '0999'")
    before = run_sql(tmp_path / JOURNAL_FILE, "SELECT * FROM meta")
    with pytest.raises(
        JournalBrokenError, match=r"schema 0999 and was written by multihome 9\.8; multihome 0\.1 knows"
    ):
        open_sqlite(tmp_path, "multihome 0.1")
    assert run_sql(tmp_path / JOURNAL_FILE, "SELECT * FROM meta") == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    run_sql(tmp_path / JOURNAL_FILE, "CREATE TABLE theirs (a)")
    with pytest.raises(JournalBrokenError, match="not a Multihome journal"):
        open_sqlite(tmp_path, "tests 1")
    assert run_sql(tmp_path / JOURNAL_FILE, "SELECT name FROM sqlite_master") == [("theirs",)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).write_bytes(b"not a database" * 1_000)
    with pytest.raises(JournalBrokenError):
        open_sqlite(tmp_path, "tests 1")


def test_a_directory_in_the_files_place_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).mkdir()
    with pytest.raises(JournalFullError):
        open_sqlite(tmp_path, "tests 1")


def test_a_path_with_odd_characters_is_only_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "a b?mode=memory#%41é"
    journal = open_sqlite(odd, "tests 1")
    grow(journal, [b"one"])
    journal.close()
    assert (odd / JOURNAL_FILE).stat().st_size > 0


def test_a_full_database_refuses_the_batch_whole_and_takes_it_later(tmp_path: Path) -> None:
    journal = open_sqlite(tmp_path, "tests 1")
    grow(journal, [b"one"])
    before = (list(journal.read(0)), journal.history("run"))
    pages = journal._writer.exec_driver_sql("PRAGMA page_count").scalar()
    journal._writer.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    journal._writer.rollback()
    rows = rows_after(journal.head(), [b"x" * 10_000] * 4)
    with pytest.raises(JournalFullError, match="full"):
        journal.append(rows, [])
    assert (list(journal.read(0)), journal.history("run")) == before
    journal._writer.exec_driver_sql("PRAGMA max_page_count = 4294967294")
    journal._writer.rollback()
    journal.append(rows, [])
    assert journal.head() == (5, rows[-1].hash)
    journal.close()


def test_only_two_snapshots_are_kept(tmp_path: Path) -> None:
    journal = open_sqlite(tmp_path, "tests 1")
    for row in grow(journal, [b"one", b"two", b"three"]):
        journal.save_snapshot(Snapshot(seq=row.seq, hash=row.hash, version=1, body=b""))
    journal.close()
    assert run_sql(tmp_path / JOURNAL_FILE, "SELECT seq FROM snapshots ORDER BY seq") == [(2,), (3,)]


def test_a_record_missing_from_the_file_is_noticed_by_the_reader(tmp_path: Path) -> None:
    journal = open_sqlite(tmp_path, "tests 1")
    grow(journal, [b"one", b"two", b"three"])
    run_sql(tmp_path / JOURNAL_FILE, "DELETE FROM journal WHERE seq = 2")
    with pytest.raises(JournalBrokenError, match="record 2 is missing"):
        list(journal.read(0))
    journal.close()


@pytest.mark.parametrize("limit", ["CHUNK_ROWS_MAX", "CHUNK_BYTES_MAX"])
def test_a_read_goes_on_past_the_limits_of_a_chunk(tmp_path: Path, limit: str) -> None:
    journal = open_sqlite(tmp_path, "tests 1")
    bodies = [b"."] * (relational.CHUNK_ROWS_MAX + 2) if limit == "CHUNK_ROWS_MAX" else [b"x" * 3_000_000] * 3
    rows = rows_after(journal.head(), bodies)
    journal.append(rows, [])
    assert list(journal.read(0)) == rows
    assert len(journal._chunk(0)) < len(rows)
    journal.close()


def test_an_ordinary_start_does_not_import_alembic(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from multihome.adapters.relational.sqlite import open_sqlite\n"
        "for _ in range(2): open_sqlite(pathlib.Path(sys.argv[1]), 'tests 1').close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)


Appended = tuple[list[bytes], list[tuple[int, str, str, str]]]
Asked = tuple[str, str, str, int, int]

NAMES = st.sampled_from(["", "a", "b"])
APPENDED = st.tuples(
    st.lists(st.binary(max_size=20), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["run", "charge"]), NAMES, NAMES), max_size=6),
)
ASKED = st.tuples(st.sampled_from(["", "run", "charge"]), NAMES, NAMES, st.integers(0, 20), st.integers(0, 5))


@settings(max_examples=40)
@given(st.lists(APPENDED, max_size=8), st.lists(ASKED, min_size=1, max_size=10))
def test_sqlite_and_memory_answer_alike(appended: list[Appended], asked: list[Asked]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        stores = (MemoryJournal(MemoryDisk()), open_sqlite(Path(directory), "tests 1"))
        for bodies, items in appended:
            head = stores[0].head()
            rows = rows_after(head, bodies)
            history = [
                HistoryRow(head[0] + min(offset, len(rows)), kind, key, workload, b"")
                for offset, kind, key, workload in sorted(items)
            ]
            for store in stores:
                store.append(rows, history)
        for kind, key, workload, after_seq, limit in asked:
            memory, sqlite = (
                store.history(kind, key=key, workload=workload, after_seq=after_seq, limit=limit) for store in stores
            )
            assert memory == sqlite
            assert list(stores[0].read(after_seq)) == list(stores[1].read(after_seq))
        for store in stores:
            store.close()


@pytest.mark.parametrize(
    ("narrowed", "index", "sorted_rows"),
    [
        ("", "seq", []),
        ("kind = 'run' AND", "kind", []),
        ("kind = 'run' AND key = 'k' AND", "key", []),
        ("kind = 'run' AND workload = 'w' AND", "workload", []),
        ("key = 'k' AND", "key", ["USE TEMP B-TREE"]),
        ("workload = 'w' AND", "workload", ["USE TEMP B-TREE"]),
    ],
)
def test_the_indexes_serve_every_way_history_is_asked(
    tmp_path: Path, narrowed: str, index: str, sorted_rows: list[str]
) -> None:
    open_sqlite(tmp_path, "tests 1").close()
    query = f"EXPLAIN QUERY PLAN SELECT * FROM history WHERE {narrowed} seq > 5 ORDER BY seq, id LIMIT 10"
    plan = " ".join(str(line[-1]) for line in run_sql(tmp_path / JOURNAL_FILE, query))
    assert f"history_by_{index} " in plan
    assert re.findall("USE TEMP B-TREE", plan) == sorted_rows
