"""The deadlines of contracts, next first: when a window closes, a right begins or ends, a step is taken, a date falls.

Read from facts alone, so that it tells the same of any instant of which the facts are known.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

import msgspec

from multihome.clauses.delay_remedy import right_opens_ms
from multihome.clauses.delivery import delivered_domains
from multihome.clauses.standing import ENDS
from multihome.controller.state import State
from multihome.domain.clause_terms import (
    ClauseTerms,
    DelayRemedy,
    FirstRefusal,
    MinimumCommitment,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    RenewalMode,
    TakeOrPay,
    Termination,
    Window,
)
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.ids import ContractId
from multihome.domain.procurement import AnswerKind, TrancheStep
from multihome.units.calendar import (
    MINUTES_PER_DAY,
    Calendar,
    format_local_date,
    last_opening_day,
    later_days,
    local_instant,
    period_interval,
)
from multihome.units.money import format_usd
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval

HORIZON_DAYS = 366
"""How far a calendar looks ahead when nobody says."""
HORIZON_DAYS_MAX = 3_660
"""How far it looks at most: ten years."""
ALARM_LEAD_DAYS = 14
"""How long before a deadline the status begins to show it."""
LATEST_MS = FOREVER_MS - 2 * HORIZON_DAYS_MAX * MS_PER_DAY
"""No calendar goes beyond: days are counted from here without running into the end of time."""


class DeadlineKind(StrEnum):
    """What falls on a date."""

    NOTICE_CLOSES = "notice_closes"
    WAIVER_EXPIRES = "waiver_expires"
    OFFER_EXPIRES = "offer_expires"
    TRANCHE_PROMISED = "tranche_promised"
    GRACE_ENDS = "grace_ends"
    MAY_END_TRANCHE = "may_end_tranche"
    MAY_END_ORDER = "may_end_order"
    TRANCHE_ENDS = "tranche_ends"
    CLAUSE_BEGINS = "clause_begins"
    CLAUSE_ENDS = "clause_ends"
    AMENDMENT = "amendment"
    RENEWAL_NOTICE = "renewal_notice"
    FEE_STEP = "fee_step"
    RAMP_STEP = "ramp_step"
    COMMITMENT_STEP = "commitment_step"
    INDEX_STEP = "index_step"
    PERIOD_ENDS = "period_ends"
    PREPAYMENT = "prepayment"
    SUSPENSION_ENDS = "suspension_ends"
    CURE_ENDS = "cure_ends"
    TERMINATION = "termination"
    CONTRACT_BEGINS = "contract_begins"
    CONTRACT_ENDS = "contract_ends"


ROUTINE = frozenset(
    {DeadlineKind.PERIOD_ENDS, DeadlineKind.INDEX_STEP, DeadlineKind.CLAUSE_BEGINS, DeadlineKind.CONTRACT_BEGINS}
)
"""What comes round by itself and asks nobody to do anything: the calendar has it, and no alarm."""


class Deadline(msgspec.Struct, frozen=True, order=True):
    """Something that falls on a date: of which contract and clause or tranche (both may be empty), and in words.

    `of` names the notice, waiver, offer, tranche, amendment or suspension that it is about, where it is about one.
    """

    at_ms: int
    contract: str
    clause: str
    what: DeadlineKind
    text: str
    of: str = ""

    @property
    def id(self) -> str:
        """The same for the same deadline, however its words change."""
        return f"{self.contract}/{self.clause}/{self.of}:{self.what.value}@{self.at_ms}"


def deadlines(state: State, as_of_ms: int, until_ms: int) -> tuple[Deadline, ...]:
    """What falls from an instant on until before another, next first; and before it what is past due and still open.

    A notice that nobody answered, and a delivery that has not come, are past due until something is recorded of them.
    """
    until_ms = min(until_ms, as_of_ms + HORIZON_DAYS_MAX * MS_PER_DAY, LATEST_MS)
    span = Interval(as_of_ms, until_ms)
    found = [*_notices(state), *_waivers(state), *_offers(state)]
    for contract in state.contracts.values():
        given = state.terminations.get(contract.id)
        ended_ms = FOREVER_MS if given is None else given.effective_ms
        # What falls after a contract was ended binds nobody, and what waited then waits no more.
        found.extend(one for one in _contract(state, contract, span) if max(one.at_ms, as_of_ms) <= ended_ms)
    kept = (one for one in found if _still_open(one, as_of_ms) or span.contains(one.at_ms))
    return tuple(sorted(set(kept)))


def pressing(state: State, now_ms: int) -> tuple[Deadline, ...]:
    """What is past due, or falls within ALARM_LEAD_DAYS and asks somebody to act."""
    return to_act(state, now_ms, now_ms + ALARM_LEAD_DAYS * MS_PER_DAY)


def to_act(state: State, as_of_ms: int, until_ms: int) -> tuple[Deadline, ...]:
    """The deadlines of a time that ask somebody to act, with what is past due and still open before it."""
    return tuple(one for one in deadlines(state, as_of_ms, until_ms) if one.what not in ROUTINE)


_OPEN_UNTIL_DONE = frozenset(
    {
        DeadlineKind.NOTICE_CLOSES,
        DeadlineKind.TRANCHE_PROMISED,
        DeadlineKind.GRACE_ENDS,
        DeadlineKind.MAY_END_TRANCHE,
        DeadlineKind.MAY_END_ORDER,
        DeadlineKind.CURE_ENDS,
    }
)


def _still_open(deadline: Deadline, as_of_ms: int) -> bool:
    """Whether a date that has passed waits for something. Those kinds are found only while it has not come."""
    return deadline.at_ms < as_of_ms and deadline.what in _OPEN_UNTIL_DONE


# --- Procurement ---


def _notices(state: State) -> Iterator[Deadline]:
    for notice in state.notices.values():
        if notice.id not in state.notice_answers:
            terms = notice.terms
            text = f"notice {notice.id} on {terms.chips} {terms.accelerator} lapses into a waiver if nobody answers"
            clause = notice.clause
            yield Deadline(
                notice.closes_ms, clause.contract_id, clause.clause_id, DeadlineKind.NOTICE_CLOSES, text, notice.id
            )


def _waivers(state: State) -> Iterator[Deadline]:
    kind = DeadlineKind.WAIVER_EXPIRES
    for waiver in state.waivers.values():
        text = f"waiver {waiver.id} for {waiver.chips} chips no longer covers an award"
        yield Deadline(waiver.expires_ms, waiver.contract_id, waiver.clause_id, kind, text, waiver.id)
    for answer in state.notice_answers.values():
        notice = state.notices[answer.notice_id]
        contract = state.contracts.get(notice.clause.contract_id)
        terms = None if contract is None else _refusal_in_force(contract, notice.clause.clause_id, notice.served_ms)
        if contract is None or terms is None or answer.kind is AnswerKind.MATCHED or answer.answered_ms > LATEST_MS:
            continue
        at_ms = later_days(answer.answered_ms, terms.waiver_days, contract.calendar.zone)
        text = f"the waiver that follows from notice {notice.id} no longer covers an award"
        yield Deadline(at_ms, contract.id, terms.id, kind, text, notice.id)


def _refusal_in_force(contract: Contract, clause_id: str, at_ms: int) -> FirstRefusal | None:
    for terms in contract.clauses:
        if isinstance(terms, FirstRefusal) and terms.id == clause_id and terms.interval.contains(at_ms):
            return terms
    return None


def _offers(state: State) -> Iterator[Deadline]:
    taken = {award.offer_id for award in state.awards.values()}
    for offer in state.offers.values():
        if offer.id not in taken:
            text = (
                f"offer {offer.id} of {offer.provider_id}: {offer.chips_min} to {offer.chips_max} chips of "
                f"{offer.pool_id} can no longer be taken"
            )
            yield Deadline(offer.expires_ms, "", "", DeadlineKind.OFFER_EXPIRES, text, offer.id)


# --- One contract ---


def _contract(state: State, contract: Contract, span: Interval) -> Iterator[Deadline]:
    interval = contract.interval
    yield Deadline(
        interval.start_ms, contract.id, "", DeadlineKind.CONTRACT_BEGINS, f"the contract with {_who(contract)} begins"
    )
    if interval.end_ms < FOREVER_MS:
        yield Deadline(
            interval.end_ms, contract.id, "", DeadlineKind.CONTRACT_ENDS, f"the contract with {_who(contract)} ends"
        )
    for amendment in contract.amendments:
        changed = ", ".join(amendment.clauses) or "no clause"
        text = f"amendment {amendment.id} takes effect: {changed}"
        yield Deadline(amendment.effective_ms, contract.id, "", DeadlineKind.AMENDMENT, text, amendment.id)
    for terms in contract.clauses:
        yield from _clause_dates(contract, terms)
        for at_ms, what, text in _clause(contract, terms, span):
            if _is_of(terms, what, at_ms):
                yield Deadline(at_ms, contract.id, terms.id, what, text)
    for tranche in contract.tranches:
        yield from _tranche(state, contract, tranche, span.start_ms)
    yield from _ends_of(state, contract)


def _is_of(terms: ClauseTerms, what: DeadlineKind, at_ms: int) -> bool:
    """Whether a date falls to this version of a clause: a period that ends with a version is that one's."""
    if what is DeadlineKind.PERIOD_ENDS:
        return terms.interval.start_ms < at_ms <= terms.interval.end_ms
    return terms.interval.contains(at_ms)


def _who(contract: Contract) -> str:
    return f"{contract.provider_id} ({contract.title})"


def _ends_of(state: State, contract: Contract) -> Iterator[Deadline]:
    given = state.terminations.get(contract.id)
    if given is not None:
        fee = f", at a fee of {format_usd(given.fee_micro_usd)}" if given.fee_micro_usd else ""
        text = f"the contract is terminated for {given.ground.value}{fee}"
        yield Deadline(given.effective_ms, contract.id, "", DeadlineKind.TERMINATION, text)
    told = state.breaches.get(contract.id)
    if told is not None and given is None:
        text = f"the time to cure {told.cause} is over: notice for cause may be given"
        yield Deadline(told.cured_until_ms, contract.id, "", DeadlineKind.CURE_ENDS, text)
    for suspension in state.suspensions.values():
        if suspension.contract_id == contract.id and suspension.interval.end_ms < FOREVER_MS:
            text = f"suspension {suspension.id} ({suspension.ground}) ends, and commitments run on"
            yield Deadline(
                suspension.interval.end_ms, contract.id, "", DeadlineKind.SUSPENSION_ENDS, text, suspension.id
            )


def _clause_dates(contract: Contract, terms: ClauseTerms) -> Iterator[Deadline]:
    """Beginning and end of a clause, where they are not the contract's and no other version follows on."""
    versions = [other for other in contract.clauses if other.id == terms.id]
    start_ms, end_ms = terms.interval.start_ms, terms.interval.end_ms
    if start_ms != contract.interval.start_ms:
        follows = any(other.interval.end_ms == start_ms for other in versions)
        text = f"other terms of {terms.id} come into force" if follows else f"{terms.id} comes into force"
        yield Deadline(start_ms, contract.id, terms.id, DeadlineKind.CLAUSE_BEGINS, text)
    goes_on = any(other.interval.start_ms == end_ms for other in versions)
    if end_ms not in {contract.interval.end_ms, FOREVER_MS} and not goes_on:
        yield Deadline(
            end_ms, contract.id, terms.id, DeadlineKind.CLAUSE_ENDS, f"clause {terms.id} is no longer in force"
        )


# --- What a clause has of dates ---

_Dated = tuple[int, DeadlineKind, str]


def _clause(contract: Contract, terms: ClauseTerms, span: Interval) -> Iterator[_Dated]:  # noqa: C901 -- one branch a kind
    zone = contract.calendar.zone
    match terms:
        case TakeOrPay():
            text = f"take-or-pay of the {terms.period.value} is counted"
            yield from _period_ends(terms, zone, span, text)
        case MinimumCommitment():
            for step in terms.steps:
                text = f"{format_usd(step.amount_micro_usd)} a {terms.period.value} are committed from now on"
                yield step.from_ms, DeadlineKind.COMMITMENT_STEP, text
            text = f"what is short of the {terms.period.value}'s minimum is charged"
            yield from _period_ends(terms, zone, span, text)
        case PriceTiers():
            for step in terms.index:
                yield step.from_ms, DeadlineKind.INDEX_STEP, f"the index stands at {step.factor_bps / 100:g} %"
            text = f"volume of the {terms.period.value} is counted for the tiers"
            yield from _period_ends(terms, zone, span, text)
        case Ramp():
            for step in terms.steps:
                text = f"{step.chips} chips of tranche {terms.tranche} are contracted from now on"
                yield step.from_ms, DeadlineKind.RAMP_STEP, text
        case Prepayment():
            yield terms.paid_ms, DeadlineKind.PREPAYMENT, f"{format_usd(terms.amount_micro_usd)} are paid ahead"
        case Termination():
            for step in terms.fees:
                text = f"ending for convenience costs {step.share_bps / 100:g} % of what is still to be paid"
                yield step.from_ms, DeadlineKind.FEE_STEP, text
        case Renewal():
            yield from _renewal(contract, terms)
        case _:
            pass


def _period_ends(
    terms: TakeOrPay | MinimumCommitment | PriceTiers, zone: str, span: Interval, text: str
) -> Iterator[_Dated]:
    """The ends of a clause's periods in a span; one that the clause's own end cuts short ends with the clause."""
    at_ms = max(terms.interval.start_ms, span.start_ms)
    last_ms = min(terms.interval.end_ms, span.end_ms - 1)
    while at_ms < last_ms:
        at_ms = period_interval(at_ms, terms.period, zone).end_ms
        if at_ms <= last_ms:
            yield at_ms, DeadlineKind.PERIOD_ENDS, text


def _renewal(contract: Contract, terms: Renewal) -> Iterator[_Dated]:
    end_ms = contract.interval.end_ms
    if end_ms > LATEST_MS:
        return
    last_ms = last_notice_ms(terms.notice, end_ms, contract.calendar)
    ends = format_local_date(end_ms, contract.calendar.zone)
    goes_on = f"goes on for {terms.term_days} days from {ends}"
    silent = f"it {goes_on}" if terms.mode is RenewalMode.AUTOMATIC else f"it ends on {ends}"
    text = f"last day to give notice; if nobody does, {silent}"
    yield last_ms, DeadlineKind.RENEWAL_NOTICE, text


@lru_cache(maxsize=1_024)
def last_notice_ms(window: Window, end_ms: int, calendar: Calendar) -> int:
    """The end of the last local day on which a notice can be given whose window closes by an instant."""
    day = last_opening_day(end_ms, window.days, window.count, window.closes_minute, calendar)
    # The day's end, but where the clocks leap over it: then the next day's first instant is as good.
    ends_ms = local_instant(day, MINUTES_PER_DAY, calendar.zone)
    return ends_ms if isinstance(ends_ms, int) else later_days(end_ms, -window.days, calendar.zone)


# --- What a tranche has of dates ---


def _tranche(state: State, contract: Contract, tranche: Tranche, as_of_ms: int) -> Iterator[Deadline]:
    moves = state.tranche_moves.get(tranche.id, [])
    if any(move.step in ENDS for move in moves):
        return
    name = tranche.id.removeprefix(f"{contract.id}/")
    text = f"tranche {name} is given back"
    yield Deadline(tranche.ends_ms, contract.id, name, DeadlineKind.TRANCHE_ENDS, text, name)
    # Capacity that has come counts for good: what has not come by the tranche's end never will.
    delivered = delivered_domains(state.deliveries.values(), tranche, tranche.ends_ms - 1)
    if delivered >= tranche.domains or tranche.ends_ms <= as_of_ms:
        return
    put_off = [move.promised_ms for move in moves if move.step is TrancheStep.RESCHEDULED and move.promised_ms]
    promised_ms = put_off[-1] if put_off else tranche.promised_ms
    missing = f"{tranche.domains - delivered} of {tranche.domains} domains of tranche {name}"
    text = f"{missing} are to be ready"
    yield Deadline(promised_ms, contract.id, name, DeadlineKind.TRANCHE_PROMISED, text, name)
    for terms in contract.clauses:
        # Of several versions of a clause the one counts that was in force when delivery was due.
        if isinstance(terms, DelayRemedy) and terms.interval.contains(promised_ms):
            yield from _late(contract, terms, name, promised_ms, missing)


def _late(contract: Contract, terms: DelayRemedy, name: str, promised_ms: int, missing: str) -> Iterator[Deadline]:
    rights = (
        (terms.grace_days, DeadlineKind.GRACE_ENDS, f"grace for {missing} is over: the discount accrues"),
        (terms.end_tranche_after_days, DeadlineKind.MAY_END_TRANCHE, f"{missing} may be ended"),
        (terms.end_order_after_days, DeadlineKind.MAY_END_ORDER, f"the order may be ended for {missing}"),
    )
    for days, what, text in rights:
        if (days or what is DeadlineKind.GRACE_ENDS) and promised_ms <= LATEST_MS:
            yield Deadline(
                right_opens_ms(promised_ms, days, contract.calendar.zone), contract.id, terms.id, what, text, name
            )


def of_contract(found: tuple[Deadline, ...], contract_id: ContractId) -> tuple[Deadline, ...]:
    """Those of one contract."""
    return tuple(one for one in found if one.contract == contract_id)
