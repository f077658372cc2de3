"""Take-or-pay: a share of what was contracted and delivered is paid for, used or not.

owed = share × contracted − under-delivery − force majeure − carry-forward; deficiency = max(0, owed − taken) × rate.
What was paid for and not taken is made up by what is taken beyond what is owed, oldest first, and is then not charged a
second time: its charge comes off at the rate of the period in which it is taken. What was taken beyond and made nothing
up lowers what is owed in the next period, up to a share of it, and lapses after that.

Contracted is what the ramp contracts of what was accepted: capacity that is late is left out of it, and so its share
is not owed. What was accepted and then lost is in it, and comes off once, in full. Chip-milliseconds × micro-units ×
basis points outgrow 64 bits; whole numbers here are unbounded.
"""

import msgspec

from multihome.domain.balances import MakeUpLot, TakeOrPayBalance
from multihome.domain.clause_terms import TakeOrPay
from multihome.units.money import Rounding, charge_micro_usd, share_of

NOTHING_CARRIED = TakeOrPayBalance()


class PeriodUse(msgspec.Struct, frozen=True, kw_only=True):
    """One period of one tranche in chip-milliseconds.

    `contracted_chip_ms` was contracted, ramped and delivered. What of it the provider then failed to deliver, or was
    suspended by force majeure, is taken off what is owed in full, and not by the share.
    """

    contracted_chip_ms: int
    taken_chip_ms: int
    under_delivered_chip_ms: int = 0
    force_majeure_chip_ms: int = 0


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A settled period: chip-milliseconds owed, lacking, made up and used of the carry; two lines of money; the rest.

    `deficiency_micro_usd` is charged on top of usage, `made_up_micro_usd` comes off the charges of usage.
    """

    owed_chip_ms: int
    taken_chip_ms: int
    deficiency_chip_ms: int
    made_up_chip_ms: int
    carry_used_chip_ms: int
    deficiency_micro_usd: int
    made_up_micro_usd: int
    balance: TakeOrPayBalance

    @property
    def due_micro_usd(self) -> int:
        """What the clause adds to the charges of usage; negative where make-up brings them down."""
        return self.deficiency_micro_usd - self.made_up_micro_usd


def settle(terms: TakeOrPay, use: PeriodUse, before: TakeOrPayBalance, rate_micro_usd_per_chip_hour: int) -> Settlement:
    """Settle a period at its rate, given what the one before handed on. Shares of chip time are cut down."""
    before_carry = _owed_before_carry(terms, use)
    carry_used = min(before.carried_chip_ms, _share(before_carry, terms.carry_forward_bps))
    owed = before_carry - carry_used
    deficiency = max(0, owed - use.taken_chip_ms)
    beyond = max(0, use.taken_chip_ms - owed)
    left = _drawn(before.make_up, beyond)
    made_up = _total(before.make_up) - _total(left)
    carried = beyond - made_up if terms.carry_forward_bps else 0
    return Settlement(
        owed_chip_ms=owed,
        taken_chip_ms=use.taken_chip_ms,
        deficiency_chip_ms=deficiency,
        made_up_chip_ms=made_up,
        carry_used_chip_ms=carry_used,
        deficiency_micro_usd=charge_micro_usd(deficiency, rate_micro_usd_per_chip_hour, Rounding.HALF_EVEN),
        made_up_micro_usd=charge_micro_usd(made_up, rate_micro_usd_per_chip_hour, Rounding.HALF_EVEN),
        balance=TakeOrPayBalance(make_up=_handed_on(terms, left, deficiency), carried_chip_ms=carried),
    )


def _owed_before_carry(terms: TakeOrPay, use: PeriodUse) -> int:
    share = _share(use.contracted_chip_ms, terms.share_bps)
    return max(0, share - use.under_delivered_chip_ms - use.force_majeure_chip_ms)


def _share(chip_ms: int, bps: int) -> int:
    return share_of(chip_ms, bps, Rounding.DOWN)


def _drawn(lots: tuple[MakeUpLot, ...], chip_ms: int) -> tuple[MakeUpLot, ...]:
    """What is left of lots after so much was made up, oldest first."""
    left: list[MakeUpLot] = []
    for lot in lots:
        taken = min(lot.chip_ms, chip_ms)
        chip_ms -= taken
        left.append(MakeUpLot(chip_ms=lot.chip_ms - taken, periods_left=lot.periods_left))
    return tuple(left)


def _total(lots: tuple[MakeUpLot, ...]) -> int:
    return sum(lot.chip_ms for lot in lots)


def _handed_on(terms: TakeOrPay, left: tuple[MakeUpLot, ...], deficiency_chip_ms: int) -> tuple[MakeUpLot, ...]:
    """Lots that outlive the period, and the one that its deficiency makes."""
    older = (MakeUpLot(chip_ms=lot.chip_ms, periods_left=lot.periods_left - 1) for lot in left)
    newest = MakeUpLot(chip_ms=deficiency_chip_ms, periods_left=terms.make_up_periods)
    return tuple(lot for lot in (*older, newest) if lot.chip_ms and lot.periods_left)


def on_loss(terms: TakeOrPay) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return "owed_suspended", f"chip-hours not delivered from now on are not owed (share {terms.share_bps / 100:g} %)"
