"""The port through which people are told things outside this machine."""

from typing import Protocol

from multihome.domain.notifications import Notification, Webhook


class NotificationUnsentError(Exception):
    """The webhook did not take it, or did not answer; the same notification may be sent again."""


class Notifier(Protocol):
    """Sends notifications."""

    def send(self, webhook: Webhook, notification: Notification) -> None:
        """Send one; returns when the receiver has taken it.

        Raises:
            NotificationUnsentError: it may or may not have arrived.
        """
        ...
