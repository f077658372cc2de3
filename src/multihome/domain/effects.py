"""What the edges must now do. An effect leaves no choice, and a repeat of it is harmless."""

from multihome.domain.fact import Fact
from multihome.domain.ids import Generation, ProviderId, RunId
from multihome.domain.notifications import Notification, Webhook
from multihome.domain.runs import LaunchIntent


class StartRun(Fact, frozen=True, kw_only=True):
    """Ask the provider's engine for a run whose intent is journalled."""

    intent: LaunchIntent


class StopRun(Fact, frozen=True, kw_only=True):
    """Ask the engine to end a run: politely, and after the grace by force."""

    provider_id: ProviderId
    run_id: RunId
    generation: Generation
    grace_ms: int


class FenceRun(Fact, frozen=True, kw_only=True):
    """Refuse checkpoint writes of a workload's unit below this generation; ask any engine but the lost provider's."""

    checkpoint_key: str
    generation: Generation
    avoid_provider_id: ProviderId


class ForgetRun(Fact, frozen=True, kw_only=True):
    """Let the engine stop reporting a run whose end is journalled."""

    provider_id: ProviderId
    run_id: RunId


class SendNotification(Fact, frozen=True, kw_only=True):
    """Tell a webhook something; the receiver knows a repeat by the notification's id."""

    webhook: Webhook
    notification: Notification
    attempt: int


Effect = StartRun | StopRun | FenceRun | ForgetRun | SendNotification
