"""What a person is told of deliveries and ends: lateness with figures, rights, credits, alarms, and who ended what."""

from typing import Any, get_args

import pytest

from multihome.controller.deadlines import DeadlineKind, deadlines
from multihome.domain import commands as cmd
from multihome.domain.clause_terms import FeeStep, Termination, Window
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TerminationGround, TrancheStep
from multihome.domain.termination_phases import TerminationPhase
from multihome.domain.tranche_phases import TranchePhase
from multihome.units.money import Rounding, divide
from multihome.views.contracts import contract_view
from multihome.views.explain import explain
from multihome.views.sequences import LatenessState, TrancheSequence, credit_rows, termination_state, tranche_rows
from multihome.views.status import status
from multihome.wire.requests_sequences import MoveIn
from tests.builders import RATE, YEAR, contract, day, delay_remedy, training, tranche
from tests.control import Control, installed

LATE = TrancheId("alpha-1/t2")
ALPHA_1 = ContractId("alpha-1")
PERSON: dict[str, Any] = {"actor": "ada", "why": "a test"}


def agreed(at: int, *, remedy: bool = True, **terms: Any) -> Control:
    """A second tranche of two domains promised for day 30, a remedy unless none is wanted, and an end."""
    control = installed()
    control.do(cmd.DeclareClock(start_ms=day(5)))
    rights = {"end_tranche_after_days": 20, "end_order_after_days": 40}
    late = delay_remedy("late", **(rights | terms))
    end = Termination(
        id="end",
        interval=YEAR,
        notice=Window(days=30),
        causes=("delay",),
        cure_days=10,
        fees=(FeeStep(from_ms=YEAR.start_ms, share_bps=1_000),),
        source="test",
    )
    parts = (tranche(), tranche(name="t2", promised_ms=day(30), ends_ms=day(300)))
    clauses = (late, end) if remedy else (end,)
    control.do(cmd.Apply(documents=(contract(clauses=clauses, tranches=parts),), workloads=()))
    control.do(cmd.AdvanceClock(to_ms=day(at)))
    return control


def shown(control: Control) -> TrancheSequence:
    return next(row for row in tranche_rows(control.state, control.now.contract_ms).tranches if row.id == LATE)


def move(control: Control, step: TrancheStep, **more: Any) -> None:
    control.do(cmd.MoveTranche(tranche_id=LATE, step=step, **(PERSON | more)))


def alarms(control: Control) -> dict[str, str]:
    return {alarm.code: f"{alarm.subject}: {alarm.text}" for alarm in status(control.state, control.now).alarms}


def dated(control: Control) -> dict[DeadlineKind, int]:
    now_ms = control.now.contract_ms
    return {one.what: one.at_ms for one in deadlines(control.state, now_ms, now_ms + day(60) - day(0))}


@pytest.mark.parametrize(
    ("at", "expected", "late_days", "discount_bps"),
    [
        (30, LatenessState.IN_TIME, 0, 0),
        (31, LatenessState.GRACE, 1, 0),
        (35, LatenessState.GRACE, 5, 0),
        (36, LatenessState.REMEDY, 6, 50),
        (60, LatenessState.REMEDY, 30, 1_000),
    ],
)
def test_lateness_follows_from_the_dates(at: int, expected: LatenessState, late_days: int, discount_bps: int) -> None:
    row = shown(agreed(at))
    assert (row.lateness.state, row.lateness.late_days, row.lateness.discount_bps) == (
        expected,
        late_days,
        discount_bps,
    )
    fee = 32 * 720 * RATE
    assert row.lateness.owed_micro_usd == divide(fee * discount_bps, 10_000, Rounding.HALF_EVEN)
    assert row.lateness.capped == (at == 60)
    assert [(right.right.value, right.opens_ms, right.is_open) for right in row.rights] == [
        ("tranche", day(50), at >= 50),
        ("order", day(70), False),
    ]


def test_what_is_said_to_be_owed_is_what_becomes_due() -> None:
    control = agreed(41)
    foreseen = shown(control).lateness.owed_micro_usd
    move(control, TrancheStep.ACCEPTED, domains=2)
    row = shown(control)
    assert row.credit is not None
    assert row.credit.amount_micro_usd == foreseen > 0
    assert (row.phase, row.lateness.late_days, row.lateness.owed_micro_usd, row.rights) == (
        TranchePhase.ACCEPTED,
        11,
        0,
        (),
    )
    control.do(cmd.AdvanceClock(to_ms=day(200)))
    assert shown(control).lateness.late_days == 11, "what has come grows no later"
    assert credit_rows(control.state, control.now.contract_ms).credits == (row.credit,)


def test_without_a_remedy_lateness_has_no_figures() -> None:
    late = shown(agreed(41, remedy=False)).lateness
    assert (late.state, late.clause, late.late_days, late.owed_micro_usd) == (LatenessState.UNREMEDIED, None, 11, 0)


def test_dates_that_moved_stand_beside_those_of_the_order() -> None:
    control = agreed(20, shifts_end=True)
    move(control, TrancheStep.RESCHEDULED, promised_ms=day(40))
    control.do(cmd.AdvanceClock(to_ms=day(43)))
    move(control, TrancheStep.ACCEPTED, domains=2)
    row = shown(control)
    assert (row.ordered_promised_ms, row.promised_ms) == (day(30), day(40))
    assert (row.ordered_ends_ms, row.ends_ms) == (day(300), day(303))
    assert [step.step.value for step in row.steps] == ["rescheduled", "accepted"]


def test_a_credit_is_an_alarm_until_it_is_claimed() -> None:
    control = agreed(41)
    move(control, TrancheStep.ACCEPTED, domains=2)
    assert alarms(control)["credit_unclaimed"].startswith("alpha-1/t2: $")
    control.do(cmd.ClaimCredit(tranche_id=LATE, **PERSON))
    assert "credit_unclaimed" not in alarms(control)


def test_a_right_to_end_is_a_deadline_first_and_then_an_alarm() -> None:
    control = agreed(45)
    assert dated(control)[DeadlineKind.MAY_END_TRANCHE] == day(50)
    control.do(cmd.AdvanceClock(to_ms=day(55)))
    assert "since 2026-02-20" in alarms(control)["may_end_tranche"]
    move(control, TrancheStep.TRANCHE_ENDED)
    assert "may_end_tranche" not in alarms(control)


def test_a_cure_and_a_notice_are_deadlines_and_alarms() -> None:
    control = agreed(10)
    assert termination_state(control.state, ALPHA_1, control.now.contract_ms).phase is TerminationPhase.IN_FORCE
    control.do(cmd.TellBreach(contract_id=ALPHA_1, cause="delay", **PERSON))
    assert dated(control)[DeadlineKind.CURE_ENDS] == day(20)
    control.do(cmd.AdvanceClock(to_ms=day(45)))
    assert "since 2026-01-21" in alarms(control)["cure_ends"]
    view = contract_view(control.state, ALPHA_1, control.now.contract_ms)
    assert view is not None
    assert view.termination.phase is TerminationPhase.CURING
    assert "breach told: delay" in view.ended
    control.do(cmd.Terminate(contract_id=ALPHA_1, ground=TerminationGround.CAUSE, cause="delay", **PERSON))
    assert "cure_ends" not in alarms(control)
    assert "by ada (a test)" in alarms(control)["contract_under_notice"]
    assert dated(control)[DeadlineKind.TERMINATION] == control.state.terminations[ALPHA_1].effective_ms
    refusal = control.refused(cmd.CureBreach(contract_id=ALPHA_1, **PERSON))
    assert "waits to be cured" in refusal.text
    control.do(cmd.AdvanceClock(to_ms=day(80)))
    assert "contract_under_notice" not in alarms(control)


def test_who_waits_for_what_was_ended_is_told_by_whom() -> None:
    control = agreed(80)
    control.do(cmd.Drain(target="beta", actor="ada", why="works"))
    move(control, TrancheStep.ORDER_ENDED, why="a year late")
    waiting = control.submit(training("t"))
    control.place()
    told = explain(control.state, (), waiting, control.now)
    assert told is not None
    assert any("its order was ended by ada (a year late)" in line for line in told.waits_because)


def test_who_waits_for_a_contract_that_was_terminated_is_told_by_whom() -> None:
    control = agreed(10)
    control.do(cmd.Drain(target="beta", actor="ada", why="works"))
    ended = cmd.Terminate(contract_id=ALPHA_1, ground=TerminationGround.CONVENIENCE, actor="ada", why="cheaper")
    control.do(ended)
    control.do(cmd.AdvanceClock(to_ms=day(90)))
    waiting = control.submit(training("t"))
    control.place()
    told = explain(control.state, (), waiting, control.now)
    assert told is not None
    assert any(
        "contract alpha-1 was terminated for convenience by ada (cheaper)" in line for line in told.waits_because
    )


def test_every_step_can_be_asked_for() -> None:
    assert get_args(MoveIn.model_fields["step"].annotation) == tuple(step.value for step in TrancheStep)
