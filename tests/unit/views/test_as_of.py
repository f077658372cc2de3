"""As of a day, every view says what it said that day: asked while things happen, and again from the whole history."""

from typing import Any

import pytest

from multihome.controller.state import State
from multihome.domain import commands as cmd
from multihome.domain import events as ev
from multihome.domain.clause_terms import FeeStep, Termination, Window
from multihome.domain.ids import ContractId, NeedId, NoticeId, OfferId, TrancheId
from multihome.domain.procurement import AnswerKind, Need, TerminationGround, TrancheStep
from multihome.units.time import FOREVER_MS
from multihome.views import as_of
from multihome.views.as_of import FOLDED, state_as_of
from multihome.views.contracts import contract_calendar, contract_list, contract_view
from multihome.views.history import HistoryEntry, history_row, read_row
from multihome.views.needs import need_rows
from multihome.views.procurement import award_rows, notice_rows, offer_rows
from multihome.views.sequences import credit_rows, tranche_rows
from tests.builders import H100, YEAR, contract, day, delay_remedy, first_refusal, offer, take_or_pay, tranche
from tests.control import Control, installed

ALPHA_1 = ContractId("alpha-1")
LATE = TrancheId("alpha-1/t2")
NEED = Need(id=NeedId("N-1"), accelerators=(H100,), chips=48, by_ms=day(30), until_ms=day(200), source="test")
PERSON: dict[str, Any] = {"actor": "ada", "why": "a test"}
SHOWN: dict[str, Any] = {"chips": 16, "starts_ms": day(40), "ends_ms": day(140)}
NOT_SHOWN = (ev.ProviderLost, ev.ProviderRestored)
"""Folded for the judgements of clauses; no view here shows it."""


def said(state: State, at_ms: int) -> tuple[object, ...]:
    """All that can be asked as of an instant."""
    views = (need_rows, offer_rows, notice_rows, award_rows, tranche_rows, credit_rows, contract_list)
    calendar = contract_calendar(state, None, at_ms, FOREVER_MS)
    return (*(view(state, at_ms) for view in views), contract_view(state, ALPHA_1, at_ms), calendar)


def agreed() -> Control:
    """Recorded before the clock was declared: a first refusal, a commitment, a late tranche, an end, and an offer."""
    end = Termination(
        id="end",
        interval=YEAR,
        notice=Window(days=30),
        causes=("delay",),
        cure_days=10,
        fees=(FeeStep(from_ms=YEAR.start_ms, share_bps=1_000),),
        source="test",
    )
    clauses = (first_refusal(), take_or_pay(), delay_remedy("late", end_tranche_after_days=20), end)
    parts = (tranche(), tranche(name="t2", promised_ms=day(30), ends_ms=day(300)))
    control = installed(contract(clauses=clauses, tranches=parts), NEED, offer(need_id=NEED.id))
    control.do(cmd.DeclareClock(start_ms=day(5)))
    return control


def lived(control: Control) -> dict[int, tuple[object, ...]]:
    """What was said on each day after the acts of that day. On the day before the clock began nothing was on record."""
    told = {day(4): said(State(), day(4))}

    def on(number: int, *commands: cmd.Command) -> str:
        if day(number) > control.now.contract_ms:
            control.do(cmd.AdvanceClock(to_ms=day(number)))
            control.tick()
        made = [control.do(command).made for command in commands]
        told[day(number)] = said(control.state, day(number))
        return made[-1][0] if made and made[-1] else ""

    def move(step: TrancheStep, domains: int = 0) -> cmd.Command:
        return cmd.MoveTranche(tranche_id=LATE, step=step, domains=domains, **PERSON)

    on(5)
    notice = on(6, cmd.ServeNotice(contract_id=ALPHA_1, clause_id="rofr", offer_id=OfferId("O-1"), **SHOWN, **PERSON))
    on(7, cmd.AnswerNotice(notice_id=NoticeId(notice), kind=AnswerKind.DECLINED, **PERSON))
    on(8, cmd.AwardOffer(offer_id=OfferId("O-1"), **SHOWN, **PERSON))
    on(9, move(TrancheStep.CONFIRMED))
    on(10, cmd.Apply(documents=(offer("O-2", need_id=NEED.id),), workloads=()))
    on(32)
    on(41, move(TrancheStep.ACCEPTED, 1))
    on(42, cmd.ClaimCredit(tranche_id=LATE, **PERSON))
    on(43, cmd.TellBreach(contract_id=ALPHA_1, cause="delay", **PERSON))
    on(44, cmd.CureBreach(contract_id=ALPHA_1, **PERSON))
    on(51, move(TrancheStep.TRANCHE_ENDED))
    on(62, cmd.Terminate(contract_id=ALPHA_1, ground=TerminationGround.CONVENIENCE, **PERSON))
    return told


def history(control: Control) -> list[HistoryEntry]:
    rows = (history_row(seq, event, step.at) for seq, step in enumerate(control.steps, 1) for event in step.events)
    return [read_row(row) for row in rows if row is not None]


def test_as_of_a_day_is_what_was_said_that_day() -> None:
    control = agreed()
    told = lived(control)
    entries = history(control)
    for at_ms, views in told.items():
        assert said(state_as_of(entries, at_ms), at_ms) == views


@pytest.mark.parametrize("kind", [kind for kind in FOLDED if kind not in NOT_SHOWN], ids=lambda kind: kind.__name__)
def test_an_event_that_is_left_out_is_missed(kind: type[ev.Event], monkeypatch: pytest.MonkeyPatch) -> None:
    control = agreed()
    told = lived(control)
    entries = history(control)
    monkeypatch.setattr(as_of, "FOLDED", tuple(one for one in FOLDED if one is not kind))

    def differs(at_ms: int) -> bool:
        try:
            return said(state_as_of(entries, at_ms), at_ms) != told[at_ms]
        except (KeyError, StopIteration):
            # What refers to what was left out finds nothing there.
            return True

    assert any(differs(at_ms) for at_ms in told)
