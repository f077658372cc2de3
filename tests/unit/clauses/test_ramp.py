"""Ramp: steps, the lesser of ramp and delivery, and steps that go down."""

from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.ramp import chips_at, contracted_chip_ms, contracted_chips, first_step_down, on_loss
from multihome.domain.clause_terms import ChipStep
from multihome.units.time import MS_PER_DAY, Interval
from tests.builders import YEAR, day
from tests.money_builders import ramp

ALL = (ChipStep(from_ms=day(0), chips=32),)


def test_a_step_holds_from_its_instant_on() -> None:
    steps = ramp((31, 32), (0, 8)).steps
    assert [chips_at(steps, at) for at in (day(0) - 1, day(0), day(31) - 1, day(31), day(300))] == [0, 8, 8, 32, 32]


def test_the_lesser_of_ramp_and_delivery_is_contracted() -> None:
    assert contracted_chips(ramp(), 32, day(5)) == 8
    assert contracted_chips(ramp(), 4, day(5)) == 4
    assert contracted_chips(ramp(), 32, day(31)) == 32
    assert contracted_chips(ramp((10, 8)), 32, day(5)) == 0


def test_outside_its_dates_a_ramp_holds_nothing_back() -> None:
    terms = ramp(interval=Interval(day(1), day(20)))
    assert [contracted_chips(terms, 32, at) for at in (day(1) - 1, day(1), day(20) - 1, day(20))] == [32, 8, 8, 32]
    assert contracted_chip_ms(terms, ALL, Interval(day(0), day(31))) == (19 * 8 + 12 * 32) * MS_PER_DAY


def test_chip_time_counts_each_change_within_the_interval() -> None:
    delivered = (ChipStep(from_ms=day(20), chips=4), ChipStep(from_ms=day(40), chips=16))
    quarter = Interval(day(10), day(59))
    expected = 10 * 0 + 11 * 4 + 9 * 4 + 19 * 16
    assert contracted_chip_ms(ramp(), delivered, quarter) == expected * MS_PER_DAY
    assert contracted_chip_ms(ramp(), delivered, Interval(day(25), day(25))) == 0


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 20)), max_size=5, unique_by=lambda pair: pair[0]),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 20)), max_size=5, unique_by=lambda pair: pair[0]),
    st.integers(0, 60),
    st.integers(0, 40),
)
def test_chip_time_is_the_sum_of_its_milliseconds(
    levels: list[tuple[int, int]], delivered: list[tuple[int, int]], start: int, length: int
) -> None:
    terms = ramp(
        interval=Interval(10, 80), steps=tuple(ChipStep(from_ms=at, chips=chips) for at, chips in sorted(levels))
    )
    steps = tuple(ChipStep(from_ms=at, chips=chips) for at, chips in sorted(delivered))
    total = 0
    for at in range(start, start + length):
        there = ([0] + [chips for begins, chips in sorted(delivered) if begins <= at])[-1]
        most = ([0] + [chips for begins, chips in sorted(levels) if begins <= at])[-1]
        total += min(there, most) if 10 <= at < 80 else there
    assert contracted_chip_ms(terms, steps, Interval(start, start + length)) == total


def test_a_step_down_is_seen() -> None:
    assert first_step_down(ramp((0, 8), (31, 8), (59, 9))) is None
    assert first_step_down(ramp((59, 7), (0, 8), (31, 8))) == ChipStep(from_ms=day(59), chips=7)
    assert first_step_down(ramp((0, -1))) == ChipStep(from_ms=day(0), chips=-1)
    assert first_step_down(ramp((0, 0))) is None


def test_a_loss_moves_no_step() -> None:
    assert on_loss(ramp(tranche="north", interval=YEAR)) == (
        "ramp_stands",
        "the steps of tranche north keep their dates; what is not delivered is not owed",
    )
