"""Contracts as rows: how much of each tranche is used in each stretch of time, for what, and what clauses ask of it.

A column is the share of a tranche's chips that is used for a group of uses in a stretch. To keep a take-or-pay or a
minimum is to use what it makes one pay for; paying for nothing is what the checker is there to find.
"""

from collections.abc import Iterator, Mapping

import msgspec

from multihome.clauses.book import Book, tranche_chips
from multihome.clauses.concentration import vendor_of
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.clause_terms import (
    ConcentrationCap,
    Dimension,
    Exclusivity,
    Measure,
    MinimumCommitment,
    PriceTiers,
    Ramp,
    TakeOrPay,
)
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import AcceleratorName
from multihome.domain.solves import UNBOUNDED
from multihome.procurement.conflict_model import NOBODY, Clause, Draft, Model
from multihome.procurement.conflict_pairs import add_awards, add_rates, tiers_of
from multihome.procurement.conflict_spans import boundaries, cap_windows, cells, committed, periods, spans
from multihome.procurement.conflict_uses import Group, groups_of, unpermitted_by
from multihome.units.calendar import format_local_moment
from multihome.units.money import format_usd
from multihome.units.time import MS_PER_HOUR, Interval

_BPS = 10_000


class _Use(msgspec.Struct, frozen=True):
    """A column: the share of a tranche that is used for a group of uses in a stretch, and what all of it amounts to."""

    column: int
    contract: Contract
    tranche: Tranche
    group: Group
    cell: Interval
    chips: int

    def chip_ms(self) -> int:
        """Chip-milliseconds of the whole tranche in the stretch."""
        return self.chips * (self.cell.end_ms - self.cell.start_ms)


def model_of(book: Book, accelerators: Mapping[AcceleratorName, AcceleratorType]) -> Model:
    """All clauses of all contracts as rows. Kinds that ask for nothing that another could forbid have no row."""
    draft = Draft(
        tuple(
            Clause(contract.id, index, terms)
            for contract in book.contracts.values()
            for index, terms in enumerate(contract.clauses)
        )
    )
    marks = boundaries(book)
    uses = _uses(book, draft, _cuts(book, marks))
    for contract in book.contracts.values():
        for terms in contract.clauses:
            match terms:
                case Exclusivity():
                    _exclusive(draft, contract, terms, uses)
                case TakeOrPay():
                    _take_or_pay(draft, contract, terms, uses, marks)
                case MinimumCommitment():
                    _minimum(draft, contract, terms, uses, marks)
                case Ramp():
                    _ramp(draft, contract, terms, uses)
                case ConcentrationCap():
                    _cap(book, draft, contract, terms, uses, accelerators)
                case _:
                    pass
    add_awards(book, draft)
    add_rates(book, draft)
    return draft.model()


def _uses(book: Book, draft: Draft, cuts: tuple[int, ...]) -> list[_Use]:
    """All columns of use, with the rows of capacity and of missing permissions."""
    found: list[_Use] = []
    for contract in book.contracts.values():
        for tranche in contract.tranches:
            own: list[_Use] = []
            groups = groups_of(book, draft, contract, tranche)
            for cell in cells(cuts, Interval(tranche.promised_ms, tranche.ends_ms)):
                columns = [
                    _Use(
                        draft.column(f"{tranche.id} for {group.name}, {_dates(cell, contract)}", 0.0, 1.0),
                        contract,
                        tranche,
                        group,
                        cell,
                        tranche_chips(book, tranche),
                    )
                    for group in groups
                ]
                draft.row(
                    NOBODY,
                    f"{tranche.id}: chips, {_dates(cell, contract)}",
                    0.0,
                    1.0,
                    [(one.column, 1.0) for one in columns],
                )
                own.extend(columns)
            clause = unpermitted_by(book, draft, contract, tranche)
            if clause is not None:
                awarded = format_local_moment(tranche.award.awarded_ms, contract.calendar.zone)
                name = f"{tranche.id} was awarded on {awarded} without its permission"
                draft.row(clause, name, 0.0, 0.0, [(one.column, 1.0) for one in own])
            found.extend(own)
    return found


def _cuts(book: Book, marks: tuple[int, ...]) -> tuple[int, ...]:
    """All instants at which columns are cut: the marks, and the periods of commitments that hold one within them."""
    cuts = set(marks)
    for contract in book.contracts.values():
        for terms in contract.clauses:
            if isinstance(terms, TakeOrPay):
                whole = [_common(tranche, committed(contract, terms)) for tranche in contract.tranches]
            elif isinstance(terms, MinimumCommitment):
                whole = [committed(contract, terms)]
            else:
                continue
            for interval in whole:
                for span in spans(contract, terms, interval, marks):
                    cuts |= {span.start_ms, span.end_ms}
    return tuple(sorted(cuts))


def _exclusive(draft: Draft, contract: Contract, terms: Exclusivity, uses: list[_Use]) -> None:
    index = draft.index_of(contract, terms)
    for tranche, own in _by_tranche(uses):
        forbidden = [one for one in own if index in one.group.forbidden_by and _lies_in(one.cell, terms.interval)]
        if forbidden:
            name = f"{tranche.id} may not be used for {forbidden[0].group.name}, {_dates(terms.interval, contract)}"
            draft.row(index, name, 0.0, 0.0, [(one.column, 1.0) for one in forbidden])


def _take_or_pay(draft: Draft, contract: Contract, terms: TakeOrPay, uses: list[_Use], marks: tuple[int, ...]) -> None:
    for tranche, own in _by_tranche(uses):
        if tranche not in contract.tranches:
            continue
        for span in spans(contract, terms, _common(tranche, committed(contract, terms)), marks):
            inside = [one for one in own if _lies_in(one.cell, span)]
            # Every group of a stretch has a column, and the stretch is contracted once.
            contracted = sum({one.cell: _contracted_chip_ms(contract, one) for one in inside}.values())
            if not contracted:
                continue
            name = f"{terms.share_bps / 100:g} % of {tranche.id} is taken, {_dates(span, contract)}"
            entries = [(one.column, one.chip_ms() / contracted) for one in inside]
            draft.row(draft.index_of(contract, terms), name, terms.share_bps / _BPS, UNBOUNDED, entries)


def _contracted_chip_ms(contract: Contract, use: _Use) -> int:
    """Chip-milliseconds of a stretch that are contracted: by the ramp in force where there is one."""
    chips = use.chips
    for terms in contract.clauses:
        if isinstance(terms, Ramp) and _ramps(contract, terms, use):
            chips = min(chips, _ramped_chips(terms, use.cell.start_ms))
    return chips * (use.cell.end_ms - use.cell.start_ms)


def _minimum(
    draft: Draft, contract: Contract, terms: MinimumCommitment, uses: list[_Use], marks: tuple[int, ...]
) -> None:
    own = [one for one in uses if one.contract.id == contract.id]
    for span in spans(contract, terms, committed(contract, terms), marks):
        owed = sum(
            _amount_micro_usd(terms, period.start_ms) * (period.end_ms - period.start_ms) / whole_ms
            for period, whole_ms in periods(contract, terms, span)
        )
        if owed <= 0:
            continue
        inside = [one for one in own if _lies_in(one.cell, span)]
        costs = [one.chip_ms() * _highest_rate_micro_usd(contract, one) / MS_PER_HOUR for one in inside]
        unit = max([owed, *costs])
        entries = [(one.column, cost / unit) for one, cost in zip(inside, costs, strict=True)]
        name = f"{format_usd(round(owed))} is spent under {contract.id}, {_dates(span, contract)}"
        draft.row(draft.index_of(contract, terms), name, owed / unit, UNBOUNDED, entries)


def _amount_micro_usd(terms: MinimumCommitment, at_ms: int) -> int:
    """What a period owes: the step in force when it begins."""
    return next((step.amount_micro_usd for step in reversed(terms.steps) if step.from_ms <= at_ms), 0)


def _highest_rate_micro_usd(contract: Contract, use: _Use) -> int:
    """The most that a chip-hour of the tranche could cost: its rate, or the highest of its tiers in force."""
    tiers = [
        tiers_of(terms)[1]
        for terms in contract.clauses
        if isinstance(terms, PriceTiers) and _prices(contract, terms, use)
    ]
    return max(tiers, default=use.tranche.rate_micro_usd_per_chip_hour)


def _prices(contract: Contract, terms: PriceTiers, use: _Use) -> bool:
    named = not terms.tranches or _name(contract, use.tranche) in terms.tranches
    return named and terms.interval.contains(use.cell.start_ms)


def _ramp(draft: Draft, contract: Contract, terms: Ramp, uses: list[_Use]) -> None:
    by_cell: dict[Interval, list[_Use]] = {}
    for one in uses:
        if _ramps(contract, terms, one):
            by_cell.setdefault(one.cell, []).append(one)
    for cell, own in by_cell.items():
        chips = _ramped_chips(terms, cell.start_ms)
        name = f"{chips} chips of {own[0].tranche.id} are contracted, {_dates(cell, contract)}"
        share = min(1.0, chips / own[0].chips)
        draft.row(draft.index_of(contract, terms), name, 0.0, share, [(one.column, 1.0) for one in own])


def _ramps(contract: Contract, terms: Ramp, use: _Use) -> bool:
    is_of = use.contract.id == contract.id and _name(contract, use.tranche) == terms.tranche
    return is_of and terms.interval.contains(use.cell.start_ms)


def _ramped_chips(terms: Ramp, at_ms: int) -> int:
    return next((step.chips for step in reversed(terms.steps) if step.from_ms <= at_ms), 0)


def _cap(
    book: Book,
    draft: Draft,
    contract: Contract,
    terms: ConcentrationCap,
    uses: list[_Use],
    accelerators: Mapping[AcceleratorName, AcceleratorType],
) -> None:
    """One row a window and a capped one: its amount is no more than the cap's share of all that is used."""
    cap = terms.cap_bps / _BPS
    for window in cap_windows(book, contract, terms):
        inside = [one for one in uses if _lies_in(one.cell, window)]
        amounts = [one.chip_ms() * _weight(book, terms.measure, one) for one in inside]
        largest = max(amounts, default=0)
        whose = [_whose(book, terms.dimension, one, accelerators) for one in inside]
        for of in sorted({terms.of} if terms.of else set(whose)):
            entries = [
                (one.column, amount / largest * ((1.0 if owner == of else 0.0) - cap))
                for one, amount, owner in zip(inside, amounts, whose, strict=True)
                if largest
            ]
            name = f"{of} has {terms.cap_bps / 100:g} % of {terms.measure.value} at most, {_dates(window, contract)}"
            draft.row(draft.index_of(contract, terms), name, -UNBOUNDED, 0.0, entries)


def _weight(book: Book, measure: Measure, use: _Use) -> int:
    match measure:
        case Measure.SPEND:
            return use.tranche.rate_micro_usd_per_chip_hour
        case Measure.CHIPS:
            return 1
        case Measure.POWER:
            return book.pools[use.tranche.pool_id].watts_per_chip


def _whose(book: Book, dimension: Dimension, use: _Use, accelerators: Mapping[AcceleratorName, AcceleratorType]) -> str:
    pool = book.pools[use.tranche.pool_id]
    match dimension:
        case Dimension.PROVIDER:
            return use.contract.provider_id
        case Dimension.REGION:
            return pool.region
        case Dimension.VENDOR:
            return vendor_of(accelerators, pool.accelerator)


def _by_tranche(uses: list[_Use]) -> Iterator[tuple[Tranche, list[_Use]]]:
    found: dict[str, list[_Use]] = {}
    for one in uses:
        found.setdefault(one.tranche.id, []).append(one)
    for own in found.values():
        yield own[0].tranche, own


def _name(contract: Contract, tranche: Tranche) -> str:
    return tranche.id.removeprefix(f"{contract.id}/")


def _common(tranche: Tranche, interval: Interval) -> Interval:
    start_ms = max(tranche.promised_ms, interval.start_ms)
    return Interval(start_ms, max(start_ms, min(tranche.ends_ms, interval.end_ms)))


def _lies_in(cell: Interval, interval: Interval) -> bool:
    return interval.start_ms <= cell.start_ms and cell.end_ms <= interval.end_ms


def _dates(interval: Interval, contract: Contract) -> str:
    """An interval in the days of a contract; instants where it does not begin or end with one."""
    zone = contract.calendar.zone
    return f"{format_local_moment(interval.start_ms, zone)} to {format_local_moment(interval.end_ms, zone)}"
