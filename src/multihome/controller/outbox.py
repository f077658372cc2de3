"""Folds what becomes of notifications into the outbox. Decides nothing; `notifications` does."""

import msgspec

from multihome.controller.state import ATTEMPT_MS_MAX, GIVEN_UP_MAX, Pending, State, outbox_key
from multihome.domain import events as ev
from multihome.units.time import Now


def notification_sent(state: State, event: ev.NotificationSent, at: Now) -> None:
    """An attempt is on its way; if nobody hears of it, another one is due."""
    key = outbox_key(event.webhook_id, event.notification.id)
    due_ms = at.process_ms + ATTEMPT_MS_MAX
    state.outbox[key] = Pending(event.notification, event.webhook_id, event.attempt, due_ms)


def notification_delivered(state: State, event: ev.NotificationDelivered, at: Now) -> None:
    """Nothing more to do."""
    del at
    state.outbox.pop(outbox_key(event.webhook_id, event.notification_id), None)


def notification_failed(state: State, event: ev.NotificationFailed, at: Now) -> None:
    """Another attempt is due later."""
    del at
    key = outbox_key(event.webhook_id, event.notification_id)
    pending = state.outbox[key]
    state.outbox[key] = msgspec.structs.replace(pending, due_process_ms=event.retry_process_ms, error=event.error)


def notification_given_up(state: State, event: ev.NotificationGivenUp, at: Now) -> None:
    """It is kept for people to find, among the newest of its like."""
    del at
    key = outbox_key(event.webhook_id, event.notification.id)
    state.given_up[key] = state.outbox.pop(key)
    if len(state.given_up) > GIVEN_UP_MAX:
        del state.given_up[next(iter(state.given_up))]
