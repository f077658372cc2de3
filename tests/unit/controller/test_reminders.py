"""Deadlines that come near are told once, whatever the clock does, and are not read on every tick."""

from typing import Any

import pytest

from multihome.controller import reminders
from multihome.controller.reminders import LEAD_MS, READ_AHEAD_DAYS
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock, Document
from multihome.domain.effects import SendNotification
from multihome.domain.events import DeadlineNear, DeadlinesRead
from multihome.domain.notifications import Webhook
from multihome.units.time import MS_PER_DAY
from tests.builders import YEAR, contract, day, delay_remedy, delivery, offer, tranche
from tests.control import Control, installed, replayed

DESK = Webhook(id="desk", url="https://desk.example/hook", secret="desk-key", codes=("deadline_near",))


def following(*documents: Document) -> Control:
    """A scenario that begins with the year, with somebody to be told."""
    control = installed()
    control.do(DeclareClock(start_ms=day(0)))
    control.do(Apply(documents=(DESK, *documents), workloads=()))
    return control


def at(control: Control, to_ms: int) -> list[tuple[int, str]]:
    """What is told when the clock has leapt to an instant."""
    control.do(AdvanceClock(to_ms=to_ms))
    decision = control.tick()
    return [(event.due_ms, event.id) for event in decision.events if isinstance(event, DeadlineNear)]


OFFER = (day(100), f"//O-1:offer_expires@{day(100)}")


def test_a_deadline_is_told_when_its_lead_time_begins_and_never_again() -> None:
    control = following(offer())
    assert at(control, day(100) - LEAD_MS - 1) == []
    assert at(control, day(100) - LEAD_MS) == [OFFER]
    [sent] = [effect for effect in control.effects if isinstance(effect, SendNotification)]
    assert (sent.notification.code, sent.notification.due_ms) == ("deadline_near", day(100))
    assert sent.notification.text.startswith("on 2026-04-11")
    assert "O-1" in sent.notification.text
    for later in (day(100) - LEAD_MS + 1, day(99), day(100), day(101)):
        assert at(control, later) == []
    assert replayed(control) == control.state


def test_what_the_clock_leapt_over_is_told_as_due() -> None:
    control = following(offer())
    assert at(control, day(1)) == []
    assert at(control, day(130)) == [OFFER]
    [event] = control.events(DeadlineNear)
    assert event.text.startswith("was due on")


def test_what_is_recorded_late_is_told_and_a_change_of_words_is_not() -> None:
    control = following()
    at(control, day(50))
    parts = [tranche(), tranche(name="t2", promised_ms=day(60))]
    control.do(Apply(documents=(contract(clauses=[delay_remedy()], tranches=parts),), workloads=()))
    assert at(control, day(50)) == [(day(60), f"alpha-1/t2/t2:tranche_promised@{day(60)}")]
    grace = (day(65), f"alpha-1/late/t2:grace_ends@{day(65)}")
    control.do(Apply(documents=(delivery("D-9", "alpha-1/t2", domains=1, effective_ms=day(50)),), workloads=()))
    # One of two domains has come: other words, the same deadline.
    assert at(control, day(51)) == [grace]


def test_two_of_one_date_are_both_told() -> None:
    control = following(offer(), offer("O-2"))
    assert [one for _, one in at(control, day(99))] == [OFFER[1], OFFER[1].replace("O-1", "O-2")]


def test_nothing_is_read_between_the_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    control = following(offer())
    at(control, day(1))
    read: list[Any] = []
    monkeypatch.setattr(reminders, "to_act", lambda *arguments: read.append(arguments) or ())
    before = len(control.events(DeadlinesRead))
    for _ in range(100):
        control.wait(250)
        control.tick()
    assert at(control, day(80)) == []
    assert (read, len(control.events(DeadlinesRead))) == ([], before)


def test_reading_goes_on_where_nothing_has_a_date() -> None:
    control = following()
    at(control, day(0))
    # The year's end is near before the next reading would be due.
    assert control.state.deadlines_due_ms == YEAR.end_ms - LEAD_MS
    told = at(control, YEAR.end_ms + 1)
    assert told
    assert control.state.deadlines_due_ms == YEAR.end_ms + 1 + READ_AHEAD_DAYS * MS_PER_DAY


def test_nobody_to_tell_means_nothing_to_read_and_who_comes_late_is_told_what_is_near() -> None:
    control = installed(offer(), offer("O-2", expires_ms=day(60), start_until_ms=day(59)))
    control.do(DeclareClock(start_ms=day(0)))
    assert at(control, day(95)) == []
    assert not control.events(DeadlinesRead)
    control.do(Apply(documents=(DESK,), workloads=()))
    assert [event.id for event in control.tick().events if isinstance(event, DeadlineNear)] == [OFFER[1]]
