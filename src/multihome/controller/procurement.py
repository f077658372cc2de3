"""Decides first refusal: notices served and answered, windows that close in silence, and awards.

What may be awarded is said by `procurement` and `clauses`; here commands are held against the state and become events.
An effective date may lie back, since a letter comes before it is recorded; it never lies ahead, and never before what
the act builds on.
"""

from collections.abc import Iterator

import msgspec

from multihome.clauses.book import MissingPermission, binding, clause_at, earliest_ms
from multihome.clauses.first_refusal import binds_award
from multihome.clauses.scope import Awarded
from multihome.controller.decision import Decision, needs_person, refused
from multihome.controller.state import State
from multihome.domain.clause_terms import FirstRefusal, FirstRefusalMode
from multihome.domain.commands import Accepted, AnswerNotice, AskFirst, AwardOffer, Request, ServeNotice
from multihome.domain.contracts import Contract
from multihome.domain.events import AwardMade, ClauseConsequence, Event, NoticeAnswered, NoticeServed
from multihome.domain.ids import AwardId, ContractId, NeedId, NoticeId, OfferId, ProviderId
from multihome.domain.procurement import Answer, AnswerKind, AwardRecord, Need, Notice, Offer, Terms
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.procurement.awards import Ruling, awarded_by, rule_award
from multihome.procurement.matching import match_problem
from multihome.procurement.notices import make_notice
from multihome.procurement.offers import awarded_of, largest_lot, offer_problems, terms_of
from multihome.units.time import Now, format_date, format_instant

_LAPSED = "the window closed and the holder had not answered"


def lapses(state: State, now: Now) -> Iterator[Event]:
    """Notices whose window has closed in silence: each lapses into a waiver at its close, however late that is seen."""
    for notice in state.notices.values():
        if notice.id not in state.notice_answers and notice.closes_ms <= now.contract_ms:
            answer = Answer(
                notice_id=notice.id,
                kind=AnswerKind.LAPSED,
                answered_ms=notice.closes_ms,
                terms=msgspec.structs.replace(notice.terms, chips=0),
                actor="",
                why=_LAPSED,
            )
            yield NoticeAnswered(answer=answer)


# --- Serving ---


def serve_notice(state: State, command: ServeNotice, request: Request, now: Now) -> Decision:
    """Serve the holder of a first refusal a notice of an offer's terms."""
    served_ms = command.effective_ms or now.contract_ms
    offer = _offer(state, command.offer_id)
    holder = _holder(state, command.contract_id, command.clause_id, served_ms)
    problems = [one for one in (offer, holder, needs_person(command.actor, command.why)) if isinstance(one, Refusal)]
    if isinstance(offer, Refusal) or isinstance(holder, Refusal) or problems:
        return refused(problems)
    contract, terms = holder
    offered = terms_of(offer, state.pools[offer.pool_id], command.chips, command.starts_ms, command.ends_ms)
    problems.extend(_ahead(f"clause {contract.id}/{terms.id}", served_ms, now))
    problems.extend(offer_problems(offer, offered, served_ms, taken_chips(state, offer.id)))
    problems.extend(_notice_problems(state, contract, terms, offer, offered, served_ms))
    notice_id = NoticeId(f"N-{request.minted_id}")
    notice = make_notice(contract, terms, notice_id, offer.id, offered, offer.use, served_ms, command.actor)
    if isinstance(notice, Refusal):
        problems.append(notice)
    if isinstance(notice, Refusal) or problems:
        return refused(problems)
    return _served(contract, notice)


def ask_first(state: State, command: AskFirst, request: Request, now: Now) -> Decision:
    """Serve the holder of a first refusal a notice of what is needed, where it is to be asked before there is an offer.

    What it answers leaves others what it does not want, on terms no better than it asked.
    """
    served_ms = command.effective_ms or now.contract_ms
    need = state.needs.get(command.need_id) or _no_need(state, command.need_id)
    holder = _holder(state, command.contract_id, command.clause_id, served_ms)
    problems = [one for one in (need, holder, needs_person(command.actor, command.why)) if isinstance(one, Refusal)]
    if isinstance(need, Refusal) or isinstance(holder, Refusal) or problems:
        return refused(problems)
    contract, terms = holder
    wanted = Terms(
        accelerator=command.accelerator,
        region=command.region,
        chips=command.chips,
        starts_ms=command.starts_ms,
        ends_ms=command.ends_ms,
        rate_micro_usd_per_chip_hour=command.rate_micro_usd_per_chip_hour,
        currency=contract.currency,
    )
    problems.extend(_ahead(f"clause {contract.id}/{terms.id}", served_ms, now))
    problems.extend(_ask_problems(contract, terms, need, wanted, served_ms))
    notice_id = NoticeId(f"N-{request.minted_id}")
    notice = make_notice(contract, terms, notice_id, None, wanted, need.use, served_ms, command.actor)
    if isinstance(notice, Refusal):
        problems.append(notice)
    if isinstance(notice, Refusal) or problems:
        return refused(problems)
    return _served(contract, msgspec.structs.replace(notice, need_id=need.id))


def _served(contract: Contract, notice: Notice) -> Decision:
    clause = f"{contract.id}/{notice.clause.clause_id}"
    until = format_instant(notice.closes_ms)
    change = f"notice {notice.id} served on {contract.provider_id} under {clause}, open until {until}"
    return Decision(events=(NoticeServed(notice=notice),), answer=Accepted(changes=(change,), made=(notice.id,)))


def _no_need(state: State, need_id: NeedId) -> Refusal:
    text = "no need of this name is on record"
    return Refusal(RefusalCode.NOT_FOUND, f"need {need_id}", text, accepted=", ".join(sorted(state.needs)))


def _ask_problems(
    contract: Contract, terms: FirstRefusal, need: Need, wanted: Terms, served_ms: int
) -> Iterator[Refusal]:
    """What keeps a holder from being asked so: another mode, more than is needed, or what the clause would not bind."""
    clause, subject = f"clause {contract.id}/{terms.id}", f"need {need.id}"
    if terms.mode is not FirstRefusalMode.FIRST_OFFER:
        text = f"in the mode {terms.mode.value} its holder is asked when there is an offer"
        yield Refusal(RefusalCode.WRONG_STATE, clause, text, accepted="a notice of an offer")
    if wanted.accelerator not in need.accelerators:
        text = f"{wanted.accelerator} is not what is needed"
        yield Refusal(RefusalCode.BAD_TERMS, subject, text, accepted=", ".join(need.accelerators))
    if wanted.chips > need.chips:
        text = f"{wanted.chips} chips are more than is needed"
        yield Refusal(RefusalCode.BAD_TERMS, subject, text, accepted=f"at most {need.chips} chips")
    if wanted.ends_ms <= wanted.starts_ms:
        yield Refusal(RefusalCode.BAD_DATES, subject, "it would end before it starts")
    # Whose it will be is not known, nor where that one is at home. A territory may be either, so it is tested where the
    # need states in which ones it may be met.
    anywhere = msgspec.structs.replace(terms, scope=msgspec.structs.replace(terms.scope, territories=()))
    places = {wanted.region, *need.territories}
    elsewhere = need.territories and terms.scope.territories and not places & {*terms.scope.territories}
    awarded = Awarded(ProviderId(""), None, "", new_capacity=True, use=need.use, terms=wanted, awarded_ms=served_ms)
    if elsewhere or not binds_award(anywhere, contract.provider_id, awarded):
        yield Refusal(RefusalCode.WRONG_STATE, clause, f"need {need.id} lies outside its scope; it needs no notice")


def _holder(
    state: State, contract_id: ContractId, clause_id: str, served_ms: int
) -> tuple[Contract, FirstRefusal] | Refusal:
    """The first refusal that a notice is served under, in the version that is in force."""
    contract = state.contracts.get(contract_id)
    terms = clause_at(contract, clause_id, served_ms) if contract else None
    if contract is not None and isinstance(terms, FirstRefusal):
        return contract, terms
    names = sorted(
        {
            f"{other.id}/{one.id}"
            for other in state.contracts.values()
            for one in other.clauses
            if isinstance(one, FirstRefusal) and one.interval.contains(served_ms)
        }
    )
    subject = f"{contract_id}/{clause_id}"
    text = f"no right of first refusal of this name is in force on {format_date(served_ms)}"
    return Refusal(RefusalCode.NOT_FOUND, subject, text, accepted=", ".join(names))


def _notice_problems(
    state: State, contract: Contract, terms: FirstRefusal, offer: Offer, offered: Terms, served_ms: int
) -> Iterator[Refusal]:
    """What makes a notice pointless: money that cannot be compared, or an award that the clause would not bind."""
    subject = f"clause {contract.id}/{terms.id}"
    if offer.currency != contract.currency:
        text = f"offer {offer.id} is in {offer.currency}, and contract {contract.id} in {contract.currency}"
        yield Refusal(RefusalCode.CURRENCY_DIFFERS, f"offer {offer.id}", text, accepted=contract.currency)
    awarded = awarded_of(offer, offered, state.providers[offer.provider_id], served_ms, None)
    if offer.provider_id == contract.provider_id:
        yield Refusal(RefusalCode.WRONG_STATE, subject, f"offer {offer.id} is the holder's own")
    elif not binds_award(terms, contract.provider_id, awarded):
        yield Refusal(RefusalCode.WRONG_STATE, subject, f"offer {offer.id} lies outside its scope; it needs no notice")


# --- Answering ---


def answer_notice(state: State, command: AnswerNotice, request: Request, now: Now) -> Decision:
    """Record the holder's answer, where it came in time and is what it says it is.

    One that came in time and is recorded only after the notice lapsed takes the lapse's place, unless an award rests on
    that by then.
    """
    del request
    answered_ms = command.effective_ms or now.contract_ms
    notice = state.notices.get(command.notice_id)
    if notice is None:
        is_open = ", ".join(one for one in state.notices if one not in state.notice_answers)
        text = "no notice of this name was served"
        return refused([Refusal(RefusalCode.NOT_FOUND, f"notice {command.notice_id}", text, accepted=is_open)])
    problem = needs_person(command.actor, command.why)
    problems = [] if problem is None else [problem]
    problems.extend(_answer_dates(state, notice, answered_ms, now))
    said = _said(notice, command)
    problems.extend(_answer_problems(state, notice, command, said))
    if problems:
        return refused(problems)
    answer = Answer(
        notice_id=notice.id,
        kind=command.kind,
        answered_ms=answered_ms,
        terms=said,
        actor=command.actor,
        why=command.why,
    )
    change = f"notice {notice.id} answered on {format_instant(answered_ms)}: {command.kind.value.replace('_', ' ')}"
    return Decision(events=(NoticeAnswered(answer=answer),), answer=Accepted(changes=(change,)))


def _answer_dates(state: State, notice: Notice, answered_ms: int, now: Now) -> Iterator[Refusal]:
    subject = f"notice {notice.id}"
    yield from _ahead(subject, answered_ms, now)
    if answered_ms < notice.served_ms:
        text = f"it was served on {format_instant(notice.served_ms)}, and cannot have been answered before"
        yield Refusal(RefusalCode.BAD_DATES, subject, text)
    before = state.notice_answers.get(notice.id)
    if answered_ms >= notice.closes_ms:
        text = f"its window closed on {format_instant(notice.closes_ms)}; an answer after that does not count"
        yield Refusal(RefusalCode.WINDOW_CLOSED, subject, text)
    elif before is not None and before.kind is AnswerKind.LAPSED:
        yield from _rests_on_lapse(state, notice)
    elif before is not None:
        text = f"it ended on {format_instant(before.answered_ms)}: {before.kind.value.replace('_', ' ')}"
        yield Refusal(RefusalCode.WRONG_STATE, subject, text)


def _rests_on_lapse(state: State, notice: Notice) -> Iterator[Refusal]:
    """Awards that were made on the holder's silence: they keep an answer that comes to hand later from counting."""
    standing = [
        award.id for award in state.awards.values() if any(one.notice_id == notice.id for one in award.evidence)
    ]
    if standing:
        text = f"it lapsed on {format_instant(notice.closes_ms)}, and award {', '.join(standing)} rests on that"
        yield Refusal(RefusalCode.WRONG_STATE, f"notice {notice.id}", text)


def _said(notice: Notice, command: AnswerNotice) -> Terms:
    """What the holder would deliver, with what it did not say as noticed; a plain decline offers no chips."""
    noticed = notice.terms
    starts_ms = noticed.starts_ms if command.starts_ms is None else command.starts_ms
    rate = command.rate_micro_usd_per_chip_hour
    is_plain = command.kind is AnswerKind.DECLINED and rate is None
    chips = 0 if is_plain else noticed.chips if command.chips is None else command.chips
    return Terms(
        accelerator=command.accelerator or noticed.accelerator,
        region=noticed.region,
        chips=chips,
        starts_ms=starts_ms,
        # Without an end of its own the term is as long as noticed, from wherever it starts.
        ends_ms=starts_ms + noticed.ends_ms - noticed.starts_ms if command.ends_ms is None else command.ends_ms,
        rate_micro_usd_per_chip_hour=noticed.rate_micro_usd_per_chip_hour if rate is None else rate,
        currency=command.currency or noticed.currency,
    )


def _answer_problems(state: State, notice: Notice, command: AnswerNotice, said: Terms) -> Iterator[Refusal]:
    subject = f"notice {notice.id}"
    contract = state.contracts[notice.clause.contract_id]
    terms = clause_at(contract, notice.clause.clause_id, notice.served_ms)
    if not isinstance(terms, FirstRefusal):
        text = f"clause {contract.id}/{notice.clause.clause_id} as it stood when it was served is not on record"
        yield Refusal(RefusalCode.UNKNOWN_REFERENCE, subject, text)
        return
    match command.kind:
        case AnswerKind.LAPSED:
            text = "nobody answers by silence: it lapses when its window closes"
            yield Refusal(RefusalCode.WRONG_STATE, subject, text, accepted="matched, matched_in_part, declined")
        case AnswerKind.DECLINED:
            yield from _counter_problems(terms, subject, notice, said)
        case AnswerKind.MATCHED | AnswerKind.MATCHED_IN_PART:
            problem = match_problem(terms, contract.calendar.zone, subject, notice.terms, said, command.kind)
            if problem is not None:
                yield problem


def _counter_problems(terms: FirstRefusal, subject: str, notice: Notice, said: Terms) -> Iterator[Refusal]:
    """A decline may ask for other terms where the holder is asked for a first offer, and nowhere else."""
    if not said.chips:
        return
    if said.currency != notice.terms.currency:
        text = f"it was noticed in {notice.terms.currency} and answered in {said.currency}"
        yield Refusal(RefusalCode.CURRENCY_DIFFERS, subject, text, accepted=notice.terms.currency)
    if terms.mode is not FirstRefusalMode.FIRST_OFFER:
        text = f"a counter-offer has a place in the mode first_offer, and clause {terms.id} has {terms.mode.value}"
        yield Refusal(RefusalCode.BAD_TERMS, subject, text, accepted="a decline without terms")


# --- Awarding ---


def award_offer(state: State, command: AwardOffer, request: Request, now: Now) -> Decision:
    """Take an offer, with evidence for every clause that binds the award; or say what stands against it, until when."""
    foreseen = foresee_award(state, command, AwardId(f"A-{request.minted_id}"), now)
    if isinstance(foreseen, Decision):
        return foreseen
    award, ruling = foreseen
    terms = award.terms
    change = f"award {award.id}: {terms.chips} {terms.accelerator} of {award.provider_id} in {award.pool_id}"
    follows = (
        ClauseConsequence(
            clause=one.clause, code=f"most_favoured_{one.remedy.value}", text=f"award {award.id}: {one.text}"
        )
        for one in ruling.consequences
    )
    answer = Accepted(changes=(change, *award.consequences), made=(award.id,))
    return Decision(events=(AwardMade(award=award), *follows), answer=answer)


def foresee_award(
    state: State, command: AwardOffer, award_id: AwardId, now: Now
) -> tuple[AwardRecord, Ruling] | Decision:
    """The award that a command would make, with what every clause says of it; a refusal where it would make none."""
    awarded_ms = command.effective_ms or now.contract_ms
    offer = _offer(state, command.offer_id)
    known = (offer, _replaced(state, command), needs_person(command.actor, command.why))
    problems = [one for one in known if isinstance(one, Refusal)]
    if isinstance(offer, Refusal) or problems:
        return refused(problems)
    terms = terms_of(offer, state.pools[offer.pool_id], command.chips, command.starts_ms, command.ends_ms)
    award = _draft(award_id, offer, terms, awarded_ms, command)
    problems.extend(_ahead(f"offer {offer.id}", awarded_ms, now))
    problems.extend(offer_problems(offer, terms, awarded_ms, taken_chips(state, offer.id)))
    problems.extend(_currencies(state, offer, awarded_by(state.book(), award)))
    ruling = rule_award(state.book(), award)
    problems.extend(_not_permitted(state, offer, missing, now) for missing in ruling.missing)
    if problems:
        return refused(problems)
    texts = tuple(one.text for one in ruling.consequences)
    return msgspec.structs.replace(award, evidence=ruling.evidence, consequences=texts), ruling


def taken_chips(state: State, offer_id: OfferId) -> int:
    """Chips of an offer that were awarded already."""
    return sum(award.terms.chips for award in state.awards.values() if award.offer_id == offer_id)


def _draft(award_id: AwardId, offer: Offer, terms: Terms, awarded_ms: int, command: AwardOffer) -> AwardRecord:
    """The award as it would be made, before any clause was asked."""
    return AwardRecord(
        id=award_id,
        offer_id=offer.id,
        provider_id=offer.provider_id,
        pool_id=offer.pool_id,
        terms=terms,
        use=offer.use,
        new_capacity=offer.new_capacity,
        awarded_ms=awarded_ms,
        evidence=(),
        replaces=command.replaces,
        actor=command.actor,
        why=command.why,
    )


def _replaced(state: State, command: AwardOffer) -> Refusal | None:
    if command.replaces is None or command.replaces in state.providers:
        return None
    accepted = ", ".join(sorted(state.providers))
    return Refusal(RefusalCode.NOT_FOUND, command.replaces, "no provider has this name", accepted=accepted)


def _currencies(state: State, offer: Offer, awarded: Awarded) -> Iterator[Refusal]:
    """An offer is compared with what was noticed under a contract: in one currency, or not at all."""
    for contract, terms in binding(state.book(), awarded):
        if contract.currency != offer.currency:
            text = f"it is in {offer.currency}, and {contract.id}/{terms.id} compares it in {contract.currency}"
            yield Refusal(RefusalCode.CURRENCY_DIFFERS, f"offer {offer.id}", text, accepted=contract.currency)
            return


def _not_permitted(state: State, offer: Offer, missing: MissingPermission, now: Now) -> Refusal:
    """The clause, the rule, and what would be permitted: less of it, or the same at some date."""
    clause = f"{missing.clause.contract_id}/{missing.clause.clause_id}"
    could_ms = earliest_ms(state.book(), missing.clause, now.contract_ms)
    from_then = "" if could_ms is None else f"at the earliest from {format_instant(could_ms)}"
    text = f"clause {clause} stands against its award: {missing.missing}"
    # Fewer chips than one can have of the offer at all are no way out.
    lot = largest_lot(offer, missing.chips_max)
    fewer = f"at most {lot} chips on these terms" if lot else ""
    return Refusal(RefusalCode.NOT_PERMITTED, f"offer {offer.id}", text, accepted=fewer or from_then)


def _offer(state: State, offer_id: OfferId) -> Offer | Refusal:
    offer = state.offers.get(offer_id)
    if offer is not None and offer.pool_id in state.pools and offer.provider_id in state.providers:
        return offer
    accepted = ", ".join(sorted(state.offers))
    return Refusal(RefusalCode.NOT_FOUND, f"offer {offer_id}", "no offer of this name is on record", accepted=accepted)


def _ahead(subject: str, effective_ms: int, now: Now) -> Iterator[Refusal]:
    if effective_ms > now.contract_ms:
        text = f"{format_instant(effective_ms)} lies ahead: it is {format_instant(now.contract_ms)}"
        yield Refusal(RefusalCode.BAD_DATES, subject, text, accepted=f"until {format_instant(now.contract_ms)}")
