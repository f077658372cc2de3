"""What contracts make due beside usage, as double entries, and what prepayments pay of it all.

A settlement, a fee and a claimed credit stand against what the contract is owed, like usage. A prepayment is an
advance: it is paid from money, drawn by charges in order of time, and what a termination gives back comes off it.
"""

from collections.abc import Iterable, Sequence

import msgspec

from multihome.clauses.prepayment import draw
from multihome.domain.clause_terms import Prepayment
from multihome.domain.contracts import Contract
from multihome.domain.events import CreditClaimed, PeriodSettled
from multihome.domain.ids import ContractId
from multihome.domain.procurement import TerminationRecord
from multihome.ledger.charges import ChargeLine, Posting
from multihome.units.calendar import Period, period_interval


class Charge(msgspec.Struct, frozen=True, order=True):
    """One amount that is charged at an instant, positive; what prepayments may be drawn for."""

    at_ms: int
    amount_micro_usd: int


class PrepaidAccount(msgspec.Struct, frozen=True):
    """One prepayment: what was paid ahead, what charges have drawn, and what a termination gives back of the rest."""

    contract_id: ContractId
    clause_id: str
    paid_micro_usd: int
    drawn_micro_usd: int

    @property
    def left_micro_usd(self) -> int:
        """What later charges may still draw."""
        return self.paid_micro_usd - self.drawn_micro_usd


def commitment_postings(
    settled: Iterable[PeriodSettled],
    claimed: Iterable[CreditClaimed],
    terminations: Iterable[TerminationRecord],
    prepaid: Iterable[PrepaidAccount],
) -> list[Posting]:
    """Double entries of everything but usage; each pair cancels."""
    entries: list[Posting] = []
    for period in settled:
        contract_id = period.clause.contract_id
        entries.extend(_pair(f"commitment:{contract_id}", f"payable:{contract_id}", period.due_micro_usd))
    for credit in claimed:
        contract_id = credit.clause.contract_id
        entries.extend(_pair(f"payable:{contract_id}", f"credit:{contract_id}", credit.amount_micro_usd))
    for ended in terminations:
        entries.extend(_pair(f"fee:{ended.contract_id}", f"payable:{ended.contract_id}", ended.fee_micro_usd))
        entries.extend(_pair(f"receivable:{ended.contract_id}", f"prepaid:{ended.contract_id}", ended.refund_micro_usd))
    for account in prepaid:
        contract_id = account.contract_id
        entries.extend(_pair(f"prepaid:{contract_id}", "money", account.paid_micro_usd))
        entries.extend(_pair(f"payable:{contract_id}", f"prepaid:{contract_id}", account.drawn_micro_usd))
    return entries


def prepaid_accounts(contract: Contract, charges: Iterable[Charge], until_ms: int) -> list[PrepaidAccount]:
    """What is paid ahead under a contract by an instant, drawn charge by charge in order of time.

    A charge belongs to what precedes its instant: one at the end of a clause's term is still drawn from it.
    """
    clauses = {terms.id: terms for terms in contract.clauses if isinstance(terms, Prepayment)}
    paid = [terms for terms in clauses.values() if terms.paid_ms <= until_ms]
    left: dict[str, int] = {}
    for charge in sorted(charges):
        left = draw(paid, left, charge.amount_micro_usd, charge.at_ms - 1).left_micro_usd
    return [
        PrepaidAccount(
            contract.id,
            terms.id,
            terms.amount_micro_usd,
            terms.amount_micro_usd - left.get(terms.id, terms.amount_micro_usd),
        )
        for terms in sorted(paid, key=lambda terms: (terms.paid_ms, terms.id))
    ]


def charges_of(
    contract: Contract, lines: Sequence[ChargeLine], settled: Iterable[PeriodSettled], until_ms: int
) -> list[Charge]:
    """What a contract charges: usage by month, at the month's end or so far, and what settled periods made due."""
    months: dict[int, int] = {}
    for line in lines:
        if line.key.contract_id == contract.id:
            ends_ms = period_interval(line.key.month_start_ms, Period.MONTH, contract.calendar.zone).end_ms
            at_ms = min(ends_ms, until_ms)
            months[at_ms] = months.get(at_ms, 0) + line.amount_micro_usd
    found = [Charge(at_ms, amount) for at_ms, amount in months.items() if amount > 0]
    found.extend(
        Charge(period.period.end_ms, period.due_micro_usd)
        for period in settled
        if period.clause.contract_id == contract.id and period.due_micro_usd > 0
    )
    return found


def _pair(debit: str, credit: str, amount_micro_usd: int) -> tuple[Posting, Posting]:
    return Posting(debit, "USD", amount_micro_usd), Posting(credit, "USD", -amount_micro_usd)
