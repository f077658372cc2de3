"""Journals outside of a running control plane: audited, recounted, and brought back from a backup."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from multihome.adapters.clock_os.clock import OsIdMint
from multihome.adapters.relational.sqlite import JOURNAL_FILE, open_sqlite
from multihome.app.state_directory import RESTORED_FILE, claimed, holder_pid
from multihome.app.version import VERSION
from multihome.cli.launchers import LaunchError
from multihome.client.client import Client
from multihome.ports.journal import Journal, JournalBrokenError, JournalFullError
from multihome.runtime.loop import replay
from multihome.runtime.records import RECORDS
from multihome.views.audit import AuditReport, audit
from multihome.views.recount import Costs, Recount

_PROGRAM = f"multihome {VERSION}"


def audit_state(state: Path) -> AuditReport:
    """Audit the journal of a state directory; where a control plane runs on it, a copy that it makes.

    Raises:
        LaunchError: there is no journal, or it cannot be read.
    """
    with at_rest(state) as journal:
        return audit(journal.read(0))


def recount_state(state: Path, live_until_ms: int) -> Costs:
    """Recount all costs from the events of a state directory's journal; runs that live, up to an instant.

    Raises:
        LaunchError: there is no journal, or it cannot be read.
    """
    recount = Recount()
    with at_rest(state) as journal:
        for row in journal.read(0):
            record = RECORDS.decode(row.body)
            for event in record.events:
                recount.take(event, record.at)
    return recount.costs(lambda _: live_until_ms)


def restore(file: Path, state: Path) -> int:
    """Make a state directory from a backup, after replaying all of it; the number of its last record.

    Raises:
        LaunchError: the directory has a journal, or the backup is none or is damaged.
    """
    with claimed(state):
        target = state / JOURNAL_FILE
        if target.exists():
            msg = f"{state} has a journal; restore into a directory that has none"
            raise LaunchError(msg)
        marker = state / RESTORED_FILE
        try:
            # The mark comes first: a journal that was restored must never be taken for one that knows everything.
            marker.write_text(f"from {file}\n", encoding="utf-8")
            shutil.copyfile(file, target)
            journal = open_sqlite(state, _PROGRAM)
            try:
                _, seq, _ = replay(journal)
            finally:
                journal.close()
        except (OSError, JournalBrokenError, JournalFullError) as error:
            for part in state.glob(f"{JOURNAL_FILE}*"):
                part.unlink()
            marker.unlink(missing_ok=True)
            msg = f"{file} cannot be restored: {error}"
            raise LaunchError(msg) from error
        return seq


@contextmanager
def at_rest(state: Path) -> Generator[Journal]:
    """A journal that nobody writes: where a control plane runs on it, a copy that it makes."""
    if holder_pid(state) is None:
        if not (state / JOURNAL_FILE).exists():
            msg = f"{state} has no journal"
            raise LaunchError(msg)
        with claimed(state), _opened(state) as journal:
            yield journal
        return
    with tempfile.TemporaryDirectory() as folder:
        with Client(state, OsIdMint().mint, "audit") as client:
            client.backup(Path(folder) / JOURNAL_FILE)
        with _opened(Path(folder)) as journal:
            yield journal


@contextmanager
def _opened(directory: Path) -> Generator[Journal]:
    try:
        journal = open_sqlite(directory, _PROGRAM)
        try:
            yield journal
        finally:
            journal.close()
    except JournalBrokenError as error:
        msg = f"the journal cannot be read: {error}"
        raise LaunchError(msg) from error
