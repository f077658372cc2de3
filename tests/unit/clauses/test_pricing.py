"""The marginal price in columns equals the whole bill in exact fractions, to the micro-unit and up to the bounds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.clauses.price_columns import Ban, Minimum, Owed, Standing, Tiered, columns_of
from multihome.clauses.pricing import Forbidden, Priced, Prices, Questions, Rule, answer, price, taken
from multihome.clauses.split_money import CHIP_MS_MAX, GAP_MICRO_MAX, RATE_MICRO_MAX, charge
from multihome.domain.clause_terms import ClauseRef, TierMode
from multihome.domain.ids import ContractId
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval
from tests.pricing_oracle import bill, price_of

RATE = 2_000_000
YEAR_MS = 365 * MS_PER_DAY
GRADUATED, ALL_UNITS = TierMode.GRADUATED, TierMode.ALL_UNITS


def clause(name: str) -> ClauseRef:
    return ClauseRef(ContractId("c"), name)


def owed(left_chip_ms: int, ends_ms: int = YEAR_MS) -> Owed:
    return Owed(clause("top"), ends_ms, left_chip_ms)


def tiered(mode: TierMode, volume_hours: int, *tiers: tuple[int, int]) -> Tiered:
    steps = tuple((hours * MS_PER_HOUR, rate) for hours, rate in tiers)
    return Tiered(clause("tiers"), "tiers", YEAR_MS, volume_hours * MS_PER_HOUR, mode, steps)


def minimum(gap_micro_usd: int) -> Minimum:
    return Minimum(clause("minimum"), "minimum", YEAR_MS, gap_micro_usd * MS_PER_HOUR)


def standing(lot: str = "l", ends_ms: int = YEAR_MS, rate: int = RATE, **more: object) -> Standing:
    return Standing(lot=lot, interval=Interval(0, ends_ms), rate=rate, **more)  # pyright: ignore[reportArgumentType]


def ask(rows: list[Standing], *questions: tuple[int, int, int, int]) -> Prices:
    """Questions are lot, start, end and chips."""
    return price(columns_of(rows), asked(*questions))


def asked(*questions: tuple[int, int, int, int], use: int = 0) -> Questions:
    lot, start_ms, end_ms, chips = np.array(questions, dtype=np.int64).T
    return Questions(lot=lot, start_ms=start_ms, end_ms=end_ms, chips=chips, use=np.full(len(lot), use))


def hours(row: Standing, count: int, chips: int = 1) -> Priced:
    """The price of so many hours of a row's lot."""
    columns = columns_of([row])
    found = answer(columns, price(columns, asked((0, 0, count * MS_PER_HOUR, chips))), 0)
    assert isinstance(found, Priced)
    return found


# --- What a price is ---


def test_without_a_clause_a_chip_hour_costs_its_rate() -> None:
    assert hours(standing(), 7, 8) == Priced(RATE, Rule.RATE, None)


def test_a_block_is_free_only_as_far_as_a_deficiency_would_remain() -> None:
    assert hours(standing(owed=owed(80 * MS_PER_HOUR)), 10, 8) == Priced(0, Rule.OWED, clause("top"))
    blend = hours(standing(owed=owed(60 * MS_PER_HOUR)), 10, 8)
    assert blend == Priced(RATE * 20 // 80, Rule.OWED, clause("top"))
    assert hours(standing(owed=owed(0)), 10, 8) == Priced(RATE, Rule.RATE, None)
    assert hours(standing(owed=owed(-5)), 10, 8) == Priced(RATE, Rule.RATE, None)


def test_beyond_a_tier_its_rate_holds_and_a_block_across_is_blended() -> None:
    tiers = ((0, RATE), (100, RATE // 2))
    assert hours(standing(tiered=tiered(GRADUATED, 0, *tiers)), 10, 8).micro_usd_per_chip_hour == RATE
    assert hours(standing(tiered=tiered(GRADUATED, 100, *tiers)), 10, 8) == Priced(
        RATE // 2, Rule.TIER, clause("tiers")
    )
    # 60 of 80 chip-hours lie below the step.
    across = hours(standing(tiered=tiered(GRADUATED, 40, *tiers)), 10, 8)
    assert across.micro_usd_per_chip_hour == (60 * RATE + 20 * RATE // 2) // 80


def test_all_units_price_the_jump_which_may_pay_for_the_block() -> None:
    tiers = ((0, RATE), (100, RATE // 2))
    # (80 + 40) hours at half the rate, less 80 at the whole: 60 − 80 rates for 40 hours.
    found = hours(standing(tiered=tiered(ALL_UNITS, 80, *tiers)), 5, 8)
    assert found.micro_usd_per_chip_hour == -RATE // 2
    assert hours(standing(tiered=tiered(ALL_UNITS, 100, *tiers)), 5, 8).micro_usd_per_chip_hour == RATE // 2


def test_a_minimum_that_is_charged_anyway_makes_spending_free() -> None:
    found = hours(standing(minimum=minimum(80 * RATE)), 10, 8)
    assert found == Priced(0, Rule.MINIMUM, clause("minimum"))
    assert hours(standing(minimum=minimum(20 * RATE)), 10, 8).micro_usd_per_chip_hour == RATE * 60 // 80
    assert hours(standing(minimum=minimum(-1)), 10, 8) == Priced(RATE, Rule.RATE, None)


def test_what_could_be_sold_on_is_never_cheaper_than_its_sale() -> None:
    free = standing(owed=owed(80 * MS_PER_HOUR), resale_rate=RATE // 4)
    assert hours(free, 10, 8) == Priced(RATE // 4, Rule.RESALE, None)
    # The half that is owed forgoes its sale; the other half is bought, and costs more than its sale brings.
    half = standing(owed=owed(40 * MS_PER_HOUR), resale_rate=RATE // 4)
    assert hours(half, 10, 8).micro_usd_per_chip_hour == (RATE // 4 + RATE) // 2
    assert hours(standing(resale_rate=RATE // 4), 10, 8) == Priced(RATE, Rule.RATE, None)
    assert hours(standing(resale_rate=RATE * 2), 10, 8) == Priced(RATE * 2, Rule.RESALE, None)


def test_a_block_is_cut_where_its_stretch_ends() -> None:
    rows = [
        standing(ends_ms=10 * MS_PER_HOUR, owed=owed(8 * MS_PER_HOUR)),
        Standing(lot="l", interval=Interval(10 * MS_PER_HOUR, YEAR_MS), rate=RATE * 3),
    ]
    found = ask(rows, (0, 9 * MS_PER_HOUR, 20 * MS_PER_HOUR, 8), (0, 10 * MS_PER_HOUR, 20 * MS_PER_HOUR, 8))
    assert found.micro_usd_per_chip_hour.tolist() == [0, RATE * 3]


def test_a_question_in_no_stretch_is_a_mistake() -> None:
    for start_ms in (-1, YEAR_MS):
        with pytest.raises(AssertionError):
            ask([standing()], (0, start_ms, YEAR_MS * 2, 1))


# --- What a clause forbids has no price ---


def test_what_is_forbidden_names_its_clause_and_has_no_price() -> None:
    rows = [standing("open"), standing("shut", forbidden=clause("term"))]
    covers = np.array([[True, False], [False, False]])
    ban = Ban(0, Interval(MS_PER_DAY, 2 * MS_PER_DAY), covers)
    columns = columns_of(rows, (ban,), (clause("only"),))

    def of(lot: int, at_ms: int, use: int) -> Priced | Forbidden:
        return answer(columns, price(columns, asked((lot, at_ms, at_ms + MS_PER_DAY, 8), use=use)), 0)

    assert of(0, MS_PER_DAY, 0) == Forbidden(clause("only"))
    assert of(0, 2 * MS_PER_DAY - 1, 0) == Forbidden(clause("only"))
    assert isinstance(of(0, MS_PER_DAY - 1, 0), Priced)
    assert isinstance(of(0, 2 * MS_PER_DAY, 0), Priced)
    assert isinstance(of(0, MS_PER_DAY, 1), Priced)
    assert of(1, 0, 1) == Forbidden(clause("term"))


# --- Against the oracle ---

TIERS = st.dictionaries(
    st.one_of(st.just(0), st.integers(0, 10**9), st.integers(0, CHIP_MS_MAX)),
    st.integers(0, RATE_MICRO_MAX),
    min_size=1,
    max_size=4,
).map(lambda steps: tuple(sorted(steps.items())))


@st.composite
def standings(draw: st.DrawFn, rate_max: int = RATE_MICRO_MAX) -> Standing:
    tiers = draw(TIERS)
    near = st.sampled_from([begins for begins, _ in tiers])
    volume = draw(st.one_of(st.integers(0, CHIP_MS_MAX), near, near.map(lambda at: max(0, at - MS_PER_HOUR))))
    return Standing(
        lot="l",
        interval=Interval(0, draw(st.sampled_from([1, MS_PER_HOUR, MS_PER_DAY, YEAR_MS]))),
        rate=draw(st.integers(0, rate_max)),
        resale_rate=draw(st.sampled_from([0, 0, 1, RATE, rate_max])),
        owed=draw(st.none() | st.builds(owed, st.integers(-(10**12), 10**14) | st.sampled_from([CHIP_MS_MAX]))),
        tiered=draw(
            st.none()
            | st.sampled_from(TierMode).map(lambda mode: Tiered(clause("t"), "t", YEAR_MS, volume, mode, tiers))
        ),
        minimum=draw(
            st.none()
            | st.integers(-GAP_MICRO_MAX * MS_PER_HOUR, GAP_MICRO_MAX * MS_PER_HOUR).map(
                lambda gap: Minimum(clause("m"), "m", YEAR_MS, gap)
            )
        ),
    )


BLOCKS = st.tuples(st.integers(1, 1_000_000), st.integers(1, YEAR_MS))


@settings(max_examples=400)
@given(st.lists(st.tuples(standings(), BLOCKS), min_size=1, max_size=4))
def test_columns_equal_the_whole_bill_in_fractions(cases: list[tuple[Standing, tuple[int, int]]]) -> None:
    rows = [Standing(**{**fields(row), "lot": str(index)}) for index, (row, _) in enumerate(cases)]
    found = ask(rows, *((index, 0, length_ms, chips) for index, (_, (chips, length_ms)) in enumerate(cases)))
    assert found.micro_usd_per_chip_hour.tolist() == [
        price_of(row, chips, 0, length_ms) for row, (_, (chips, length_ms)) in zip(rows, cases, strict=True)
    ]


@given(standings(rate_max=2**62), BLOCKS)
def test_figures_beyond_the_bounds_take_the_wide_road_to_the_same_price(row: Standing, block: tuple[int, int]) -> None:
    chips, length_ms = block
    found = ask([row], (0, 0, length_ms, chips))
    assert found.micro_usd_per_chip_hour.tolist() == [price_of(row, chips, 0, length_ms)]


def fields(row: Standing) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def test_64_bits_hold_up_to_the_bounds_and_not_beyond() -> None:
    tiers = tuple((begins, RATE_MICRO_MAX - number) for number, begins in enumerate((0, 1, CHIP_MS_MAX)))
    for mode in TierMode:
        for gap in (-GAP_MICRO_MAX, GAP_MICRO_MAX):
            for resale in (0, RATE_MICRO_MAX):
                row = Standing(
                    lot="l",
                    interval=Interval(0, 2**40),
                    rate=RATE_MICRO_MAX,
                    resale_rate=resale,
                    owed=owed(CHIP_MS_MAX),
                    tiered=Tiered(clause("t"), "t", 0, CHIP_MS_MAX, mode, tiers),
                    minimum=Minimum(clause("m"), "m", 0, gap * MS_PER_HOUR),
                )
                columns = columns_of([row])
                found = price(columns, asked((0, 0, 2**40, 2**15), (0, 0, MS_PER_HOUR, 1)))
                assert found.micro_usd_per_chip_hour.dtype == np.int64
                wanted = [price_of(row, 2**15, 0, 2**40), price_of(row, 1, 0, MS_PER_HOUR)]
                assert found.micro_usd_per_chip_hour.tolist() == wanted
    beyond = (
        standing(rate=RATE_MICRO_MAX + 1),
        standing(owed=owed(CHIP_MS_MAX + 1)),
        standing(minimum=minimum(GAP_MICRO_MAX + 1)),
    )
    assert [columns_of([row]).rate.dtype for row in beyond] == [object] * 3
    too_long = price(columns_of([standing(ends_ms=2**41)]), asked((0, 0, 2**40 + 1, 2**15)))
    assert too_long.micro_usd_per_chip_hour.dtype == object


def test_a_plain_product_would_overflow_where_the_split_one_does_not() -> None:
    chip_ms, rate = np.array([CHIP_MS_MAX]), np.array([RATE_MICRO_MAX])
    exact = Fraction(CHIP_MS_MAX * RATE_MICRO_MAX, MS_PER_HOUR)
    with np.errstate(over="ignore"):
        assert int((chip_ms * rate)[0]) != CHIP_MS_MAX * RATE_MICRO_MAX
    split = charge(chip_ms, rate)
    assert int(split.whole[0]) + Fraction(int(split.parts[0]), MS_PER_HOUR) == exact


@given(standings(), st.integers(1, 10_000), st.integers(1, YEAR_MS))
def test_what_is_handed_out_counts_in_every_account_to_its_own_end(row: Standing, chips: int, length_ms: int) -> None:
    columns = columns_of([row])
    later = taken(columns, 0, chips, Interval(0, length_ms))
    more = chips * length_ms
    if row.owed:
        assert max(0, int(later.left_chip_ms[0])) == max(0, row.owed.left_chip_ms - more)
    if row.tiered:
        assert int(later.volume_chip_ms[0]) == row.tiered.volume_chip_ms + more
    if row.minimum:
        without = Standing(**{**fields(row), "minimum": None})  # pyright: ignore[reportArgumentType]
        gap = int(later.gap_micro[0]) + Fraction(int(later.gap_parts[0]), MS_PER_HOUR)
        grown = bill(without, more) - bill(without, 0)
        assert gap == Fraction(row.minimum.gap, MS_PER_HOUR) - grown


def test_lots_that_share_an_account_share_what_is_handed_out() -> None:
    rows = [standing(name, tiered=tiered(GRADUATED, 0, (0, RATE), (100, 1))) for name in ("a", "b")]
    alone = Standing(
        **{**fields(standing("c")), "tiered": Tiered(clause("x"), "other", YEAR_MS, 0, GRADUATED, ((0, 1),))}
    )  # pyright: ignore[reportArgumentType]
    later = taken(columns_of([*rows, alone]), 0, 100, Interval(0, MS_PER_HOUR))
    assert later.volume_chip_ms.tolist() == [100 * MS_PER_HOUR, 100 * MS_PER_HOUR, 0]
    assert taken(columns_of([standing()]), 0, 1, Interval(0, 1)).volume_chip_ms.tolist() == [0]


# --- Edges ---


def test_a_single_millisecond_that_is_owed_is_told_as_such() -> None:
    assert hours(standing(owed=owed(1)), 1).rule is Rule.OWED


def test_a_jump_over_a_block_of_a_millisecond_passes_64_bits_on_the_wide_road() -> None:
    tiers = ((0, RATE_MICRO_MAX), (CHIP_MS_MAX, 0))
    row = Standing(
        lot="l",
        interval=Interval(0, YEAR_MS),
        rate=RATE,
        tiered=Tiered(clause("t"), "t", YEAR_MS, CHIP_MS_MAX - 1, ALL_UNITS, tiers),
    )
    found = ask([row], (0, 0, 1, 1), (0, 0, MS_PER_HOUR - 1, 1), (0, 0, MS_PER_HOUR, 1))
    assert found.micro_usd_per_chip_hour.tolist() == [
        price_of(row, 1, 0, length_ms) for length_ms in (1, MS_PER_HOUR - 1, MS_PER_HOUR)
    ]


@pytest.mark.parametrize(("use", "counted_ms"), [((0, 10), 10), ((5, 90), 45), ((50, 90), 0), ((60, 90), 0)])
def test_an_account_counts_what_is_used_before_its_period_ends(use: tuple[int, int], counted_ms: int) -> None:
    row = standing(
        owed=owed(1_000, ends_ms=50),
        tiered=Tiered(clause("t"), "t", 50, 7, GRADUATED, ((0, RATE),)),
        minimum=Minimum(clause("m"), "m", 50, 0),
    )
    later = taken(columns_of([row]), 0, 3, Interval(*use))
    assert later.left_chip_ms.tolist() == [1_000 - 3 * counted_ms]
    assert later.volume_chip_ms.tolist() == [7 + 3 * counted_ms]
    # Of what is used, all is owed anyway: the bill stays as it is, and so does what the minimum misses.
    assert (later.gap_micro.tolist(), later.gap_parts.tolist()) == ([0], [0])


@pytest.mark.parametrize(("more", "width"), [(0, np.int64), (1, object)])
def test_accounts_that_grow_past_a_bound_become_wide_and_stay_exact(more: int, width: type) -> None:
    volume = CHIP_MS_MAX - 10 + more
    tiers = Tiered(clause("t"), "t", YEAR_MS, volume, GRADUATED, ((0, RATE),))
    later = taken(columns_of([standing(tiered=tiers)]), 0, 1, Interval(0, 10))
    assert (later.volume_chip_ms.dtype, later.volume_chip_ms.tolist()) == (width, [CHIP_MS_MAX + more])
    gap = -GAP_MICRO_MAX + RATE - more
    spent = taken(columns_of([standing(minimum=minimum(gap))]), 0, 1, Interval(0, MS_PER_HOUR))
    assert (spent.gap_micro.dtype, spent.gap_micro.tolist()) == (width, [gap - RATE])


def test_lots_under_one_minimum_miss_less_of_it_together_and_others_as_much_as_before() -> None:
    rows = [standing(name, minimum=minimum(5 * RATE)) for name in ("a", "b")]
    other = Minimum(clause("m"), "other", YEAR_MS, 7 * MS_PER_HOUR)
    later = taken(columns_of([*rows, standing("c", minimum=other), standing("d")]), 1, 2, Interval(0, MS_PER_HOUR))
    assert later.gap_micro.tolist() == [3 * RATE, 3 * RATE, 7, 0]
