"""Concentration cap: the largest share that one provider, region or chip vendor may have, tested before an award.

share = (what is ordered there + the award) ÷ (all that is ordered + the award), over the days that follow the award, on
the basis that the clause names. Amounts are whole numbers of chip-milliseconds times a weight; nothing is rounded.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from multihome.clauses.book import Book, tranche_chips
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.clause_terms import ClauseRef, ConcentrationCap, Dimension, Measure
from multihome.domain.ids import AcceleratorName, AwardId, ProviderId
from multihome.domain.procurement import AwardRecord
from multihome.units.calendar import later_days
from multihome.units.money import Rounding, divide, format_chip_hours, format_usd
from multihome.units.time import MS_PER_HOUR, Interval, format_date

_BPS = 10_000
_MILLI_PER_MICRO = 1_000


class Holding(msgspec.Struct, frozen=True):
    """Capacity that is ordered or awarded: whose, where, by which vendor, for how long and at which rate."""

    provider_id: ProviderId
    region: str
    vendor: str
    interval: Interval
    chips: int
    rate_micro_usd_per_chip_hour: int
    currency: str
    watts_per_chip: int


class Verdict(msgspec.Struct, frozen=True):
    """What a cap makes of an award: amounts of the capped one and of all, before and after, over the same window.

    Amounts are in micro-units of money × milliseconds per hour, chip-milliseconds, or watt-milliseconds. `chips_max` is
    the most chips that could be awarded on these terms; None where the cap sets no limit to them. `breach` says what
    stands against the award, and is empty when the cap holds.
    """

    clause: ClauseRef
    dimension: Dimension
    measure: Measure
    of: str
    window: Interval
    before_part: int
    before_whole: int
    after_part: int
    after_whole: int
    cap_bps: int
    chips_max: int | None
    breach: str
    text: str

    @property
    def holds(self) -> bool:
        """Whether the award keeps the cap."""
        return not self.breach


def verdicts(
    book: Book, accelerators: Mapping[AcceleratorName, AcceleratorType], award: AwardRecord, at_ms: int
) -> tuple[Verdict, ...]:
    """What every cap in force makes of an award at `at_ms`; the award may be on record already, and counts once.

    Only what was awarded by then counts, whole tranches as ordered. A cap `of` somebody else is not raised by the award
    and holds.
    """
    held = tuple(holdings(book, accelerators, at_ms, award.id))
    taken = _award_holding(book, accelerators, award)
    return tuple(
        _verdict(ClauseRef(contract.id, terms.id), terms, contract.calendar.zone, held, taken, at_ms)
        for contract in book.contracts.values()
        for terms in contract.clauses
        if isinstance(terms, ConcentrationCap) and terms.interval.contains(at_ms)
    )


def holdings(
    book: Book, accelerators: Mapping[AcceleratorName, AcceleratorType], at_ms: int, leave_out: AwardId
) -> Iterator[Holding]:
    """All that was ordered or awarded by an instant, without one award; a tranche that cites an award stands for it."""
    cited: set[AwardId] = set()
    for contract in book.contracts.values():
        for tranche in contract.tranches:
            if tranche.award.awarded_ms > at_ms or tranche.award.award_id == leave_out:
                continue
            if tranche.award.award_id is not None:
                cited.add(tranche.award.award_id)
            pool = book.pools[tranche.pool_id]
            yield Holding(
                contract.provider_id,
                pool.region,
                vendor_of(accelerators, pool.accelerator),
                Interval(tranche.promised_ms, tranche.ends_ms),
                tranche_chips(book, tranche),
                tranche.rate_micro_usd_per_chip_hour,
                contract.currency,
                pool.watts_per_chip,
            )
    for award in book.awards.values():
        if award.id != leave_out and award.id not in cited and award.awarded_ms <= at_ms:
            yield _award_holding(book, accelerators, award)


def vendor_of(accelerators: Mapping[AcceleratorName, AcceleratorType], name: AcceleratorName) -> str:
    """Who makes a chip; the chip's own name where its type is not on record."""
    return accelerators[name].vendor if name in accelerators else name


def named(holding: Holding, dimension: Dimension) -> str:
    """Which provider, region or vendor a holding counts for."""
    match dimension:
        case Dimension.PROVIDER:
            return holding.provider_id
        case Dimension.REGION:
            return holding.region
        case Dimension.VENDOR:
            return holding.vendor


def weight(holding: Holding, measure: Measure) -> int:
    """What one chip-millisecond of a holding counts on a basis: micro-units an hour, 1, or watts."""
    match measure:
        case Measure.SPEND:
            return holding.rate_micro_usd_per_chip_hour
        case Measure.CHIPS:
            return 1
        case Measure.POWER:
            return holding.watts_per_chip


def on_loss(terms: ConcentrationCap) -> tuple[str, str]:
    """What the clause makes of a provider's loss."""
    return "shares_change", f"the loss changes shares of {terms.measure.value}; no award was made by it"


def _award_holding(book: Book, accelerators: Mapping[AcceleratorName, AcceleratorType], award: AwardRecord) -> Holding:
    terms = award.terms
    return Holding(
        award.provider_id,
        terms.region,
        vendor_of(accelerators, terms.accelerator),
        Interval(terms.starts_ms, terms.ends_ms),
        terms.chips,
        terms.rate_micro_usd_per_chip_hour,
        terms.currency,
        book.pools[award.pool_id].watts_per_chip,
    )


def _verdict(
    clause: ClauseRef, terms: ConcentrationCap, zone: str, held: tuple[Holding, ...], award: Holding, at_ms: int
) -> Verdict:
    window = Interval(at_ms, later_days(at_ms, terms.window_days, zone))
    of = terms.of or named(award, terms.dimension)
    amounts = [(named(one, terms.dimension) == of, _amount(one, terms.measure, window)) for one in held]
    part = sum(amount for is_part, amount in amounts if is_part)
    whole = sum(amount for _, amount in amounts)
    per_chip = _amount(msgspec.structs.replace(award, chips=1), terms.measure, window)
    raised = per_chip * award.chips if named(award, terms.dimension) == of else 0
    added = per_chip * award.chips
    verdict = Verdict(
        clause=clause,
        dimension=terms.dimension,
        measure=terms.measure,
        of=of,
        window=window,
        before_part=part,
        before_whole=whole,
        after_part=part + raised,
        after_whole=whole + added,
        cap_bps=terms.cap_bps,
        chips_max=_chips_max(terms.cap_bps, part, whole, per_chip if raised else 0),
        breach="",
        text="",
    )
    breach = _other_currency(verdict, held, award) or _breach(verdict, raised)
    return msgspec.structs.replace(verdict, breach=breach, text=breach or _sentence(verdict, "as it may"))


def _amount(holding: Holding, measure: Measure, window: Interval) -> int:
    return holding.chips * holding.interval.overlap_ms(window) * weight(holding, measure)


def _chips_max(cap_bps: int, part: int, whole: int, per_chip: int) -> int | None:
    """The largest n with (part + n × per_chip) ÷ (whole + n × per_chip) no more than the cap; None without a limit."""
    if per_chip == 0 or cap_bps >= _BPS:
        return None
    return max(0, divide(cap_bps * whole - _BPS * part, per_chip * (_BPS - cap_bps), Rounding.DOWN))


def _breach(verdict: Verdict, raised: int) -> str:
    """Why the award may not be made: it adds to the capped one's amount, whose share then lies above the cap."""
    if raised == 0 or verdict.after_part * _BPS <= verdict.cap_bps * verdict.after_whole:
        return ""
    most = f"; {verdict.chips_max} chips on these terms would keep it" if verdict.chips_max else ""
    return _sentence(verdict, "which is too much") + most


def _other_currency(verdict: Verdict, held: tuple[Holding, ...], award: Holding) -> str:
    if verdict.measure is not Measure.SPEND:
        return ""
    others = sorted({one.currency for one in held if one.interval.overlap_ms(verdict.window)} - {award.currency})
    if not others:
        return ""
    clause = f"{verdict.clause.contract_id}/{verdict.clause.clause_id}"
    return f"clause {clause} compares spend, and spend in {award.currency} and {', '.join(others)} cannot be added"


def _sentence(verdict: Verdict, judgement: str) -> str:
    clause = f"{verdict.clause.contract_id}/{verdict.clause.clause_id}"
    words = f"{verdict.dimension.value} {verdict.of}" if verdict.of else f"no {verdict.dimension.value}"
    figures = f"{_figure(verdict, verdict.after_part)} of {_figure(verdict, verdict.after_whole)}"
    before = _percent(verdict.before_part, verdict.before_whole)
    return (
        f"{words} would have {_percent(verdict.after_part, verdict.after_whole)} of {verdict.measure.value} "
        f"({figures}) from {format_date(verdict.window.start_ms)} to {format_date(verdict.window.end_ms)}, after "
        f"{before} without this award, {judgement}: clause {clause} caps it at {verdict.cap_bps / 100:g} %"
    )


def _percent(part: int, whole: int) -> str:
    """A share to a hundredth of a percent, rounded up, so that what lies above a cap never looks as if it met it."""
    return f"{(divide(part * _BPS, whole, Rounding.UP) if whole else 0) / 100:.2f} %"


def _figure(verdict: Verdict, amount: int) -> str:
    return _FIGURES[verdict.measure](amount)


def _money(amount: int) -> str:
    return format_usd(divide(amount, MS_PER_HOUR, Rounding.HALF_EVEN))


def _chip_hours(amount: int) -> str:
    return f"{format_chip_hours(amount)} chip-hours"


def _energy(amount: int) -> str:
    return f"{format_chip_hours(divide(amount, _MILLI_PER_MICRO, Rounding.HALF_EVEN))} kWh"


_FIGURES: dict[Measure, Callable[[int], str]] = {
    Measure.SPEND: _money,
    Measure.CHIPS: _chip_hours,
    Measure.POWER: _energy,
}
