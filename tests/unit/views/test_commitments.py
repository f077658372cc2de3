"""The report of what contracts made due: it is what was settled, claimed, drawn and given notice of, and adds up."""

from multihome.domain.commands import ClaimCredit, MoveTranche, Terminate
from multihome.domain.contracts import Contract
from multihome.domain.events import PeriodSettled
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TerminationGround, TrancheStep
from multihome.domain.workloads import Infra
from multihome.units.time import MS_PER_DAY
from multihome.views.report import Report, report
from tests.builders import RATE, contract, day, delay_remedy, take_or_pay, training, tranche
from tests.control import Control
from tests.money_builders import USD, prepayment, termination
from tests.unit.controller.test_settlements import advance, on_clock
from tests.unit.views.test_views import history

USAGE = 31 * 192 * RATE
"""8 chips through January."""


def told(control: Control) -> Report:
    return report(control.state, history(control), control.now)


def lived(*clauses: object, **more: object) -> Control:
    """January with a gang of 8 of 32 chips, on a contract with these clauses."""
    owner: Contract = contract("alpha", clauses=clauses, **more)  # pyright: ignore[reportArgumentType]
    control = on_clock(owner)
    control.running(training(infra=Infra(provider="alpha")))
    advance(control, day(31))
    return control


def test_settled_periods_leave_the_burn_down_and_enter_what_is_to_pay() -> None:
    control = lived(take_or_pay(share_bps=5_000), prepayment(amount_micro_usd=100_000 * USD))
    view = told(control)
    [event] = control.events(PeriodSettled)
    [line] = view.settled
    assert (line.clause, line.due_micro_usd, line.text) == ("alpha-1/top", 16 * 31 * 24 * RATE - USAGE, event.text)
    assert [burnt.period for burnt in view.burn_down] == ["2026-02"]
    account = next(one for one in view.accounts if one.contract_id == "alpha-1")
    [prepaid] = view.prepaid
    assert prepaid.drawn_micro_usd == account.drawn_micro_usd == (USAGE + line.due_micro_usd) // 4
    assert prepaid.left_micro_usd == 100_000 * USD - prepaid.drawn_micro_usd
    assert account.to_pay_micro_usd == USAGE + line.due_micro_usd - account.drawn_micro_usd
    assert view.total.amount_micro_usd == USAGE, "what clauses add stands beside usage"
    assert view.imbalance_micro == {}


def test_what_the_burn_down_says_at_the_end_is_what_is_settled() -> None:
    control = lived(take_or_pay(share_bps=5_000, make_up_periods=2, carry_forward_bps=1_000))
    advance(control, day(59) - 1)
    [burnt] = told(control).burn_down
    advance(control, day(59))
    line = told(control).settled[-1]
    missing = 16 - 8
    assert line.owed_chip_ms - burnt.owed_chip_ms <= 16
    assert line.deficiency_chip_ms == missing * 28 * MS_PER_DAY


def test_credits_are_due_until_they_are_claimed_and_then_come_off() -> None:
    t2 = TrancheId("alpha-1/t2")
    late = tranche(name="t2", promised_ms=day(5))
    control = lived(delay_remedy(grace_days=1), tranches=(tranche(), late))
    control.do(
        MoveTranche(tranche_id=t2, step=TrancheStep.ACCEPTED, effective_ms=day(25), domains=2, actor="ann", why="ready")
    )
    [due] = told(control).credits
    assert (due.claimed_ms, due.tranche_id) == (None, t2)
    assert due.amount_micro_usd > 0
    before = next(one for one in told(control).accounts if one.contract_id == "alpha-1")
    control.do(ClaimCredit(tranche_id=t2, actor="ann", why="as agreed"))
    [claimed] = told(control).credits
    assert (claimed.claimed_ms, claimed.amount_micro_usd) == (day(31), due.amount_micro_usd)
    after = next(one for one in told(control).accounts if one.contract_id == "alpha-1")
    assert after.to_pay_micro_usd == before.to_pay_micro_usd - due.amount_micro_usd
    assert told(control).imbalance_micro == {}


def test_a_termination_adds_its_fee_and_tells_its_refund() -> None:
    control = lived(termination((0, 2_000)), prepayment())
    control.do(
        Terminate(
            contract_id=ContractId("alpha-1"),
            ground=TerminationGround.CONVENIENCE,
            cause="",
            actor="ann",
            why="enough",
        )
    )
    record = control.state.terminations[ContractId("alpha-1")]
    account = next(one for one in told(control).accounts if one.contract_id == "alpha-1")
    assert account.fee_micro_usd == record.fee_micro_usd > 0
    assert account.refund_micro_usd == record.refund_micro_usd
    assert told(control).imbalance_micro == {}
