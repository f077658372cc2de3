"""All contracts, waivers, notices and awards together, and the questions that need more than one of them.

Asked by every decider above; answers from contract facts alone.
"""

from collections.abc import Iterator

import msgspec

from multihome.clauses import exclusivity, first_refusal
from multihome.clauses.scope import Awarded, covers_award, within_use
from multihome.clauses.waivers import waiver_gap
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.clause_terms import (
    ClauseRef,
    ClauseTerms,
    Exclusivity,
    ExemptionGround,
    FirstRefusal,
    TakeOrPay,
)
from multihome.domain.contracts import Contract, Tranche, Waiver
from multihome.domain.ids import AcceleratorName, AwardId, ContractId, NoticeId, PoolId, ProviderId, TrancheId, WaiverId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import Answer, AwardRecord, Notice, Terms
from multihome.domain.supply import Pool, Provider
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import MissingLocalTime
from multihome.units.time import Interval


class Forbidden(msgspec.Struct, frozen=True):
    """An exclusivity that keeps a workload away, whose holder it is, and until when."""

    clause: ClauseRef
    holder_id: ProviderId
    until_ms: int


class MissingPermission(msgspec.Struct, frozen=True):
    """A clause that an award stands against, and what is missing, in words.

    `chips_max` is how many chips would be permitted instead; 0 where none would, or only time can tell.
    """

    clause: ClauseRef
    missing: str
    chips_max: int = 0


class Book(msgspec.Struct, frozen=True):
    """Contracts, the pools their tranches deliver to, and what was noticed, answered, waived and awarded.

    `contracts` are as they stand, `documents` as they were signed; a contract that is as signed need not be among
    these. `losses` are the intervals in which a provider was declared lost; `accelerators` tell who makes a chip.
    """

    contracts: dict[ContractId, Contract]
    waivers: dict[WaiverId, Waiver]
    pools: dict[PoolId, Pool]
    providers: dict[ProviderId, Provider] = {}
    notices: dict[NoticeId, Notice] = {}
    answers: dict[NoticeId, Answer] = {}
    awards: dict[AwardId, AwardRecord] = {}
    losses: dict[ProviderId, tuple[Interval, ...]] = {}
    accelerators: dict[AcceleratorName, AcceleratorType] = {}
    documents: dict[ContractId, Contract] = {}


def forbidding(book: Book, pool: Pool, kind: WorkloadKind, product: str, at_ms: int) -> Forbidden | None:
    """The first exclusivity in force that keeps such a workload away from a pool, if any."""
    places = _places(book, pool)
    for contract in book.contracts.values():
        if contract.provider_id == pool.provider_id:
            continue
        for terms in contract.clauses:
            if isinstance(terms, Exclusivity) and exclusivity.binds_workload(
                terms, kind, product, pool.accelerator, places, at_ms
            ):
                return Forbidden(ClauseRef(contract.id, terms.id), contract.provider_id, terms.interval.end_ms)
    return None


def preferring(book: Book, pool: Pool, kind: WorkloadKind, product: str, at_ms: int) -> ClauseRef | None:
    """The clause that makes a pool the first to be tried for such a workload, if any."""
    places = _places(book, pool)
    for contract in book.contracts.values():
        if contract.provider_id != pool.provider_id:
            continue
        for terms in contract.clauses:
            if isinstance(terms, FirstRefusal) and first_refusal.prefers_holder(
                terms, kind, product, pool.accelerator, places, at_ms
            ):
                return ClauseRef(contract.id, terms.id)
    return None


def permission(book: Book, contract: Contract, tranche: Tranche) -> Evidence | MissingPermission:
    """Why the award of a tranche was permitted, or what it lacked. The same at any later time: an award is an act.

    An award on record carries its own evidence, and the tranche must lie within it; where none is named, the waivers
    and exemptions that the tranche's document names are held against every clause that binds.
    """
    if tranche.award.award_id is not None:
        return _by_award(book, contract, tranche, tranche.award.award_id)
    awarded = awarded_of(book, contract, tranche)
    found: list[Evidence] = []
    for holder_contract, terms in binding(book, awarded):
        verdict = _verdict(book, holder_contract, terms, tranche, awarded)
        if isinstance(verdict, MissingPermission):
            return verdict
        found.append(verdict)
    return joined(found) if found else unbound(book, contract.provider_id, awarded)


def unpermitted(
    book: Book, contract: Contract, tranche: Tranche
) -> Iterator[tuple[Contract, Exclusivity | FirstRefusal, str]]:
    """The clauses that bind a tranche and that its document does not satisfy, with why; asks no award on record."""
    awarded = awarded_of(book, contract, tranche)
    for holder_contract, terms in binding(book, awarded):
        verdict = _verdict(book, holder_contract, terms, tranche, awarded)
        if isinstance(verdict, MissingPermission):
            yield holder_contract, terms, verdict.missing


def joined(found: list[Evidence]) -> Evidence:
    """Evidence for each of several clauses as one: the first, with the others beside it."""
    return msgspec.structs.replace(found[0], others=tuple(found[1:])) if found[1:] else found[0]


def awarded_of(book: Book, contract: Contract, tranche: Tranche) -> Awarded:
    """A tranche as the award that it came from."""
    pool = book.pools[tranche.pool_id]
    terms = Terms(
        accelerator=pool.accelerator,
        region=pool.region,
        chips=tranche_chips(book, tranche),
        starts_ms=tranche.promised_ms,
        ends_ms=tranche.ends_ms,
        rate_micro_usd_per_chip_hour=tranche.rate_micro_usd_per_chip_hour,
        currency=contract.currency,
    )
    provider = book.providers.get(contract.provider_id)
    return Awarded(
        provider_id=contract.provider_id,
        provider_kind=provider.kind if provider else None,
        jurisdiction=provider.jurisdiction if provider else "",
        new_capacity=tranche.new_capacity,
        use=tranche.use,
        terms=terms,
        awarded_ms=tranche.award.awarded_ms,
        replaces=tranche.award.replaces,
    )


def binding(book: Book, awarded: Awarded) -> Iterator[tuple[Contract, Exclusivity | FirstRefusal]]:
    """Clauses of others that bind an award; each needs evidence of its own."""
    for contract in book.contracts.values():
        holder = contract.provider_id
        for terms in contract.clauses:
            if isinstance(terms, FirstRefusal):
                if first_refusal.binds_award(terms, holder, awarded):
                    yield contract, terms
            elif isinstance(terms, Exclusivity) and exclusivity.binds_award(terms, holder, awarded):
                yield contract, terms


def unbound(book: Book, provider_id: ProviderId, awarded: Awarded) -> Evidence:
    """The evidence of an award that no clause of anyone else binds."""
    at_ms = awarded.awarded_ms
    if not awarded.new_capacity:
        return Evidence(code="not_new", awarded_ms=at_ms)
    for contract in book.contracts.values():
        for terms in contract.clauses if contract.provider_id == provider_id else ():
            if (
                isinstance(terms, FirstRefusal)
                and terms.interval.contains(at_ms)
                and covers_award(terms.scope, awarded)
            ):
                return Evidence(code="holder", clause=ClauseRef(contract.id, terms.id), awarded_ms=at_ms)
    return Evidence(code="no_clause", awarded_ms=at_ms)


def earliest_ms(book: Book, clause: ClauseRef, at_ms: int) -> int | None:
    """When an award could become permitted under a clause, as things stand at an instant.

    When the notice that is open closes, or one that would be served now; an exclusivity must end. None where no date
    can be named.
    """
    contract = book.contracts.get(clause.contract_id)
    terms = clause_at(contract, clause.clause_id, at_ms) if contract else None
    if contract is None or terms is None:
        return None
    if isinstance(terms, Exclusivity):
        return terms.interval.end_ms
    if not isinstance(terms, FirstRefusal):
        return None
    is_open = [
        notice.closes_ms
        for notice in book.notices.values()
        if notice.clause == clause and notice.id not in book.answers and notice.closes_ms > at_ms
    ]
    closes_ms = min(is_open, default=None) or first_refusal.closes_ms(terms, contract.calendar, at_ms)
    return None if isinstance(closes_ms, MissingLocalTime) else closes_ms


def clause_at(contract: Contract, clause_id: str, at_ms: int) -> ClauseTerms | None:
    """The version of a clause that is in force at an instant, if any."""
    return next((one for one in contract.clauses if one.id == clause_id and one.interval.contains(at_ms)), None)


def _places(book: Book, pool: Pool) -> tuple[str, ...]:
    provider = book.providers.get(pool.provider_id)
    return (pool.region, provider.jurisdiction) if provider else (pool.region,)


def _by_award(book: Book, contract: Contract, tranche: Tranche, award_id: AwardId) -> Evidence | MissingPermission:
    """The evidence of an award on record, as far as the tranche lies within it."""
    award = book.awards.get(award_id)
    clause = award.evidence[0].clause if award else None
    clause = clause or ClauseRef(contract.id, "")
    if award is None:
        return MissingPermission(clause, f"award {award_id} is not on record")
    gap = award_gap(book, contract, tranche, award)
    if gap:
        return MissingPermission(clause, f"{gap} award {award_id}")
    first, *others = (msgspec.structs.replace(one, award_id=award_id) for one in award.evidence)
    return joined([first, *others])


def award_gap(book: Book, contract: Contract, tranche: Tranche, award: AwardRecord) -> str:
    """In which respect a tranche does not lie within an award, up to the award's name; empty when it does."""
    made = award.terms
    inside = (
        (contract.provider_id == award.provider_id, "its provider is not that of"),
        (tranche.pool_id == award.pool_id, "its pool is not that of"),
        (tranche.new_capacity == award.new_capacity, "it is not new or old as in"),
        (contract.currency == made.currency, "its currency is not that of"),
        (tranche.award.awarded_ms == award.awarded_ms, "it was awarded on another day than"),
        (tranche.rate_micro_usd_per_chip_hour <= made.rate_micro_usd_per_chip_hour, "its rate is above that of"),
        (tranche.promised_ms >= made.starts_ms, "it is promised before the start of"),
        (_ordered_end_ms(book, contract, tranche) <= made.ends_ms, "it ends after the end of"),
        (within_use(tranche.use, award.use), "its use is wider than that of"),
        (_chips_of_award(book, tranche, award) <= made.chips, "with the tranches before it, it is larger than"),
    )
    return next((text for holds, text in inside if not holds), "")


def _ordered_end_ms(book: Book, contract: Contract, tranche: Tranche) -> int:
    """When a tranche ends by its order: a delay remedy that moves its end changes nothing of what was awarded."""
    document = book.documents.get(contract.id, contract)
    return next((one.ends_ms for one in document.tranches if one.id == tranche.id), tranche.ends_ms)


def _chips_of_award(book: Book, tranche: Tranche, award: AwardRecord) -> int:
    """Chips of this tranche and of those of the same award whose names come before it."""
    return sum(
        tranche_chips(book, other)
        for contract in book.contracts.values()
        for other in contract.tranches
        if other.award.award_id == award.id and other.id <= tranche.id
    )


def _verdict(
    book: Book, holder_contract: Contract, terms: Exclusivity | FirstRefusal, tranche: Tranche, awarded: Awarded
) -> Evidence | MissingPermission:
    clause = ClauseRef(holder_contract.id, terms.id)
    if isinstance(terms, Exclusivity):
        return MissingPermission(clause, "new capacity was exclusive to the holder when it was awarded")
    exempt = exempted(book, holder_contract, first_refusal.only_on(terms, tranche.award.exempt_by), awarded)
    return exempt or _waived(book, holder_contract, terms, tranche, awarded)


def exempted(book: Book, contract: Contract, terms: FirstRefusal, awarded: Awarded) -> Evidence | None:
    """The evidence that a first refusal itself makes an exception of an award, if it does."""
    exemption = first_refusal.exempting(terms, contract.calendar, awarded, book.losses)
    if exemption is None:
        return None
    text = first_refusal.exemption_text(exemption, awarded)
    clause = ClauseRef(contract.id, terms.id)
    return Evidence(code="exemption", clause=clause, awarded_ms=awarded.awarded_ms, text=text)


def _waived(
    book: Book, holder_contract: Contract, terms: FirstRefusal, tranche: Tranche, awarded: Awarded
) -> Evidence | MissingPermission:
    clause = ClauseRef(holder_contract.id, terms.id)
    waiver = _waiver_for(book, clause, tranche)
    if isinstance(waiver, MissingPermission):
        return waiver
    left = waiver.chips - _chips_awarded_before(book, waiver.id, tranche)
    gap = waiver_gap(waiver, holder_contract, terms, awarded, left)
    if gap:
        return MissingPermission(clause, gap)
    return waiver_evidence(waiver, awarded.awarded_ms)


def waiver_evidence(waiver: Waiver, awarded_ms: int) -> Evidence:
    """A waiver on record as the evidence of an award that it covers."""
    return Evidence(
        code="waiver",
        clause=ClauseRef(waiver.contract_id, waiver.clause_id),
        waiver_id=waiver.id,
        notice_sha256=waiver.notice_sha256,
        awarded_ms=awarded_ms,
        text=f"notice served, {waiver.answer.value.replace('_', ' ')}",
    )


def _waiver_for(book: Book, clause: ClauseRef, tranche: Tranche) -> Waiver | MissingPermission:
    """The waiver of the award that belongs to a clause; it may need one of each of several holders."""
    if not tranche.award.waiver_ids:
        return MissingPermission(clause, _unexempted(tranche.award.exempt_by))
    for waiver_id in tranche.award.waiver_ids:
        waiver = book.waivers.get(waiver_id)
        if waiver is None:
            return MissingPermission(clause, f"waiver {waiver_id} is not on record")
        if (waiver.contract_id, waiver.clause_id) == (clause.contract_id, clause.clause_id):
            return waiver
    named = ", ".join(tranche.award.waiver_ids)
    return MissingPermission(clause, f"none of the waivers named ({named}) belongs to it")


def _unexempted(ground: ExemptionGround | None) -> str:
    if ground is None:
        return "no notice was served and no exemption is named"
    return f"no notice was served, and its conditions for {ground.value} do not hold"


def _chips_awarded_before(book: Book, waiver_id: WaiverId, tranche: Tranche) -> int:
    """Chips of the waiver that earlier tranches, and earlier awards on record, have used up."""
    mine = (tranche.award.awarded_ms, str(tranche.id))
    by_tranches = sum(
        tranche_chips(book, other)
        for contract in book.contracts.values()
        for other in contract.tranches
        if waiver_id in other.award.waiver_ids and (other.award.awarded_ms, str(other.id)) < mine
    )
    by_awards = sum(
        award.terms.chips
        for award in book.awards.values()
        if (award.awarded_ms, str(award.id)) < mine and any(one.waiver_id == waiver_id for one in award.evidence)
    )
    return by_tranches + by_awards


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
