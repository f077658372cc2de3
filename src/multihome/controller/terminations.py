"""How a contract is ended before its time: breaches told and cured, notices, what they cost and give back."""

from collections.abc import Iterator

from multihome.clauses.prepayment import draw, refund_micro_usd
from multihome.clauses.termination import (
    CauseNotNamed,
    NoConvenience,
    StillToPay,
    cured_until_ms,
    fee_micro_usd,
    notice_ends_ms,
)
from multihome.controller.decision import Decision, accepted, needs_person, refused
from multihome.controller.state import State
from multihome.domain.clause_terms import Prepayment, TakeOrPay, Termination
from multihome.domain.commands import Accepted, CureBreach, Request, TellBreach, Terminate
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import BreachCured, BreachTold, TerminationGiven
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import Breach, TerminationGround, TerminationRecord
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.termination_phases import TerminationPhase
from multihome.units.calendar import MissingLocalTime
from multihome.units.money import WHOLE_BPS, Rounding, charge_micro_usd, format_usd, share_of
from multihome.units.time import FOREVER_MS, Now, format_date, format_instant


def termination_phase(state: State, contract_id: ContractId, at_ms: int) -> TerminationPhase:
    """Where a contract stands between its signature and an end before its time."""
    record = state.terminations.get(contract_id)
    if record is not None:
        return TerminationPhase.ENDED if at_ms >= record.effective_ms else TerminationPhase.NOTICE_GIVEN
    return TerminationPhase.CURING if contract_id in state.breaches else TerminationPhase.IN_FORCE


def tell_breach(state: State, command: TellBreach, request: Request, now: Now) -> Decision:
    """Start the time to cure a breach."""
    del request
    found = _clause_of(state, command.contract_id, now, TerminationPhase.IN_FORCE)
    problem = needs_person(command.actor, command.why) or (found if isinstance(found, Refusal) else None)
    if problem or isinstance(found, Refusal):
        assert problem is not None, "a refusal is a problem"
        return refused([problem])
    contract, terms = found
    told_ms = command.effective_ms or now.contract_ms
    until_ms = cured_until_ms(terms, command.cause, contract.calendar, told_ms)
    subject = f"clause {contract.id}/{terms.id}"
    if told_ms > now.contract_ms:
        return refused([Refusal(RefusalCode.BAD_DATES, subject, "a breach cannot be told ahead of its time")])
    if isinstance(until_ms, CauseNotNamed):
        names = ", ".join(until_ms.causes) or "none"
        text = f"it does not name {command.cause!r} as a cause to end the contract"
        return refused([Refusal(RefusalCode.NOT_PERMITTED, subject, text, accepted=names)])
    breach = Breach(
        contract_id=contract.id,
        cause=command.cause,
        told_ms=told_ms,
        cured_until_ms=until_ms,
        actor=command.actor,
        why=command.why,
    )
    changes = (f"{command.cause} may be cured until {format_instant(until_ms)}",)
    return accepted(BreachTold(breach=breach), answer=Accepted(changes=changes))


def cure_breach(state: State, command: CureBreach, request: Request, now: Now) -> Decision:
    """Record that a breach is over, unless the time to cure it was over first."""
    del request
    cured_ms = command.effective_ms or now.contract_ms
    problem = needs_person(command.actor, command.why) or _cure_problem(state, command.contract_id, cured_ms, now)
    if problem:
        return refused([problem])
    cause = state.breaches[command.contract_id].cause
    event = BreachCured(contract_id=command.contract_id, cured_ms=cured_ms, actor=command.actor, why=command.why)
    return accepted(event, answer=Accepted(changes=(f"{cause} was cured on {format_instant(cured_ms)}",)))


def _cure_problem(state: State, contract_id: ContractId, cured_ms: int, now: Now) -> Refusal | None:
    subject = f"contract {contract_id}"
    if contract_id not in state.contracts:
        return Refusal(RefusalCode.NOT_FOUND, subject, "it is not known", accepted=", ".join(sorted(state.contracts)))
    if termination_phase(state, contract_id, now.contract_ms) is not TerminationPhase.CURING:
        return Refusal(RefusalCode.WRONG_STATE, subject, "no breach of it waits to be cured")
    breach = state.breaches[contract_id]
    if not breach.told_ms <= cured_ms <= now.contract_ms:
        span = f"{format_instant(breach.told_ms)} to {format_instant(now.contract_ms)}"
        return Refusal(RefusalCode.BAD_DATES, subject, f"{breach.cause} cannot be cured then", accepted=span)
    if cured_ms > breach.cured_until_ms:
        until = format_instant(breach.cured_until_ms)
        text = f"{breach.cause} could be cured until {until}, and the right to end the contract for it stands since"
        return Refusal(RefusalCode.WINDOW_CLOSED, subject, text, accepted=f"a cure with effect by {until}")
    return None


def terminate(state: State, command: Terminate, request: Request, now: Now) -> Decision:
    """Give notice, or say why it cannot be given, and from when it could."""
    del request
    given = Now(command.effective_ms or now.contract_ms, now.process_ms)
    found = _clause_of(state, command.contract_id, given, TerminationPhase.IN_FORCE, TerminationPhase.CURING)
    problem = needs_person(command.actor, command.why) or (found if isinstance(found, Refusal) else None)
    if problem or isinstance(found, Refusal):
        assert problem is not None, "a refusal is a problem"
        return refused([problem])
    contract, terms = found
    record = _dated_record(state, contract, terms, command, given, now)
    if isinstance(record, Refusal):
        return refused([record])
    money = f"fee {format_usd(record.fee_micro_usd)}, refund of prepayments {format_usd(record.refund_micro_usd)}"
    change = f"contract {contract.id} ends on {format_instant(record.effective_ms)}; {money}"
    return accepted(TerminationGiven(termination=record), answer=Accepted(changes=(change,)))


def _dated_record(
    state: State, contract: Contract, terms: Termination, command: Terminate, given: Now, now: Now
) -> TerminationRecord | Refusal:
    """The record of a notice given by now, whose time is not over yet: what is past was used and billed."""
    subject = f"contract {contract.id}"
    if given.contract_ms > now.contract_ms:
        return Refusal(RefusalCode.BAD_DATES, subject, "notice cannot be given ahead of its time")
    record = _record(state, contract, terms, command, given)
    is_over = isinstance(record, TerminationRecord) and record.effective_ms <= now.contract_ms
    if isinstance(record, TerminationRecord) and is_over and given.contract_ms < now.contract_ms:
        text = f"by that notice it would have ended on {format_instant(record.effective_ms)}, and went on since"
        return Refusal(RefusalCode.BAD_DATES, subject, text, accepted="a notice whose time is not over yet")
    return record


def _clause_of(
    state: State, contract_id: ContractId, now: Now, *phases: TerminationPhase
) -> tuple[Contract, Termination] | Refusal:
    subject = f"contract {contract_id}"
    contract = state.contracts.get(contract_id)
    if contract is None:
        return Refusal(RefusalCode.NOT_FOUND, subject, "it is not known", accepted=", ".join(sorted(state.contracts)))
    phase = termination_phase(state, contract_id, now.contract_ms)
    if phase not in phases:
        return Refusal(RefusalCode.WRONG_STATE, subject, _PHASE_TEXT[phase])
    for terms in contract.clauses:
        if isinstance(terms, Termination) and terms.interval.contains(now.contract_ms):
            return contract, terms
    return Refusal(RefusalCode.NOT_PERMITTED, subject, "no termination clause is in force; it runs to its end")


_PHASE_TEXT = {
    TerminationPhase.IN_FORCE: "it is in force, and nobody was told of a breach",
    TerminationPhase.CURING: "a breach of it was told already, and waits to be cured",
    TerminationPhase.NOTICE_GIVEN: "notice was given already",
    TerminationPhase.ENDED: "it has ended",
}


def _record(
    state: State, contract: Contract, terms: Termination, command: Terminate, now: Now
) -> TerminationRecord | Refusal:
    subject = f"clause {contract.id}/{terms.id}"
    effective_ms = notice_ends_ms(terms, contract.calendar, now.contract_ms)
    if isinstance(effective_ms, MissingLocalTime):
        text = f"its notice would run out at {effective_ms.local}, which the clocks of {effective_ms.zone} leap over"
        return Refusal(RefusalCode.MISSING_LOCAL_TIME, subject, text, accepted="notice given on another day")
    fee: int | Refusal = _fee(contract, terms, effective_ms, state)
    if command.ground is TerminationGround.CAUSE:
        fee = _cause_problem(state, contract, subject, command, now) or 0
    if isinstance(fee, Refusal):
        return fee
    return TerminationRecord(
        contract_id=contract.id,
        ground=command.ground,
        cause=command.cause,
        given_ms=now.contract_ms,
        effective_ms=effective_ms,
        fee_micro_usd=fee,
        refund_micro_usd=_refund(state, contract, effective_ms),
        actor=command.actor,
        why=command.why,
    )


def _cause_problem(state: State, contract: Contract, subject: str, command: Terminate, now: Now) -> Refusal | None:
    breach = state.breaches.get(contract.id)
    if breach is None or breach.cause != command.cause:
        told = breach.cause if breach else "none"
        text = f"the provider was not told of {command.cause!r}; tell it first"
        return Refusal(RefusalCode.NOT_PERMITTED, subject, text, accepted=told)
    if now.contract_ms < breach.cured_until_ms:
        until = format_date(breach.cured_until_ms)
        return Refusal(
            RefusalCode.NOT_PERMITTED, subject, f"it may be cured until {until}", accepted=f"from {until} on"
        )
    return None


def _fee(contract: Contract, terms: Termination, effective_ms: int, state: State) -> int | Refusal:
    fee = fee_micro_usd(terms, effective_ms, tuple(_still_to_pay(state, contract, effective_ms)))
    if not isinstance(fee, NoConvenience):
        return fee
    opens = "never" if fee.opens_ms == FOREVER_MS else f"from {format_date(fee.opens_ms)} on"
    text = "it gives no right to end the contract for convenience then"
    return Refusal(RefusalCode.NOT_PERMITTED, f"clause {contract.id}/{terms.id}", text, accepted=opens)


def _still_to_pay(state: State, contract: Contract, from_ms: int) -> Iterator[StillToPay]:
    """What of each tranche would still be paid for: what a take-or-pay makes owed, all of it where there is none."""
    for tranche in contract.tranches:
        share_bps = next((terms.share_bps for terms in contract.clauses if isinstance(terms, TakeOrPay)), WHOLE_BPS)
        chip_ms = _chips(state, tranche) * max(0, tranche.ends_ms - max(from_ms, tranche.promised_ms))
        owed = share_of(chip_ms, share_bps, Rounding.DOWN)
        yield StillToPay(owed, tranche.rate_micro_usd_per_chip_hour)


def _chips(state: State, tranche: Tranche) -> int:
    return tranche.domains * tranche.nodes_per_domain * state.pools[tranche.pool_id].chips_per_node


def _refund(state: State, contract: Contract, effective_ms: int) -> int:
    """What comes back of prepayments, after everything that was taken so far is drawn from them."""
    paid_ahead = [terms for terms in contract.clauses if isinstance(terms, Prepayment)]
    drawn = draw(paid_ahead, {}, _spent(state, contract), effective_ms - 1)
    return sum(refund_micro_usd(terms, drawn.left_micro_usd[terms.id]) for terms in paid_ahead)


def _spent(state: State, contract: Contract) -> int:
    """What was taken under the contract so far, one line a tranche and month, at its rate."""
    rates = {tranche.id: tranche.rate_micro_usd_per_chip_hour for tranche in contract.tranches}
    return sum(
        charge_micro_usd(chip_ms, rates[tranche_id], Rounding.HALF_EVEN)
        for key, chip_ms in state.taken_chip_ms.items()
        if (tranche_id := TrancheId(key.partition("@")[0])) in rates
    )
