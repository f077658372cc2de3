"""What a state as of an instant is folded from comes in the order of the journal, whatever kinds its rows are of."""

import pytest

from multihome.adapters.journal_memory import MemoryDisk, MemoryJournal
from multihome.api import as_of
from multihome.api.as_of import fact_rows
from multihome.ports.journal import HistoryRow
from multihome.views.history import CONSEQUENCE, FACT, RUN
from tests.stores.batches import EMPTY, rows_after

# Records by their kinds, in the order in which their events came; each second kind that is folded comes between others.
RECORDS = (
    (FACT, CONSEQUENCE, RUN, FACT, CONSEQUENCE),
    (CONSEQUENCE, FACT),
    (RUN,),
    (FACT,),
    (CONSEQUENCE, RUN, CONSEQUENCE),
    (FACT, CONSEQUENCE, CONSEQUENCE, FACT),
)


def written() -> MemoryJournal:
    """A journal with those records; the body of a row is its place in its record."""
    journal = MemoryJournal(MemoryDisk())
    history = [
        HistoryRow(seq=seq, kind=kind, key="", workload="", body=str(place).encode())
        for seq, kinds in enumerate(RECORDS, start=1)
        for place, kind in enumerate(kinds)
    ]
    journal.append(rows_after(EMPTY, [str(seq).encode() for seq in range(len(RECORDS))]), history)
    return journal


def expected() -> list[tuple[int, int]]:
    return [
        (seq, place)
        for seq, kinds in enumerate(RECORDS, start=1)
        for place, kind in enumerate(kinds)
        if kind in {FACT, CONSEQUENCE}
    ]


def told() -> list[tuple[int, int]]:
    return [(row.seq, int(row.body)) for row in fact_rows(written())]


def test_events_of_one_record_keep_their_order_between_kinds() -> None:
    assert told() == expected()


def test_a_merge_by_kind_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: rows of a record by kind, as two lists merged by record give them."""
    plain = as_of._record_rows
    monkeypatch.setattr(as_of, "_record_rows", lambda *of: sorted(plain(*of), key=lambda row: row.kind, reverse=True))
    assert sorted(told()) == expected()
    assert told() != expected()
