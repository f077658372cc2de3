"""What every store of a journal does. A new store is added to `conftest.py` and passes all of this."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from multihome.ports.journal import (
    GENESIS_HASH,
    HistoryRow,
    Journal,
    JournalBrokenError,
    JournalFullError,
    JournalRow,
    Snapshot,
    StaleWriterError,
)
from multihome_verify.chain import Anchor, verify_chain
from tests.stores.batches import EMPTY, Store, grow, rows_after, run_ended


def contents(journal: Journal) -> tuple[list[JournalRow], list[HistoryRow], Snapshot | None]:
    return list(journal.read(0)), journal.history("run"), journal.latest_snapshot()


def test_an_empty_journal(store: Store) -> None:
    journal = store.open()
    assert journal.head() == EMPTY
    assert contents(journal) == ([], [], None)


def test_what_was_appended_is_read_back_in_order(store: Store) -> None:
    journal = store.open()
    rows = grow(journal, [b"one", b"", bytes(range(256))]) + grow(journal, [b"four"])
    assert list(journal.read(0)) == rows
    assert list(journal.read(2)) == rows[2:]
    assert list(journal.read(4)) == []
    assert list(journal.read(99)) == []
    assert journal.head() == (4, rows[-1].hash)


def test_the_offline_verifier_agrees_with_the_chain(store: Store) -> None:
    journal = store.open()
    grow(journal, [b"%d" % number for number in range(100)])
    rows = [(row.seq, row.body, row.hash) for row in journal.read(0)]
    assert verify_chain(rows, Anchor(*journal.head())) == []


def test_a_reader_may_leave_early_and_sees_what_came_after_it_began(store: Store) -> None:
    journal = store.open()
    grow(journal, [b"one", b"two"])
    reader = journal.read(0)
    assert [row.body for row in islice(reader, 1)] == [b"one"]
    journal.append(rows_after(journal.head(), [b"three"]), [])
    assert len(list(journal.read(0))) == 3


def test_an_empty_batch_changes_nothing(store: Store) -> None:
    journal = store.open()
    journal.append([], [])
    assert contents(journal) == ([], [], None)


WRONG_BATCHES = {
    "the number jumps": lambda rows: [rows[0], JournalRow(rows[1].seq + 1, rows[1].body, rows[1].hash)],
    "the first number jumps": lambda rows: rows[1:],
    "the body is another": lambda rows: [rows[0], JournalRow(rows[1].seq, b"forged", rows[1].hash)],
    "a row comes twice": lambda rows: [rows[0], rows[0], rows[1]],
    "the order is wrong": lambda rows: rows[::-1],
    "it continues another journal": lambda rows: rows_after((rows[0].seq - 1, "f" * 64), [b"x"]),
}


@pytest.mark.parametrize("spoil", WRONG_BATCHES.values(), ids=WRONG_BATCHES.keys())
def test_a_batch_that_does_not_continue_the_head_is_refused_whole(
    store: Store, spoil: Callable[[list[JournalRow]], list[JournalRow]]
) -> None:
    journal = store.open()
    grow(journal, [b"one"])
    before = contents(journal)
    rows = rows_after(journal.head(), [b"two", b"three"])
    with pytest.raises(JournalBrokenError):
        journal.append(spoil(rows), [])
    assert contents(journal) == before
    journal.append(rows, [])
    assert journal.head() == (3, rows[-1].hash)


@pytest.mark.parametrize("seqs", [[1], [4], [3, 2]], ids=["before the batch", "after the batch", "out of order"])
def test_history_that_is_not_the_batchs_is_refused_whole(store: Store, seqs: list[int]) -> None:
    journal = store.open()
    grow(journal, [b"one"])
    before = contents(journal)
    with pytest.raises(JournalBrokenError):
        journal.append(rows_after(journal.head(), [b"two", b"three"]), [run_ended(seq) for seq in seqs])
    assert contents(journal) == before


def test_history_without_a_kind_is_refused(store: Store) -> None:
    journal = store.open()
    with pytest.raises(JournalBrokenError):
        journal.append(rows_after(EMPTY, [b"one"]), [HistoryRow(seq=1, kind="", key="k", workload="w", body=b"")])
    assert journal.head() == EMPTY


def test_the_newest_snapshot_is_found_and_survives_a_restart(store: Store) -> None:
    journal = store.open()
    rows = grow(journal, [b"one", b"two", b"three", b"four"])
    for row in (rows[2], rows[0], rows[3], rows[3]):
        journal.save_snapshot(Snapshot(seq=row.seq, hash=row.hash, version=7, body=b"state %d" % row.seq))
    newest = Snapshot(seq=4, hash=rows[3].hash, version=7, body=b"state 4")
    assert journal.latest_snapshot() == newest
    journal.close()
    assert store.open().latest_snapshot() == newest


def test_a_snapshot_of_the_empty_journal_is_kept(store: Store) -> None:
    journal = store.open()
    journal.save_snapshot(Snapshot(seq=0, hash=GENESIS_HASH, version=1, body=b"nothing yet"))
    assert journal.latest_snapshot() == Snapshot(seq=0, hash=GENESIS_HASH, version=1, body=b"nothing yet")


@pytest.mark.parametrize(("seq", "hash_"), [(1, "a" * 64), (2, "a" * 64), (0, "a" * 64), (-1, GENESIS_HASH)])
def test_a_snapshot_of_another_journal_is_refused(store: Store, seq: int, hash_: str) -> None:
    journal = store.open()
    grow(journal, [b"one"])
    with pytest.raises(JournalBrokenError):
        journal.save_snapshot(Snapshot(seq=seq, hash=hash_, version=1, body=b""))
    assert journal.latest_snapshot() is None


def test_history_is_narrowed_by_kind_key_and_workload(store: Store) -> None:
    journal = store.open()
    rows = rows_after(journal.head(), [b"one", b"two", b"three"])
    a1, a2, b1 = run_ended(1, "a.0.1", "a"), run_ended(2, "a.0.2", "a"), run_ended(3, "b.0.1", "b")
    charge = HistoryRow(seq=3, kind="charge", key="a.0.1", workload="a", body=b"{}")
    journal.append(rows, [a1, a2, b1, charge])
    assert journal.history("run") == [a1, a2, b1]
    assert journal.history("run", key="a.0.2") == [a2]
    assert journal.history("run", workload="a") == [a1, a2]
    assert journal.history("run", workload="a", after_seq=1) == [a2]
    assert journal.history("run", workload="b", key="a.0.1") == []
    assert journal.history("charge") == [charge]
    assert journal.history("invoice") == []
    assert journal.history("run", limit=0) == []
    assert journal.history("") == [a1, a2, b1, charge]
    assert journal.history("", key="a.0.1") == [a1, charge]
    assert journal.history("", workload="a", after_seq=1) == [a2, charge]


def test_pages_of_history_neither_skip_nor_repeat_when_a_record_ends_many_runs(store: Store) -> None:
    journal = store.open()
    items = [run_ended(seq, f"w.{unit}.1") for seq in (1, 2, 3, 4) for unit in range(5)]
    journal.append(rows_after(journal.head(), [b"1", b"2", b"3", b"4"]), items)
    for limit in (1, 4, 5, 6, 20, 100):
        found: list[HistoryRow] = []
        while page := journal.history("run", after_seq=found[-1].seq if found else 0, limit=limit):
            assert len(page) < limit + 5
            found += page
        assert found == items


def test_a_backup_opens_and_holds_the_same(store: Store, tmp_path: Path) -> None:
    journal = store.open()
    rows = grow(journal, [b"one", b"two"])
    journal.save_snapshot(Snapshot(seq=2, hash=rows[1].hash, version=1, body=b"state"))
    copied = contents(journal)
    journal.backup(str(tmp_path / "copy"))
    grow(journal, [b"three"])
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy"]
    restored = store.open_backup(tmp_path / "copy")
    assert contents(restored) == copied
    grow(restored, [b"another three"])
    assert journal.head()[0] == restored.head()[0] == 3


def test_a_backup_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        store.open().backup(str(target))
    assert target.read_bytes() == b"precious"


def test_a_backup_to_nowhere_says_that_there_is_no_copy(store: Store, tmp_path: Path) -> None:
    with pytest.raises(JournalFullError, match="no copy was made"):
        store.open().backup(str(tmp_path / "absent" / "copy"))


def test_a_writer_that_was_taken_over_changes_nothing(store: Store) -> None:
    old = store.open()
    rows = grow(old, [b"one"])
    new = store.open()
    with pytest.raises(StaleWriterError):
        old.append(rows_after(old.head(), [b"two"]), [])
    with pytest.raises(StaleWriterError):
        old.save_snapshot(Snapshot(seq=1, hash=rows[0].hash, version=1, body=b""))
    assert contents(new) == (rows, [run_ended(1)], None)
    grow(new, [b"two, by the new one"])
    assert old.head() == new.head()


def test_a_restart_finds_everything_and_goes_on(store: Store) -> None:
    journal = store.open()
    rows = grow(journal, [b"one", b"two"])
    before = contents(journal)
    journal.close()
    journal = store.open()
    assert contents(journal) == before
    assert list(journal.read(0)) + grow(journal, [b"three"]) == list(journal.read(0))
    assert journal.head()[0] == len(rows) + 1


def test_a_closed_journal_refuses_everything(store: Store, tmp_path: Path) -> None:
    journal = store.open()
    journal.close()
    journal.close()
    rows = rows_after(EMPTY, [b"one"])
    snapshot = Snapshot(seq=0, hash=GENESIS_HASH, version=1, body=b"")
    for use in (
        journal.head,
        journal.latest_snapshot,
        lambda: journal.history("run"),
        lambda: list(journal.read(0)),
        lambda: journal.append(rows, []),
        lambda: journal.save_snapshot(snapshot),
        lambda: journal.backup(str(tmp_path / "copy")),
    ):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_one_thread_writes_while_another_reads_whole_batches(store: Store) -> None:
    journal = store.open()
    batches, batch_rows = 60, 7

    def write() -> None:
        for number in range(batches):
            grow(journal, [b"%d" % number] * batch_rows)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            seen = list(journal.read(0))
            assert len(seen) % batch_rows == 0
            assert len(journal.history("run", limit=10_000)) >= len(seen)
        writing.result()
    assert journal.head()[0] == batches * batch_rows
