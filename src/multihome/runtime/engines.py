"""Performs effects on engines and webhooks and turns what they answer into inputs. Decides nothing."""

from collections.abc import Callable, Iterable, Mapping

from multihome.domain.commands import (
    EngineAnswered,
    EngineSilent,
    Input,
    LaunchAnswered,
    LaunchRefused,
    LaunchUnclear,
    NotificationAnswered,
)
from multihome.domain.effects import Effect, FenceRun, ForgetRun, SendNotification, StartRun, StopRun
from multihome.domain.ids import ProviderId
from multihome.domain.supply import Provider
from multihome.ports.engine import Engine, EngineUnavailableError, LaunchRefusedError
from multihome.ports.notifier import NotificationUnsentError, Notifier

EngineFactory = Callable[[Provider], Engine]


def perform(engines: Mapping[ProviderId, Engine], notifier: Notifier, effect: Effect) -> Input | None:
    """Do what an effect says; the input that tells how it went, where anyone waits for that.

    An engine that does not answer a stop, a fence or a forget is asked again when it reports next: levels, not edges.
    """
    match effect:
        case StartRun():
            return _start(engines[effect.intent.provider_id], effect)
        case StopRun():
            try:
                engines[effect.provider_id].stop(effect.run_id, effect.generation, effect.grace_ms)
            except EngineUnavailableError:
                return None
        case FenceRun():
            _fence(engines.values(), effect)
        case ForgetRun():
            try:
                engines[effect.provider_id].forget(effect.run_id)
            except EngineUnavailableError:
                return None
        case SendNotification():
            return _send(notifier, effect)
    return None


def observe(engine: Engine) -> Input:
    """What an engine has, or that it does not answer."""
    try:
        return EngineAnswered(inventory=engine.observe())
    except EngineUnavailableError as error:
        return EngineSilent(provider_id=engine.provider_id, error=str(error))


def _start(engine: Engine, effect: StartRun) -> Input:
    run_id = effect.intent.run_id
    try:
        engine.launch(effect.intent)
    except LaunchRefusedError as error:
        return LaunchRefused(run_id=run_id, error=str(error))
    except EngineUnavailableError as error:
        return LaunchUnclear(run_id=run_id, error=str(error))
    return LaunchAnswered(run_id=run_id)


def _send(notifier: Notifier, effect: SendNotification) -> Input:
    error = ""
    try:
        notifier.send(effect.webhook, effect.notification)
    except NotificationUnsentError as unsent:
        error = str(unsent)
    return NotificationAnswered(notification_id=effect.notification.id, webhook_id=effect.webhook.id, error=error)


def _fence(engines: Iterable[Engine], effect: FenceRun) -> None:
    """Raise the generation through the first engine that answers; the checkpoint store behind them is one."""
    for engine in engines:
        if engine.provider_id == effect.avoid_provider_id:
            continue
        try:
            engine.fence(effect.checkpoint_key, effect.generation)
        except EngineUnavailableError:
            continue
        return
