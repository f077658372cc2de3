"""A contract as it stands: what deliveries, reschedulings, ends and a termination move, and nothing else."""

from typing import Any

import pytest

from multihome.clauses.standing import as_it_stands, delay_remedy_of
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.events import TrancheMoved
from multihome.domain.ids import ContractId, TrancheId
from multihome.domain.procurement import TerminationGround, TerminationRecord, TrancheStep
from multihome.domain.supply import Delivery
from multihome.units.calendar import Calendar
from multihome.units.time import MS_PER_HOUR, Interval
from tests.builders import YEAR, contract, day, delay_remedy, delivery, exclusivity, take_or_pay, tranche

FIRST = TrancheId("alpha-1/t1")
SHIFTS = delay_remedy(shifts_end=True)


def moved(step: TrancheStep, effective_ms: int, name: str = "t1", **more: Any) -> TrancheMoved:
    return TrancheMoved(
        tranche_id=TrancheId(f"alpha-1/{name}"), step=step, effective_ms=effective_ms, actor="ada", why="test", **more
    )


def accepted(domains: int, at_ms: int) -> TrancheMoved:
    return moved(TrancheStep.ACCEPTED, at_ms, domains=domains)


def put_off(until_ms: int) -> TrancheMoved:
    return moved(TrancheStep.RESCHEDULED, day(1), promised_ms=until_ms)


def termination(effective_ms: int) -> TerminationRecord:
    return TerminationRecord(
        contract_id=ContractId("alpha-1"),
        ground=TerminationGround.CONVENIENCE,
        cause="",
        given_ms=day(0),
        effective_ms=effective_ms,
        fee_micro_usd=0,
        refund_micro_usd=0,
        actor="ada",
        why="test",
    )


def standing(
    of: Contract,
    *moves: TrancheMoved,
    deliveries: tuple[Delivery, ...] = (),
    ended: TerminationRecord | None = None,
) -> Contract:
    """The contract after moves of its tranches."""
    by_tranche = {part.id: [move for move in moves if move.tranche_id == part.id] for part in of.tranches}
    return as_it_stands(of, deliveries, by_tranche, ended)


def the_tranche(*moves: TrancheMoved, **more: Any) -> Tranche:
    """The only tranche of a contract, of two domains, after its moves."""
    return standing(contract(), *moves, **more).tranches[0]


def dates(part: Tranche) -> tuple[int, int, int]:
    return part.promised_ms, part.ends_ms, part.domains


def test_to_which_nothing_happened_stands_as_it_was_signed() -> None:
    signed = contract(
        clauses=[exclusivity(), SHIFTS],
        tranches=(tranche(ends_ms=day(100)), tranche(name="t2", promised_ms=day(30))),
    )
    assert standing(signed) == signed
    assert as_it_stands(signed, (), {}, None) == signed


# --- A termination ---


def test_a_termination_ends_the_term_the_clauses_and_the_tranches() -> None:
    signed = contract(
        clauses=[
            exclusivity("long"),
            exclusivity("short", interval=Interval(day(0), day(40))),
            take_or_pay("to-the-day", interval=Interval(day(10), day(50))),
        ],
        tranches=(tranche(), tranche(name="t2", ends_ms=day(30)), tranche(name="t3", promised_ms=day(70))),
    )
    left = standing(signed, ended=termination(day(50)))
    assert left.interval == Interval(day(0), day(50))
    assert {terms.id: terms.interval for terms in left.clauses} == {
        "long": Interval(day(0), day(50)),
        "short": Interval(day(0), day(40)),
        "to-the-day": Interval(day(10), day(50)),
    }
    assert [part.ends_ms for part in left.tranches] == [day(50), day(30), day(50)]
    assert [part.promised_ms for part in left.tranches] == [day(0), day(0), day(70)]


@pytest.mark.parametrize(("starts_ms", "is_left"), [(day(50) - 1, True), (day(50), False), (day(51), False)])
def test_a_clause_that_a_termination_leaves_no_time_is_gone(starts_ms: int, *, is_left: bool) -> None:
    late = exclusivity("late", interval=Interval(starts_ms, YEAR.end_ms))
    left = standing(contract(clauses=[exclusivity("always"), late]), ended=termination(day(50)))
    assert [terms.id for terms in left.clauses] == (["always", "late"] if is_left else ["always"])


def test_a_termination_after_the_term_prolongs_nothing() -> None:
    signed = contract(clauses=[exclusivity()])
    assert standing(signed, ended=termination(YEAR.end_ms + 1)) == signed


# --- Steps of a tranche ---


def test_the_last_rescheduling_says_when_a_tranche_is_promised() -> None:
    assert dates(the_tranche(put_off(day(20)))) == (day(20), YEAR.end_ms, 2)
    assert dates(the_tranche(put_off(day(20)), put_off(day(10)))) == (day(10), YEAR.end_ms, 2)
    assert dates(the_tranche(put_off(day(20)), moved(TrancheStep.CONFIRMED, day(3)))) == (day(20), YEAR.end_ms, 2)


@pytest.mark.parametrize("step", [TrancheStep.TRANCHE_ENDED, TrancheStep.ORDER_ENDED])
def test_a_tranche_of_which_nothing_came_ends_when_it_or_its_order_is_ended(step: TrancheStep) -> None:
    assert dates(the_tranche(moved(step, day(40)))) == (day(0), day(40), 2)
    assert dates(the_tranche(moved(step, day(40)), moved(TrancheStep.ORDER_ENDED, day(30))))[1] == day(30)


@pytest.mark.parametrize("step", [step for step in TrancheStep if not step.value.endswith("_ended")])
def test_no_other_step_ends_a_tranche(step: TrancheStep) -> None:
    assert the_tranche(moved(step, day(40), promised_ms=day(5))).ends_ms == YEAR.end_ms


def test_who_ends_a_late_tranche_keeps_what_came_of_it_for_its_time() -> None:
    late = the_tranche(accepted(1, day(10)), moved(TrancheStep.TRANCHE_ENDED, day(40)))
    assert dates(late) == (day(0), YEAR.end_ms, 1)


def test_what_came_goes_when_the_order_is_ended_after_all() -> None:
    cut = (accepted(1, day(10)), moved(TrancheStep.TRANCHE_ENDED, day(40)))
    assert dates(the_tranche(*cut, moved(TrancheStep.ORDER_ENDED, day(60)))) == (day(0), day(60), 1)
    # Without the tranche having been cut, the ended order keeps the size that was ordered.
    assert dates(the_tranche(accepted(1, day(10)), moved(TrancheStep.ORDER_ENDED, day(60)))) == (day(0), day(60), 2)


def test_what_came_is_added_up_and_is_never_more_than_was_ordered() -> None:
    of = contract(tranches=(tranche(domains=5),))
    ended = moved(TrancheStep.TRANCHE_ENDED, day(40))
    assert standing(of, accepted(1, day(2)), accepted(2, day(9)), ended).tranches[0].domains == 3
    assert standing(of, accepted(4, day(2)), accepted(2, day(9)), ended).tranches[0].domains == 5


def test_only_an_end_of_the_tranche_makes_it_smaller() -> None:
    assert dates(the_tranche(accepted(1, day(10)))) == (day(0), YEAR.end_ms, 2)


def test_each_tranche_has_its_own_steps() -> None:
    of = contract(tranches=(tranche(), tranche(name="t2"), tranche(name="t3")))
    left = standing(of, moved(TrancheStep.TRANCHE_ENDED, day(40), "t2"), put_off(day(9)))
    assert [dates(part) for part in left.tranches] == [
        (day(9), YEAR.end_ms, 2),
        (day(0), day(40), 2),
        (day(0), YEAR.end_ms, 2),
    ]


def test_the_earliest_of_all_ends_holds() -> None:
    ended = moved(TrancheStep.ORDER_ENDED, day(40))
    assert the_tranche(ended, ended=termination(day(30))).ends_ms == day(30)
    assert the_tranche(ended, ended=termination(day(50))).ends_ms == day(40)


# --- The shift by a delay remedy ---


def shifted(*deliveries: Delivery, moves: tuple[TrancheMoved, ...] = (), **more: Any) -> int:
    """When the tranche ends under a remedy that shifts the end, ordered until day 100."""
    of = contract(clauses=[SHIFTS], tranches=(tranche(ends_ms=day(100)), tranche(name="t2")), **more)
    return standing(of, *moves, deliveries=deliveries).tranches[0].ends_ms


@pytest.mark.parametrize(
    ("accepted_ms", "ends_ms"),
    [(day(0), day(100)), (day(0) + 1, day(101)), (day(7), day(107)), (day(7) + 1, day(108))],
)
def test_an_end_shifts_by_the_days_begun_until_the_acceptance(accepted_ms: int, ends_ms: int) -> None:
    assert shifted(delivery(effective_ms=accepted_ms)) == ends_ms


def test_the_last_acceptance_counts_in_whatever_order_they_are_told() -> None:
    parts = [delivery(f"D-{at}", domains=1, effective_ms=day(at)) for at in (3, 9, 5)]
    assert shifted(*parts) == day(109)


def test_deliveries_of_other_tranches_and_contracts_shift_nothing() -> None:
    others = (delivery("D-2", "alpha-1/t2", effective_ms=day(20)), delivery("D-3", "beta-1/t1", effective_ms=day(30)))
    assert shifted(*others) == day(100)
    assert shifted(*others, delivery(effective_ms=day(2))) == day(102)


def test_days_late_count_from_the_date_to_which_it_was_put_off() -> None:
    assert shifted(delivery(effective_ms=day(7)), moves=(put_off(day(5)),)) == day(102)
    assert shifted(delivery(effective_ms=day(7)), moves=(put_off(day(8)),)) == day(100)


def test_an_end_moves_by_days_of_the_contracts_own_calendar() -> None:
    # Paris puts its clocks forward on 2026-03-29, day 87, so that five of its days from day 85 are an hour shorter.
    of = contract(
        clauses=[SHIFTS], tranches=(tranche(ends_ms=day(85)),), calendar=Calendar(zone="Europe/Paris", holidays=())
    )
    ends_ms = standing(of, deliveries=(delivery(effective_ms=day(5)),)).tranches[0].ends_ms
    assert ends_ms == day(90) - MS_PER_HOUR


def test_without_a_remedy_that_shifts_it_an_end_stays() -> None:
    late = (delivery(effective_ms=day(7)),)
    parts = (tranche(ends_ms=day(100)),)
    for clauses in ([], [delay_remedy()], [delay_remedy(shifts_end=True, interval=Interval(day(1), day(90)))]):
        assert standing(contract(clauses=clauses, tranches=parts), deliveries=late).tranches[0].ends_ms == day(100)


def test_an_end_that_was_told_comes_before_one_that_shifts() -> None:
    ended = moved(TrancheStep.ORDER_ENDED, day(50))
    assert shifted(delivery(effective_ms=day(7)), moves=(ended,)) == day(50)


# --- Which remedy ---


def test_the_remedy_is_the_one_in_force_when_the_tranche_was_due() -> None:
    first = delay_remedy(interval=Interval(day(0), day(50)))
    second = delay_remedy(grace_days=9, interval=Interval(day(50), day(80)))
    of = contract(clauses=[exclusivity(), first, second])
    due = {at: delay_remedy_of(of, tranche(promised_ms=at)) for at in (day(0), day(50) - 1, day(50), day(80))}
    assert list(due.values()) == [first, first, second, None]
    assert delay_remedy_of(contract(clauses=[exclusivity()]), tranche()) is None
