"""Equity or warrants: what vests by milestones lowers the effective price, and nothing that is charged.

effective rate = rate − value of the milestones reached ÷ chip-hours.
"""

from multihome.domain.clause_terms import Equity
from multihome.units.money import Rounding, divide, format_usd
from multihome.units.time import MS_PER_HOUR


def vested_micro_usd(terms: Equity, chips_accepted: int) -> int:
    """The value of all milestones that so many accepted chips reach."""
    return sum(
        milestone.value_micro_usd for milestone in terms.milestones if milestone.chips_accepted <= chips_accepted
    )


def effective_rate_micro_usd(rate_micro_usd_per_chip_hour: int, vested_micro_usd: int, chip_ms: int) -> int:
    """What a chip-hour costs in effect over so much chip time, rounded half to even; below 0 where shares outweigh it.

    Without chip time there is nothing to spread the value over, and the rate stays as it is.
    """
    if chip_ms == 0:
        return rate_micro_usd_per_chip_hour
    weighted = rate_micro_usd_per_chip_hour * chip_ms - vested_micro_usd * MS_PER_HOUR
    return divide(weighted, chip_ms, Rounding.HALF_EVEN)


def on_loss(terms: Equity) -> tuple[str, str]:
    """What the clause makes of its provider's loss."""
    total = sum(milestone.value_micro_usd for milestone in terms.milestones)
    return "vesting_waits", f"milestones worth {format_usd(total)} count chips accepted; a loss takes none back"
