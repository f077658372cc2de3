"""What contracts make due beside usage balances, and prepayments are drawn in order of time."""

import pytest

from multihome.domain.clause_terms import ClauseRef
from multihome.domain.events import CreditClaimed, PeriodSettled
from multihome.domain.ids import ContractId, ProviderId, TenantId, TrancheId, WorkloadId
from multihome.domain.procurement import TerminationGround, TerminationRecord
from multihome.ledger.charges import ChargeLine, LineKey, Posting, imbalance
from multihome.ledger.commitments import (
    Charge,
    PrepaidAccount,
    charges_of,
    commitment_postings,
    prepaid_accounts,
)
from multihome.units.time import FOREVER_MS, Interval
from tests.builders import contract, day
from tests.money_builders import USD, prepayment

ALPHA_1 = ContractId("alpha-1")
T1 = TrancheId("alpha-1/t1")


def settled(due_micro_usd: int, end_ms: int = day(31)) -> PeriodSettled:
    clause = ClauseRef(ALPHA_1, "top")
    period = Interval(day(0), end_ms)
    return PeriodSettled(clause=clause, tranche_id=T1, period=period, due_micro_usd=due_micro_usd, text="")


def ended(fee_micro_usd: int, refund_micro_usd: int) -> TerminationRecord:
    return TerminationRecord(
        contract_id=ALPHA_1,
        ground=TerminationGround.CONVENIENCE,
        cause="",
        given_ms=day(1),
        effective_ms=day(31),
        fee_micro_usd=fee_micro_usd,
        refund_micro_usd=refund_micro_usd,
        actor="ann",
        why="test",
    )


def line(month_start_ms: int, amount_micro_usd: int, contract_id: ContractId = ALPHA_1) -> ChargeLine:
    key = LineKey(month_start_ms, ProviderId("alpha"), contract_id, T1, TenantId("lab"), WorkloadId("w"), 1)
    return ChargeLine(key, 1, amount_micro_usd)


def sums(entries: list[Posting]) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in entries:
        found[entry.account] = found.get(entry.account, 0) + entry.amount_micro
    return found


def test_every_kind_has_its_two_sides_and_all_of_them_balance() -> None:
    claimed = CreditClaimed(
        clause=ClauseRef(ALPHA_1, "late"), tranche_id=T1, amount_micro_usd=70, actor="ann", why="test"
    )
    prepaid = PrepaidAccount(ALPHA_1, "paid", 1_000, 400)
    entries = commitment_postings([settled(500), settled(-30)], [claimed], [ended(90, 300)], [prepaid])
    assert imbalance(entries) == {}
    assert sums(entries) == {
        "commitment:alpha-1": 500 - 30,
        "credit:alpha-1": -70,
        "fee:alpha-1": 90,
        "payable:alpha-1": -500 + 30 + 70 - 90 + 400,
        "prepaid:alpha-1": 1_000 - 400 - 300,
        "money": -1_000,
        "receivable:alpha-1": 300,
    }


def test_charges_are_months_of_usage_and_what_is_due_of_that_contract_alone() -> None:
    lines = [line(day(0), 3), line(day(0), 4), line(day(31), 5), line(day(0), 100, ContractId("beta-1"))]
    found = charges_of(contract(), lines, [settled(50), settled(-9), settled(0)], day(40))
    assert sorted(found) == [Charge(day(31), 7), Charge(day(31), 50), Charge(day(40), 5)]


def test_a_quarter_of_each_charge_is_drawn_while_it_lasts() -> None:
    """1,000 USD: 250 of the first 1,000, 750 of the next 4,000; the last finds nothing, in whatever order they come."""
    charges = [Charge(day(90), 400 * USD), Charge(day(31), 1_000 * USD), Charge(day(59), 4_000 * USD)]
    terms = contract(clauses=(prepayment(),))
    [account] = prepaid_accounts(terms, charges[1:2], day(100))
    assert (account.drawn_micro_usd, account.left_micro_usd) == (250 * USD, 750 * USD)
    [account] = prepaid_accounts(terms, charges, day(100))
    assert (account.paid_micro_usd, account.drawn_micro_usd, account.left_micro_usd) == (1_000 * USD, 1_000 * USD, 0)


@pytest.mark.parametrize(("until_ms", "names"), [(day(0) - 1, []), (day(0), ["paid"]), (day(20), ["paid", "second"])])
def test_what_is_not_paid_yet_is_no_account(until_ms: int, names: list[str]) -> None:
    terms = contract(clauses=(prepayment("second", paid_ms=day(20)), prepayment()))
    assert [account.clause_id for account in prepaid_accounts(terms, [], until_ms)] == names


def test_a_charge_at_the_end_of_a_clauses_term_is_still_drawn() -> None:
    terms = contract(clauses=(prepayment(interval=Interval(day(0), day(31))),))
    [account] = prepaid_accounts(terms, [Charge(day(31), 400 * USD)], FOREVER_MS)
    assert account.drawn_micro_usd == 100 * USD
    [account] = prepaid_accounts(terms, [Charge(day(31) + 1, 400 * USD)], FOREVER_MS)
    assert account.drawn_micro_usd == 0
