"""How fast the journal makes records durable."""

import tempfile
import time
from pathlib import Path

from bench.registry import Measurement, Size, at_least, figure
from multihome.adapters.relational.sqlite import open_sqlite
from multihome.ports.journal import JournalRow, chain_hash

BATCH_ROWS = 100
BODY_BYTES = 400
"""About what a submitted workload takes in the journal."""

BATCHES = {Size.SMOKE: 3, Size.FULL: 300}


@figure(
    name="journal_rows_per_s",
    unit="rows/s",
    goal=at_least(2_200),
    # How fast the disk flushes decides this figure: it compares programs on one disk, never two disks.
    against="sqlite3 alone, same batches, on a disk that made 260 single commits/s; a faster disk shows more",
)
def journal_rows_per_s(size: Size) -> Measurement:
    """Append batches to a journal in a new directory, each durable before the next."""
    batches = BATCHES[size]
    with tempfile.TemporaryDirectory() as directory:
        journal = open_sqlite(Path(directory) / "state", "bench")
        seq, head = journal.head()
        started = time.perf_counter()
        for _ in range(batches):
            rows: list[JournalRow] = []
            for _ in range(BATCH_ROWS):
                seq += 1
                body = b"%0*d" % (BODY_BYTES, seq)
                head = chain_hash(head, body)
                rows.append(JournalRow(seq, body, head))
            journal.append(rows, ())
        elapsed_s = time.perf_counter() - started
        assert journal.head() == (seq, head), "the journal ends with what was appended last"
        journal.close()
    return Measurement(seq / elapsed_s, f"{seq:,} rows of {BODY_BYTES} bytes", head)
