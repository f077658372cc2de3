"""A contract ends before its time: for a cause that was told and not cured, or for convenience at a fee."""

from typing import Any

import pytest
from msgspec import structs

from multihome.controller.terminations import termination_phase
from multihome.domain.clause_terms import FeeStep, Prepayment, Termination, Window
from multihome.domain.commands import AdvanceClock, Apply, Command, CureBreach, DeclareClock, TellBreach, Terminate
from multihome.domain.events import RunStopAsked
from multihome.domain.ids import ContractId
from multihome.domain.procurement import TerminationGround
from multihome.domain.refusals import RefusalCode
from multihome.domain.runs import StopCause
from multihome.domain.termination_phases import TRANSITIONS, TerminationPhase
from multihome.units.calendar import Calendar
from tests.builders import YEAR, contract, day, take_or_pay, training
from tests.control import Control, installed

ALPHA_1 = ContractId("alpha-1")
BREACH = TellBreach(contract_id=ALPHA_1, cause="late_delivery", actor="ada", why="nothing came")
FOR_CAUSE = Terminate(contract_id=ALPHA_1, ground=TerminationGround.CAUSE, cause="late_delivery", actor="a", why="w")
AT_WILL = Terminate(contract_id=ALPHA_1, ground=TerminationGround.CONVENIENCE, actor="ada", why="cheaper elsewhere")
CURED = CureBreach(contract_id=ALPHA_1, actor="ada", why="it came")


def termination(**more: Any) -> Termination:
    facts: dict[str, Any] = {
        "id": "end",
        "interval": YEAR,
        "notice": Window(days=30),
        "causes": ("late_delivery", "insolvency"),
        "cure_days": 10,
        "fees": (FeeStep(from_ms=day(70), share_bps=4_000), FeeStep(from_ms=day(200), share_bps=1_000)),
        "source": "test",
    }
    return Termination(**(facts | more))


def agreed(*clauses: Any, **more: Any) -> Control:
    control = installed()
    control.do(DeclareClock(start_ms=day(20)))
    control.do(Apply(documents=(contract(clauses=clauses or [termination()], **more),), workloads=()))
    return control


def phase(control: Control) -> TerminationPhase:
    return termination_phase(control.state, ALPHA_1, control.now.contract_ms)


def test_a_breach_that_is_not_cured_is_a_cause_to_end() -> None:
    control = agreed()
    assert "may be cured until 2026-01-31" in control.do(BREACH).changes[0]
    assert phase(control) is TerminationPhase.CURING
    refusal = control.refused(FOR_CAUSE)
    assert (refusal.code, refusal.accepted) == (RefusalCode.NOT_PERMITTED, "from 2026-01-31 on")
    control.do(AdvanceClock(to_ms=day(30)))
    control.do(FOR_CAUSE)
    assert phase(control) is TerminationPhase.NOTICE_GIVEN
    record = control.state.terminations[ALPHA_1]
    # Thirty days after the day of the notice, to the end of the last one.
    assert (record.effective_ms, record.fee_micro_usd) == (day(61), 0)
    control.do(AdvanceClock(to_ms=day(61)))
    assert phase(control) is TerminationPhase.ENDED
    assert all(one.ends_ms == day(61) for one in control.state.contracts[ALPHA_1].tranches)


def test_a_cured_breach_is_none() -> None:
    control = agreed()
    control.do(BREACH)
    control.do(CURED)
    assert phase(control) is TerminationPhase.IN_FORCE
    control.do(AdvanceClock(to_ms=day(40)))
    assert control.refused(FOR_CAUSE).code is RefusalCode.NOT_PERMITTED
    assert control.refused(CURED).code is RefusalCode.WRONG_STATE


def test_convenience_costs_a_share_of_what_is_still_to_be_paid() -> None:
    control = agreed(termination(), take_or_pay(share_bps=5_000))
    refusal = control.refused(AT_WILL)
    assert (refusal.code, refusal.accepted) == (RefusalCode.NOT_PERMITTED, "from 2026-03-12 on")
    control.do(AdvanceClock(to_ms=day(60)))
    control.do(AT_WILL)
    record = control.state.terminations[ALPHA_1]
    # Ends on day 91; half of 32 chips is owed for 274 days more at 2.50, of which 40 % is due.
    assert record.effective_ms == day(91)
    assert record.fee_micro_usd == 32 * 24 * 274 * 2_500_000 // 2 * 4 // 10


def test_what_is_left_of_a_prepayment_comes_back_in_part() -> None:
    paid = Prepayment(
        id="paid",
        interval=YEAR,
        amount_micro_usd=1_000_000_000,
        paid_ms=day(1),
        draw_bps=10_000,
        refund_bps=5_000,
        source="test",
    )
    control = agreed(termination(), paid)
    control.do(AdvanceClock(to_ms=day(60)))
    control.do(AT_WILL)
    assert control.state.terminations[ALPHA_1].refund_micro_usd == 500_000_000


def test_runs_stop_when_the_contract_has_ended() -> None:
    control = agreed()
    control.do(AdvanceClock(to_ms=day(60)))
    control.running(training())
    control.do(AT_WILL)
    control.tick()
    assert not control.events(RunStopAsked)
    control.do(AdvanceClock(to_ms=day(91)))
    control.tick()
    assert [event.cause for event in control.events(RunStopAsked)] == [StopCause.CAPACITY_ENDED]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (TellBreach(contract_id=ALPHA_1, cause="bad_mood", actor="a", why="w"), RefusalCode.NOT_PERMITTED),
        (TellBreach(contract_id=ALPHA_1, cause="insolvency", actor="", why="w"), RefusalCode.NEEDS_PERSON),
        (
            TellBreach(contract_id=ALPHA_1, cause="insolvency", effective_ms=day(21), actor="a", why="w"),
            RefusalCode.BAD_DATES,
        ),
        (TellBreach(contract_id=ContractId("ghost"), cause="x", actor="a", why="w"), RefusalCode.NOT_FOUND),
        (CURED, RefusalCode.WRONG_STATE),
        (FOR_CAUSE, RefusalCode.NOT_PERMITTED),
    ],
)
def test_what_is_refused(command: Command, code: RefusalCode) -> None:
    assert agreed().refused(command).code is code


def test_a_contract_without_the_clause_runs_to_its_end() -> None:
    control = agreed(take_or_pay())
    assert "no termination clause is in force" in control.refused(AT_WILL).text


def test_notice_is_given_once() -> None:
    control = agreed()
    control.do(AdvanceClock(to_ms=day(60)))
    control.do(AT_WILL)
    assert control.refused(AT_WILL).code is RefusalCode.WRONG_STATE
    assert control.refused(BREACH).code is RefusalCode.WRONG_STATE


def test_a_notice_that_would_run_out_at_a_missing_time_is_refused() -> None:
    control = agreed(termination(notice=Window(days=62)), calendar=Calendar(zone="Africa/Cairo"))
    # In Cairo 24 April 2026 has no midnight: its summer time begins then.
    control.do(AdvanceClock(to_ms=day(50)))
    refusal = control.refused(AT_WILL)
    assert refusal.code is RefusalCode.MISSING_LOCAL_TIME


def test_the_table_reaches_every_phase_but_the_last_which_comes_with_time() -> None:
    reached = {TerminationPhase.IN_FORCE, TerminationPhase.ENDED} | set(TRANSITIONS.values())
    assert reached == set(TerminationPhase)


def test_a_cure_counts_from_its_own_date_and_not_once_the_time_is_over() -> None:
    control = agreed()
    control.do(BREACH)
    control.do(AdvanceClock(to_ms=day(33)))
    late = control.refused(CURED)
    assert late.code is RefusalCode.WINDOW_CLOSED
    assert late.accepted == "a cure with effect by 2026-01-31 00:00Z"
    for at_ms in (day(19), day(34)):
        assert control.refused(structs.replace(CURED, effective_ms=at_ms)).code is RefusalCode.BAD_DATES
    told = control.do(structs.replace(CURED, effective_ms=day(29)))
    assert told.changes == ("late_delivery was cured on 2026-01-30 00:00Z",)
    assert phase(control) is TerminationPhase.IN_FORCE


def test_nothing_is_cured_of_a_contract_that_is_not_known() -> None:
    ghost = structs.replace(CURED, contract_id=ContractId("ghost"))
    assert agreed().refused(ghost).code is RefusalCode.NOT_FOUND


def test_a_notice_counts_from_the_date_on_which_it_was_given() -> None:
    control = agreed()
    control.do(AdvanceClock(to_ms=day(90)))
    ahead = control.refused(structs.replace(AT_WILL, effective_ms=day(91)))
    assert ahead.code is RefusalCode.BAD_DATES
    over = control.refused(structs.replace(AT_WILL, effective_ms=day(50)))
    assert over.code is RefusalCode.BAD_DATES
    # Thirty whole days after the one on which it is given.
    assert "would have ended on 2026-03-23" in over.text
    control.do(structs.replace(AT_WILL, effective_ms=day(80)))
    record = control.state.terminations[ALPHA_1]
    assert (record.given_ms, record.effective_ms) == (day(80), day(111))
