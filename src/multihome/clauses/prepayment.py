"""Prepayment: money paid ahead, from which a share of every charge is drawn, oldest first, while it lasts.

Each draw and each refund is one line, rounded once, half to even.
"""

from collections.abc import Mapping, Sequence

import msgspec

from multihome.domain.clause_terms import Prepayment
from multihome.units.money import Rounding, share_of


class Draw(msgspec.Struct, frozen=True):
    """What one prepayment pays of a charge."""

    clause_id: str
    amount_micro_usd: int


class Drawn(msgspec.Struct, frozen=True):
    """What prepayments pay of a charge, what is left of each, and what is still to be paid in money."""

    draws: tuple[Draw, ...]
    left_micro_usd: dict[str, int]
    to_pay_micro_usd: int


def draw(
    prepayments: Sequence[Prepayment], left_micro_usd: Mapping[str, int], charge_micro_usd: int, at_ms: int
) -> Drawn:
    """Draw a charge from what was paid ahead; `left_micro_usd` by clause, a clause not in it is untouched.

    Together they pay no more than the largest share among those that still hold something: the second is drawn on
    when the first has run out.
    """
    left = {terms.id: left_micro_usd.get(terms.id, terms.amount_micro_usd) for terms in prepayments}
    draws: list[Draw] = []
    paid = 0
    for terms in sorted(prepayments, key=lambda terms: (terms.paid_ms, terms.id)):
        if terms.paid_ms > at_ms or not terms.interval.contains(at_ms):
            continue
        share = share_of(charge_micro_usd, terms.draw_bps, Rounding.HALF_EVEN)
        amount = min(left[terms.id], share - paid)
        if amount > 0:
            draws.append(Draw(terms.id, amount))
            left[terms.id] -= amount
            paid += amount
    return Drawn(tuple(draws), left, charge_micro_usd - paid)


def refund_micro_usd(terms: Prepayment, left_micro_usd: int) -> int:
    """What comes back of what is left when the contract is terminated."""
    return share_of(left_micro_usd, terms.refund_bps, Rounding.HALF_EVEN)


def on_loss(terms: Prepayment) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    refund = f"{terms.refund_bps / 100:g} %"
    return (
        "stays_paid",
        f"what was paid ahead is drawn on by later charges; termination gives back {refund}",
    )
