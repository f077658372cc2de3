"""All contracts and waivers together, and the questions that need more than one of them.

Asked by every decider above; answers from contract facts alone.
"""

from collections.abc import Iterator

import msgspec

from multihome.clauses import exclusivity, first_refusal
from multihome.clauses.scope import covers_capacity
from multihome.domain.clause_terms import ClauseRef, Exclusivity, FirstRefusal, TakeOrPay
from multihome.domain.contracts import Contract, Tranche, Waiver
from multihome.domain.ids import AcceleratorName, AwardId, ContractId, NoticeId, PoolId, ProviderId, TrancheId, WaiverId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import Answer, AwardRecord, Notice
from multihome.domain.supply import Pool, Provider
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import Interval


class Forbidden(msgspec.Struct, frozen=True):
    """An exclusivity that keeps a workload away, whose holder it is, and until when."""

    clause: ClauseRef
    holder_id: ProviderId
    until_ms: int


class MissingPermission(msgspec.Struct, frozen=True):
    """A clause that an award stands against, and what is missing, in words."""

    clause: ClauseRef
    missing: str


class Book(msgspec.Struct, frozen=True):
    """Contracts, the pools their tranches deliver to, and what was noticed, answered, waived and awarded.

    `losses` are the intervals in which a provider was declared lost.
    """

    contracts: dict[ContractId, Contract]
    waivers: dict[WaiverId, Waiver]
    pools: dict[PoolId, Pool]
    providers: dict[ProviderId, Provider] = {}
    notices: dict[NoticeId, Notice] = {}
    answers: dict[NoticeId, Answer] = {}
    awards: dict[AwardId, AwardRecord] = {}
    losses: dict[ProviderId, tuple[Interval, ...]] = {}


def forbidding(
    book: Book, provider: ProviderId, kind: WorkloadKind, product: str, accelerator: AcceleratorName, at_ms: int
) -> Forbidden | None:
    """The first exclusivity in force that keeps such a workload away from such chips of a provider, if any."""
    for contract in book.contracts.values():
        for terms in contract.clauses:
            if isinstance(terms, Exclusivity) and exclusivity.binds_workload(
                terms, contract.provider_id, provider, kind, product, accelerator, at_ms
            ):
                return Forbidden(ClauseRef(contract.id, terms.id), contract.provider_id, terms.interval.end_ms)
    return None


def preferring(
    book: Book, provider: ProviderId, kind: WorkloadKind, product: str, accelerator: AcceleratorName, at_ms: int
) -> ClauseRef | None:
    """The clause that makes such chips of a provider the first to be tried for such a workload, if any."""
    for contract in book.contracts.values():
        if contract.provider_id != provider:
            continue
        for terms in contract.clauses:
            if isinstance(terms, FirstRefusal) and first_refusal.prefers_holder(
                terms, kind, product, accelerator, at_ms
            ):
                return ClauseRef(contract.id, terms.id)
    return None


def permission(book: Book, contract: Contract, tranche: Tranche) -> Evidence | MissingPermission:
    """Why the award of a tranche was permitted, or what it lacked. The same at any later time: an award is an act."""
    accelerator = book.pools[tranche.pool_id].accelerator
    first: Evidence | None = None
    for holder_contract, terms in _award_clauses(book, contract.provider_id, tranche, accelerator):
        verdict = _verdict(book, holder_contract, terms, tranche, accelerator)
        if isinstance(verdict, MissingPermission):
            return verdict
        first = first or verdict
    return first or _unbound(contract, tranche, accelerator)


def _verdict(
    book: Book,
    holder_contract: Contract,
    terms: Exclusivity | FirstRefusal,
    tranche: Tranche,
    accelerator: AcceleratorName,
) -> Evidence | MissingPermission:
    clause = ClauseRef(holder_contract.id, terms.id)
    if tranche.award.exemption:
        return Evidence(
            code="exemption", clause=clause, awarded_ms=tranche.award.awarded_ms, text=tranche.award.exemption
        )
    if isinstance(terms, Exclusivity):
        return MissingPermission(clause, "new capacity was exclusive to the holder when it was awarded")
    return _waived(book, holder_contract, terms, tranche, accelerator)


def _award_clauses(
    book: Book, provider: ProviderId, tranche: Tranche, accelerator: AcceleratorName
) -> Iterator[tuple[Contract, Exclusivity | FirstRefusal]]:
    """Clauses of others that bind the award of this tranche."""
    for holder_contract in book.contracts.values():
        holder = holder_contract.provider_id
        for terms in holder_contract.clauses:
            if isinstance(terms, FirstRefusal):
                if first_refusal.binds_award(terms, holder, provider, tranche, accelerator):
                    yield holder_contract, terms
            elif isinstance(terms, Exclusivity) and exclusivity.binds_award(
                terms, holder, provider, tranche, accelerator
            ):
                yield holder_contract, terms


def _waived(
    book: Book, holder_contract: Contract, terms: FirstRefusal, tranche: Tranche, accelerator: AcceleratorName
) -> Evidence | MissingPermission:
    clause = ClauseRef(holder_contract.id, terms.id)
    waiver = _waiver_for(book, clause, tranche)
    if isinstance(waiver, MissingPermission):
        return waiver
    chips = tranche_chips(book, tranche)
    left = waiver.chips - _chips_awarded_before(book, waiver.id, tranche)
    gap = first_refusal.waiver_gap(waiver, holder_contract, terms, tranche, accelerator, left, chips)
    if gap:
        return MissingPermission(clause, gap)
    return Evidence(
        code="waiver",
        clause=clause,
        waiver_id=waiver.id,
        notice_sha256=waiver.notice_sha256,
        awarded_ms=tranche.award.awarded_ms,
        text=f"notice served, {waiver.answer.value.replace('_', ' ')}",
    )


def _waiver_for(book: Book, clause: ClauseRef, tranche: Tranche) -> Waiver | MissingPermission:
    """The waiver of the award that belongs to a clause; an award may need one of each of several holders."""
    if not tranche.award.waiver_ids:
        return MissingPermission(clause, "no notice was served and no exemption is named")
    for waiver_id in tranche.award.waiver_ids:
        waiver = book.waivers.get(waiver_id)
        if waiver is None:
            return MissingPermission(clause, f"waiver {waiver_id} is not on record")
        if (waiver.contract_id, waiver.clause_id) == (clause.contract_id, clause.clause_id):
            return waiver
    named = ", ".join(tranche.award.waiver_ids)
    return MissingPermission(clause, f"none of the waivers named ({named}) belongs to it")


def _chips_awarded_before(book: Book, waiver_id: WaiverId, tranche: Tranche) -> int:
    """Chips of the waiver that earlier awards have used up."""
    mine = (tranche.award.awarded_ms, tranche.id)
    return sum(
        tranche_chips(book, other)
        for contract in book.contracts.values()
        for other in contract.tranches
        if waiver_id in other.award.waiver_ids and (other.award.awarded_ms, other.id) < mine
    )


def tranche_chips(book: Book, tranche: Tranche) -> int:
    """Chips of a whole tranche."""
    return tranche.domains * tranche.nodes_per_domain * book.pools[tranche.pool_id].chips_per_node


def take_or_pay_of(contract: Contract, at_ms: int) -> TakeOrPay | None:
    """The take-or-pay clause of a contract that is in force at an instant, if any."""
    for terms in contract.clauses:
        if isinstance(terms, TakeOrPay) and terms.interval.contains(at_ms):
            return terms
    return None


def find_tranche(book: Book, tranche_id: TrancheId) -> tuple[Contract, Tranche] | None:
    """A tranche with its contract, if it is on record."""
    contract = book.contracts.get(ContractId(tranche_id.rpartition("/")[0]))
    if contract is None:
        return None
    return next(((contract, tranche) for tranche in contract.tranches if tranche.id == tranche_id), None)


def _unbound(contract: Contract, tranche: Tranche, accelerator: AcceleratorName) -> Evidence:
    """The evidence of an award that no clause of anyone else binds."""
    awarded_ms = tranche.award.awarded_ms
    if not tranche.new_capacity:
        return Evidence(code="not_new", awarded_ms=awarded_ms)
    for terms in contract.clauses:
        if (
            isinstance(terms, FirstRefusal)
            and terms.interval.contains(awarded_ms)
            and covers_capacity(terms.scope, accelerator, new_capacity=True)
        ):
            return Evidence(code="holder", clause=ClauseRef(contract.id, terms.id), awarded_ms=awarded_ms)
    return Evidence(code="no_clause", awarded_ms=awarded_ms)
