"""Adapters that a control plane may never need, made when they are first used: importing one costs time and memory."""

from collections.abc import Callable, Collection
from threading import Lock

from multihome.domain.notifications import Notification, Webhook
from multihome.domain.solves import SolveRequest, SolveResult
from multihome.ports.clock import Clock
from multihome.ports.notifier import Notifier
from multihome.ports.solver import Solver


class LateSolver:
    """HiGHS, imported for the first request."""

    def solve(self, request: SolveRequest) -> SolveResult:
        """Solve a request within its limits.

        Raises:
            SolverError: the solver failed.
        """
        return _highs().solve(request)


class LateNotifier:
    """Webhooks over HTTPX, imported for the first notification."""

    def __init__(self, clock: Clock, read_secret: Callable[[str], str], allowed_hosts: Collection[str]) -> None:
        """Take what `WebhookNotifier` takes."""
        self._made: Notifier | None = None
        # Notifications are sent from threads; two of them may be the first.
        self._lock = Lock()
        self._arguments = (clock, read_secret, tuple(allowed_hosts))

    def send(self, webhook: Webhook, notification: Notification) -> None:
        """Send one; returns when the receiver has taken it.

        Raises:
            NotificationUnsentError: it may or may not have arrived.
        """
        with self._lock:
            if self._made is None:
                self._made = _webhooks(*self._arguments)
        self._made.send(webhook, notification)


def _highs() -> Solver:
    from multihome.adapters.solver_highs import HighsSolver  # noqa: PLC0415

    return HighsSolver()


def _webhooks(clock: Clock, read_secret: Callable[[str], str], allowed_hosts: Collection[str]) -> Notifier:
    from multihome.adapters.webhooks import WebhookNotifier  # noqa: PLC0415

    return WebhookNotifier(clock, read_secret, allowed_hosts)
