"""Rating: charge lines and postings against exact fractions, whatever order and however often the records came."""

from collections import defaultdict
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.events import ChipTimeMetered
from multihome.domain.ids import ContractId, PoolId, ProviderId, RunId, TenantId, TrancheId, WorkloadId
from multihome.ledger.charges import Posting, charge_lines, imbalance, postings
from multihome.units.time import MS_PER_HOUR, Interval, month_interval
from tests.builders import day

DIMENSIONS = ("month_start_ms", "provider_id", "contract_id", "tranche_id", "tenant_id", "workload_id")


def record(
    run: int, start_ms: int, length_ms: int, chips: int, rate: int = 2_000_000, seller: int = 0
) -> ChipTimeMetered:
    return ChipTimeMetered(
        run_id=RunId(f"w{run % 3}.0.{run}"),
        workload_id=WorkloadId(f"w{run % 3}"),
        tenant_id=TenantId(f"lab/{run % 2}"),
        provider_id=ProviderId(f"p{seller}"),
        pool_id=PoolId(f"p{seller}/main"),
        contract_id=ContractId(f"p{seller}-1"),
        tranche_id=TrancheId(f"p{seller}-1/t1"),
        interval=Interval(start_ms, start_ms + length_ms),
        month_start_ms=month_interval(start_ms).start_ms,
        chip_ms=chips * length_ms,
        rate_micro_usd_per_chip_hour=rate,
    )


RECORDS = st.lists(
    st.builds(
        record,
        st.integers(0, 5),
        st.integers(0, 300).map(day),
        st.integers(1, 10 * MS_PER_HOUR),
        st.integers(1, 1_000),
        st.integers(0, 10**8),
        st.integers(0, 2),
    ),
    max_size=20,
    unique_by=lambda item: (item.run_id, item.interval),
)


def test_nothing_used_is_nothing_charged() -> None:
    assert charge_lines([]) == []
    assert imbalance([]) == {}


@given(RECORDS)
def test_a_line_is_rounded_once_from_the_exact_amount(records: list[ChipTimeMetered]) -> None:
    used: dict[tuple[object, ...], int] = defaultdict(int)
    for item in records:
        month = month_interval(item.interval.start_ms).start_ms
        key = (item.provider_id, item.contract_id, item.tranche_id, item.tenant_id, item.workload_id)
        used[month, *key, item.rate_micro_usd_per_chip_hour] += item.chip_ms
    lines = charge_lines(records)
    found = {
        (*(getattr(line.key, name) for name in DIMENSIONS), line.key.rate_micro_usd_per_chip_hour): line
        for line in lines
    }
    assert len(found) == len(lines)
    assert {key: line.chip_ms for key, line in found.items()} == used
    for line in lines:
        exact = Fraction(line.chip_ms, MS_PER_HOUR) * line.key.rate_micro_usd_per_chip_hour
        assert line.amount_micro_usd == round(exact)


@given(RECORDS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_a_line(records: list[ChipTimeMetered], dice: Random) -> None:
    again = [*records, *dice.choices(records, k=5), *records] if records else []
    dice.shuffle(again)
    assert charge_lines(again) == charge_lines(records)


@given(RECORDS)
def test_totals_agree_by_every_dimension(records: list[ChipTimeMetered]) -> None:
    lines = charge_lines(records)
    total = sum(line.amount_micro_usd for line in lines)
    for dimension in DIMENSIONS:
        sums: dict[object, int] = defaultdict(int)
        for line in lines:
            sums[getattr(line.key, dimension)] += line.amount_micro_usd
        assert sum(sums.values()) == total
    # Every line may be off by half a micro-unit from the exact total, and by no more.
    exact = sum((Fraction(r.chip_ms * r.rate_micro_usd_per_chip_hour, MS_PER_HOUR) for r in records), Fraction(0))
    assert abs(total - exact) <= Fraction(len(lines), 2)


@given(RECORDS)
def test_every_posting_balances(records: list[ChipTimeMetered]) -> None:
    lines = charge_lines(records)
    entries = postings(lines)
    assert imbalance(entries) == {}
    assert sum(entry.amount_micro for entry in entries if entry.amount_micro > 0) == sum(
        line.amount_micro_usd for line in lines
    )
    for debit, credit in zip(entries[::2], entries[1::2], strict=True):
        assert debit.account.startswith("cost:")
        assert credit.account.startswith("payable:")
        assert debit.amount_micro == -credit.amount_micro


def test_an_imbalance_is_seen_in_its_currency() -> None:
    entries = [Posting("cost:a", "USD", 5), Posting("payable:b", "USD", -5), Posting("cost:a", "EUR", 1)]
    assert imbalance(entries) == {"EUR": 1}


def test_one_workload_at_two_rates_is_two_lines() -> None:
    lines = charge_lines([record(0, day(0), MS_PER_HOUR, 8, 1), record(0, day(1), MS_PER_HOUR, 8, 3)])
    assert [line.amount_micro_usd for line in lines] == [8, 24]


def test_fractions_of_one_line_add_up_before_they_are_rounded() -> None:
    parts = [record(0, day(0) + number, 1, 1, MS_PER_HOUR // 2) for number in range(4)]
    (line,) = charge_lines(parts)
    assert line.amount_micro_usd == 2
    assert sum(charge_lines([part])[0].amount_micro_usd for part in parts) == 0
