"""Every store under one name, so that one suite tests them all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal, disk_from_backup
from multihome.adapters.relational.sqlite import JOURNAL_FILE, open_sqlite
from multihome.ports.journal import Journal
from tests.stores.batches import Store


def memory_store(_directory: Path) -> Store:
    disk = MemoryDisk()
    return Store(lambda: MemoryJournal(disk), lambda path: MemoryJournal(disk_from_backup(str(path))))


def sqlite_store(directory: Path) -> Store:
    def restore(path: Path) -> Journal:
        restored = directory / "restored"
        restored.mkdir()
        path.rename(restored / JOURNAL_FILE)
        return open_sqlite(restored, "tests 1")

    return Store(lambda: open_sqlite(directory / "state", "tests 1"), restore)


@pytest.fixture(params=[memory_store, sqlite_store], ids=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    kept: Store = request.param(tmp_path)
    yield kept
    for journal in kept.opened:
        journal.close()
