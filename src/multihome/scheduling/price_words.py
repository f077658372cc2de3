"""The rule that set a price, in words made from the columns that it was computed from."""

from multihome.clauses.price_columns import Columns
from multihome.clauses.pricing import Forbidden, Prices, Rule, answer, below_zero
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.placements import Price
from multihome.scheduling.snapshot import Lot
from multihome.units.calendar import local_date
from multihome.units.money import format_usd, share_bps
from multihome.units.time import MS_PER_HOUR


def price_in_words(columns: Columns, prices: Prices, index: int, lot: Lot) -> Price | None:
    """One answer as the price that a decision keeps; None for what a clause forbids."""
    found = answer(columns, prices, index)
    if isinstance(found, Forbidden):
        return None
    return Price(
        micro_usd_per_chip_hour=found.micro_usd_per_chip_hour,
        rule=_rule(columns, prices, index, lot, found.rule) + _below_zero(columns, prices, index, found.clause),
        clause=found.clause,
    )


def _rule(columns: Columns, prices: Prices, index: int, lot: Lot, rule: Rule) -> str:
    row = int(prices.row[index])
    match rule:
        case Rule.OWED:
            until = _day_before(lot, int(columns.owed_end_ms[row]))
            free, of = int(prices.free_chip_ms[index]), int(prices.chip_ms[index])
            share = "" if free == of else f"{share_bps(free, of) / 100:g} % of it "
            return f"{share}paid for until {until} whether used or not"
        case Rule.TIER:
            until = _day_before(lot, int(columns.tier_end_ms[row]))
            volume = int(columns.volume_chip_ms[row]) // MS_PER_HOUR
            return f"tier at a volume of {volume:,} chip-hours until {until}"
        case Rule.MINIMUM:
            until = _day_before(lot, int(columns.minimum_end_ms[row]))
            return f"a minimum is charged until {until}, spent or not"
        case Rule.RESALE:
            return f"what tranche {lot.tranche.id} brings where it is sold on"
        case Rule.RATE:
            return f"rate of tranche {lot.tranche.id}"


def _below_zero(columns: Columns, prices: Prices, index: int, told: ClauseRef | None) -> str:
    """Why the price is negative, with the figures it comes from; empty where it is not. `told` is named already."""
    found = below_zero(columns, prices, index)
    if found is None:
        return ""
    usage, deficiency = found.usage_micro_usd_per_chip_hour, found.deficiency_micro_usd_per_chip_hour
    tiers = (
        "" if found.tiers is None or found.tiers == told else f" by {found.tiers.contract_id}/{found.tiers.clause_id}"
    )
    if usage < 0:
        why = f"a tier is reached{tiers} whose lower rate is for all of the volume, which saves {format_usd(-usage)}"
    else:
        why = f"a chip-hour used is charged {format_usd(usage)}{tiers}"
    if deficiency:
        why += f", and takes {format_usd(deficiency)} off the deficiency"
    return f"; below zero since {why}"


def _day_before(lot: Lot, end_ms: int) -> str:
    """The last day of a period, in the contract's zone."""
    return local_date(end_ms - 1, lot.contract.calendar.zone).isoformat()
