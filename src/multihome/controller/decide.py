"""decide(state, input, now) -> events and effects. The only road by which anything comes to happen."""

from typing import assert_never

import msgspec

from multihome.controller.commands import answer_request
from multihome.controller.decision import Decision
from multihome.controller.notifications import answered, notify, send_effect
from multihome.controller.policy_rounds import policy_round
from multihome.controller.reconcile import (
    checkpoint_key,
    engine_answered,
    engine_silent,
    engine_told,
    fence_effect,
    launch_answered,
    launch_refused,
    launch_unclear,
    recovered,
    stop_effect,
    token_of,
)
from multihome.controller.rounds import run_round
from multihome.controller.state import RunState, State, model_name
from multihome.controller.upkeep import upkeep
from multihome.domain.commands import (
    EngineAnswered,
    EngineSilent,
    EngineTold,
    Input,
    LaunchAnswered,
    LaunchRefused,
    LaunchUnclear,
    NotificationAnswered,
    PlaceDue,
    Recovered,
    Request,
    Tick,
)
from multihome.domain.effects import Effect, StartRun
from multihome.domain.events import Event, NotificationSent, RunFenced, RunIntended, RunStopAsked
from multihome.domain.runs import LaunchIntent
from multihome.units.time import Now


def decide(state: State, message: Input, now: Now) -> Decision:
    """What an input leads to. Reads the state and changes nothing."""
    decision = _decide(state, message, now)
    told = notify(state, decision.events, now)
    return msgspec.structs.replace(decision, events=(*decision.events, *told)) if told else decision


def _decide(state: State, message: Input, now: Now) -> Decision:  # noqa: C901, PLR0911 -- one line an input
    match message:
        case Request():
            return answer_request(state, message, now)
        case Tick():
            return Decision(events=tuple(upkeep(state, now)))
        case PlaceDue():
            return Decision(events=run_round(state, now) if state.policy.is_by_quota else policy_round(state, now))
        case EngineAnswered():
            return engine_answered(state, message, now)
        case EngineTold():
            return engine_told(state, message, now)
        case EngineSilent():
            return engine_silent(state, message, now)
        case LaunchAnswered():
            return launch_answered(state, message, now)
        case LaunchRefused():
            return launch_refused(state, message, now)
        case LaunchUnclear():
            return launch_unclear(state, message, now)
        case NotificationAnswered():
            return Decision(events=answered(state, message, now))
        case Recovered():
            return recovered(state, now)
        case _:
            assert_never(message)


def effects_of(state: State, event: Event) -> tuple[Effect, ...]:
    """What the edges must do because of an event that has just been folded in."""
    match event:
        case RunIntended():
            return (StartRun(intent=_launch_intent(state, state.runs[event.run_id])),)
        case RunStopAsked():
            return (stop_effect(state.runs[event.run_id], event.grace_ms),)
        case NotificationSent():
            return send_effect(state, event)
        case RunFenced():
            return (fence_effect(state, state.runs[event.run_id]),)
        case _:
            return ()


def _launch_intent(state: State, run: RunState) -> LaunchIntent:
    workload = state.workloads[run.workload_id]
    spec = workload.spec
    model = state.models.get(model_name(spec.tenant_id, spec.model_from)) if spec.model_from else None
    return LaunchIntent(
        run_id=run.id,
        workload_id=run.workload_id,
        name=spec.name,
        unit=run.unit,
        generation=run.generation,
        token=token_of(state.installation_id, run.id),
        provider_id=run.allocation.provider_id,
        pool_name=run.allocation.pool_id,
        accelerator=run.allocation.accelerator,
        nodes=run.allocation.nodes,
        setup=spec.setup,
        run=spec.run,
        envs=spec.envs,
        secrets=spec.secrets,
        workdir=spec.workdir,
        checkpoint_key=checkpoint_key(state, run),
        checkpoint_interval_steps=spec.checkpointing.interval_steps if spec.checkpointing else 0,
        model_key=model or "",
        service=spec.service,
    )
