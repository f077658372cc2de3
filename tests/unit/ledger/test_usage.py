"""Metering: chip time between two instants, cut where a month ends."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.contracts import Tranche
from multihome.domain.events import ChipTimeMetered
from multihome.domain.ids import RunId, WorkloadId
from multihome.ledger.usage import meter
from multihome.units.time import MS_PER_DAY, Interval, month_interval, parse_instant
from tests.builders import RED, book, contract, day, lots, occupant, tranche

LOT = lots(book(contract()))[0]
CHIPS = 12


def metered(used: Interval, part: Tranche | None = None) -> list[ChipTimeMetered]:
    where = occupant("w.0.1", RED, LOT, {0: 8, 1: 4}).allocation
    return list(meter(RunId("w.0.1"), WorkloadId("w"), RED, where, contract(), part or tranche(), used))


def test_a_record_says_who_used_what_of_whom_at_which_rate() -> None:
    (record,) = metered(Interval(day(3), day(4)))
    assert record == ChipTimeMetered(
        run_id=RunId("w.0.1"),
        workload_id=WorkloadId("w"),
        tenant_id=RED,
        provider_id=LOT.provider.id,
        pool_id=LOT.pool.id,
        contract_id=LOT.contract.id,
        tranche_id=LOT.tranche.id,
        interval=Interval(day(3), day(4)),
        month_start_ms=day(0),
        chip_ms=CHIPS * MS_PER_DAY,
        rate_micro_usd_per_chip_hour=tranche().rate_micro_usd_per_chip_hour,
    )


def test_an_empty_interval_has_no_usage() -> None:
    assert metered(Interval(day(3), day(3))) == []
    assert metered(Interval(day(3), day(2))) == []


def test_usage_is_cut_where_the_month_ends() -> None:
    february = parse_instant("2026-02-01")
    assert [record.interval for record in metered(Interval(february - 1, february + 1))] == [
        Interval(february - 1, february),
        Interval(february, february + 1),
    ]
    assert [record.interval for record in metered(Interval(february - 1, february))] == [
        Interval(february - 1, february)
    ]


@given(st.integers(day(0), day(3_000)), st.integers(0, 500 * MS_PER_DAY))
def test_records_follow_one_another_and_each_lies_in_one_month(start_ms: int, length_ms: int) -> None:
    records = metered(Interval(start_ms, start_ms + length_ms))
    assert sum(record.chip_ms for record in records) == CHIPS * length_ms
    for record in records:
        month = month_interval(record.interval.start_ms)
        assert record.interval.start_ms < record.interval.end_ms <= month.end_ms
        assert record.chip_ms == CHIPS * (record.interval.end_ms - record.interval.start_ms)
    assert all(one.interval.end_ms == other.interval.start_ms for one, other in pairwise(records))
    if length_ms:
        assert (records[0].interval.start_ms, records[-1].interval.end_ms) == (start_ms, start_ms + length_ms)
