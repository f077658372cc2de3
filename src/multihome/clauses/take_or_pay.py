"""Take-or-pay: a share of what was contracted and delivered is paid for, used or not.

owed = share × (contracted − supplier under-delivery); deficiency = max(0, owed − taken) × rate.
Make-up and carry-forward are not executable yet and are refused in files.
"""

import msgspec

from multihome.domain.clause_terms import TakeOrPay
from multihome.units.money import Rounding, charge_micro_usd, divide


class BurnDown(msgspec.Struct, frozen=True):
    """One month of one tranche: chip-milliseconds contracted, owed, taken and lacking, and what that costs."""

    contracted_chip_ms: int
    owed_chip_ms: int
    taken_chip_ms: int
    deficiency_chip_ms: int
    deficiency_micro_usd: int


def burn_down(
    terms: TakeOrPay, delivered_chip_ms: int, taken_chip_ms: int, rate_micro_usd_per_chip_hour: int
) -> BurnDown:
    """The clause's sums over an interval in which `delivered_chip_ms` were at the buyer's disposal.

    What the supplier did not deliver, or lost, is not in `delivered_chip_ms` and so is not owed.
    """
    owed = divide(delivered_chip_ms * terms.share_bps, 10_000, Rounding.DOWN)
    deficiency = max(0, owed - taken_chip_ms)
    return BurnDown(
        contracted_chip_ms=delivered_chip_ms,
        owed_chip_ms=owed,
        taken_chip_ms=taken_chip_ms,
        deficiency_chip_ms=deficiency,
        deficiency_micro_usd=charge_micro_usd(deficiency, rate_micro_usd_per_chip_hour, Rounding.HALF_EVEN),
    )


def on_loss(terms: TakeOrPay) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    return "owed_suspended", f"chip-hours not delivered from now on are not owed (share {terms.share_bps / 100:g} %)"
