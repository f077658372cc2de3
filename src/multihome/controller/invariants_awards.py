"""I7 of awards: no award in scope of anyone's first refusal without a completed sequence or an exemption.

By another road than `procurement` and `clauses`, which decided: scope, dates, rates and chips are worked out here
again, from the clause's text, the notice and its answer. Shares no function with them. Changes nothing.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta

from multihome.controller.invariants_caps import cap_breaches
from multihome.controller.state import State
from multihome.domain.clause_terms import Exclusivity, ExemptionGround, FirstRefusal, Scope
from multihome.domain.contracts import Contract
from multihome.domain.ids import NoticeId, ProviderId
from multihome.domain.placements import Evidence
from multihome.domain.procurement import Answer, AnswerKind, AwardRecord, Notice
from multihome.domain.supply import ProviderKind
from multihome.units.calendar import zone_info
from multihome.units.time import MS_PER_DAY, datetime_of, instant_of

_BPS = 10_000


def award_breaches(state: State, award: AwardRecord) -> Iterator[str]:
    """What is wrong with an award by the facts that are on record, in words: to be asked when it is made.

    Asked later it may find what nobody could know then, such as a contract that was recorded afterwards.
    """
    shown = {(one.clause.contract_id, one.clause.clause_id): one for one in award.evidence if one.clause}
    for contract in state.contracts.values():
        if contract.provider_id == award.provider_id:
            continue
        for terms in contract.clauses:
            if not isinstance(terms, FirstRefusal | Exclusivity) or not _binds(state, terms, award):
                continue
            name = f"{contract.id}/{terms.id}"
            evidence = shown.get((contract.id, terms.id))
            if isinstance(terms, Exclusivity):
                yield f"award {award.id} goes against exclusivity {name}"
            elif evidence is None:
                yield f"award {award.id} is in scope of {name}, and shows no evidence for it"
            else:
                yield from (
                    f"award {award.id} under {name}: {text}" for text in _lacks(state, contract, award, evidence)
                )
    if not award.evidence:
        yield f"award {award.id} shows no evidence at all"
    yield from cap_breaches(state, award)


def sequence_breaches(state: State) -> Iterator[tuple[str, str]]:
    """What no later fact can excuse: answers outside their window, and notices that gave more than they had."""
    for answer in state.notice_answers.values():
        notice = state.notices[answer.notice_id]
        if answer.kind is AnswerKind.LAPSED and answer.answered_ms != notice.closes_ms:
            yield notice.id, "it lapsed at another instant than its close"
        elif answer.kind is not AnswerKind.LAPSED and not notice.served_ms <= answer.answered_ms < notice.closes_ms:
            yield notice.id, "it was answered outside its window"
    for notice_id in {one.notice_id for award in state.awards.values() for one in award.evidence if one.notice_id}:
        if notice_id not in state.notice_answers:
            yield notice_id, "awards stand on it, and it was never answered"
            continue
        has, taken = _left(state, state.notices[notice_id]), _taken(state, notice_id)
        if taken > has:
            yield notice_id, f"it left {has} chips to others, and {taken} were awarded under it"


def _binds(state: State, terms: FirstRefusal | Exclusivity, award: AwardRecord) -> bool:
    scope: Scope = terms.scope
    provider = state.providers[award.provider_id]
    if not terms.interval.start_ms <= award.awarded_ms < terms.interval.end_ms:
        return False
    if isinstance(terms, Exclusivity) and not scope.new_capacity_only:
        return False
    if scope.new_capacity_only and not award.new_capacity:
        return False
    if scope.accelerators and award.terms.accelerator not in scope.accelerators:
        return False
    if scope.territories and not {award.terms.region, provider.jurisdiction} & {*scope.territories}:
        return False
    kinds_apart = scope.workload_kinds and award.use.workload_kinds
    if kinds_apart and not {*scope.workload_kinds} & {*award.use.workload_kinds}:
        return False
    products_apart = scope.products and award.use.products
    return not products_apart or bool({*scope.products} & {*award.use.products})


def _lacks(state: State, contract: Contract, award: AwardRecord, evidence: Evidence) -> Iterator[str]:
    if evidence.code == "exemption":
        if not _is_exempt(state, contract, award, evidence):
            yield "the clause makes no such exception"
    elif evidence.code != "waiver":
        yield f"evidence {evidence.code} is none"
    elif evidence.notice_id:
        yield from _by_notice(state, contract, award, evidence.notice_id)
    elif evidence.waiver_id:
        waiver = state.waivers[evidence.waiver_id]
        in_time = waiver.answered_ms <= award.awarded_ms < waiver.expires_ms
        in_kind = award.terms.accelerator in waiver.accelerators and award.terms.chips <= waiver.chips
        if not (
            in_time and in_kind and award.terms.rate_micro_usd_per_chip_hour <= waiver.rate_micro_usd_per_chip_hour
        ):
            yield f"waiver {waiver.id} does not cover it"
    else:
        yield "a waiver of no notice"


def _by_notice(state: State, contract: Contract, award: AwardRecord, notice_id: NoticeId) -> Iterator[str]:
    notice = state.notices.get(notice_id)
    answer = state.notice_answers.get(notice_id)
    if notice is None or answer is None:
        yield f"notice {notice_id} was never served, or never ended"
        return
    terms = _served_under(contract, notice)
    if answer.kind is AnswerKind.MATCHED:
        yield f"the holder matched notice {notice_id}"
    if not answer.answered_ms <= award.awarded_ms < _days_later(answer.answered_ms, terms.waiver_days, contract):
        yield f"it was made outside the time that notice {notice_id} left to others"
    if (notice.clause.contract_id, notice.clause.clause_id) != (contract.id, terms.id):
        yield f"notice {notice_id} was served under another clause"
    if _taken(state, notice_id) > _left(state, notice):
        yield f"more chips were awarded than notice {notice_id} left"
    if _moved(terms, notice, answer, award):
        yield f"its terms are better for the provider than notice {notice_id} covers"


def _moved(terms: FirstRefusal, notice: Notice, answer: Answer, award: AwardRecord) -> bool:
    """Whether an award's terms moved away from a notice further than without a new one they may."""
    noticed, made, may = notice.terms, award.terms, terms.material_change
    ceiling = noticed.rate_micro_usd_per_chip_hour * (_BPS + may.rate_bps)
    is_dear = made.rate_micro_usd_per_chip_hour * _BPS > ceiling
    asked = answer.terms
    if answer.kind is AnswerKind.DECLINED and asked.chips:
        is_dear |= made.rate_micro_usd_per_chip_hour > asked.rate_micro_usd_per_chip_hour
    same = (made.accelerator, made.region, made.currency) == (noticed.accelerator, noticed.region, noticed.currency)
    is_apart = (
        abs(made.starts_ms - noticed.starts_ms) > may.start_days * MS_PER_DAY
        or abs(made.ends_ms - noticed.ends_ms) > may.term_days * MS_PER_DAY
    )
    return is_dear or is_apart or not same or _is_wider(award, notice)


def _is_wider(award: AwardRecord, notice: Notice) -> bool:
    """Whether an award may be used for more than was noticed."""
    for mine, theirs in (
        (award.use.workload_kinds, notice.use.workload_kinds),
        (award.use.products, notice.use.products),
    ):
        if theirs and (not mine or {*mine} - {*theirs}):
            return True
    return False


def _is_exempt(state: State, contract: Contract, award: AwardRecord, evidence: Evidence) -> bool:
    clause_id = evidence.clause.clause_id if evidence.clause else ""
    for terms in contract.clauses:
        if not isinstance(terms, FirstRefusal) or terms.id != clause_id:
            continue
        for exemption in terms.exemptions:
            uses = {*award.use.workload_kinds}
            if exemption.workload_kinds and (not uses or uses - {*exemption.workload_kinds}):
                continue
            if exemption.ground is ExemptionGround.OWN_SITE:
                if state.providers[award.provider_id].kind is ProviderKind.OWN:
                    return True
            elif award.replaces and _was_lost(state, contract, award.replaces, award.awarded_ms, exemption.days):
                return True
    return False


def _was_lost(state: State, contract: Contract, provider_id: ProviderId, at_ms: int, days: int) -> bool:
    known = state.provider_states.get(provider_id)
    return known is not None and any(
        loss.start_ms <= at_ms < min(loss.end_ms, _days_later(loss.start_ms, days, contract)) for loss in known.outages
    )


def _served_under(contract: Contract, notice: Notice) -> FirstRefusal:
    for terms in contract.clauses:
        if not isinstance(terms, FirstRefusal) or terms.id != notice.clause.clause_id:
            continue
        if terms.interval.start_ms <= notice.served_ms < terms.interval.end_ms:
            return terms
    msg = f"notice {notice.id} was served under no clause of {contract.id}"
    raise LookupError(msg)


def _left(state: State, notice: Notice) -> int:
    """Chips that a notice left to others, by its answer and what may be added."""
    answer = state.notice_answers[notice.id]
    terms = _served_under(state.contracts[notice.clause.contract_id], notice)
    taken = 0
    if answer.kind is AnswerKind.MATCHED:
        taken = notice.terms.chips
    elif answer.kind is AnswerKind.MATCHED_IN_PART:
        rates = {(one.accelerator, one.stands_for): one.throughput_bps for one in terms.match.equivalents}
        rates[notice.terms.accelerator, notice.terms.accelerator] = _BPS
        taken = answer.terms.chips * rates[answer.terms.accelerator, notice.terms.accelerator] // _BPS
    return (notice.terms.chips - taken) * (_BPS + terms.material_change.chips_bps) // _BPS


def _taken(state: State, notice_id: NoticeId) -> int:
    """Chips of all awards that show a notice as evidence."""
    return sum(
        award.terms.chips for award in state.awards.values() if notice_id in {one.notice_id for one in award.evidence}
    )


def _days_later(at_ms: int, days: int, contract: Contract) -> int:
    """The same time of the contract's clocks so many days later."""
    here = datetime_of(at_ms).astimezone(zone_info(contract.calendar.zone))
    return instant_of((here + timedelta(days=days)).astimezone(UTC))
