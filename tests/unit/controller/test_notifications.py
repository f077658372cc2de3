"""People are told at least once, under one id, and every attempt is journalled before it is made."""

from multihome.controller.notifications import ATTEMPTS_MAX, BACKOFF_MS, BACKOFF_MS_MAX
from multihome.controller.state import ATTEMPT_MS_MAX
from multihome.domain.commands import Apply, DeclareLost, NotificationAnswered, Restore
from multihome.domain.effects import SendNotification
from multihome.domain.events import NotificationGivenUp, NotificationSent
from multihome.domain.notifications import Webhook
from multihome.views.alarms import alarms
from tests.builders import ALPHA
from tests.control import Control, installed

LOST = DeclareLost(provider_id=ALPHA, actor="ada", why="no answer")


def told(control: Control) -> list[SendNotification]:
    return [effect for effect in control.effects if isinstance(effect, SendNotification)]


def watched(*codes: str) -> Control:
    control = installed()
    webhook = Webhook(id="desk", url="https://desk.example/hook", secret="desk-key", codes=codes)
    control.do(Apply(documents=(webhook,), workloads=()))
    return control


def answer(control: Control, error: str) -> None:
    [pending] = control.state.outbox.values()
    control.tell(
        NotificationAnswered(notification_id=pending.notification.id, webhook_id=pending.webhook_id, error=error)
    )


def test_nobody_is_told_where_no_webhook_is() -> None:
    control = installed()
    control.do(LOST)
    assert not told(control)
    assert not control.state.outbox


def test_what_happens_is_told_once_and_a_taken_one_is_not_sent_again() -> None:
    control = watched()
    control.do(LOST)
    [sent] = told(control)
    assert sent.notification.code == "provider_lost"
    assert sent.notification.subject == ALPHA
    assert sent.notification.occurred_ms == control.now.contract_ms
    assert "declared lost by ada: no answer" in sent.notification.text
    answer(control, "")
    control.wait(2 * BACKOFF_MS_MAX)
    control.tick()
    assert told(control) == [sent]
    assert not control.state.outbox


def test_a_webhook_gets_only_what_it_asked_for() -> None:
    control = watched("notice_served")
    control.do(LOST)
    assert not told(control)


def test_a_failure_is_tried_again_under_the_same_id_after_a_pause_that_doubles() -> None:
    control = watched()
    control.do(LOST)
    for attempt in range(1, 5):
        answer(control, "503")
        control.wait(BACKOFF_MS * 2 ** (attempt - 1) - 1)
        control.tick()
        assert len(told(control)) == attempt
        control.wait(1)
        control.tick()
        assert [sent.attempt for sent in told(control)] == list(range(1, attempt + 2))
    assert len({sent.notification.id for sent in told(control)}) == 1


def test_an_attempt_that_nobody_heard_of_is_made_again() -> None:
    control = watched()
    control.do(LOST)
    control.wait(ATTEMPT_MS_MAX - 1)
    control.tick()
    assert len(told(control)) == 1
    control.wait(1)
    control.tick()
    assert [sent.attempt for sent in told(control)] == [1, 2]


def test_a_receiver_that_never_answers_is_given_up_and_the_status_says_so() -> None:
    control = watched()
    control.do(LOST)
    for _ in range(ATTEMPTS_MAX):
        answer(control, "refused")
        control.wait(BACKOFF_MS_MAX)
        control.tick()
    assert not control.state.outbox
    assert len(told(control)) == ATTEMPTS_MAX
    assert any(isinstance(event, NotificationGivenUp) for step in control.steps for event in step.events)
    [alarm] = [alarm for alarm in alarms(control.state, control.now) if alarm.code == "notification_given_up"]
    assert f"not delivered in {ATTEMPTS_MAX} attempts: refused" in alarm.text


def test_an_answer_that_comes_late_or_twice_changes_nothing() -> None:
    control = watched()
    control.do(LOST)
    [pending] = control.state.outbox.values()
    late = NotificationAnswered(notification_id=pending.notification.id, webhook_id="desk", error="")
    control.tell(late)
    assert control.tell(late).events == ()


def test_the_attempt_is_in_the_journal_before_it_is_made() -> None:
    control = watched()
    control.do(LOST)
    last = control.steps[-1].events
    assert [type(event) for event in last if isinstance(event, NotificationSent)] == [NotificationSent]


def test_two_losses_are_two_notifications() -> None:
    control = watched()
    control.do(LOST)
    answer(control, "")
    control.do(Restore(provider_id=ALPHA, actor="ada", why="back"))
    control.wait(1_000)
    control.do(LOST)
    assert len({sent.notification.id for sent in told(control)}) == 2
