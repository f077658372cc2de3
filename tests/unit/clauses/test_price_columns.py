"""Standings as columns: rows in order, clauses and accounts counted, tiers closed, and wide where a bound is passed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from multihome.clauses.price_columns import (
    NO_CLAUSE,
    Ban,
    Columns,
    Minimum,
    Owed,
    Standing,
    Tiered,
    columns_of,
)
from multihome.clauses.split_money import CHIP_MS_MAX, GAP_MICRO_MAX, RATE_MICRO_MAX
from multihome.domain.clause_terms import ClauseRef, TierMode
from multihome.domain.ids import ContractId
from multihome.units.time import MS_PER_HOUR, Interval

RATE = 2_000_000
GRADUATED, ALL_UNITS = TierMode.GRADUATED, TierMode.ALL_UNITS
FIGURES = (
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


def clause(name: str) -> ClauseRef:
    return ClauseRef(ContractId("c"), name)


def standing(lot: str = "l", start_ms: int = 0, end_ms: int = 100, **more: Any) -> Standing:
    return Standing(**({"lot": lot, "interval": Interval(start_ms, end_ms), "rate": RATE} | more))


def tiered(*tiers: tuple[int, int], account: str = "account", **more: Any) -> Tiered:
    facts: dict[str, Any] = {
        "clause": clause("tiers"),
        "account": account,
        "ends_ms": 90,
        "volume_chip_ms": 5,
        "mode": GRADUATED,
        "tiers": tiers,
    }
    return Tiered(**(facts | more))


def minimum(gap: int = 0, account: str = "account") -> Minimum:
    return Minimum(clause("minimum"), account, 80, gap)


def seen(columns: Columns, *names: str) -> dict[str, list[int]]:
    return {name: getattr(columns, name).tolist() for name in names}


# --- Rows ---


def test_rows_are_sorted_by_lot_as_they_first_come_and_then_by_time() -> None:
    rows = [standing("z", 50, 100), standing("a", 20, 30), standing("z", 0, 50), standing("a", 10, 20)]
    columns = columns_of(rows)
    assert columns.lots == ("z", "a")
    assert seen(columns, "lot", "start_ms", "end_ms") == {
        "lot": [0, 0, 1, 1],
        "start_ms": [0, 50, 10, 20],
        "end_ms": [50, 100, 20, 30],
    }


def at(columns: Columns, lot: int, at_ms: int) -> int:
    (row,) = columns.row_at(np.array([lot]), np.array([at_ms])).tolist()
    return row


def test_the_row_of_an_instant_is_the_stretch_that_holds_it() -> None:
    columns = columns_of([standing("z", 0, 50), standing("z", 50, 100), standing("a", 10, 20)])
    assert [at(columns, 0, at_ms) for at_ms in (0, 49, 50, 99)] == [0, 0, 1, 1]
    assert [at(columns, 1, at_ms) for at_ms in (10, 19)] == [2, 2]
    many = columns.row_at(np.array([1, 0, 0]), np.array([19, 50, 0]))
    assert many.tolist() == [2, 1, 0]


@pytest.mark.parametrize(("lot", "at_ms"), [(0, -1), (0, 100), (1, 9), (1, 20)])
def test_an_instant_in_no_stretch_of_its_lot_has_no_row(lot: int, at_ms: int) -> None:
    columns = columns_of([standing("z", 0, 100), standing("a", 10, 20)])
    with pytest.raises(AssertionError, match=r"a question (before its lot begins|in no stretch)"):
        at(columns, lot, at_ms)


def test_one_instant_without_a_row_among_many_is_found() -> None:
    columns = columns_of([standing("z", 5, 50), standing("a", 10, 20)])
    for lots, instants in (([0, 0], [4, 5]), ([0, 1], [5, 9]), ([0, 1], [49, 20])):
        with pytest.raises(AssertionError):
            columns.row_at(np.array(lots), np.array(instants))


def test_instants_up_to_the_year_9999_tell_lots_apart() -> None:
    last_ms = 253_402_300_799_000
    columns = columns_of([standing("z", 0, last_ms), standing("a", 0, last_ms)])
    assert [at(columns, lot, last_ms - 1) for lot in (0, 1)] == [0, 1]


# --- What a row holds ---


def test_a_plain_row_has_its_rate_and_no_clause() -> None:
    columns = columns_of([standing(resale_rate=7)])
    assert columns.clauses == ()
    assert columns.bans == ()
    assert seen(columns, *FIGURES) == {
        "rate": [RATE],
        "resale_rate": [7],
        "left_chip_ms": [0],
        "volume_chip_ms": [0],
        "tier_from": [[0]],
        "tier_until": [[CHIP_MS_MAX * 4]],
        "tier_rate": [[RATE]],
        "gap_micro": [0],
        "gap_parts": [0],
    }
    for name in ("owed_clause", "tier_clause", "minimum_clause", "tier_account", "minimum_account", "forbidden"):
        assert seen(columns, name) == {name: [NO_CLAUSE]}
    assert seen(columns, "owed_end_ms", "tier_end_ms", "minimum_end_ms", "all_units") == {
        "owed_end_ms": [0],
        "tier_end_ms": [0],
        "minimum_end_ms": [0],
        "all_units": [False],
    }


def test_a_row_with_every_clause_has_the_figures_of_each() -> None:
    full = standing(
        owed=Owed(clause("top"), 70, 11),
        tiered=tiered((0, 3), (40, 2), mode=ALL_UNITS),
        minimum=minimum(3 * MS_PER_HOUR + 17),
        forbidden=clause("term"),
    )
    columns = columns_of([standing("plain"), full])
    assert columns.clauses == (clause("top"), clause("tiers"), clause("minimum"), clause("term"))
    assert seen(columns, "owed_clause", "tier_clause", "minimum_clause", "forbidden") == {
        "owed_clause": [NO_CLAUSE, 0],
        "tier_clause": [NO_CLAUSE, 1],
        "minimum_clause": [NO_CLAUSE, 2],
        "forbidden": [NO_CLAUSE, 3],
    }
    assert seen(columns, "owed_end_ms", "tier_end_ms", "minimum_end_ms", "all_units") == {
        "owed_end_ms": [0, 70],
        "tier_end_ms": [0, 90],
        "minimum_end_ms": [0, 80],
        "all_units": [False, True],
    }
    assert seen(columns, "left_chip_ms", "volume_chip_ms", "gap_micro", "gap_parts") == {
        "left_chip_ms": [0, 11],
        "volume_chip_ms": [0, 5],
        "gap_micro": [0, 3],
        "gap_parts": [0, 17],
    }


def test_graduated_tiers_are_not_those_of_all_units() -> None:
    rows = [standing("a", tiered=tiered((0, 1))), standing("b", tiered=tiered((0, 1), mode=ALL_UNITS))]
    assert columns_of(rows).all_units.tolist() == [False, True]


def test_a_gap_below_zero_keeps_its_parts_above() -> None:
    columns = columns_of([standing(minimum=minimum(-1))])
    assert seen(columns, "gap_micro", "gap_parts") == {"gap_micro": [-1], "gap_parts": [MS_PER_HOUR - 1]}


def test_the_clauses_of_bans_are_counted_first_and_none_twice() -> None:
    ban = Ban(1, Interval(0, 10), np.array([[True]]))
    rows = [standing(owed=Owed(clause("top"), 70, 1), forbidden=clause("b")), standing("m", forbidden=clause("top"))]
    columns = columns_of(rows, [ban], [clause("a"), clause("b")])
    assert columns.bans == (ban,)
    assert columns.clauses == (clause("a"), clause("b"), clause("top"))
    assert seen(columns, "owed_clause", "forbidden") == {"owed_clause": [2, NO_CLAUSE], "forbidden": [1, 2]}


def test_rows_of_one_name_share_an_account_and_tiers_none_with_minimums() -> None:
    rows = [
        standing("a", tiered=tiered((0, 1), account="one"), minimum=minimum(account="two")),
        standing("b", tiered=tiered((0, 1), account="two")),
        standing("c", minimum=minimum(account="one")),
        standing("d", tiered=tiered((0, 1), account="one"), minimum=minimum(account="two")),
    ]
    assert seen(columns_of(rows), "tier_account", "minimum_account") == {
        "tier_account": [0, 1, NO_CLAUSE, 0],
        "minimum_account": [0, NO_CLAUSE, 1, 0],
    }


# --- Tiers ---


@dataclass(frozen=True)
class Steps:
    """Where tiers begin and end, and their rates, of one row."""

    begin: list[int]
    end: list[int]
    rates: list[int]


def steps(columns: Columns, row: int = 0) -> Steps:
    return Steps(*(getattr(columns, name).tolist()[row] for name in ("tier_from", "tier_until", "tier_rate")))


NEVER = CHIP_MS_MAX * 4


def test_a_tier_ends_where_the_next_begins() -> None:
    columns = columns_of([standing(tiered=tiered((0, 9), (40, 5), (70, 3)))])
    assert steps(columns) == Steps([0, 40, 70], [40, 70, NEVER], [9, 5, 3])


def test_below_the_first_tier_the_tranches_rate_holds() -> None:
    assert steps(columns_of([standing(tiered=tiered((40, 5)))])) == Steps([0, 40], [40, NEVER], [RATE, 5])
    assert steps(columns_of([standing(tiered=tiered((1, 5)))])) == Steps([0, 1], [1, NEVER], [RATE, 5])
    assert steps(columns_of([standing(tiered=tiered())])) == Steps([0], [NEVER], [RATE])


def test_the_last_tier_ends_beyond_its_own_beginning_however_far_that_lies() -> None:
    far = CHIP_MS_MAX * 3
    assert steps(columns_of([standing(tiered=tiered((0, 9), (far, 5)))])) == Steps([0, far], [far, 2 * far], [9, 5])


def test_rows_with_fewer_tiers_are_filled_up_with_empty_ones() -> None:
    columns = columns_of([standing("a"), standing("b", tiered=tiered((0, 9), (40, 5), (70, 3)))])
    filled = steps(columns)
    assert (filled.begin[0], filled.end[0], filled.rates) == (0, NEVER, [RATE] * 3)
    assert filled.begin[1:] == filled.end[1:] == [NEVER, NEVER]
    assert steps(columns, 1) == Steps([0, 40, 70], [40, 70, NEVER], [9, 5, 3])


# --- Width ---


def width(*rows: Standing) -> set[str]:
    columns = columns_of(rows)
    return {getattr(columns, name).dtype.name for name in FIGURES}


AT_THE_BOUND = {
    "rate": (standing(rate=RATE_MICRO_MAX), standing(rate=RATE_MICRO_MAX + 1)),
    "resale": (standing(resale_rate=RATE_MICRO_MAX), standing(resale_rate=RATE_MICRO_MAX + 1)),
    "tier rate": (
        standing(tiered=tiered((0, 1), (1, RATE_MICRO_MAX))),
        standing(tiered=tiered((0, 1), (1, RATE_MICRO_MAX + 1))),
    ),
    "tier": (standing(tiered=tiered((0, 1), (CHIP_MS_MAX, 1))), standing(tiered=tiered((0, 1), (CHIP_MS_MAX + 1, 1)))),
    "volume": (
        standing(tiered=tiered((0, 1), volume_chip_ms=CHIP_MS_MAX)),
        standing(tiered=tiered((0, 1), volume_chip_ms=CHIP_MS_MAX + 1)),
    ),
    "owed": (
        standing(owed=Owed(clause("top"), 70, CHIP_MS_MAX)),
        standing(owed=Owed(clause("top"), 70, CHIP_MS_MAX + 1)),
    ),
    "owed below zero": (
        standing(owed=Owed(clause("top"), 70, -CHIP_MS_MAX)),
        standing(owed=Owed(clause("top"), 70, -CHIP_MS_MAX - 1)),
    ),
    "gap": (
        standing(minimum=minimum((GAP_MICRO_MAX + 1) * MS_PER_HOUR - 1)),
        standing(minimum=minimum((GAP_MICRO_MAX + 1) * MS_PER_HOUR)),
    ),
    "gap below zero": (
        standing(minimum=minimum(-(GAP_MICRO_MAX + 1) * MS_PER_HOUR + 1)),
        standing(minimum=minimum(-(GAP_MICRO_MAX + 1) * MS_PER_HOUR)),
    ),
}


@pytest.mark.parametrize(("within", "beyond"), AT_THE_BOUND.values(), ids=AT_THE_BOUND)
def test_columns_are_of_64_bits_up_to_each_bound_and_wide_beyond(within: Standing, beyond: Standing) -> None:
    assert width(within) == {"int64"}
    assert width(beyond) == {"object"}
    assert width(standing("other"), beyond) == {"object"}


def test_widened_columns_hold_the_same_figures() -> None:
    columns = columns_of([standing(tiered=tiered((0, 9), (40, 5)), minimum=minimum(17))])
    wide = columns.widened()
    assert seen(wide, *FIGURES) == seen(columns, *FIGURES)
    assert {getattr(wide, name).dtype.name for name in FIGURES} == {"object"}
    assert wide.lot.dtype == wide.start_ms.dtype == wide.tier_clause.dtype == np.int64


def test_no_rows_are_no_columns() -> None:
    columns = columns_of([])
    assert (columns.lots, columns.clauses, columns.rate.tolist()) == ((), (), [])
