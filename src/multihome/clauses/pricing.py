"""The marginal price: what one more chip-hour of a lot really costs, in columns.

A contract's bill for a period is T(V) + R × max(0, O − F) − R × min(M, max(0, F − O)), and never less than a minimum:

    T  charges of the volume V that is used in the tier's period (the tranche's rate where there are no tiers)
    F  what is used in the take-or-pay's period, O what is owed of it, M what was paid for before and may be made up
    R  the tranche's rate, at which a deficiency is charged

F and V are forecasts to their period's end. A question is a block of x chip-milliseconds; its price is what the bill
grows by, divided by x. So a block costs nothing as far as a deficiency would otherwise remain, the tier's rate beyond,
and the blend where the block reaches over. All-units tiers: (V + x) × rate(V + x) − V × rate(V): with the jump, so that
a price may be negative. Where unused capacity may be sold on at r, using it forgoes that: x × r + max(0, rest − y × r),
y being the part of the block that is not paid for anyway.

Money that was prepaid is spent by drawing it, and is missed by the next charge: it changes no marginal price. Equity
vests by chips accepted and not by their use: it changes none either. Knows no queue, no engine and no clock.
"""

from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.clauses.price_columns import NO_CLAUSE, Columns
from multihome.clauses.split_money import (
    CHIP_MS_MAX,
    GAP_MICRO_MAX,
    Column,
    Split,
    charge,
    is_less,
    larger,
    minus,
    nothing_like,
    per_chip_hour,
    plus,
    where,
)
from multihome.domain.clause_terms import ClauseRef
from multihome.units.time import MS_PER_HOUR, Interval

BLOCK_CHIP_MS_MIN = MS_PER_HOUR
"""Below a chip-hour an all-units jump, spread over so little, could pass 64 bits: such blocks take the wide road."""


class Rule(IntEnum):
    """What set a price."""

    RATE = 0
    OWED = 1
    TIER = 2
    MINIMUM = 3
    RESALE = 4


class Questions(msgspec.Struct, frozen=True):
    """Blocks to be priced, one a row: which lot, from when to when, how many chips, and for which use.

    `lot` and `use` count `Columns.lots` and the uses that `Columns.bans` were made for. A block is cut where a period
    of its lot ends: what lies beyond is another question.
    """

    lot: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    chips: NDArray[np.int64]
    use: NDArray[np.int64]


class Prices(msgspec.Struct, frozen=True):
    """Answers, one a row. `forbidden` counts `Columns.clauses`; where it is `NO_CLAUSE` the other columns hold.

    `free_chip_ms` of the block's `chip_ms` are paid for whether used or not.
    """

    micro_usd_per_chip_hour: Column
    rule: NDArray[np.int64]
    clause: NDArray[np.int64]
    forbidden: NDArray[np.int64]
    row: NDArray[np.int64]
    chip_ms: Column
    free_chip_ms: Column


class Forbidden(msgspec.Struct, frozen=True):
    """No price, since a clause forbids it, or the contract's term (clause `term`) is over."""

    clause: ClauseRef


class Priced(msgspec.Struct, frozen=True):
    """A price, and what set it."""

    micro_usd_per_chip_hour: int
    rule: Rule
    clause: ClauseRef | None


def price(columns: Columns, questions: Questions) -> Prices:
    """Price every question; 64-bit columns where their bounds hold, Python's own integers for the rows beyond."""
    row = columns.row_at(questions.lot, questions.start_ms)
    ends_ms = np.minimum(questions.end_ms, columns.end_ms[row])
    length_ms = np.maximum(ends_ms - questions.start_ms, 1)
    fits = (questions.chips <= CHIP_MS_MAX // length_ms) & (questions.chips >= -(-BLOCK_CHIP_MS_MIN // length_ms))
    forbidden = _forbidden(columns, questions, row)
    if fits.all():
        return _priced(columns, row, questions.chips * length_ms, forbidden)
    chip_ms = questions.chips.astype(object) * length_ms.astype(object)
    narrow = _priced(columns, row[fits], chip_ms[fits].astype(np.int64), forbidden[fits])
    wide = _priced(columns.widened(), row[~fits], chip_ms[~fits], forbidden[~fits])
    return _together(fits, narrow, wide)


def answer(columns: Columns, prices: Prices, index: int) -> Priced | Forbidden:
    """One row's answer as a value."""
    if prices.forbidden[index] != NO_CLAUSE:
        return Forbidden(columns.clauses[int(prices.forbidden[index])])
    clause = int(prices.clause[index])
    return Priced(
        int(prices.micro_usd_per_chip_hour[index]),
        Rule(int(prices.rule[index])),
        None if clause == NO_CLAUSE else columns.clauses[clause],
    )


class BelowZero(msgspec.Struct, frozen=True):
    """Why the bill shrinks by more use, per chip-hour of the block, in micro-units.

    `usage` is what its use is charged under the tiers, below zero where they lower the charge of what was used before;
    `deficiency` is what falls away of the take-or-pay's charge, at the tranche's rate. The first is the smaller.
    """

    usage_micro_usd_per_chip_hour: int
    deficiency_micro_usd_per_chip_hour: int
    tiers: ClauseRef | None


def below_zero(columns: Columns, prices: Prices, index: int) -> BelowZero | None:
    """Why an answer's price is negative; None where it is not."""
    if prices.micro_usd_per_chip_hour[index] >= 0:
        return None
    row = prices.row[[index]]
    # The wide road has no bounds, and a word is not asked for a million times.
    chip_ms, free = prices.chip_ms[[index]].astype(object), prices.free_chip_ms[[index]].astype(object)
    wide = columns.widened()
    usage = per_chip_hour(_usage(wide, row, chip_ms), chip_ms)
    deficiency = per_chip_hour(charge(free, wide.rate[row]), chip_ms)
    tiers = int(columns.tier_clause[row[0]])
    return BelowZero(
        int(usage[0]),
        int(deficiency[0]),
        None if tiers == NO_CLAUSE else columns.clauses[tiers],
    )


def taken(columns: Columns, row: int, chips: int, use: Interval) -> Columns:
    """The columns once so many chips more of a row's lot are in use over an interval.

    They count in every account of the row as far as its period goes, which is further than one block is priced.
    """
    start_ms = use.start_ms
    if max(columns.owed_clause[row], columns.tier_clause[row], columns.minimum_clause[row]) == NO_CLAUSE:
        return columns

    def until(ends_ms: NDArray[np.int64]) -> int:
        return chips * max(0, min(use.end_ms, int(ends_ms[row])) - start_ms)

    volumes, more = columns.volume_chip_ms.copy(), until(columns.tier_end_ms)
    if int(volumes[row]) + more > CHIP_MS_MAX:
        columns = columns.widened()
        volumes = columns.volume_chip_ms.copy()
    volumes[_shares(columns.tier_account, row)] += more
    if columns.minimum_clause[row] != NO_CLAUSE:
        columns = _spent(columns, row, until(columns.minimum_end_ms))
    left = columns.left_chip_ms.copy()
    # Below zero all balances are alike, and a floor keeps them within their bound.
    left[row] = max(int(left[row]) - until(columns.owed_end_ms), -1)
    return msgspec.structs.replace(columns, left_chip_ms=left, volume_chip_ms=volumes)


def _spent(columns: Columns, row: int, chip_ms: int) -> Columns:
    """The columns once so much more of a row's lot is charged under its minimum."""
    # The bill is reckoned on the wide road: it goes to the end of the minimum's period, beyond what a block may be.
    bill = _bill(columns.widened(), np.array([row]), np.array([chip_ms], dtype=object))
    if abs(int(columns.gap_micro[row])) + abs(int(bill.whole[0])) > GAP_MICRO_MAX:
        columns = columns.widened()
    same = _shares(columns.minimum_account, row)
    less = minus(Split(columns.gap_micro[same], columns.gap_parts[same]), Split(bill.whole[0], bill.parts[0]))
    micro, parts = columns.gap_micro.copy(), columns.gap_parts.copy()
    micro[same], parts[same] = less.whole, less.parts
    return msgspec.structs.replace(columns, gap_micro=micro, gap_parts=parts)


def _shares(accounts: NDArray[np.int64], row: int) -> NDArray[np.bool_]:
    """The rows that share a row's account; none where it has none."""
    return (accounts == accounts[row]) & (accounts != NO_CLAUSE)


def _priced(columns: Columns, row: NDArray[np.int64], chip_ms: Column, forbidden: NDArray[np.int64]) -> Prices:
    free = np.minimum(chip_ms, np.maximum(columns.left_chip_ms[row], 0))
    bill = _bill(columns, row, chip_ms)
    spent = _above_minimum(columns, row, bill)
    total = _with_resale(columns, row, chip_ms, chip_ms - free, spent)
    is_resale = is_less(spent, total)
    is_minimum = ~is_resale & (is_less(bill, spent) | is_less(spent, bill))
    is_owed = ~is_resale & ~is_minimum & (free > 0).astype(np.bool_)
    is_tier = ~is_resale & ~is_minimum & ~is_owed & (columns.tier_clause[row] != NO_CLAUSE)
    chosen = [is_resale, is_minimum, is_owed, is_tier]
    clauses = [
        np.full(len(row), NO_CLAUSE),
        columns.minimum_clause[row],
        columns.owed_clause[row],
        columns.tier_clause[row],
    ]
    return Prices(
        micro_usd_per_chip_hour=per_chip_hour(total, chip_ms),
        rule=np.select(chosen, [Rule.RESALE, Rule.MINIMUM, Rule.OWED, Rule.TIER], Rule.RATE),
        clause=np.select(chosen, clauses, NO_CLAUSE),
        forbidden=forbidden,
        row=row,
        chip_ms=chip_ms,
        free_chip_ms=free,
    )


def _bill(columns: Columns, row: NDArray[np.int64], chip_ms: Column) -> Split:
    """What the bill grows by for so much more in each row, before a minimum and a resale are looked at."""
    free = np.minimum(chip_ms, np.maximum(columns.left_chip_ms[row], 0))
    return minus(_usage(columns, row, chip_ms), charge(free, columns.rate[row]))


def _usage(columns: Columns, row: NDArray[np.int64], chip_ms: Column) -> Split:
    """What usage is charged: T(V + x) − T(V)."""
    if columns.tier_from.shape[1] == 1:
        return charge(chip_ms, columns.tier_rate[row, 0])
    before = columns.volume_chip_ms[row]
    after = before + chip_ms
    total = nothing_like(chip_ms)
    for tier in range(columns.tier_from.shape[1]):
        begins, ends = columns.tier_from[row, tier], columns.tier_until[row, tier]
        within = np.maximum(np.minimum(after, ends) - np.maximum(before, begins), 0)
        total = plus(total, charge(within, columns.tier_rate[row, tier]))
    all_units = columns.all_units[row]
    if not all_units.any():
        return total
    rates = columns.tier_rate[row]
    reached_before = _reached(columns, row, rates, before)
    reached_after = _reached(columns, row, rates, after)
    return where(all_units, minus(charge(after, reached_after), charge(before, reached_before)), total)


def _reached(columns: Columns, row: NDArray[np.int64], rates: Column, volume: Column) -> Column:
    """The rate of the tier in which a volume lies."""
    rate = rates[:, 0]
    for tier in range(1, rates.shape[1]):
        rate = np.where((volume >= columns.tier_from[row, tier]).astype(np.bool_), rates[:, tier], rate)
    return rate


def _above_minimum(columns: Columns, row: NDArray[np.int64], bill: Split) -> Split:
    """What a bill grows by where a minimum m is charged anyway: max(S + bill, m) − max(S, m), with gap m − S."""
    has_minimum = columns.minimum_clause[row] != NO_CLAUSE
    if not has_minimum.any():
        return bill
    gap = Split(columns.gap_micro[row], columns.gap_parts[row])
    over = minus(larger(bill, gap), larger(nothing_like(gap.whole), gap))
    return where(has_minimum, over, bill)


def _with_resale(columns: Columns, row: NDArray[np.int64], chip_ms: Column, paid: Column, spent: Split) -> Split:
    """What the block costs where the chips could be sold on instead."""
    resale = columns.resale_rate[row]
    may_resell = (resale > 0).astype(np.bool_)
    if not may_resell.any():
        return spent
    rest = minus(spent, charge(paid, resale))
    total = plus(charge(chip_ms, resale), larger(rest, nothing_like(rest.whole)))
    return where(may_resell, total, spent)


def _forbidden(columns: Columns, questions: Questions, row: NDArray[np.int64]) -> NDArray[np.int64]:
    """The clause that forbids each question at its start, or NO_CLAUSE."""
    found = columns.forbidden[row]
    for ban in columns.bans:
        in_force = (questions.start_ms >= ban.interval.start_ms) & (questions.start_ms < ban.interval.end_ms)
        hit = in_force & ban.covers[questions.use, questions.lot] & (found == NO_CLAUSE)
        found = np.where(hit, ban.clause, found)
    return found


def _together(fits: NDArray[np.bool_], narrow: Prices, wide: Prices) -> Prices:
    """The answers of rows that took different roads, in the order of the questions."""
    joined: dict[str, Column] = {}
    for name in Prices.__struct_fields__:
        column = np.empty(len(fits), dtype=getattr(wide, name).dtype)
        column[fits] = getattr(narrow, name)
        column[~fits] = getattr(wide, name)
        joined[name] = column
    return Prices(**joined)
