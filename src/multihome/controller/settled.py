"""What is settled of a contract can no longer be rewritten: clauses in force, days, and when capacity came or went."""

from collections.abc import Iterator

import msgspec

from multihome.controller.state import State
from multihome.domain.clause_terms import ClauseTerms
from multihome.domain.contracts import Contract
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.units.calendar import format_local_date
from multihome.units.time import Interval

_NEVER = Interval(0, 0)


def settled_until(state: State, contract_id: ContractId) -> int:
    """The end of the last period of a contract that was settled; 0 where none was."""
    ends = (period.period.end_ms for period in state.settled.values() if period.clause.contract_id == contract_id)
    return max(ends, default=0)


def counted_until(state: State, tranche_id: TrancheId) -> int:
    """The end of the last settled period in which a tranche was counted, by itself or with its whole contract."""
    contract_id = ContractId(tranche_id.rpartition("/")[0])
    ends = (
        period.period.end_ms
        for period in state.settled.values()
        if period.clause.contract_id == contract_id and period.tranche_id in ("", tranche_id)
    )
    return max(ends, default=0)


def step_problem(state: State, tranche_id: TrancheId, subject: str, at_ms: int) -> Refusal | None:
    """Why capacity can no longer begin, be put off or end at an instant: the period that holds it was settled."""
    until_ms = counted_until(state, tranche_id)
    if at_ms >= until_ms:
        return None
    zone = state.contract_documents[ContractId(tranche_id.rpartition("/")[0])].calendar.zone
    until = format_local_date(until_ms, zone)
    text = f"it would take effect on {format_local_date(at_ms, zone)}, and the tranche is settled until {until}"
    return Refusal(RefusalCode.SETTLED, subject, text, accepted=f"{until} or later")


def rewriting_problems(state: State, before: Contract, after: Contract) -> Iterator[Refusal]:
    """What a new version of a contract would rewrite of what is settled."""
    end_ms = settled_until(state, before.id)
    if not end_ms:
        return
    zone = before.calendar.zone
    subject, until = f"contract {after.id}", format_local_date(end_ms, zone)
    accepted = f"changes that take effect on {until} or later"
    for at_ms in _breaks(before, after, end_ms):
        old, new = _in_force(before, at_ms), _in_force(after, at_ms)
        if old != new:
            names = ", ".join(sorted({terms.id for terms in old ^ new}))
            when = format_local_date(at_ms, zone)
            text = f"on {when} other terms of {names} would be in force, and it is settled until {until}"
            yield Refusal(RefusalCode.SETTLED, subject, text, accepted=accepted)
            break
    changed = set(before.amendments) ^ set(after.amendments)
    for amendment in sorted(changed, key=lambda amendment: (amendment.effective_ms, amendment.id)):
        if amendment.effective_ms < end_ms:
            when = format_local_date(amendment.effective_ms, zone)
            text = f"amendment {amendment.id} takes effect on {when}, and the contract is settled until {until}"
            yield Refusal(RefusalCode.SETTLED, subject, text, accepted=accepted)
            break
    if before.calendar.zone != after.calendar.zone:
        text = f"it is settled until {until} by the days of {before.calendar.zone}, not {after.calendar.zone}"
        yield Refusal(RefusalCode.SETTLED, subject, text, accepted=f"zone {before.calendar.zone}")


def _breaks(before: Contract, after: Contract, end_ms: int) -> list[int]:
    """The instants before an end at which the set of clauses in force may change."""
    intervals = [terms.interval for contract in (before, after) for terms in contract.clauses]
    return sorted({at_ms for one in intervals for at_ms in (one.start_ms, one.end_ms) if at_ms < end_ms})


def _in_force(contract: Contract, at_ms: int) -> frozenset[ClauseTerms]:
    """The clauses in force at an instant, without their dates: a clause that was only cut in two is the same."""
    return frozenset(
        msgspec.structs.replace(terms, interval=_NEVER) for terms in contract.clauses if terms.interval.contains(at_ms)
    )
