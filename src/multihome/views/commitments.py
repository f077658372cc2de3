"""What contracts made due beside usage: settled periods, credits, prepayments, and what each contract comes to."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from multihome.controller.state import State
from multihome.domain import events as ev
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TerminationRecord
from multihome.ledger.charges import ChargeLine, Posting
from multihome.ledger.commitments import PrepaidAccount, charges_of, commitment_postings, prepaid_accounts
from multihome.units.time import Interval
from multihome.views.history import HistoryEntry
from multihome.views.words import clause_text


class SettledLine(msgspec.Struct, frozen=True):
    """A settled period of a clause; `tranche_id` is empty where it counts the whole contract."""

    clause: str
    tranche_id: TrancheId
    period: Interval
    owed_chip_ms: int
    taken_chip_ms: int
    deficiency_chip_ms: int
    made_up_chip_ms: int
    carried_chip_ms: int
    owed_micro_usd: int
    spent_micro_usd: int
    due_micro_usd: int
    text: str


class CreditLine(msgspec.Struct, frozen=True):
    """A credit: `claimed_ms` is None while nobody has claimed it."""

    clause: str
    tranche_id: TrancheId
    amount_micro_usd: int
    claimed_ms: int | None


class PrepaidLine(msgspec.Struct, frozen=True):
    """A prepayment: paid ahead, drawn by charges so far, and left."""

    contract_id: ContractId
    clause_id: str
    paid_micro_usd: int
    drawn_micro_usd: int
    left_micro_usd: int


class AccountLine(msgspec.Struct, frozen=True):
    """What a contract comes to: usage, what settled periods and a termination add, what claimed credits take off.

    `to_pay_micro_usd` is what is left of the sum once prepayments were drawn. `refund_micro_usd` is what a termination
    gives back of prepayments, and stands beside it.
    """

    contract_id: ContractId
    usage_micro_usd: int
    settled_micro_usd: int
    fee_micro_usd: int
    credit_micro_usd: int
    drawn_micro_usd: int
    to_pay_micro_usd: int
    refund_micro_usd: int


class Commitments(msgspec.Struct, frozen=True):
    """All of it, with the postings that it makes."""

    settled: tuple[SettledLine, ...]
    credits: tuple[CreditLine, ...]
    prepaid: tuple[PrepaidLine, ...]
    accounts: tuple[AccountLine, ...]
    postings: tuple[Posting, ...]


def commitments(state: State, entries: Sequence[HistoryEntry], lines: Sequence[ChargeLine], now_ms: int) -> Commitments:
    """Everything beside usage, from the state, the history and the charges of usage."""
    periods = [entry.event for entry in entries if isinstance(entry.event, ev.PeriodSettled)]
    claimed = [entry.event for entry in entries if isinstance(entry.event, ev.CreditClaimed)]
    accounts: list[PrepaidAccount] = []
    for contract in state.contracts.values():
        accounts.extend(prepaid_accounts(contract, charges_of(contract, lines, periods, now_ms), now_ms))
    ended = list(state.terminations.values())
    return Commitments(
        settled=tuple(_settled(period) for period in periods),
        credits=tuple(_credits(state, entries)),
        prepaid=tuple(
            PrepaidLine(one.contract_id, one.clause_id, one.paid_micro_usd, one.drawn_micro_usd, one.left_micro_usd)
            for one in accounts
        ),
        accounts=tuple(
            _account(contract_id, lines, periods, claimed, ended, accounts) for contract_id in state.contracts
        ),
        postings=tuple(commitment_postings(periods, claimed, ended, accounts)),
    )


def _settled(period: ev.PeriodSettled) -> SettledLine:
    return SettledLine(
        clause=clause_text(period.clause),
        tranche_id=period.tranche_id,
        period=period.period,
        owed_chip_ms=period.owed_chip_ms,
        taken_chip_ms=period.taken_chip_ms,
        deficiency_chip_ms=period.deficiency_chip_ms,
        made_up_chip_ms=period.made_up_chip_ms,
        carried_chip_ms=period.carried_chip_ms,
        owed_micro_usd=period.owed_micro_usd,
        spent_micro_usd=period.spent_micro_usd,
        due_micro_usd=period.due_micro_usd,
        text=period.text,
    )


def _credits(state: State, entries: Iterable[HistoryEntry]) -> Iterator[CreditLine]:
    for entry in entries:
        event = entry.event
        if isinstance(event, ev.CreditClaimed):
            yield CreditLine(clause_text(event.clause), event.tranche_id, event.amount_micro_usd, entry.at.contract_ms)
    for due in state.credits_due.values():
        yield CreditLine(clause_text(due.clause), due.tranche_id, due.amount_micro_usd, None)


def _account(
    contract_id: ContractId,
    lines: Iterable[ChargeLine],
    periods: Iterable[ev.PeriodSettled],
    claimed: Iterable[ev.CreditClaimed],
    ended: Iterable[TerminationRecord],
    accounts: Iterable[PrepaidAccount],
) -> AccountLine:
    usage = sum(line.amount_micro_usd for line in lines if line.key.contract_id == contract_id)
    settled = sum(one.due_micro_usd for one in periods if one.clause.contract_id == contract_id)
    records = [one for one in ended if one.contract_id == contract_id]
    fee = sum(one.fee_micro_usd for one in records)
    credit = sum(one.amount_micro_usd for one in claimed if one.clause.contract_id == contract_id)
    drawn = sum(one.drawn_micro_usd for one in accounts if one.contract_id == contract_id)
    return AccountLine(
        contract_id=contract_id,
        usage_micro_usd=usage,
        settled_micro_usd=settled,
        fee_micro_usd=fee,
        credit_micro_usd=credit,
        drawn_micro_usd=drawn,
        to_pay_micro_usd=usage + settled + fee - credit - drawn,
        refund_micro_usd=sum(one.refund_micro_usd for one in records),
    )
