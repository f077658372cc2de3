"""A journal that counts what it makes durable, and how long that takes."""

from collections.abc import Iterator, Sequence

from multihome.api.metrics import Metrics
from multihome.ports.journal import HistoryRow, Journal, JournalRow, Snapshot


class MeasuredJournal:
    """The `Journal` port over another journal."""

    def __init__(self, inner: Journal, metrics: Metrics) -> None:
        """Count what goes into `inner`."""
        self._inner = inner
        self._metrics = metrics

    def head(self) -> tuple[int, str]:
        """See `Journal.head`."""
        return self._inner.head()

    def append(self, rows: Sequence[JournalRow], history: Sequence[HistoryRow]) -> None:
        """See `Journal.append`."""
        with self._metrics.commit_s.time():
            self._inner.append(rows, history)
        self._metrics.batch_records.observe(len(rows))

    def read(self, after_seq: int) -> Iterator[JournalRow]:
        """See `Journal.read`."""
        return self._inner.read(after_seq)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        self._inner.save_snapshot(snapshot)

    def latest_snapshot(self) -> Snapshot | None:
        """See `Journal.latest_snapshot`."""
        return self._inner.latest_snapshot()

    def history(
        self, kind: str, *, key: str = "", workload: str = "", after_seq: int = 0, limit: int = 1_000
    ) -> list[HistoryRow]:
        """See `Journal.history`."""
        return self._inner.history(kind, key=key, workload=workload, after_seq=after_seq, limit=limit)

    def backup(self, target: str) -> None:
        """See `Journal.backup`."""
        self._inner.backup(target)

    def close(self) -> None:
        """See `Journal.close`."""
        self._inner.close()
