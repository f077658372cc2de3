"""Who is told of what, and when it is tried again. Every attempt is journalled before it is made.

A notification reaches a webhook at least once: an attempt whose outcome was lost is made again, under the same id.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from multihome.controller.state import State, outbox_key
from multihome.domain import events as ev
from multihome.domain.commands import NotificationAnswered
from multihome.domain.effects import SendNotification
from multihome.domain.notifications import Notification, Webhook
from multihome.units.time import MS_PER_HOUR, MS_PER_SECOND, Now, format_instant

BACKOFF_MS = 5 * MS_PER_SECOND
BACKOFF_MS_MAX = MS_PER_HOUR
ATTEMPTS_MAX = 30
"""More than a day of attempts; then people find the notification in `status` alone."""


def notify(state: State, events: Iterable[ev.Event], now: Now) -> tuple[ev.Event, ...]:
    """The first attempts for what has just happened; none where no webhook is on record."""
    if not state.webhooks:
        return ()
    told = (_TELLING[type(event)](event, now) for event in events if type(event) in _TELLING)
    return tuple(sent for notification in told for sent in first_attempts(state, notification))


def first_attempts(state: State, notification: Notification) -> Iterator[ev.NotificationSent]:
    """One attempt for each webhook that takes such a notification."""
    for webhook in state.webhooks.values():
        if not webhook.codes or notification.code in webhook.codes:
            yield ev.NotificationSent(notification=notification, webhook_id=webhook.id, attempt=1)


def retries(state: State, now: Now) -> Iterator[ev.Event]:
    """Attempts that are due again, and those that are given up."""
    for pending in state.outbox.values():
        if pending.due_process_ms > now.process_ms:
            continue
        if pending.attempt >= ATTEMPTS_MAX or pending.webhook_id not in state.webhooks:
            yield ev.NotificationGivenUp(
                notification=pending.notification, webhook_id=pending.webhook_id, error=pending.error
            )
        else:
            yield ev.NotificationSent(
                notification=pending.notification, webhook_id=pending.webhook_id, attempt=pending.attempt + 1
            )


def answered(state: State, message: NotificationAnswered, now: Now) -> tuple[ev.Event, ...]:
    """What the end of an attempt leads to; nothing for one that is not waited for any more."""
    pending = state.outbox.get(outbox_key(message.webhook_id, message.notification_id))
    if pending is None:
        return ()
    notification_id, webhook_id = pending.notification.id, pending.webhook_id
    if not message.error:
        return (ev.NotificationDelivered(notification_id=notification_id, webhook_id=webhook_id),)
    pause_ms = min(BACKOFF_MS * 2 ** min(pending.attempt - 1, 20), BACKOFF_MS_MAX)
    return (
        ev.NotificationFailed(
            notification_id=notification_id,
            webhook_id=webhook_id,
            error=message.error,
            retry_process_ms=now.process_ms + pause_ms,
        ),
    )


def send_effect(state: State, event: ev.NotificationSent) -> tuple[SendNotification, ...]:
    """The call that an attempt is; none where its webhook is gone."""
    webhook: Webhook | None = state.webhooks.get(event.webhook_id)
    if webhook is None:
        return ()
    return (SendNotification(webhook=webhook, notification=event.notification, attempt=event.attempt),)


def _served(event: ev.NoticeServed, now: Now) -> Notification:
    notice = event.notice
    return Notification(
        id=f"notice-served:{notice.id}",
        code="notice_served",
        subject=notice.id,
        text=(
            f"first-refusal notice {notice.id} under {notice.clause.contract_id}/{notice.clause.clause_id} for "
            f"{notice.terms.chips} {notice.terms.accelerator} is open until {format_instant(notice.closes_ms)}"
        ),
        occurred_ms=now.contract_ms,
        due_ms=notice.closes_ms,
    )


def _notice_answered(event: ev.NoticeAnswered, now: Now) -> Notification:
    answer = event.answer
    return Notification(
        id=f"notice-answered:{answer.notice_id}",
        code="notice_answered",
        subject=answer.notice_id,
        text=f"notice {answer.notice_id}: {answer.kind.value.replace('_', ' ')}",
        occurred_ms=now.contract_ms,
    )


def _awarded(event: ev.AwardMade, now: Now) -> Notification:
    award = event.award
    return Notification(
        id=f"award-made:{award.id}",
        code="award_made",
        subject=award.id,
        text=f"award {award.id} to {award.provider_id}: {award.terms.chips} {award.terms.accelerator}",
        occurred_ms=now.contract_ms,
    )


def _lost(event: ev.ProviderLost, now: Now) -> Notification:
    return Notification(
        id=f"provider-lost:{event.provider_id}:{now.contract_ms}",
        code="provider_lost",
        subject=event.provider_id,
        text=f"{event.provider_id} was declared lost by {event.actor}: {event.why}",
        occurred_ms=now.contract_ms,
    )


def _credit_due(event: ev.CreditDue, now: Now) -> Notification:
    return Notification(
        id=f"credit-due:{event.tranche_id}:{now.contract_ms}",
        code="credit_due",
        subject=event.tranche_id,
        text=event.text,
        occurred_ms=now.contract_ms,
    )


def _deadline(event: ev.DeadlineNear, now: Now) -> Notification:
    return Notification(
        id=f"deadline:{event.id}",
        code="deadline_near",
        subject=event.subject,
        text=event.text,
        occurred_ms=now.contract_ms,
        due_ms=event.due_ms,
    )


# The table's keys guarantee each function the event it takes; a checker cannot see that.
_TELLING: dict[type[ev.Event], Callable[[Any, Now], Notification]] = {
    ev.NoticeServed: _served,
    ev.NoticeAnswered: _notice_answered,
    ev.AwardMade: _awarded,
    ev.ProviderLost: _lost,
    ev.CreditDue: _credit_due,
    ev.DeadlineNear: _deadline,
}

NOTIFICATION_CODES = ("notice_served", "notice_answered", "award_made", "provider_lost", "credit_due", "deadline_near")
"""What a webhook may choose from."""
