"""Clauses that cannot all be kept, as people and programs look at them: where each stands, and what it asks for."""

from collections.abc import Iterable, Mapping

import msgspec

from multihome.clauses.book import Book
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.clause_terms import (
    ClauseTerms,
    ConcentrationCap,
    Exclusivity,
    Favoured,
    FirstRefusal,
    MinimumCommitment,
    MostFavoured,
    PriceTiers,
    Ramp,
    Scope,
    TakeOrPay,
)
from multihome.domain.commands import Document
from multihome.domain.contracts import Contract, Waiver
from multihome.domain.ids import AcceleratorName, ContractId
from multihome.domain.supply import Pool, Provider
from multihome.procurement.conflict_model import Clause
from multihome.procurement.conflicts import Checked
from multihome.units.calendar import format_local_moment
from multihome.units.money import format_usd


class FileLine(msgspec.Struct, frozen=True):
    """A line of a file; no file is empty."""

    file: str
    line: int


NOWHERE = FileLine("", 0)


class ClauseLine(msgspec.Struct, frozen=True):
    """A clause of a conflict: whose, where it stands in a file if that is known, and what it asks for."""

    contract_id: ContractId
    clause_id: str
    kind: str
    at: FileLine
    says: str


class ConflictLine(msgspec.Struct, frozen=True):
    """Clauses that cannot all be kept, though any of them can be left out to keep the others; and where they meet."""

    clauses: tuple[ClauseLine, ...]
    meets: tuple[str, ...]


class ConflictsView(msgspec.Struct, frozen=True):
    """What a check found in so many contracts. `unsettled` says why it ended early, and is empty where it did not."""

    contracts: int
    clauses: int
    conflicts: tuple[ConflictLine, ...]
    unsettled: str


def book_of(documents: Iterable[Document]) -> tuple[Book, dict[AcceleratorName, AcceleratorType]]:
    """The contracts, waivers, pools and providers among documents, and the accelerators."""
    facts = tuple(documents)
    book = Book(
        contracts={fact.id: fact for fact in facts if isinstance(fact, Contract)},
        waivers={fact.id: fact for fact in facts if isinstance(fact, Waiver)},
        pools={fact.id: fact for fact in facts if isinstance(fact, Pool)},
        providers={fact.id: fact for fact in facts if isinstance(fact, Provider)},
    )
    return book, {fact.name: fact for fact in facts if isinstance(fact, AcceleratorType)}


def conflicts_view(book: Book, checked: Checked, places: Mapping[ContractId, tuple[FileLine, ...]]) -> ConflictsView:
    """A check in words. `places` are where the clauses of a contract stand, in its order, as far as that is known."""
    return ConflictsView(
        contracts=len(book.contracts),
        clauses=sum(len(contract.clauses) for contract in book.contracts.values()),
        conflicts=tuple(
            ConflictLine(tuple(_line(book, clause, places) for clause in conflict.clauses), conflict.meets)
            for conflict in checked.conflicts
        ),
        unsettled=checked.unsettled,
    )


def _line(book: Book, clause: Clause, places: Mapping[ContractId, tuple[FileLine, ...]]) -> ClauseLine:
    known = places.get(clause.contract_id, ())
    terms = clause.terms
    contract = book.contracts[clause.contract_id]
    holder, zone = contract.provider_id, contract.calendar.zone
    start, end = terms.interval.start_ms, terms.interval.end_ms
    dates = f"{format_local_moment(start, zone)} to {format_local_moment(end, zone)}"
    return ClauseLine(
        clause.contract_id,
        terms.id,
        str(terms.__struct_config__.tag),
        known[clause.index] if known else NOWHERE,
        f"{_says(terms, holder)}, {dates}",
    )


def _says(terms: ClauseTerms, holder: str) -> str:
    """What a clause asks for, in a few words."""
    match terms:
        case Exclusivity():
            return f"only {holder} may have {_scope(terms.scope)}"
        case FirstRefusal():
            return f"{holder} is asked before {_scope(terms.scope)} goes elsewhere"
        case TakeOrPay():
            return f"{terms.share_bps / 100:g} % of each tranche is paid for, used or not"
        case MinimumCommitment():
            amounts = " then ".join(format_usd(step.amount_micro_usd) for step in terms.steps)
            return f"at least {amounts} is spent a {terms.period.value}"
        case Ramp():
            return f"{' then '.join(str(step.chips) for step in terms.steps)} chips of {terms.tranche} are contracted"
        case PriceTiers():
            rates = ", ".join(format_usd(tier.rate_micro_usd_per_chip_hour) for tier in terms.tiers)
            return f"a chip-hour costs {rates} by volume"
        case ConcentrationCap():
            of = f"{terms.dimension.value} {terms.of} has no" if terms.of else f"no {terms.dimension.value} has"
            return f"{of} more than {terms.cap_bps / 100:g} % of {terms.measure.value}"
        case MostFavoured():
            less = "no less than others" if terms.favoured is Favoured.PROVIDER else "no more than elsewhere"
            return f"{holder} is paid {less} for the like"
        case _:
            return "is kept"


def _scope(scope: Scope) -> str:
    """What a scope covers."""
    what = [kind.value for kind in scope.workload_kinds] or ["work"]
    words = f"new capacity for {' and '.join(what)}" if scope.new_capacity_only else " and ".join(what)
    for word, names in (("of", scope.products), ("on", scope.accelerators), ("in", scope.territories)):
        words += f" {word} {', '.join(names)}" if names else ""
    return words
