"""What the simulator needs of the memory store: faults on demand, and a disk that outlives its journal."""

import pytest

from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.ports.journal import JournalFullError, Snapshot
from tests.stores.batches import EMPTY, grow, rows_after


class Faults:
    """Raises what it is told to, once."""

    def __init__(self) -> None:
        self.next: Exception | None = None

    def __call__(self) -> None:
        due, self.next = self.next, None
        if due is not None:
            raise due


@pytest.mark.parametrize("fault", [JournalFullError("disk full"), KeyError("a crash")], ids=["full", "crash"])
def test_an_injected_fault_reaches_the_caller_and_keeps_nothing(fault: Exception) -> None:
    faults = Faults()
    journal = MemoryJournal(MemoryDisk(), faults)
    faults.next = fault
    with pytest.raises(type(fault)):
        grow(journal, [b"one"])
    assert (journal.head(), journal.history("run")) == (EMPTY, [])
    rows = grow(journal, [b"one"])
    faults.next = fault
    with pytest.raises(type(fault)):
        journal.save_snapshot(Snapshot(seq=1, hash=rows[0].hash, version=1, body=b""))
    assert journal.latest_snapshot() is None


def test_a_fault_strikes_only_what_would_have_been_kept() -> None:
    faults = Faults()
    disk = MemoryDisk()
    old, _new = MemoryJournal(disk, faults), MemoryJournal(disk)
    faults.next = KeyError()
    with pytest.raises(Exception, match="epoch"):
        old.append(rows_after(EMPTY, [b"one"]), [])
    assert faults.next is not None


def test_a_disk_outlives_the_journal_that_crashed() -> None:
    disk = MemoryDisk()
    rows = grow(MemoryJournal(disk), [b"one", b"two"])
    after = MemoryJournal(disk)
    assert list(after.read(0)) == rows
    assert disk.epoch == 2
