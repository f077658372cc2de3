"""Most favoured customer: what follows when the like is awarded elsewhere on other terms than a contract has.

extra = (the better rate − the contract's rate) × chips × time, rounded once a tranche, half to even. A remedy that
matches the rate counts what is left of a tranche's term; a refund what has passed of it within the look-back; a right
to end counts nothing. The clause speaks for the time in which it is in force.
"""

from collections.abc import Iterator, Mapping

import msgspec

from multihome.clauses.book import Book, tranche_chips
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.clause_terms import ClauseRef, Favoured, FavouredRemedy, MostFavoured
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import AcceleratorName, TrancheId
from multihome.domain.procurement import AwardRecord
from multihome.units.calendar import later_days
from multihome.units.money import Rounding, charge_micro_usd, format_usd
from multihome.units.time import Interval, format_date


class Consequence(msgspec.Struct, frozen=True):
    """What an award makes due under a clause: by whom (the favoured one gains), on which tranches, and how much.

    `amount_micro_usd` is never negative, in the contract's currency: what the buyer pays more where the provider is
    favoured, and what it pays less or gets back where the buyer is. 0 for a right to end, or where nothing of the term
    is left to count.
    """

    clause: ClauseRef
    favoured: Favoured
    remedy: FavouredRemedy
    tranche_ids: tuple[TrancheId, ...]
    amount_micro_usd: int
    text: str


def consequences(
    book: Book, accelerators: Mapping[AcceleratorName, AcceleratorType], award: AwardRecord, at_ms: int
) -> tuple[Consequence, ...]:
    """What every such clause in force at `at_ms` makes of an award, on record or about to be made.

    A favoured provider is compared with awards to others, a favoured buyer with awards of the same provider that are
    not this contract's own. Offers are compared by asking for the award that would take them.
    """
    found = (
        _consequence(book, accelerators, contract, terms, award, at_ms)
        for contract in book.contracts.values()
        for terms in contract.clauses
        if isinstance(terms, MostFavoured) and _compared(contract, terms, award, at_ms)
    )
    return tuple(one for one in found if one is not None)


def is_like(terms: MostFavoured, one: AcceleratorName, other: AcceleratorName) -> bool:
    """Say whether two accelerators are compared: both in the clause's set, or equal where it names none."""
    if not terms.accelerators:
        return one == other
    return one in terms.accelerators and other in terms.accelerators


def on_loss(terms: MostFavoured) -> tuple[str, str]:
    """What the clause makes of a provider's loss."""
    return "terms_stand", f"the loss changes no rate; {terms.remedy.value} follows from awards only"


def _compared(contract: Contract, terms: MostFavoured, award: AwardRecord, at_ms: int) -> bool:
    """Say whether the clause looks at an award: in force, by the right party, within the look-back and the band."""
    own = any(tranche.award.award_id == award.id for tranche in contract.tranches)
    by_others = award.provider_id != contract.provider_id
    looks_from_ms = later_days(at_ms, -terms.look_back_days, contract.calendar.zone)
    return (
        terms.interval.contains(at_ms)
        and not own
        and by_others == (terms.favoured is Favoured.PROVIDER)
        and looks_from_ms <= award.awarded_ms <= at_ms
        and terms.chips_min <= award.terms.chips <= terms.chips_max
    )


def _consequence(
    book: Book,
    accelerators: Mapping[AcceleratorName, AcceleratorType],
    contract: Contract,
    terms: MostFavoured,
    award: AwardRecord,
    at_ms: int,
) -> Consequence | None:
    like = tuple(_like_tranches(book, contract, terms, award, at_ms))
    if contract.currency != award.terms.currency:
        return _not_comparable(contract, terms, like, award)
    worse = [tranche for tranche in like if _gap_micro_usd(terms, tranche, award) > 0]
    if not worse:
        return None
    amount = sum(
        charge_micro_usd(
            tranche_chips(book, tranche) * _counted_ms(contract, terms, tranche, at_ms),
            _gap_micro_usd(terms, tranche, award),
            Rounding.HALF_EVEN,
        )
        for tranche in worse
    )
    counted = 0 if terms.remedy is FavouredRemedy.TERMINATE else amount
    return Consequence(
        ClauseRef(contract.id, terms.id),
        terms.favoured,
        terms.remedy,
        tuple(tranche.id for tranche in worse),
        counted,
        _sentence(accelerators, contract, terms, worse, award, counted),
    )


def _like_tranches(
    book: Book, contract: Contract, terms: MostFavoured, award: AwardRecord, at_ms: int
) -> Iterator[Tranche]:
    """The contract's own tranches that are compared: awarded by then, not yet ended, of the like, within the band."""
    for tranche in contract.tranches:
        if (
            tranche.award.awarded_ms <= at_ms < tranche.ends_ms
            and is_like(terms, book.pools[tranche.pool_id].accelerator, award.terms.accelerator)
            and terms.chips_min <= tranche_chips(book, tranche) <= terms.chips_max
        ):
            yield tranche


def _gap_micro_usd(terms: MostFavoured, tranche: Tranche, award: AwardRecord) -> int:
    """By how much a chip-hour of the award is better for the favoured one than one of the tranche."""
    dearer = award.terms.rate_micro_usd_per_chip_hour - tranche.rate_micro_usd_per_chip_hour
    return dearer if terms.favoured is Favoured.PROVIDER else -dearer


def _counted_ms(contract: Contract, terms: MostFavoured, tranche: Tranche, at_ms: int) -> int:
    """Milliseconds of a tranche's term that the remedy counts."""
    term = Interval(max(tranche.promised_ms, terms.interval.start_ms), min(tranche.ends_ms, terms.interval.end_ms))
    if terms.remedy is FavouredRemedy.REFUND:
        counted = Interval(later_days(at_ms, -terms.look_back_days, contract.calendar.zone), at_ms)
    else:
        counted = Interval(at_ms, term.end_ms)
    return term.overlap_ms(counted)


def _not_comparable(
    contract: Contract, terms: MostFavoured, like: tuple[Tranche, ...], award: AwardRecord
) -> Consequence | None:
    if not like:
        return None
    text = (
        f"clause {contract.id}/{terms.id} compares rates, and the award's is in {award.terms.currency} where the "
        f"contract's are in {contract.currency}"
    )
    ids = tuple(tranche.id for tranche in like)
    return Consequence(ClauseRef(contract.id, terms.id), terms.favoured, terms.remedy, ids, 0, text)


def _sentence(
    accelerators: Mapping[AcceleratorName, AcceleratorType],
    contract: Contract,
    terms: MostFavoured,
    worse: list[Tranche],
    award: AwardRecord,
    amount_micro_usd: int,
) -> str:
    rates = ", ".join(f"{one.id} at {format_usd(one.rate_micro_usd_per_chip_hour)}" for one in worse)
    made = accelerators.get(award.terms.accelerator)
    vendor = f"{made.vendor} " if made else ""
    compared = "more than" if terms.favoured is Favoured.PROVIDER else "less than"
    due = {
        FavouredRemedy.MATCH_RATE: f"the rate is matched until {format_date(terms.interval.end_ms)} at the latest, "
        f"{format_usd(amount_micro_usd)} over what is left of the term",
        FavouredRemedy.REFUND: f"{format_usd(amount_micro_usd)} is due for the {terms.look_back_days} days before",
        FavouredRemedy.TERMINATE: "the favoured party may end the contract",
    }[terms.remedy]
    return (
        f"{award.terms.chips} {vendor}{award.terms.accelerator} of {award.provider_id} at "
        f"{format_usd(award.terms.rate_micro_usd_per_chip_hour)} per chip-hour is {compared} {rates}: clause "
        f"{contract.id}/{terms.id} favours the {terms.favoured.value}, and {due}"
    )
