"""Journals outside of a running control plane: audited, and brought back from a backup."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from multihome.adapters.clock_os.clock import OsIdMint
from multihome.adapters.relational.sqlite import JOURNAL_FILE, open_sqlite
from multihome.app.state_directory import RESTORED_FILE, claimed, holder_pid
from multihome.app.version import VERSION
from multihome.cli.launchers import LaunchError
from multihome.client.client import Client
from multihome.ports.journal import Journal, JournalBrokenError, JournalFullError
from multihome.runtime.loop import replay
from multihome.views.audit import AuditReport, audit

_PROGRAM = f"multihome {VERSION}"


def audit_state(state: Path) -> AuditReport:
    """Audit the journal of a state directory; where a control plane runs on it, a copy that it makes.

    Raises:
        LaunchError: there is no journal, or it cannot be read.
    """
    with readable(state) as journal:
        return audit(journal.read(0))


@contextmanager
def readable(state: Path) -> Generator[Journal]:
    """The journal of a state directory, at rest; where a control plane runs on it, a copy that it makes.

    Raises:
        LaunchError: there is no journal, or it cannot be read.
    """
    with ExitStack() as undo:
        if holder_pid(state) is None:
            if not (state / JOURNAL_FILE).exists():
                msg = f"{state} has no journal"
                raise LaunchError(msg)
            undo.enter_context(claimed(state))
            directory = state
        else:
            directory = Path(undo.enter_context(tempfile.TemporaryDirectory()))
            with Client(state, OsIdMint().mint, "audit") as client:
                client.backup(directory / JOURNAL_FILE)
        try:
            journal = open_sqlite(directory, _PROGRAM)
            undo.callback(journal.close)
            yield journal
        except JournalBrokenError as error:
            msg = f"the journal cannot be read: {error}"
            raise LaunchError(msg) from error


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
