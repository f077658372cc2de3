"""Prepayment: shares of charges, oldest first, until it is used up; what comes back."""

from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.prepayment import Draw, draw, refund_micro_usd
from multihome.units.time import Interval
from tests.builders import YEAR, day
from tests.money_builders import USD, prepayment


def test_a_share_of_a_charge_is_drawn_while_it_lasts() -> None:
    terms = prepayment(amount_micro_usd=30 * USD)
    first = draw((terms,), {}, 100 * USD, day(1))
    assert first.draws == (Draw("paid", 25 * USD),)
    assert (first.left_micro_usd, first.to_pay_micro_usd) == ({"paid": 5 * USD}, 75 * USD)
    second = draw((terms,), first.left_micro_usd, 100 * USD, day(2))
    assert (second.draws, second.left_micro_usd) == ((Draw("paid", 5 * USD),), {"paid": 0})
    assert second.to_pay_micro_usd == 95 * USD
    third = draw((terms,), second.left_micro_usd, 100 * USD, day(3))
    assert (third.draws, third.left_micro_usd, third.to_pay_micro_usd) == ((), {"paid": 0}, 100 * USD)


def test_the_oldest_is_drawn_first_and_the_next_only_for_the_rest() -> None:
    old = prepayment("b-old", amount_micro_usd=10 * USD, paid_ms=day(1))
    new = prepayment("a-new", amount_micro_usd=90 * USD, paid_ms=day(2))
    drawn = draw((new, old), {}, 100 * USD, day(3))
    assert drawn.draws == (Draw("b-old", 10 * USD), Draw("a-new", 15 * USD))
    assert drawn.left_micro_usd == {"a-new": 75 * USD, "b-old": 0}
    assert drawn.to_pay_micro_usd == 75 * USD


def test_a_larger_share_is_drawn_on_for_what_the_smaller_one_leaves() -> None:
    small = prepayment("small", draw_bps=1_000)
    large = prepayment("large", draw_bps=4_000, paid_ms=day(1))
    drawn = draw((small, large), {}, 100 * USD, day(3))
    assert drawn.draws == (Draw("small", 10 * USD), Draw("large", 30 * USD))
    behind = draw((prepayment("s", draw_bps=4_000), prepayment("t", draw_bps=1_000)), {}, 100 * USD, day(3))
    assert behind.draws == (Draw("s", 40 * USD),)


def test_of_two_paid_at_once_the_name_decides() -> None:
    drawn = draw((prepayment("b"), prepayment("a", amount_micro_usd=USD)), {}, 100 * USD, day(1))
    assert drawn.draws == (Draw("a", USD), Draw("b", 24 * USD))


def test_only_what_was_paid_and_is_in_force_is_drawn_on() -> None:
    assert draw((prepayment(paid_ms=day(5)),), {}, USD, day(5) - 1).draws == ()
    assert draw((prepayment(paid_ms=day(5)),), {}, USD, day(5)).draws == (Draw("paid", USD // 4),)
    ended = prepayment("ended", interval=Interval(day(0), day(5)))
    drawn = draw((ended, prepayment()), {}, USD, day(5))
    assert (drawn.draws, drawn.left_micro_usd["ended"]) == ((Draw("paid", USD // 4),), 1_000 * USD)


def test_a_credit_is_no_charge() -> None:
    drawn = draw((prepayment(),), {}, -4 * USD, day(1))
    assert (drawn.draws, drawn.to_pay_micro_usd) == ((), -4 * USD)


def test_shares_are_rounded_half_to_even() -> None:
    assert [draw((prepayment(),), {}, charge, day(1)).to_pay_micro_usd for charge in (1, 2, 3, 6, 10)] == [
        1,
        2,
        2,
        4,
        8,
    ]


@given(st.lists(st.integers(0, 10**9), max_size=10), st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_money_appears_or_is_lost(charges: list[int], first_bps: int, second_bps: int) -> None:
    purses = (prepayment("a", draw_bps=first_bps), prepayment("b", draw_bps=second_bps))
    left: dict[str, int] = {}
    for charge in charges:
        before = sum(left.get(terms.id, terms.amount_micro_usd) for terms in purses)
        drawn = draw(purses, left, charge, YEAR.start_ms)
        left = drawn.left_micro_usd
        assert drawn.to_pay_micro_usd + before - sum(left.values()) == charge
        assert 0 <= drawn.to_pay_micro_usd <= charge
        assert min(left.values()) >= 0


def test_a_share_of_the_rest_comes_back() -> None:
    assert refund_micro_usd(prepayment(refund_bps=5_000), 101) == 50
    assert refund_micro_usd(prepayment(refund_bps=5_000), 103) == 52
    assert refund_micro_usd(prepayment(refund_bps=10_000), 103) == 103
    assert refund_micro_usd(prepayment(refund_bps=0), 103) == 0
