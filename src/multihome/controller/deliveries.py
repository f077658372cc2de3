"""Steps of a tranche's delivery: which may come, what clauses make of them, and the credits that follow.

An acceptance is a delivery: capacity exists and may be billed from its effective date on, and never before.
"""

from collections.abc import Iterable, Iterator

from multihome.clauses.delay_remedy import Delay, delay, discount_micro_usd, end_rights, right_opens_ms
from multihome.clauses.standing import delay_remedy_of
from multihome.controller.decision import Decision, accepted, needs_person, refused
from multihome.controller.settled import step_problem
from multihome.controller.state import State
from multihome.domain.clause_terms import ClauseRef
from multihome.domain.commands import Accepted, ClaimCredit, MoveTranche, Request
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import (
    ClauseConsequence,
    CreditClaimed,
    CreditDue,
    DocumentRecorded,
    Event,
    TrancheMoved,
)
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TrancheStep
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.supply import Delivery
from multihome.domain.tranche_phases import TranchePhase, phase_after, phase_of, steps_from
from multihome.units.calendar import format_local_date
from multihome.units.money import format_usd
from multihome.units.time import Now, format_date

_RIGHTS = {TrancheStep.TRANCHE_ENDED: "tranche", TrancheStep.ORDER_ENDED: "order"}
_DATED = frozenset({TrancheStep.ACCEPTED, TrancheStep.RESCHEDULED, *_RIGHTS})
"""Steps whose date says what is contracted or late from then on."""


def move_tranche(state: State, command: MoveTranche, request: Request, now: Now) -> Decision:
    """Take a step, or say why it may not be taken."""
    del request
    found = _tranche_of(state, command.tranche_id)
    if isinstance(found, Refusal):
        return refused([found])
    contract, tranche = found
    at_ms = command.effective_ms or now.contract_ms
    problem = needs_person(command.actor, command.why) or _step_problem(state, contract, tranche, command, at_ms, now)
    if problem:
        return refused([problem])
    events = tuple(_step_events(state, contract, tranche, command, at_ms))
    return accepted(*events, answer=Accepted(changes=tuple(_told(events))))


def claim_credit(state: State, command: ClaimCredit, request: Request, now: Now) -> Decision:
    """Claim what a clause made due."""
    del request, now
    due = state.credits_due.get(command.tranche_id)
    problem = needs_person(command.actor, command.why)
    if due is None:
        owing = ", ".join(sorted(state.credits_due)) or "none"
        text = "no credit is due for it, or it was claimed already"
        problem = Refusal(RefusalCode.WRONG_STATE, f"tranche {command.tranche_id}", text, accepted=owing)
    if problem or due is None:
        assert problem is not None, "without a credit there is a problem"
        return refused([problem])
    event = CreditClaimed(
        clause=due.clause,
        tranche_id=due.tranche_id,
        amount_micro_usd=due.amount_micro_usd,
        actor=command.actor,
        why=command.why,
    )
    return accepted(event, answer=Accepted(changes=(f"claimed {format_usd(due.amount_micro_usd)}: {due.text}",)))


def deliveries_due(state: State, now: Now) -> Iterator[Event]:
    """What comes of deliveries that were recorded ahead and whose date has come: nobody acts, time does.

    A tranche that was ended in the meantime is not delivered any more.
    """
    ahead = [state.deliveries[delivery_id] for delivery_id in state.deliveries_ahead]
    for delivery in sorted(ahead, key=_effective):
        if delivery.effective_ms > now.contract_ms:
            return
        found = _tranche_of(state, delivery.tranche_id)
        if isinstance(found, Refusal):
            continue
        if phase_after(phase_in(state, found[1]), TrancheStep.ACCEPTED, is_last=True) is not None:
            yield from delivered(state, delivery, "", delivery.source)


def delivered(state: State, delivery: Delivery, actor: str, why: str) -> list[Event]:
    """What an acceptance leads to beside the capacity: the step it is, and what the delay remedy makes of it."""
    found = _tranche_of(state, delivery.tranche_id)
    if isinstance(found, Refusal):
        return []
    contract, tranche = found
    moved = TrancheMoved(
        tranche_id=tranche.id,
        step=TrancheStep.ACCEPTED,
        effective_ms=delivery.effective_ms,
        domains=delivery.domains,
        actor=actor,
        why=why,
    )
    chips = delivery.domains * tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node
    return [moved, *_remedy(contract, tranche, delivery.effective_ms, chips, _shift_text(contract, tranche))]


def _effective(delivery: Delivery) -> tuple[int, str]:
    return delivery.effective_ms, delivery.id


def _ahead(state: State, tranche: Tranche) -> int:
    """Domains whose acceptance is on record for a later date."""
    ahead = (state.deliveries[delivery_id] for delivery_id in state.deliveries_ahead)
    return sum(delivery.domains for delivery in ahead if delivery.tranche_id == tranche.id)


def phase_in(state: State, tranche: Tranche) -> TranchePhase:
    """Where a tranche stands."""
    moves = state.tranche_moves.get(tranche.id, [])
    return phase_of(((move.step, move.domains) for move in moves), tranche.domains)


def _tranche_of(state: State, tranche_id: TrancheId) -> tuple[Contract, Tranche] | Refusal:
    contract = state.contracts.get(ContractId(tranche_id.rpartition("/")[0]))
    tranche = next((one for one in contract.tranches if one.id == tranche_id), None) if contract else None
    if contract is None or tranche is None:
        names = ", ".join(sorted(one.id for each in state.contracts.values() for one in each.tranches))
        return Refusal(RefusalCode.NOT_FOUND, f"tranche {tranche_id}", "no contract has it", accepted=names)
    return contract, tranche


def _step_problem(
    state: State, contract: Contract, tranche: Tranche, command: MoveTranche, at_ms: int, now: Now
) -> Refusal | None:
    subject = f"tranche {tranche.id}"
    moves = state.tranche_moves.get(tranche.id, [])
    outstanding = tranche.domains - sum(move.domains for move in moves) - _ahead(state, tranche)
    phase = phase_in(state, tranche)
    if phase_after(phase, command.step, is_last=True) is None:
        steps = ", ".join(step.value for step in steps_from(phase)) or "none"
        return Refusal(
            RefusalCode.WRONG_STATE, subject, f"it is {phase.value}: {command.step.value} cannot follow", accepted=steps
        )
    latest_ms = max((move.effective_ms for move in moves), default=contract.interval.start_ms)
    if not latest_ms <= at_ms <= now.contract_ms:
        dates = f"{format_date(latest_ms)} to {format_date(now.contract_ms)}"
        return Refusal(RefusalCode.BAD_DATES, subject, "a step is neither ahead nor before the one it follows", dates)
    if command.step in _DATED:
        ending = contract.tranches if command.step is TrancheStep.ORDER_ENDED else (tranche,)
        problems = (step_problem(state, one.id, f"tranche {one.id}", at_ms) for one in ending)
        settled = next((problem for problem in problems if problem is not None), None)
        if settled is not None:
            return settled
    if command.step is TrancheStep.ACCEPTED and not 1 <= command.domains <= outstanding:
        text = f"{command.domains} domains cannot be accepted"
        left = f"1 to {outstanding} domains" if outstanding else "none: deliveries of the rest are on record already"
        return Refusal(RefusalCode.BAD_TERMS, subject, text, accepted=left)
    if command.step is TrancheStep.RESCHEDULED and not at_ms < command.promised_ms < tranche.ends_ms:
        dates = f"after {format_date(at_ms)}, before {format_date(tranche.ends_ms)}"
        return Refusal(RefusalCode.BAD_DATES, subject, "it cannot be promised for then", accepted=dates)
    if command.step in _RIGHTS:
        return _no_right_to_end(contract, tranche, command.step, at_ms)
    return None


def _no_right_to_end(contract: Contract, tranche: Tranche, step: TrancheStep, at_ms: int) -> Refusal | None:
    """Why a late tranche, or its order, may not be ended yet: the delay remedy gives the right, or nobody does."""
    subject, what, zone = f"tranche {tranche.id}", _RIGHTS[step], contract.calendar.zone
    terms = delay_remedy_of(contract, tranche)
    days = 0 if terms is None else terms.end_tranche_after_days if what == "tranche" else terms.end_order_after_days
    if terms is None or not days:
        return Refusal(RefusalCode.NOT_PERMITTED, subject, f"no delay remedy gives a right to end the {what}")
    if any(right.value == what for right in end_rights(terms, tranche.promised_ms, at_ms, contract.calendar.zone)):
        return None
    opens = format_local_date(right_opens_ms(tranche.promised_ms, days, zone), zone)
    text = f"clause {contract.id}/{terms.id} gives a right to end the {what} only {days} days after its promise"
    return Refusal(RefusalCode.NOT_PERMITTED, subject, text, accepted=f"from {opens} on, if it is still outstanding")


def _step_events(
    state: State, contract: Contract, tranche: Tranche, command: MoveTranche, at_ms: int
) -> Iterator[Event]:
    pool = state.pools[tranche.pool_id]
    chips_per_domain = tranche.nodes_per_domain * pool.chips_per_node
    if command.step is TrancheStep.ACCEPTED:
        count = sum(delivery.tranche_id == tranche.id for delivery in state.deliveries.values())
        delivery = Delivery(
            id=f"{tranche.id}+{count + 1}",
            tranche_id=tranche.id,
            domains=command.domains,
            effective_ms=at_ms,
            source=f"accepted by {command.actor}: {command.why}",
        )
        yield DocumentRecorded(document=delivery)
        yield from delivered(state, delivery, command.actor, command.why)
        return
    ended = [tranche]
    if command.step is TrancheStep.ORDER_ENDED:
        same = [one for one in contract.tranches if one.order == tranche.order]
        ended = [one for one in same if phase_in(state, one) is not TranchePhase.ENDED]
    for one in ended:
        yield TrancheMoved(
            tranche_id=one.id,
            step=command.step,
            effective_ms=at_ms,
            promised_ms=command.promised_ms if command.step is TrancheStep.RESCHEDULED else 0,
            actor=command.actor,
            why=command.why,
        )
    if command.step in _RIGHTS or command.step is TrancheStep.RESCHEDULED:
        moves = state.tranche_moves.get(tranche.id, [])
        outstanding = tranche.domains - sum(move.domains for move in moves)
        yield from _remedy(contract, tranche, at_ms, outstanding * chips_per_domain, "nothing of it was billed")


def _told(events: Iterable[Event]) -> Iterator[str]:
    """What a step came to, in words."""
    for event in events:
        if isinstance(event, TrancheMoved):
            domains = f", {event.domains} domain{'s' if event.domains > 1 else ''}" if event.domains else ""
            to = f", to {format_date(event.promised_ms)}" if event.promised_ms else ""
            step = event.step.value.replace("_", " ")
            yield f"tranche {event.tranche_id}: {step}{domains}{to} on {format_date(event.effective_ms)}"
        elif isinstance(event, ClauseConsequence):
            yield f"clause {event.clause.contract_id}/{event.clause.clause_id}: {event.text}"


def _remedy(contract: Contract, tranche: Tranche, at_ms: int, chips: int, then: str) -> Iterator[Event]:
    """What the delay remedy says and owes for chips that were outstanding until an instant, and what comes then."""
    terms = delay_remedy_of(contract, tranche)
    if terms is None:
        return
    late = delay(terms, tranche.promised_ms, at_ms, contract.calendar.zone)
    if not late.late_days:
        return
    clause = ClauseRef(contract.id, terms.id)
    amount = discount_micro_usd(late, chips, tranche.rate_micro_usd_per_chip_hour)
    text = f"{_remedy_text(tranche, late, amount)}; {then}"
    yield ClauseConsequence(clause=clause, code="remedy_accrued" if amount else "within_grace", text=text)
    if amount:
        yield CreditDue(clause=clause, tranche_id=tranche.id, amount_micro_usd=amount, text=text)


def _remedy_text(tranche: Tranche, late: Delay, amount_micro_usd: int) -> str:
    capped = " (capped)" if late.capped else ""
    return (
        f"tranche {tranche.id}: {late.late_days} days late, {late.grace_days} of grace, "
        f"{late.discount_bps / 100:g} % of a thirty days' fee{capped} is due, {format_usd(amount_micro_usd)}"
    )


def _shift_text(contract: Contract, tranche: Tranche) -> str:
    terms = delay_remedy_of(contract, tranche)
    shifts = "its end shifts by as many days; " if terms is not None and terms.shifts_end else ""
    return f"{shifts}nothing was billed before acceptance"
