"""How much hangs on one provider: largest share and Herfindahl–Hirschman index, from chips or money by provider."""

from collections.abc import Mapping

import msgspec

from multihome.domain.ids import ProviderId
from multihome.units.money import Rounding, divide, share_bps


class Concentration(msgspec.Struct, frozen=True):
    """`hhi` = Σ (share in percent)², 10,000 for a monopoly; `largest_share_bps` in basis points."""

    largest_id: ProviderId | None
    largest_share_bps: int
    hhi: int


def concentration(amounts: Mapping[ProviderId, int]) -> Concentration:
    """The concentration of amounts (any unit) over providers; all zero where nothing is used."""
    total = sum(amounts.values())
    if total == 0:
        return Concentration(None, 0, 0)
    largest_id = max(amounts, key=lambda provider_id: (amounts[provider_id], provider_id))
    squares = sum(amount * amount for amount in amounts.values())
    return Concentration(
        largest_id,
        share_bps(amounts[largest_id], total),
        divide(squares * 10_000, total * total, Rounding.HALF_EVEN),
    )
