"""Sequences of a tranche: which step follows which, what the delay remedy owes, what ends, and what shifts."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.clauses.delivery import delivered_domains
from multihome.controller.deliveries import phase_in
from multihome.controller.invariants_sequences import delivery_breaches
from multihome.domain.commands import AdvanceClock, Apply, ClaimCredit, DeclareClock, MoveTranche, Tick
from multihome.domain.contracts import Tranche
from multihome.domain.events import CreditClaimed, CreditDue, TrancheMoved
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TrancheStep as Step
from multihome.domain.refusals import RefusalCode
from multihome.domain.tranche_phases import OUTSTANDING, TRANSITIONS, TranchePhase, phase_after, phase_of, steps_from
from tests.builders import contract, day, delay_remedy, delivery, tranche
from tests.control import Control, installed

LATE = TrancheId("alpha-1/t2")
OTHER = TrancheId("alpha-1/t3")
LEGAL = (Step.CONFIRMED, Step.PROVISIONING, Step.READY_CLAIMED, Step.TESTING)


def ordered(**terms: Any) -> Control:
    """A tranche of two domains of sixteen chips promised for day 30, under a delay remedy; it is day 20."""
    control = installed()
    control.do(DeclareClock(start_ms=day(20)))
    facts: dict[str, Any] = {"end_tranche_after_days": 20, "end_order_after_days": 40}
    remedy = delay_remedy("late", **(facts | terms))
    parts = (
        tranche(),
        tranche(name="t2", promised_ms=day(30), ends_ms=day(300)),
        tranche(name="t3", promised_ms=day(60), ends_ms=day(300)),
    )
    control.do(Apply(documents=(contract(clauses=[remedy], tranches=parts),), workloads=()))
    return control


def step(kind: Step, tranche_id: TrancheId = LATE, **more: Any) -> MoveTranche:
    return MoveTranche(tranche_id=tranche_id, step=kind, actor="ada", why="seen", **more)


def stands(control: Control, tranche_id: TrancheId = LATE) -> Tranche:
    return next(one for one in control.state.contracts[ContractId("alpha-1")].tranches if one.id == tranche_id)


def on_day(control: Control, number: int) -> Control:
    control.do(AdvanceClock(to_ms=day(number)))
    return control


def accepted(control: Control, domains: int, at: int) -> Control:
    on_day(control, at)
    for kind in LEGAL:
        control.do(step(kind))
    control.do(step(Step.ACCEPTED, domains=domains))
    return control


def test_a_tranche_goes_through_its_steps_to_capacity() -> None:
    control = accepted(ordered(), 2, 29)
    assert phase_in(control.state, stands(control)) is TranchePhase.ACCEPTED
    assert delivered_domains(control.state.deliveries.values(), stands(control), day(29)) == 2
    assert delivered_domains(control.state.deliveries.values(), stands(control), day(29) - 1) == 0
    assert not control.events(CreditDue)


@pytest.mark.parametrize("kind", [Step.PROVISIONING, Step.READY_CLAIMED, Step.TESTING, Step.REJECTED, Step.CURED])
def test_a_step_out_of_turn_is_refused_with_those_that_may_come(kind: Step) -> None:
    refusal = ordered().refused(step(kind))
    assert refusal.code is RefusalCode.WRONG_STATE
    assert refusal.accepted == "confirmed, accepted, rescheduled, tranche_ended, order_ended"


def test_a_part_is_accepted_and_the_rest_after_another_test() -> None:
    control = accepted(ordered(), 1, 28)
    assert phase_in(control.state, stands(control)) is TranchePhase.PART_ACCEPTED
    refusal = control.refused(step(Step.ACCEPTED, domains=2))
    assert (refusal.code, refusal.accepted) == (RefusalCode.BAD_TERMS, "1 to 1 domains")
    for kind in (Step.READY_CLAIMED, Step.TESTING, Step.REJECTED, Step.CURED, Step.TESTING):
        control.do(step(kind))
    control.do(step(Step.ACCEPTED, domains=1))
    assert phase_in(control.state, stands(control)) is TranchePhase.ACCEPTED


def test_a_delivery_from_a_document_is_a_step_too() -> None:
    control = ordered()
    recorded(control, "D-9", 1, 20)
    assert phase_in(control.state, stands(control)) is TranchePhase.PART_ACCEPTED


def recorded(control: Control, name: str, domains: int, at: int) -> None:
    """A document says that so many domains are accepted on a day."""
    control.do(Apply(documents=(delivery(name, LATE, domains=domains, effective_ms=day(at)),), workloads=()))


def moves(control: Control) -> list[TrancheMoved]:
    return [moved for moved in control.events(TrancheMoved) if moved.tranche_id == LATE]


def test_a_delivery_recorded_ahead_waits_for_its_date() -> None:
    """As capacity and billing do: until then nothing is accepted, owed, said or shifted."""
    control = ordered(shifts_end=True)
    recorded(control, "D-9", 2, 39)
    for today in (20, 38):
        on_day(control, today)
        control.tell(Tick())
        assert phase_in(control.state, stands(control)) is TranchePhase.ORDERED
        assert (control.events(CreditDue), moves(control), stands(control).ends_ms) == ([], [], day(300))
        assert delivered_domains(control.state.deliveries.values(), stands(control), day(today)) == 0
    on_day(control, 45)
    for _ in range(2):
        control.tell(Tick())
    [moved], [due] = moves(control), control.events(CreditDue)
    assert (moved.step, moved.effective_ms, moved.domains) == (Step.ACCEPTED, day(39), 2)
    # By the date of the delivery, not by the day on which time was looked at: 9 days late, 5 of grace.
    assert due.amount_micro_usd == 4 * 50 * (32 * 720 * 2_500_000) // 10_000
    assert (phase_in(control.state, stands(control)), stands(control).ends_ms) == (TranchePhase.ACCEPTED, day(309))
    assert control.state.deliveries_ahead == {}
    assert list(delivery_breaches(control.state)) == []


def test_what_is_on_record_for_later_cannot_be_accepted_by_a_step_too() -> None:
    control = ordered()
    recorded(control, "D-9", 2, 39)
    for kind in LEGAL:
        control.do(step(kind))
    refusal = control.refused(step(Step.ACCEPTED, domains=1))
    assert (refusal.code, refusal.accepted) == (
        RefusalCode.BAD_TERMS,
        "none: deliveries of the rest are on record already",
    )


def test_what_was_ended_before_its_delivery_is_not_delivered_any_more() -> None:
    control = ordered()
    recorded(control, "D-9", 2, 60)
    on_day(control, 51)
    control.do(step(Step.TRANCHE_ENDED))
    on_day(control, 61)
    control.tell(Tick())
    assert phase_in(control.state, stands(control)) is TranchePhase.ENDED
    assert [moved.step for moved in moves(control)] == [Step.TRANCHE_ENDED]
    assert delivered_domains(control.state.deliveries.values(), stands(control), day(61)) == 0


def test_a_delivery_whose_date_is_forgotten_is_a_breach() -> None:
    """The planted fault of the invariant: a delivery that counts as come, and whose step never was."""
    control = ordered()
    recorded(control, "D-9", 2, 39)
    del control.state.deliveries_ahead["D-9"]
    assert [text for _, text in delivery_breaches(control.state)] == ["1 deliveries of 2 domains have no acceptance"]


def test_what_is_late_after_the_grace_is_owed_once_and_claimed_once() -> None:
    control = accepted(ordered(), 2, 39)
    [due] = control.events(CreditDue)
    # 9 days late, 5 of grace: 4 × 0.5 % of 32 chips × 720 h × 2.50.
    assert due.amount_micro_usd == 4 * 50 * (32 * 720 * 2_500_000) // 10_000
    assert control.do(ClaimCredit(tranche_id=LATE, actor="ada", why="invoice")).changes
    [claimed] = control.events(CreditClaimed)
    assert claimed.amount_micro_usd == due.amount_micro_usd
    assert control.refused(ClaimCredit(tranche_id=LATE, actor="ada", why="again")).code is RefusalCode.WRONG_STATE


def test_credits_of_several_acceptances_add_up() -> None:
    control = accepted(ordered(), 1, 37)
    on_day(control, 39)
    for kind in (Step.READY_CLAIMED, Step.TESTING):
        control.do(step(kind))
    control.do(step(Step.ACCEPTED, domains=1))
    amounts = [due.amount_micro_usd for due in control.events(CreditDue)]
    assert amounts == [2 * 50 * 16 * 720 * 250, 4 * 50 * 16 * 720 * 250]
    assert control.state.credits_due[LATE].amount_micro_usd == sum(amounts)


def test_a_late_acceptance_shifts_the_end_where_the_clause_says_so() -> None:
    assert stands(accepted(ordered(shifts_end=True), 2, 39)).ends_ms == day(309)
    assert stands(accepted(ordered(), 2, 39)).ends_ms == day(300)


def test_a_late_tranche_may_be_ended_from_the_day_the_clause_gives() -> None:
    control = on_day(ordered(), 49)
    refusal = control.refused(step(Step.TRANCHE_ENDED))
    assert refusal.code is RefusalCode.NOT_PERMITTED
    assert "clause alpha-1/late gives a right to end the tranche only 20 days after its promise" in refusal.text
    assert "from 2026-02-20 on" in refusal.accepted
    on_day(control, 50)
    control.do(step(Step.TRANCHE_ENDED))
    assert phase_in(control.state, stands(control)) is TranchePhase.ENDED
    assert stands(control).ends_ms == day(50)
    assert stands(control, OTHER).ends_ms == day(300)
    # 20 days late, 5 of grace: 15 × 0.5 % of what never came.
    assert control.events(CreditDue)[0].amount_micro_usd == 15 * 50 * (32 * 720 * 2_500_000) // 10_000


def test_ending_a_tranche_of_which_a_part_came_gives_up_the_rest() -> None:
    control = accepted(ordered(), 1, 31)
    on_day(control, 50)
    control.do(step(Step.TRANCHE_ENDED))
    assert phase_in(control.state, stands(control)) is TranchePhase.ENDED
    assert (stands(control).domains, stands(control).ends_ms) == (1, day(300))
    assert delivered_domains(control.state.deliveries.values(), stands(control), day(60)) == 1


def test_ending_the_order_ends_what_was_accepted_too() -> None:
    control = on_day(ordered(), 70)
    control.do(step(Step.ORDER_ENDED))
    assert {stands(control, one).ends_ms for one in (TrancheId("alpha-1/t1"), LATE, OTHER)} == {day(70)}


def test_another_order_form_of_the_contract_goes_on() -> None:
    control = on_day(ordered(), 69)
    parts = control.state.contract_documents[ContractId("alpha-1")].tranches
    marked = [msgspec.structs.replace(one, order="" if one.id == OTHER else "form 1") for one in parts[1:]]
    remedy = delay_remedy("late", end_tranche_after_days=20, end_order_after_days=40)
    control.do(Apply(documents=(contract(clauses=[remedy], tranches=(parts[0], *marked)),), workloads=()))
    on_day(control, 70)
    control.do(step(Step.ORDER_ENDED))
    assert {one.id: one.ends_ms for one in control.state.contracts[ContractId("alpha-1")].tranches} == {
        TrancheId("alpha-1/t1"): parts[0].ends_ms,
        LATE: day(70),
        OTHER: day(300),
    }


def test_without_a_right_nothing_is_ended() -> None:
    control = on_day(ordered(end_order_after_days=0), 200)
    refusal = control.refused(step(Step.ORDER_ENDED))
    assert (refusal.code, refusal.text) == (
        RefusalCode.NOT_PERMITTED,
        "no delay remedy gives a right to end the order",
    )


def test_a_new_date_is_what_lateness_is_counted_from() -> None:
    control = on_day(ordered(), 33)
    control.do(step(Step.RESCHEDULED, promised_ms=day(45)))
    assert stands(control).promised_ms == day(45)
    accepted(control, 2, 46)
    assert not control.events(CreditDue)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"promised_ms": day(20)}, RefusalCode.BAD_DATES),
        ({"promised_ms": day(300)}, RefusalCode.BAD_DATES),
        ({"promised_ms": day(40), "effective_ms": day(21)}, RefusalCode.BAD_DATES),
        ({"promised_ms": day(40), "tranche_id": TrancheId("alpha-1/ghost")}, RefusalCode.NOT_FOUND),
        ({"promised_ms": day(40), "actor": ""}, RefusalCode.NEEDS_PERSON),
    ],
)
def test_bad_steps(more: dict[str, Any], code: RefusalCode) -> None:
    facts: dict[str, Any] = {"tranche_id": LATE, "step": Step.RESCHEDULED, "actor": "ada", "why": "w"}
    assert ordered().refused(MoveTranche(**(facts | more))).code is code


def test_a_step_is_not_before_the_one_it_follows() -> None:
    control = on_day(ordered(), 25)
    control.do(step(Step.CONFIRMED, effective_ms=day(24)))
    refusal = control.refused(step(Step.PROVISIONING, effective_ms=day(23)))
    assert (refusal.code, refusal.accepted) == (RefusalCode.BAD_DATES, "2026-01-25 to 2026-01-26")


# --- The table ---


def test_every_phase_can_be_reached_and_ended() -> None:
    reached = {TranchePhase.ORDERED} | {after for afters in TRANSITIONS.values() for after in afters}
    assert reached == set(TranchePhase)
    assert all(phase_after(phase, Step.ORDER_ENDED, is_last=True) is TranchePhase.ENDED for phase in OUTSTANDING)
    assert steps_from(TranchePhase.ENDED) == ()


@given(st.lists(st.tuples(st.sampled_from(Step), st.integers(1, 3)), max_size=12))
def test_the_controller_takes_exactly_the_steps_of_the_table(steps: list[tuple[Step, int]]) -> None:
    control = ordered(end_tranche_after_days=1, end_order_after_days=1)
    on_day(control, 100)
    taken: list[tuple[Step, int]] = []
    promised = 150
    for kind, count in steps:
        promised += 1
        left = 2 - sum(number for _, number in taken)
        command = step(kind, domains=count if kind is Step.ACCEPTED else 0, promised_ms=day(promised))
        is_legal = phase_after(phase_of(taken, 2), kind, is_last=True) is not None
        fits = kind is not Step.ACCEPTED or count <= left
        # A new promise takes the right to end away until it is broken in turn.
        has_right = kind not in {Step.TRANCHE_ENDED, Step.ORDER_ENDED} or all(
            s is not Step.RESCHEDULED for s, _ in taken
        )
        answer = control.ask(command)
        assert (type(answer).__name__ == "Accepted") == (is_legal and fits and has_right), (taken, kind, answer)
        if is_legal and fits and has_right:
            taken.append((kind, count if kind is Step.ACCEPTED else 0))
    assert phase_in(control.state, stands(control)) is phase_of(taken, 2)
