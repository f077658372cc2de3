"""Whether an award may be made: the scope test of every clause, then exempt, or covered by what the holder left.

need -> offer -> scope test -> exempt | notice needed | waiver covers -> evidence, one for each clause that binds.
"""

import msgspec

from multihome.clauses.book import (
    Book,
    MissingPermission,
    binding,
    clause_at,
    exempted,
    tranche_chips,
    unbound,
    waiver_evidence,
)
from multihome.clauses.concentration import Verdict, verdicts
from multihome.clauses.most_favoured import Consequence, consequences
from multihome.clauses.scope import Awarded
from multihome.clauses.waivers import notice_gap, waiver_gap
from multihome.domain.clause_terms import ClauseRef, Exclusivity, FirstRefusal
from multihome.domain.contracts import Contract
from multihome.domain.ids import AwardId, NoticeId, WaiverId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import AwardRecord, Notice
from multihome.domain.supply import Provider


class Ruling(msgspec.Struct, frozen=True):
    """What all clauses say of an award: evidence for each that binds, what is missing, every cap, and what follows."""

    evidence: tuple[Evidence, ...]
    missing: tuple[MissingPermission, ...]
    caps: tuple[Verdict, ...]
    consequences: tuple[Consequence, ...]


def rule_award(book: Book, award: AwardRecord) -> Ruling:
    """Ask every clause about an award that is to be made. All awards in the book count as made before it.

    What the award says of evidence and consequences is not looked at. With nothing missing there is at least one piece
    of evidence, even if it only says that nothing bound the award.
    """
    awarded = awarded_by(book, award)
    evidence: list[Evidence] = []
    missing: list[MissingPermission] = []
    for contract, terms in binding(book, awarded):
        verdict = _verdict(book, contract, terms, awarded)
        if isinstance(verdict, Evidence):
            evidence.append(verdict)
        else:
            missing.append(verdict)
    caps = verdicts(book, book.accelerators, award, award.awarded_ms)
    against = tuple(_over(verdict) for verdict in caps if not verdict.holds)
    follows = consequences(book, book.accelerators, award, award.awarded_ms)
    if not evidence and not missing:
        evidence.append(unbound(book, awarded.provider_id, awarded))
    return Ruling(tuple(evidence), (*missing, *against), caps, follows)


def _over(verdict: Verdict) -> MissingPermission:
    return MissingPermission(verdict.clause, verdict.breach, verdict.chips_max or 0)


def rule_again(book: Book, award: AwardRecord) -> Ruling:
    """Ask every clause once more about an award on record, with those alone counted before it that came before it.

    A tranche that was ordered under this award or a later one cannot have counted either.
    """
    before: dict[AwardId, AwardRecord] = {}
    for award_id, other in book.awards.items():
        if award_id == award.id:
            break
        before[award_id] = other
    known = {None, *before}
    contracts = {
        contract_id: msgspec.structs.replace(
            contract, tranches=tuple(part for part in contract.tranches if part.award.award_id in known)
        )
        for contract_id, contract in book.contracts.items()
    }
    return rule_award(msgspec.structs.replace(book, awards=before, contracts=contracts), award)


def awarded_by(book: Book, award: AwardRecord) -> Awarded:
    """An award, on record or to be made, as clauses look at it."""
    provider: Provider | None = book.providers.get(award.provider_id)
    return Awarded(
        provider_id=award.provider_id,
        provider_kind=provider.kind if provider else None,
        jurisdiction=provider.jurisdiction if provider else "",
        new_capacity=award.new_capacity,
        use=award.use,
        terms=award.terms,
        awarded_ms=award.awarded_ms,
        replaces=award.replaces,
    )


def _verdict(
    book: Book, contract: Contract, terms: Exclusivity | FirstRefusal, awarded: Awarded
) -> Evidence | MissingPermission:
    clause = ClauseRef(contract.id, terms.id)
    if isinstance(terms, Exclusivity):
        return MissingPermission(clause, f"new capacity in its scope is exclusive to {contract.provider_id}")
    exempt = exempted(book, contract, terms, awarded)
    if exempt is not None:
        return exempt
    return (
        _by_notice(book, contract, clause, awarded)
        or _by_waiver(book, contract, terms, awarded)
        or _gap(book, contract, terms, awarded)
    )


def _by_notice(book: Book, contract: Contract, clause: ClauseRef, awarded: Awarded) -> Evidence | None:
    """The evidence of the first notice that covers the award, oldest first, so that what ends first is used first."""
    for notice in _notices(book, clause):
        if _notice_gap(book, contract, notice, awarded):
            continue
        answer = book.answers[notice.id]
        return Evidence(
            code="waiver",
            clause=clause,
            notice_id=notice.id,
            notice_sha256=notice.sha256,
            awarded_ms=awarded.awarded_ms,
            text=f"{answer.kind.value.replace('_', ' ')}",
        )
    return None


def _by_waiver(book: Book, contract: Contract, terms: FirstRefusal, awarded: Awarded) -> Evidence | None:
    for waiver in book.waivers.values():
        if (waiver.contract_id, waiver.clause_id) != (contract.id, terms.id):
            continue
        left = waiver.chips - _chips_of_waiver(book, waiver.id)
        if not waiver_gap(waiver, contract, terms, awarded, left):
            return waiver_evidence(waiver, awarded.awarded_ms)
    return None


def _gap(book: Book, contract: Contract, terms: FirstRefusal, awarded: Awarded) -> MissingPermission:
    """What is missing, by the notice that was served last; a notice where none was."""
    clause = ClauseRef(contract.id, terms.id)
    notices = _notices(book, clause)
    if not notices:
        return MissingPermission(clause, f"{contract.provider_id} must be served a notice first")
    return MissingPermission(clause, _notice_gap(book, contract, notices[-1], awarded))


def _notices(book: Book, clause: ClauseRef) -> list[Notice]:
    return [notice for notice in book.notices.values() if notice.clause == clause]


def _notice_gap(book: Book, contract: Contract, notice: Notice, awarded: Awarded) -> str:
    """What a notice lacks, by the version of its clause under which it was served."""
    terms = clause_at(contract, notice.clause.clause_id, notice.served_ms)
    if not isinstance(terms, FirstRefusal):
        return f"notice {notice.id} was served under a version of the clause that is not on record"
    used = _chips_of_notice(book, notice.id)
    return notice_gap(contract, terms, notice, book.answers.get(notice.id), awarded, used)


def _chips_of_notice(book: Book, notice_id: NoticeId) -> int:
    return sum(
        award.terms.chips
        for award in book.awards.values()
        if any(evidence.notice_id == notice_id for evidence in award.evidence)
    )


def _chips_of_waiver(book: Book, waiver_id: WaiverId) -> int:
    """Chips of a waiver that awards and tranches have used up, whatever their dates: what was given is given once."""
    by_awards = sum(
        award.terms.chips
        for award in book.awards.values()
        if any(evidence.waiver_id == waiver_id for evidence in award.evidence)
    )
    return by_awards + sum(
        tranche_chips(book, tranche)
        for contract in book.contracts.values()
        for tranche in contract.tranches
        if waiver_id in tranche.award.waiver_ids
    )
