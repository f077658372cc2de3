"""The state of contracts in columns, as the marginal price wants it: a row for each lot and stretch of time.

Within a stretch no period ends and no rate changes. Rows of one lot follow one another without a gap. Built once a
round from `Standing`s. Knows no queue, no engine and no clock.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from multihome.clauses.split_money import CHIP_MS_MAX, GAP_MICRO_MAX, RATE_MICRO_MAX, Column
from multihome.domain.clause_terms import ClauseRef, TierMode
from multihome.units.time import MS_PER_HOUR, Interval

NO_CLAUSE = -1
_NEVER_CHIP_MS = CHIP_MS_MAX * 4
"""Where the last tier ends: beyond every volume that a 64-bit column holds."""


class Owed(msgspec.Struct, frozen=True):
    """A take-or-pay: `left_chip_ms` are paid for and in no forecast, 0 or less where the forecast reaches them all.

    That is what is owed, less what is carried forward, plus what may be made up, less what is forecast to be used until
    the period ends.
    """

    clause: ClauseRef
    ends_ms: int
    left_chip_ms: int


class Tiered(msgspec.Struct, frozen=True):
    """Rates by volume: `tiers` are pairs of the chip-milliseconds from which a rate holds, and the rate, in order.

    Rates carry the index already. `account` is shared by all lots whose volume is counted together; `volume_chip_ms` is
    the forecast to the period's end.
    """

    clause: ClauseRef
    account: str
    ends_ms: int
    volume_chip_ms: int
    mode: TierMode
    tiers: tuple[tuple[int, int], ...]


class Minimum(msgspec.Struct, frozen=True):
    """A minimum of money: `gap` is missing by the forecast, in 1/3,600,000 of a micro-unit; below zero nothing is."""

    clause: ClauseRef
    account: str
    ends_ms: int
    gap: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand with one lot over a stretch of time. Rates are micro-units per chip-hour.

    A resale rate of 0 is none. `forbidden` is the clause for which there is no price.
    """

    lot: str
    interval: Interval
    rate: int
    resale_rate: int = 0
    owed: Owed | None = None
    tiered: Tiered | None = None
    minimum: Minimum | None = None
    forbidden: ClauseRef | None = None


class Ban(msgspec.Struct, frozen=True):
    """An exclusivity: in its interval it keeps the uses `covers[use, lot]` away from lots."""

    clause: int
    interval: Interval
    covers: NDArray[np.bool_]


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Rows sorted by lot and time. Columns of clauses count `clauses`; accounts count those shared by several rows.

    Figures are 64-bit while every one of them keeps to the bounds of `split_money`, else Python's own integers.
    """

    lots: tuple[str, ...]
    clauses: tuple[ClauseRef, ...]
    bans: tuple[Ban, ...]
    lot: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    rate: Column
    resale_rate: Column
    left_chip_ms: Column
    owed_clause: NDArray[np.int64]
    owed_end_ms: NDArray[np.int64]
    volume_chip_ms: Column
    tier_clause: NDArray[np.int64]
    tier_end_ms: NDArray[np.int64]
    tier_account: NDArray[np.int64]
    tier_from: Column
    tier_until: Column
    tier_rate: Column
    all_units: NDArray[np.bool_]
    gap_micro: Column
    gap_parts: Column
    minimum_clause: NDArray[np.int64]
    minimum_end_ms: NDArray[np.int64]
    minimum_account: NDArray[np.int64]
    forbidden: NDArray[np.int64]

    def row_at(self, lot: NDArray[np.int64], at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each lot at each instant; a lot has a row at every instant from its first row's start on."""
        # Within a lot rows are sorted by time: the last that starts no later is the one before the insertion point.
        row = np.searchsorted(self._keys(self.lot, self.start_ms), self._keys(lot, at_ms), side="right") - 1
        assert bool((row >= 0).all()), "a question before its lot begins"
        assert bool((self.lot[row] == lot).all() and (at_ms < self.end_ms[row]).all()), "a question in no stretch"
        return row

    def widened(self) -> "Columns":
        """The same rows in columns of Python's own integers, which have no bound."""
        return msgspec.structs.replace(self, **{name: getattr(self, name).astype(object) for name in _FIGURES})

    def _keys(self, lot: NDArray[np.int64], at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        # An instant is below 2^48 up to the year 9999.
        return lot * (1 << 48) + at_ms


_FIGURES = (
    "rate",
    "resale_rate",
    "left_chip_ms",
    "volume_chip_ms",
    "tier_from",
    "tier_until",
    "tier_rate",
    "gap_micro",
    "gap_parts",
)


def columns_of(standings: Sequence[Standing], bans: Sequence[Ban] = (), clauses: Sequence[ClauseRef] = ()) -> Columns:
    """Rows of standings; `bans` count `clauses`, which come first among those of the columns.

    Lots are numbered in the order in which they come first.
    """
    lots = {name: index for index, name in enumerate(dict.fromkeys(row.lot for row in standings))}
    rows = sorted(standings, key=lambda row: (lots[row.lot], row.interval.start_ms))
    names = dict.fromkeys((*clauses, *(clause for row in rows for clause in _clauses_of(row))))
    numbers: dict[ClauseRef | None, int] = {clause: index for index, clause in enumerate(names)}
    numbers[None] = NO_CLAUSE
    owed = [row.owed for row in rows]
    tiered = [row.tiered for row in rows]
    minimum = [row.minimum for row in rows]
    width = np.int64 if all(_fits(row) for row in rows) else object
    return Columns(
        lots=tuple(lots),
        clauses=tuple(names),
        bans=tuple(bans),
        lot=_whole(lots[row.lot] for row in rows),
        start_ms=_whole(row.interval.start_ms for row in rows),
        end_ms=_whole(row.interval.end_ms for row in rows),
        owed_clause=_whole(numbers[item.clause if item else None] for item in owed),
        owed_end_ms=_whole(item.ends_ms if item else 0 for item in owed),
        tier_clause=_whole(numbers[item.clause if item else None] for item in tiered),
        tier_end_ms=_whole(item.ends_ms if item else 0 for item in tiered),
        tier_account=_accounts(item.account if item else "" for item in tiered),
        all_units=np.array([item is not None and item.mode is TierMode.ALL_UNITS for item in tiered], dtype=np.bool_),
        minimum_clause=_whole(numbers[item.clause if item else None] for item in minimum),
        minimum_end_ms=_whole(item.ends_ms if item else 0 for item in minimum),
        minimum_account=_accounts(item.account if item else "" for item in minimum),
        forbidden=_whole(numbers[row.forbidden] for row in rows),
        **{name: np.array(values, dtype=width) for name, values in _figures(rows).items()},
    )


def _clauses_of(row: Standing) -> Iterable[ClauseRef]:
    for item in (row.owed, row.tiered, row.minimum):
        if item is not None:
            yield item.clause
    if row.forbidden is not None:
        yield row.forbidden


def _figures(rows: Sequence[Standing]) -> dict[str, list[int] | list[list[int]]]:
    known = [_tiers_of(row) for row in rows]
    tiers_max = max((len(of_row) for of_row in known), default=1)
    tiers = [of_row + [(of_row[-1][1], of_row[-1][1], of_row[-1][2])] * (tiers_max - len(of_row)) for of_row in known]
    gaps = [divmod(row.minimum.gap, MS_PER_HOUR) if row.minimum else (0, 0) for row in rows]
    return {
        "rate": [row.rate for row in rows],
        "resale_rate": [row.resale_rate for row in rows],
        "left_chip_ms": [row.owed.left_chip_ms if row.owed else 0 for row in rows],
        "volume_chip_ms": [row.tiered.volume_chip_ms if row.tiered else 0 for row in rows],
        "tier_from": [[begins for begins, _, _ in of_row] for of_row in tiers],
        "tier_until": [[ends for _, ends, _ in of_row] for of_row in tiers],
        "tier_rate": [[rate for _, _, rate in of_row] for of_row in tiers],
        "gap_micro": [whole for whole, _ in gaps],
        "gap_parts": [parts for _, parts in gaps],
    }


def _tiers_of(row: Standing) -> list[tuple[int, int, int]]:
    """Where each tier begins and ends, and its rate. Usage before the first one is charged at the tranche's rate."""
    tiers = row.tiered.tiers if row.tiered else ()
    if not tiers or tiers[0][0] > 0:
        tiers = ((0, row.rate), *tiers)
    ends = [*(begins for begins, _ in tiers[1:]), max(_NEVER_CHIP_MS, 2 * tiers[-1][0])]
    return [(begins, end, rate) for (begins, rate), end in zip(tiers, ends, strict=True)]


def _fits(row: Standing) -> bool:
    """Whether all figures of a row are within the bounds of 64-bit columns."""
    tiers = row.tiered.tiers if row.tiered else ()
    volume = row.tiered.volume_chip_ms if row.tiered else 0
    left = row.owed.left_chip_ms if row.owed else 0
    rates = (row.rate, row.resale_rate, *(rate for _, rate in tiers))
    return (
        max(rates) <= RATE_MICRO_MAX
        and max(volume, abs(left), *(begins for begins, _ in tiers), 0) <= CHIP_MS_MAX
        and (row.minimum is None or abs(row.minimum.gap) // MS_PER_HOUR <= GAP_MICRO_MAX)
    )


def _whole(values: Iterable[int]) -> NDArray[np.int64]:
    return np.array(list(values), dtype=np.int64)


def _accounts(names: Iterable[str]) -> NDArray[np.int64]:
    """Accounts counted from 0; NO_CLAUSE for rows without one."""
    numbers: dict[str, int] = {}
    return _whole(numbers.setdefault(name, len(numbers)) if name else NO_CLAUSE for name in names)
