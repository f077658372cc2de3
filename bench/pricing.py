"""How fast marginal prices are found: a hundred thousand questions under fifty contracts with mixed clauses."""

import hashlib
import time
from collections.abc import Sequence

import numpy as np

from bench.registry import Measurement, Size, at_least, figure
from multihome.clauses.price_columns import Ban, Minimum, Owed, Standing, Tiered, columns_of
from multihome.clauses.pricing import NO_CLAUSE, Columns, Prices, Questions, price
from multihome.domain.clause_terms import ClauseRef, TierMode
from multihome.domain.ids import ContractId
from multihome.units.money import Rounding, divide
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval

CONTRACTS = 50
LOTS_PER_CONTRACT = 2
MONTHS = 12
MONTH_MS = 30 * MS_PER_DAY
USES = 4
QUESTIONS = {Size.SMOKE: 2_000, Size.FULL: 100_000}
MICRO = MS_PER_HOUR
"""A micro-unit, in the parts that a gap is counted in."""


@figure(
    name="pricing_pairs_per_s",
    unit="pairs/s",
    goal=at_least(100_000),
    against="the same questions one object at a time, in the same run, with the same answers",
)
def pricing_pairs_per_s(size: Size) -> Measurement:
    """Build the columns and price every question in them; then all of them again one by one."""
    count = QUESTIONS[size]
    standings, bans = _standings(), _bans()
    asked = _questions(count)
    started = time.perf_counter()
    columns = columns_of(standings, bans, tuple(_clause(number, "only") for number in range(CONTRACTS)))
    prices = price(columns, asked)
    elapsed_s = time.perf_counter() - started
    started = time.perf_counter()
    naive = _one_by_one(standings, bans, asked)
    naive_s = time.perf_counter() - started
    assert naive == _told(columns, prices), "both roads must come to the same prices"
    told = hashlib.sha256(repr(naive).encode()).hexdigest()
    return Measurement(count / elapsed_s, f"{count:,} pairs, {naive_s / elapsed_s:,.1f} x one by one", told)


def _told(columns: Columns, prices: Prices) -> list[int | ClauseRef]:
    return [
        columns.clauses[clause] if clause != NO_CLAUSE else amount
        for amount, clause in zip(prices.micro_usd_per_chip_hour.tolist(), prices.forbidden.tolist(), strict=True)
    ]


def _clause(contract: int, name: str) -> ClauseRef:
    return ClauseRef(ContractId(f"contract-{contract}"), name)


def _standings() -> list[Standing]:
    """Twelve months of every lot; which clauses a contract has follows from its number."""
    return [
        _standing(contract, lot, month)
        for contract in range(CONTRACTS)
        for lot in range(LOTS_PER_CONTRACT)
        for month in range(MONTHS)
    ]


def _standing(contract: int, lot: int, month: int) -> Standing:
    rate = 1_500_000 + 37_373 * contract
    ends_ms = (month + 1) * MONTH_MS
    left = (month * 7_919 + contract * 104_729) % 40_000 * MS_PER_HOUR // 3 - 2_000 * MS_PER_HOUR
    mode = TierMode.GRADUATED if contract % 4 else TierMode.ALL_UNITS
    steps = tuple((step * 30_000 * MS_PER_HOUR, rate - step * 90_001) for step in range(4))
    volume = (contract * 15_485_863 + month * 32_452_843) % (120_000 * MS_PER_HOUR)
    gap = ((contract * 49_979_687 + month) % 60_000 - 20_000) * 1_000_000 * MICRO + contract
    return Standing(
        lot=f"contract-{contract}/{lot}",
        interval=Interval(month * MONTH_MS, ends_ms),
        rate=rate,
        resale_rate=700_000 if contract % 5 == 0 else 0,
        owed=Owed(_clause(contract, "take-or-pay"), ends_ms, left) if contract % 3 else None,
        tiered=Tiered(_clause(contract, "tiers"), f"t{contract}.{month}", ends_ms, volume, mode, steps)
        if contract % 2
        else None,
        minimum=Minimum(_clause(contract, "minimum"), f"m{contract}.{month}", ends_ms, gap)
        if contract % 7 < 3
        else None,
        forbidden=_clause(contract, "term") if month == MONTHS - 1 and contract % 11 == 0 else None,
    )


def _bans() -> list[Ban]:
    """Every tenth contract is exclusive for one use from its third month on."""
    bans: list[Ban] = []
    for contract in range(0, CONTRACTS, 10):
        covers = np.zeros((USES, CONTRACTS * LOTS_PER_CONTRACT), dtype=np.bool_)
        covers[contract // 10 % USES, :] = True
        covers[:, contract * LOTS_PER_CONTRACT : (contract + 1) * LOTS_PER_CONTRACT] = False
        bans.append(Ban(contract, Interval((2 + contract // 5) * MONTH_MS, (3 + contract // 5) * MONTH_MS), covers))
    return bans


def _questions(count: int) -> Questions:
    """Questions without dice: multiples of primes spread them over lots, times, sizes and uses."""
    number = np.arange(count, dtype=np.int64)
    start_ms = number * 7_368_787 % (MONTHS * MONTH_MS)
    return Questions(
        lot=number * 7_919 % (CONTRACTS * LOTS_PER_CONTRACT),
        start_ms=start_ms,
        end_ms=start_ms + MS_PER_HOUR + number * 1_299_709 % (20 * MS_PER_DAY),
        chips=8 << (number % 10),
        use=number % USES,
    )


def _one_by_one(standings: Sequence[Standing], bans: Sequence[Ban], asked: Questions) -> list[int | ClauseRef]:
    """The naive road: each question finds its lot's row, and every clause is asked in turn."""
    by_lot: dict[int, list[Standing]] = {}
    for index, row in enumerate(standings):
        by_lot.setdefault(index // MONTHS, []).append(row)
    found: list[int | ClauseRef] = []
    for lot, start_ms, end_ms, chips, use in zip(
        asked.lot.tolist(),
        asked.start_ms.tolist(),
        asked.end_ms.tolist(),
        asked.chips.tolist(),
        asked.use.tolist(),
        strict=True,
    ):
        row = next(row for row in by_lot[lot] if row.interval.contains(start_ms))
        banned = next((ban for ban in bans if ban.interval.contains(start_ms) and ban.covers[use, lot]), None)
        if row.forbidden is not None:
            found.append(row.forbidden)
        elif banned is not None:
            found.append(_clause(banned.clause, "only"))
        else:
            found.append(_price_one(row, chips * (min(end_ms, row.interval.end_ms) - start_ms)))
    return found


def _price_one(row: Standing, chip_ms: int) -> int:
    """A block's price in Python's own integers; money in 1/3,600,000 of a micro-unit."""
    free = min(chip_ms, max(0, row.owed.left_chip_ms)) if row.owed else 0
    total = _charge(row, chip_ms) - free * row.rate
    if row.minimum:
        total = max(total, row.minimum.gap) - max(0, row.minimum.gap)
    if row.resale_rate:
        total = chip_ms * row.resale_rate + max(0, total - (chip_ms - free) * row.resale_rate)
    return divide(total, chip_ms, Rounding.HALF_EVEN)


def _charge(row: Standing, chip_ms: int) -> int:
    if row.tiered is None:
        return chip_ms * row.rate
    before, after = row.tiered.volume_chip_ms, row.tiered.volume_chip_ms + chip_ms
    tiers = row.tiered.tiers
    if row.tiered.mode is TierMode.ALL_UNITS:
        return after * _rate_at(tiers, after) - before * _rate_at(tiers, before)
    ends = [*(begins for begins, _ in tiers[1:]), after + 1]
    return sum(
        max(0, min(after, end) - max(before, begins)) * rate for (begins, rate), end in zip(tiers, ends, strict=True)
    )


def _rate_at(tiers: tuple[tuple[int, int], ...], volume: int) -> int:
    return next(rate for begins, rate in reversed(tiers) if begins <= volume)
