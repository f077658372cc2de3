"""Tests a contract against what is known and against itself, before it becomes a fact: dates, names, terms, history."""

from collections.abc import Iterator

from multihome.clauses.book import tranche_chips, unpermitted
from multihome.clauses.first_refusal import grounds_text
from multihome.clauses.substitution import permits
from multihome.controller.documents_terms import terms_problems
from multihome.controller.known import Known, reference
from multihome.controller.settled import rewriting_problems
from multihome.controller.state import State
from multihome.domain.clause_terms import ClauseTerms, Exclusivity, Substitution
from multihome.domain.contracts import USD, Contract, Tranche
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.supply import Pool
from multihome.scheduling.topology.tree import topology_problem
from multihome.units.calendar import format_local_date
from multihome.units.time import format_date


def contract_problems(state: State, known: Known, contract: Contract) -> Iterator[Refusal]:
    """Everything that is wrong with a contract."""
    subject = f"contract {contract.id}"
    yield from reference(subject, "provider", contract.provider_id, known.providers)
    if contract.interval.end_ms <= contract.interval.start_ms:
        yield Refusal(RefusalCode.BAD_DATES, subject, "it ends before it begins")
    if contract.interval.start_ms < 0:
        text = f"it begins on {format_date(contract.interval.start_ms)}, and days are counted from 1970 on"
        yield Refusal(RefusalCode.BAD_DATES, subject, text, accepted="a contract that begins in 1970 or later")
    if contract.currency != USD:
        text = f"it is in {contract.currency}, and the ledger in {USD}: amounts in different currencies are not added"
        yield Refusal(RefusalCode.CURRENCY_DIFFERS, subject, text, accepted=f"a contract in {USD}")
    for terms in contract.clauses:
        yield from _clause_problems(known, contract, terms)
    yield from _overlaps(contract)
    for tranche in contract.tranches:
        yield from _tranche_problems(state, known, contract, tranche)
    before = state.contract_documents.get(contract.id)
    if before is not None:
        yield from _delivered(state, before, contract)
        yield from _substituted(state, known, before, contract)
        yield from rewriting_problems(state, before, contract)


def topology_refusal(subject: str, pool: Pool, tranche: Tranche) -> Iterator[Refusal]:
    """What is wrong between the switches of a pool and the domains that a tranche brings into it."""
    problem = topology_problem(pool.topology, tranche.nodes_per_domain)
    if problem:
        text = f"the topology of pool {pool.id} is not that of a domain of tranche {tranche.id}: {problem}"
        accepted = f"{tranche.nodes_per_domain} nodes in all, and every switch under one switch of the layer above"
        yield Refusal(RefusalCode.BAD_TERMS, subject, text, accepted=accepted)


def _clause_problems(known: Known, contract: Contract, terms: ClauseTerms) -> Iterator[Refusal]:
    subject = f"clause {contract.id}/{terms.id}"
    inside = contract.interval.start_ms <= terms.interval.start_ms < terms.interval.end_ms <= contract.interval.end_ms
    if not inside:
        yield Refusal(
            RefusalCode.BAD_DATES,
            subject,
            f"its dates {_day(contract, terms.interval.start_ms)} to {_day(contract, terms.interval.end_ms)} do not "
            f"lie in order within the contract's",
            accepted=_term_text(contract),
        )
    yield from terms_problems(known, contract, terms)


def _term_text(contract: Contract) -> str:
    """The days that may be named within a contract; empty where its own are not in order."""
    term = contract.interval
    in_order = term.start_ms < term.end_ms
    return f"{_day(contract, term.start_ms)} to {_day(contract, term.end_ms)}" if in_order else ""


def _day(contract: Contract, at_ms: int) -> str:
    return format_local_date(at_ms, contract.calendar.zone)


def _overlaps(contract: Contract) -> Iterator[Refusal]:
    for index, terms in enumerate(contract.clauses):
        for other in contract.clauses[:index]:
            if other.id == terms.id and terms.interval.overlap_ms(other.interval):
                yield Refusal(
                    RefusalCode.OVERLAPPING_CLAUSES,
                    f"clause {contract.id}/{terms.id}",
                    "two versions of it are in force at the same time; end the first where the second begins",
                )


def _tranche_problems(state: State, known: Known, contract: Contract, tranche: Tranche) -> Iterator[Refusal]:
    subject = f"tranche {tranche.id}"
    yield from reference(subject, "pool", tranche.pool_id, known.pools)
    pool = known.pools.get(tranche.pool_id)
    if pool is not None and pool.provider_id != contract.provider_id:
        yield Refusal(
            RefusalCode.UNKNOWN_REFERENCE,
            subject,
            f"pool {pool.id} belongs to {pool.provider_id}, not to the contract's provider {contract.provider_id}",
        )
    if pool is not None:
        yield from topology_refusal(subject, pool, tranche)
    if tranche.promised_ms >= contract.interval.end_ms:
        text = (
            f"the contract ends on {_day(contract, contract.interval.end_ms)}, before the tranche starts on "
            f"{_day(contract, tranche.promised_ms)}"
        )
        yield Refusal(RefusalCode.BAD_DATES, subject, text, accepted="a tranche that starts within its contract")
    elif not contract.interval.start_ms <= tranche.promised_ms < tranche.ends_ms <= contract.interval.end_ms:
        yield Refusal(
            RefusalCode.BAD_DATES,
            subject,
            f"promised {_day(contract, tranche.promised_ms)}, ends {_day(contract, tranche.ends_ms)}: not in order "
            f"within the contract",
            accepted=_term_text(contract),
        )
    for waiver_id in tranche.award.waiver_ids:
        yield from reference(subject, "waiver", waiver_id, known.waivers)
    if tranche.award.exempt_by is not None:
        yield from _exemption_problems(state, known, contract, tranche)
    if tranche.award.award_id is not None:
        yield from reference(subject, "award", tranche.award.award_id, state.awards)
        yield from _award_overdrawn(known, tranche)


def _exemption_problems(state: State, known: Known, contract: Contract, tranche: Tranche) -> Iterator[Refusal]:
    """An exemption that a clause which binds the award does not make, and that no waiver stands in for.

    What is on record is not asked again: it was permitted by the clauses of its day.
    """
    subject = f"tranche {tranche.id}"
    if tranche.award.replaces is not None:
        yield from reference(subject, "provider", tranche.award.replaces, known.providers)
    if tranche.pool_id not in known.pools or contract.provider_id not in known.providers or _stands(state, tranche):
        return
    for holders, terms, missing in unpermitted(known.book(), contract, tranche):
        clause = f"{holders.id}/{terms.id}"
        text = f"clause {clause} binds its award, and does not exempt it as {tranche.award.exempt_by}: {missing}"
        if isinstance(terms, Exclusivity):
            accepted = f"an amendment of {clause} that leaves it out of its scope: an exclusivity makes no exemption"
        else:
            grounds, waiver = grounds_text(terms), f"a waiver of {clause}"
            accepted = f"{grounds}; or {waiver}" if grounds else waiver
        yield Refusal(RefusalCode.NOT_PERMITTED, subject, text, accepted=accepted)


def _stands(state: State, tranche: Tranche) -> bool:
    return any(one == tranche for document in state.contract_documents.values() for one in document.tranches)


def _award_overdrawn(known: Known, tranche: Tranche) -> Iterator[Refusal]:
    """Tranches that together order more than their award took: which of them were permitted must never change."""
    award = known.awards.get(tranche.award.award_id) if tranche.award.award_id else None
    if award is None:
        return
    same = [
        other
        for contract in known.contracts.values()
        for other in contract.tranches
        if other.award.award_id == award.id and other.pool_id in known.pools
    ]
    chips = sum(tranche_chips(known.book(), other) for other in same)
    if chips > award.terms.chips:
        text = f"the tranches of award {award.id} would have {chips} chips, and {award.terms.chips} were awarded"
        yield Refusal(RefusalCode.WRONG_STATE, f"tranche {tranche.id}", text, accepted=f"{award.terms.chips} chips")


def _delivered(state: State, before: Contract, contract: Contract) -> Iterator[Refusal]:
    """A tranche that has delivered keeps its pool, rate and award: usage was priced and placed by them."""
    after = {tranche.id: tranche for tranche in contract.tranches}
    delivered = {delivery.tranche_id for delivery in state.deliveries.values()}
    for tranche in before.tranches:
        if tranche.id in delivered and after.get(tranche.id) != tranche:
            yield Refusal(
                RefusalCode.SETTLED,
                f"tranche {tranche.id}",
                "it has been delivered; its terms can no longer be rewritten, only amended by a new tranche",
            )


def _substituted(state: State, known: Known, before: Contract, contract: Contract) -> Iterator[Refusal]:
    """A tranche that has not delivered may get other chips than were ordered as the substitution clause permits."""
    after = {tranche.id: tranche for tranche in contract.tranches}
    delivered = {delivery.tranche_id for delivery in state.deliveries.values()}
    for tranche in before.tranches:
        new = after.get(tranche.id)
        if new is None or tranche.id in delivered or {tranche.pool_id, new.pool_id} - known.pools.keys():
            continue
        if state.pools[tranche.pool_id].accelerator != known.pools[new.pool_id].accelerator:
            gap = _substitution_gap(state, known, contract, tranche, new)
            if gap:
                yield Refusal(RefusalCode.NOT_PERMITTED, f"tranche {tranche.id}", gap, accepted="what was ordered")


def _substitution_gap(state: State, known: Known, contract: Contract, ordered: Tranche, delivered: Tranche) -> str:
    """Why the chips of a tranche may not be substituted; empty where they may."""
    pool, other = state.pools[ordered.pool_id], known.pools[delivered.pool_id]
    at_ms = max(state.last.contract_ms, contract.interval.start_ms)
    for terms in contract.clauses:
        if isinstance(terms, Substitution) and terms.interval.contains(at_ms):
            verdict = permits(
                terms,
                pool.accelerator,
                ordered.domains * ordered.nodes_per_domain * pool.chips_per_node,
                other.accelerator,
                delivered.domains * delivered.nodes_per_domain * other.chips_per_node,
                delivered.award.consent,
            )
            return "" if verdict.permitted else verdict.text
    return (
        f"{pool.accelerator} were ordered, and no clause on substitution is in force that would let "
        f"{other.accelerator} be delivered"
    )
