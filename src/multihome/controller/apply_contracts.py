"""Folds documents, and what contracts lead to: notices, awards, deliveries, settlements, ends. Decides nothing."""

import msgspec

from multihome.clauses.periods import metered_stretch
from multihome.clauses.standing import as_it_stands
from multihome.controller.state import DueLine, Fold, State, place_of, settled_key, taken_key
from multihome.domain import events as ev
from multihome.domain.contracts import Contract
from multihome.domain.ids import ContractId
from multihome.domain.procurement import Need, TrancheStep
from multihome.domain.supply import Delivery
from multihome.units.time import Now


def _document(state: State, event: ev.DocumentRecorded, at: Now) -> None:
    document = event.document
    table, key = place_of(state, document)
    table[key] = document
    if isinstance(document, Need):
        state.needs_since.setdefault(document.id, at.contract_ms)
    elif isinstance(document, Contract):
        _restate(state, document.id)
    elif isinstance(document, Delivery):
        if document.effective_ms > at.contract_ms:
            state.deliveries_ahead[document.id] = None
        _restate(state, ContractId(document.tranche_id.rpartition("/")[0]))


def _notice_served(state: State, event: ev.NoticeServed, at: Now) -> None:
    del at
    state.notices[event.notice.id] = event.notice


def _notice_answered(state: State, event: ev.NoticeAnswered, at: Now) -> None:
    del at
    state.notice_answers[event.answer.notice_id] = event.answer


def _award_made(state: State, event: ev.AwardMade, at: Now) -> None:
    del at
    state.awards[event.award.id] = event.award


def _tranche_moved(state: State, event: ev.TrancheMoved, at: Now) -> None:
    del at
    state.tranche_moves.setdefault(event.tranche_id, []).append(event)
    if event.step is TrancheStep.ACCEPTED:
        # Two deliveries of one tranche, date and size are alike, and so are their acceptances.
        come = (
            delivery_id
            for delivery_id in state.deliveries_ahead
            if _is_acceptance_of(event, state.deliveries[delivery_id])
        )
        state.deliveries_ahead.pop(next(come, ""), None)
    _restate(state, ContractId(event.tranche_id.rpartition("/")[0]))


def _is_acceptance_of(event: ev.TrancheMoved, delivery: Delivery) -> bool:
    accepted = (event.tranche_id, event.effective_ms, event.domains)
    return accepted == (delivery.tranche_id, delivery.effective_ms, delivery.domains)


def _credit_due(state: State, event: ev.CreditDue, at: Now) -> None:
    del at
    before = state.credits_due.get(event.tranche_id)
    if before is not None:
        amount = before.amount_micro_usd + event.amount_micro_usd
        event = msgspec.structs.replace(event, amount_micro_usd=amount, text=f"{before.text}; {event.text}")
    state.credits_due[event.tranche_id] = event


def _credit_claimed(state: State, event: ev.CreditClaimed, at: Now) -> None:
    del at
    state.credits_due.pop(event.tranche_id, None)


def _period_settled(state: State, event: ev.PeriodSettled, at: Now) -> None:
    del at
    state.settled[settled_key(event.clause, event.tranche_id)] = event
    line = DueLine(event.clause.clause_id, event.period.end_ms, event.due_micro_usd)
    state.due_lines.setdefault(event.clause.contract_id, []).append(line)


def _breach_told(state: State, event: ev.BreachTold, at: Now) -> None:
    del at
    state.breaches[event.breach.contract_id] = event.breach


def _breach_cured(state: State, event: ev.BreachCured, at: Now) -> None:
    del at
    state.breaches.pop(event.contract_id, None)


def _termination_given(state: State, event: ev.TerminationGiven, at: Now) -> None:
    del at
    state.terminations[event.termination.contract_id] = event.termination
    _restate(state, event.termination.contract_id)


def _deadline_near(state: State, event: ev.DeadlineNear, at: Now) -> None:
    del at
    state.deadlines_told[event.id] = None


def _deadlines_read(state: State, event: ev.DeadlinesRead, at: Now) -> None:
    del at
    state.deadlines_due_ms = event.next_ms


def _metered(state: State, event: ev.ChipTimeMetered, at: Now) -> None:
    del at
    stretch = metered_stretch(state.contracts[ContractId(event.tranche_id.rpartition("/")[0])], event.interval.start_ms)
    key = taken_key(event.tranche_id, stretch.start_ms)
    state.taken_chip_ms[key] = state.taken_chip_ms.get(key, 0) + event.chip_ms
    state.charged[key] = state.charged.get(key, 0) + event.chip_ms * event.rate_micro_usd_per_chip_hour
    run = state.runs.get(event.run_id)
    if run is not None:
        run.metered_until_ms = event.interval.end_ms


def _restate(state: State, contract_id: ContractId) -> None:
    """A contract changed, or something happened to it: work out anew how it stands."""
    document = state.contract_documents.get(contract_id)
    if document is not None:
        termination = state.terminations.get(contract_id)
        come = (delivery for delivery in state.deliveries.values() if delivery.id not in state.deliveries_ahead)
        state.contracts[contract_id] = as_it_stands(document, come, state.tranche_moves, termination)


# The keys guarantee each function the event it takes; a checker cannot see that.
CONTRACT_FOLDS: dict[type[ev.Event], Fold] = {
    ev.DocumentRecorded: _document,
    ev.NoticeServed: _notice_served,
    ev.NoticeAnswered: _notice_answered,
    ev.AwardMade: _award_made,
    ev.TrancheMoved: _tranche_moved,
    ev.CreditDue: _credit_due,
    ev.CreditClaimed: _credit_claimed,
    ev.PeriodSettled: _period_settled,
    ev.BreachTold: _breach_told,
    ev.BreachCured: _breach_cured,
    ev.TerminationGiven: _termination_given,
    ev.DeadlineNear: _deadline_near,
    ev.DeadlinesRead: _deadlines_read,
    ev.ChipTimeMetered: _metered,
}
"""What folds each event of a document or a contract."""
