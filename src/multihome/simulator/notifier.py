"""A receiver of notifications that often does not answer, and remembers what it was told."""

from multihome.domain.notifications import Notification, Webhook
from multihome.ports.notifier import NotificationUnsentError
from multihome.simulator.world import World

_UNSENT = 300
_ANSWER_LOST = 100


class SimNotifier:
    """Takes some notifications, refuses some, and takes some without saying so; in the quiet phase it takes all."""

    def __init__(self, world: World, *, is_deaf: bool) -> None:
        """Stand in a world whose dice it throws; a deaf one says yes to everything and takes nothing."""
        self._world = world
        self._is_deaf = is_deaf
        self.taken: set[tuple[str, str]] = set()
        """What arrived: webhook and notification."""

    def send(self, webhook: Webhook, notification: Notification) -> None:
        """Take it, or not, or take it and let the answer be lost."""
        if self._is_deaf:
            return
        if self._world.fault("notification unsent", _UNSENT):
            raise NotificationUnsentError(webhook.url)
        self.taken.add((webhook.id, notification.id))
        if self._world.fault("notification answer lost", _ANSWER_LOST):
            raise NotificationUnsentError(webhook.url)
