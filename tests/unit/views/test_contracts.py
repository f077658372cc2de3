"""Contracts, deadlines and alarms: each date follows from a fact, and as of an instant from facts known by then."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multihome.controller.apply import apply
from multihome.controller.deadlines import ALARM_LEAD_DAYS, LATEST_MS, Deadline, DeadlineKind, deadlines
from multihome.controller.state import State
from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ClauseRef,
    ClauseTerms,
    FeeStep,
    IndexStep,
    MinimumCommitment,
    Prepayment,
    PriceTiers,
    Ramp,
    Renewal,
    RenewalMode,
    Termination,
    Tier,
    TierMode,
    Use,
    Window,
)
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock, Document, Install
from multihome.domain.contracts import Amendment, Suspension
from multihome.domain.events import NoticeAnswered, NoticeServed, PeriodSettled, TerminationGiven, TrancheMoved
from multihome.domain.ids import ContractId, NoticeId, OfferId, PoolId, ProviderId, TrancheId
from multihome.domain.procurement import (
    Answer,
    AnswerKind,
    Firmness,
    Notice,
    Offer,
    TerminationGround,
    TerminationRecord,
    Terms,
    TrancheStep,
)
from multihome.units.calendar import (
    Calendar,
    DayCount,
    MissingLocalTime,
    Period,
    last_opening_day,
    local_instant,
    window_end,
)
from multihome.units.time import FOREVER_MS, MS_PER_DAY, Interval, Now, datetime_of, parse_instant
from multihome.views.as_of import state_as_of
from multihome.views.clause_words import clause_words
from multihome.views.contracts import contract_list, contract_view
from multihome.views.history import HistoryEntry, history_row, read_row
from multihome.views.status import status
from tests.builders import H100, YEAR, contract, day, delay_remedy, first_refusal, take_or_pay, tranche, waiver, world
from tests.control import Control, installed

NEW_YORK = Calendar(zone="America/New_York", holidays=("2026-12-25",))
COMMON: dict[str, Any] = {"interval": YEAR, "source": "test"}
COMING = tranche(name="t2", promised_ms=day(60))


def all_of(state: State, as_of_ms: int = day(0), until_ms: int = YEAR.end_ms + 1) -> dict[DeadlineKind, list[Deadline]]:
    """The deadlines by kind; they come in order."""
    found = deadlines(state, as_of_ms, until_ms)
    assert list(found) == sorted(found)
    return {kind: [one for one in found if one.what is kind] for kind in DeadlineKind}


def dates(found: list[Deadline]) -> list[int]:
    return [one.at_ms for one in found]


def alpha(*clauses: ClauseTerms, **more: Any) -> State:
    more = {"tranches": (tranche(), COMING)} | more
    return installed(contract(clauses=clauses, **more)).state


def test_a_period_that_ends_with_a_version_of_its_clause_is_that_ones() -> None:
    """Other terms from the first of February on: January still ends, and once."""
    first = take_or_pay(interval=Interval(day(0), day(31)))
    found = all_of(alpha(first, take_or_pay(interval=Interval(day(31), YEAR.end_ms))), until_ms=day(60))
    assert dates(found[DeadlineKind.PERIOD_ENDS]) == [day(31), day(59)]


def test_steps_and_periods_of_money_clauses() -> None:
    ramp = Ramp(
        id="ramp",
        tranche="t2",
        steps=(ChipStep(from_ms=day(60), chips=16), ChipStep(from_ms=day(90), chips=32)),
        **COMMON,
    )
    minimum = MinimumCommitment(
        id="minimum",
        period=Period.QUARTER,
        steps=(AmountStep(from_ms=day(0), amount_micro_usd=10**6), AmountStep(from_ms=day(181), amount_micro_usd=2)),
        **COMMON,
    )
    tiers = PriceTiers(
        id="tiers",
        period=Period.YEAR,
        mode=TierMode.GRADUATED,
        tiers=(Tier(from_chip_hours=0, rate_micro_usd_per_chip_hour=1),),
        index=(IndexStep(from_ms=day(100), factor_bps=10_300),),
        **COMMON,
    )
    paid = Prepayment(id="paid", amount_micro_usd=5, paid_ms=day(20), draw_bps=10_000, refund_bps=5_000, **COMMON)
    found = all_of(alpha(ramp, minimum, tiers, paid, take_or_pay()))
    assert dates(found[DeadlineKind.RAMP_STEP]) == [day(60), day(90)]
    assert dates(found[DeadlineKind.COMMITMENT_STEP]) == [day(0), day(181)]
    assert dates(found[DeadlineKind.INDEX_STEP]) == [day(100)]
    assert dates(found[DeadlineKind.PREPAYMENT]) == [day(20)]
    ends = {
        name: [one.at_ms for one in found[DeadlineKind.PERIOD_ENDS] if one.clause == name]
        for name in ("minimum", "top")
    }
    assert ends["minimum"] == [day(90), day(181), day(273), YEAR.end_ms]
    assert len(ends["top"]) == 12


def test_periods_end_by_the_contracts_own_zone() -> None:
    found = all_of(alpha(take_or_pay(), calendar=NEW_YORK))
    assert found[DeadlineKind.PERIOD_ENDS][0].at_ms == parse_instant("2026-01-01T05:00:00Z")
    assert found[DeadlineKind.PERIOD_ENDS][3].at_ms == parse_instant("2026-04-01T04:00:00Z")


def test_a_late_tranche_has_its_promise_grace_and_rights() -> None:
    remedy = delay_remedy(end_tranche_after_days=60, end_order_after_days=0)
    state = alpha(remedy)
    found = all_of(state)
    assert [(one.at_ms, one.clause) for one in found[DeadlineKind.TRANCHE_PROMISED]] == [(day(60), "t2")]
    assert dates(found[DeadlineKind.GRACE_ENDS]) == [day(65)]
    assert dates(found[DeadlineKind.MAY_END_TRANCHE]) == [day(120)]
    assert found[DeadlineKind.MAY_END_ORDER] == []
    assert dates(found[DeadlineKind.TRANCHE_ENDS]) == [YEAR.end_ms, YEAR.end_ms, YEAR.end_ms]
    past = all_of(state, as_of_ms=day(100))
    assert dates(past[DeadlineKind.GRACE_ENDS]) == [day(65)], "past due until the capacity comes"


@pytest.mark.parametrize(
    ("step", "promised_ms", "expected", "phase"),
    [
        (TrancheStep.RESCHEDULED, day(80), [day(80)], "ordered"),
        (TrancheStep.TRANCHE_ENDED, 0, [], "ended"),
        (TrancheStep.CONFIRMED, 0, [day(60)], "confirmed"),
    ],
)
def test_steps_of_a_tranche_move_or_end_its_dates(
    step: TrancheStep, promised_ms: int, expected: list[int], phase: str
) -> None:
    state = alpha()
    moved = TrancheMoved(
        tranche_id=COMING.id, step=step, effective_ms=day(10), promised_ms=promised_ms, actor="ada", why="a test"
    )
    apply(state, moved, Now(day(10), day(10)))
    assert dates(all_of(state)[DeadlineKind.TRANCHE_PROMISED]) == expected
    view = contract_view(state, ContractId("alpha-1"), day(11))
    assert view is not None
    assert [row.state for row in view.tranches] == ["accepted", phase]


def test_renewal_termination_amendments_and_ends() -> None:
    renewal = Renewal(id="renewal", mode=RenewalMode.AUTOMATIC, notice=Window(days=30), term_days=365, **COMMON)
    fees = (FeeStep(from_ms=day(90), share_bps=5_000),)
    end = Termination(id="end", notice=Window(days=30), fees=fees, **COMMON)
    first = take_or_pay(interval=Interval(day(0), day(100)))
    second = take_or_pay(share_bps=1, interval=Interval(day(100), day(200)))
    amendment = Amendment(id="A1", effective_ms=day(100), clauses=("top",), source="test")
    found = all_of(alpha(renewal, end, first, second, amendments=(amendment,)))
    assert dates(found[DeadlineKind.RENEWAL_NOTICE]) == [YEAR.end_ms - 30 * MS_PER_DAY]
    assert "goes on for 365 days from 2027-01-01" in found[DeadlineKind.RENEWAL_NOTICE][0].text
    assert dates(found[DeadlineKind.FEE_STEP]) == [day(90)]
    assert [(one.at_ms, one.text) for one in found[DeadlineKind.AMENDMENT]] == [
        (day(100), "amendment A1 takes effect: top")
    ]
    assert dates(found[DeadlineKind.CLAUSE_BEGINS]) == [day(100)]
    assert dates(found[DeadlineKind.CLAUSE_ENDS]) == [day(200)], "an end where another version begins is none"
    assert {one.contract for one in found[DeadlineKind.CONTRACT_ENDS]} == {"alpha-1", "beta-1"}


def notice() -> NoticeServed:
    terms = Terms(
        accelerator=H100,
        region="east",
        chips=32,
        starts_ms=day(60),
        ends_ms=day(200),
        rate_micro_usd_per_chip_hour=2_000_000,
    )
    return NoticeServed(
        notice=Notice(
            id=NoticeId("N-1"),
            clause=ClauseRef(ContractId("alpha-1"), "rofr"),
            offer_id=None,
            terms=terms,
            use=Use(),
            served_ms=day(1),
            closes_ms=day(11),
            served_by="ada",
            sha256="ab" * 32,
        )
    )


def answered(kind: AnswerKind) -> NoticeAnswered:
    terms = notice().notice.terms
    answer = Answer(notice_id=NoticeId("N-1"), kind=kind, answered_ms=day(9), terms=terms, actor="holder", why="no")
    return NoticeAnswered(answer=answer)


def test_notices_waivers_and_offers() -> None:
    offer = Offer(
        id=OfferId("O-1"),
        provider_id=ProviderId("beta"),
        pool_id=PoolId("beta/main"),
        chips_min=8,
        chips_max=8,
        chips_step=8,
        start_from_ms=day(30),
        start_until_ms=day(30),
        term_days_min=1,
        term_days_max=1,
        lead_days=0,
        rate_micro_usd_per_chip_hour=1,
        firmness=Firmness.FIRM,
        expires_ms=day(40),
        source="test",
    )
    control = installed(contract(clauses=[first_refusal()]), offer, waiver())
    state = control.state
    apply(state, notice(), control.now)
    found = all_of(state)
    assert dates(found[DeadlineKind.NOTICE_CLOSES]) == [day(11)]
    assert dates(found[DeadlineKind.WAIVER_EXPIRES]) == [day(75)]
    assert dates(found[DeadlineKind.OFFER_EXPIRES]) == [day(40)]
    assert dates(all_of(state, as_of_ms=day(30))[DeadlineKind.NOTICE_CLOSES]) == [day(11)], "past due, unanswered"
    assert all_of(state, as_of_ms=day(50))[DeadlineKind.OFFER_EXPIRES] == [], "an offer that expired is over"
    apply(state, answered(AnswerKind.DECLINED), control.now)
    found = all_of(state)
    assert found[DeadlineKind.NOTICE_CLOSES] == []
    assert dates(found[DeadlineKind.WAIVER_EXPIRES]) == [day(69), day(75)]


def test_a_full_match_leaves_no_waiver() -> None:
    control = installed(contract(clauses=[first_refusal()]))
    apply(control.state, notice(), control.now)
    apply(control.state, answered(AnswerKind.MATCHED), control.now)
    assert all_of(control.state)[DeadlineKind.WAIVER_EXPIRES] == []


def test_suspensions_terminations_and_what_is_settled() -> None:
    flood = Suspension(
        id="S-1", contract_id=ContractId("alpha-1"), interval=Interval(day(5), day(9)), ground="flood", source="test"
    )
    control = installed(contract(clauses=[take_or_pay()]), flood)
    ended = TerminationRecord(
        contract_id=ContractId("alpha-1"),
        ground=TerminationGround.CONVENIENCE,
        cause="",
        given_ms=day(20),
        effective_ms=day(50),
        fee_micro_usd=7_000_000,
        refund_micro_usd=0,
        actor="ada",
        why="a test",
    )
    apply(control.state, TerminationGiven(termination=ended), control.now)
    period = PeriodSettled(
        clause=ClauseRef(ContractId("alpha-1"), "top"),
        tranche_id=TrancheId("alpha-1/t1"),
        period=Interval(day(0), day(31)),
        deficiency_chip_ms=3_600_000,
        due_micro_usd=2_000_000,
        text="paid for",
    )
    apply(control.state, period, control.now)
    found = all_of(control.state)
    assert dates(found[DeadlineKind.SUSPENSION_ENDS]) == [day(9)]
    assert [(one.at_ms, one.text) for one in found[DeadlineKind.TERMINATION]] == [
        (day(50), "the contract is terminated for convenience, at a fee of $7.00")
    ]
    assert max(one.at_ms for one in deadlines(control.state, day(0), day(400)) if one.contract == "alpha-1") == day(50)
    assert [one for one in deadlines(control.state, day(51), day(400)) if one.contract == "alpha-1"] == []
    view = contract_view(control.state, ContractId("alpha-1"), day(40))
    assert view is not None
    assert view.ended.startswith("terminated for convenience with effect from 2026-02-20: fee $7.00")
    assert [(row.clause, row.tranche, row.due_micro_usd, row.text) for row in view.commitments] == [
        ("top", "t1", 2_000_000, "1.000 chip-hours short: paid for")
    ]
    assert view.suspensions == ("S-1: flood, 2026-01-06 to 2026-01-10",)


def test_alarms_begin_so_many_days_before_and_leave_routine_out() -> None:
    fees = (FeeStep(from_ms=day(90), share_bps=5_000),)
    state = alpha(Termination(id="end", notice=Window(days=30), fees=fees, **COMMON), take_or_pay())
    early, soon = day(90 - ALARM_LEAD_DAYS), day(90 - ALARM_LEAD_DAYS) + 1
    for at_ms, expected in ((early, []), (soon, ["fee_step"])):
        found = status(state, Now(at_ms, at_ms)).alarms
        assert [alarm.code for alarm in found if alarm.subject == "alpha-1/end"] == expected
        assert "period_ends" not in {alarm.code for alarm in found}
    late = [alarm for alarm in status(state, Now(day(61), day(61))).alarms if "t2" in alarm.subject]
    assert [alarm.code for alarm in late] == ["delivery_late"], "told once"


def test_past_due_is_an_alarm_until_something_is_recorded() -> None:
    control = installed(contract(clauses=[first_refusal()]))
    apply(control.state, notice(), control.now)
    found = status(control.state, Now(day(30), day(30))).alarms
    (text,) = (alarm.text for alarm in found if alarm.subject == "N-1")
    assert text.startswith("alpha-1/rofr had until 2026-01-12 00:00Z to answer")
    apply(control.state, answered(AnswerKind.LAPSED), control.now)
    assert "N-1" not in {alarm.subject for alarm in status(control.state, Now(day(30), day(30))).alarms}


def history(control: Control) -> list[HistoryEntry]:
    rows = (history_row(seq, event, step.at) for seq, step in enumerate(control.steps, 1) for event in step.events)
    return [read_row(row) for row in rows if row is not None]


def facts(*documents: Document) -> Apply:
    return Apply(documents=documents, workloads=())


def test_as_of_an_instant_only_what_was_recorded_by_then_counts() -> None:
    control = Control(at_ms=parse_instant("2031-01-01"))
    control.do(Install(installation_id="test"))
    control.do(facts(*world()))
    control.do(DeclareClock(start_ms=day(0)))
    control.do(facts(contract(clauses=[take_or_pay()], tranches=(tranche(), COMING))))
    control.do(AdvanceClock(to_ms=day(10)))
    control.do(facts(contract(clauses=[take_or_pay(), first_refusal()], tranches=(tranche(), COMING))))
    entries = history(control)
    assert state_as_of(entries, day(0) - 1).contracts == {}
    before = contract_view(state_as_of(entries, day(9)), ContractId("alpha-1"), day(9))
    after = contract_view(state_as_of(entries, day(10)), ContractId("alpha-1"), day(10))
    assert before is not None
    assert after is not None
    assert [row.id for row in before.clauses] == ["top"]
    assert [row.id for row in after.clauses] == ["top", "rofr"]
    whole = state_as_of(entries, FOREVER_MS)
    for table in ("contracts", "pools", "deliveries", "waivers", "tenants", "providers"):
        assert getattr(whole, table) == getattr(control.state, table)


def test_lists_say_what_falls_next() -> None:
    rows = {row.id: row for row in contract_list(alpha(delay_remedy()), day(1)).contracts}
    row = rows[ContractId("alpha-1")]
    assert (row.ordered_chips, row.delivered_chips, row.clauses_in_force, row.tranches) == (64, 32, 1, 2)
    assert row.upcoming is not None
    assert (row.upcoming.at_ms, row.upcoming.what) == (day(60), DeadlineKind.TRANCHE_PROMISED)


def test_the_end_of_time_is_no_deadline() -> None:
    renewal = Renewal(id="renewal", mode=RenewalMode.ON_NOTICE, notice=Window(days=30), term_days=365, **COMMON)
    forever = Interval(YEAR.start_ms, FOREVER_MS)
    late = tranche(name="t2", promised_ms=FOREVER_MS - 2, ends_ms=FOREVER_MS - 1)
    clauses = (
        msgspec.structs.replace(renewal, interval=forever),
        take_or_pay(interval=forever),
        delay_remedy(interval=forever, end_order_after_days=3_660),
    )
    state = alpha(*clauses, interval=forever, tranches=(tranche(), late))
    for as_of_ms in (day(0), LATEST_MS, FOREVER_MS):
        found = all_of(state, as_of_ms=as_of_ms, until_ms=FOREVER_MS)
        assert found[DeadlineKind.RENEWAL_NOTICE] == []


@given(
    st.integers(0, 2_000),
    st.integers(0, 40),
    st.sampled_from(DayCount),
    st.integers(1, 1_440),
    st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_the_last_day_for_a_notice_is_the_last_whose_window_closes_in_time(
    at: int, days: int, count: DayCount, minute: int, zone: str, off: list[int]
) -> None:
    end_ms = day(at)
    holidays = tuple(datetime_of(day(at - back)).date().isoformat() for back in off)
    calendar = Calendar(zone, holidays)
    found = last_opening_day(end_ms, days, count, minute, calendar)

    def closes(later: int) -> int | MissingLocalTime:
        opens = local_instant(msgspec.convert(found.isoformat(), type(found)), 720, zone)
        assert isinstance(opens, int)
        return window_end(opens + later * MS_PER_DAY, days, count, minute, calendar)

    in_time = closes(0)
    assert isinstance(in_time, MissingLocalTime) or in_time <= end_ms
    for later in range(1, 4):
        too_late = closes(later)
        assert isinstance(too_late, MissingLocalTime) or too_late > end_ms


def test_terms_in_words_name_every_figure() -> None:
    terms = first_refusal(waiver_days=61, notice=Window(days=11, count=DayCount.BUSINESS, closes_minute=1_020))
    text = " ".join(clause_words(terms, "UTC"))
    assert "11 business days to 17:00" in text
    assert "61 days" in text
    assert "on new capacity only" in text
