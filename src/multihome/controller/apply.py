"""Folds events into the state. Decides nothing: what an event says has happened.

Live, in a replay and in a simulation the same fold runs, and the same events give the same state. Events of workloads
and runs are folded in `apply_work`, those of documents and contracts in `apply_contracts`, the others here.
"""

from multihome.controller import outbox, pacing, policies
from multihome.controller.apply_contracts import CONTRACT_FOLDS
from multihome.controller.apply_work import WORK_FOLDS
from multihome.controller.event_kinds import OF_WORK
from multihome.controller.reminders import note_dates
from multihome.controller.state import ANSWERS_MAX, DrainState, Fold, KeptAnswer, Openness, ProviderState, State
from multihome.domain import events as ev
from multihome.domain.commands import Accepted
from multihome.domain.ids import ProviderId
from multihome.domain.refusals import Refusal
from multihome.units.time import FOREVER_MS, Interval, Now


def apply(state: State, event: ev.Event, at: Now) -> None:
    """Change the state by one event that happened at an instant."""
    kind = type(event)
    _FOLDS[kind](state, event, at)
    if kind not in OF_WORK:
        state.facts_version += 1
        note_dates(state, event, at)


def keep_answer(state: State, key: str, body_sha256: str, answer: Accepted | Refusal) -> None:
    """Remember what a command was answered, so that a repeat of its key gets the same."""
    state.answers[key] = KeptAnswer(body_sha256, answer)
    if len(state.answers) > ANSWERS_MAX:
        del state.answers[next(iter(state.answers))]


def touch(state: State, at: Now) -> None:
    """Note the instant of the record that was folded last, and of the first one."""
    state.last = at
    if state.began_ms is None:
        state.began_ms = at.contract_ms


def _installed(state: State, event: ev.Installed, at: Now) -> None:
    del at
    state.installation_id = event.installation_id


def _clock_declared(state: State, event: ev.ClockDeclared, at: Now) -> None:
    del at
    state.scenario_start_ms = event.start_ms
    state.scenario_ms = event.start_ms
    state.began_ms = event.start_ms


def _clock_advanced(state: State, event: ev.ClockAdvanced, at: Now) -> None:
    del at
    state.scenario_ms = event.to_ms


def _provider_silent(state: State, event: ev.ProviderSilent, at: Now) -> None:
    del at
    _provider(state, event.provider_id).openness = Openness.SILENT
    _provider(state, event.provider_id).why = event.error
    pacing.out_of_sight(state, event.provider_id)


def _provider_answers(state: State, event: ev.ProviderAnswers, at: Now) -> None:
    del at
    _provider(state, event.provider_id).openness = Openness.ANSWERING


def _provider_lost(state: State, event: ev.ProviderLost, at: Now) -> None:
    provider = _provider(state, event.provider_id)
    provider.openness = Openness.LOST
    provider.actor, provider.why = event.actor, event.why
    provider.outages.append(Interval(at.contract_ms, FOREVER_MS))


def _provider_restored(state: State, event: ev.ProviderRestored, at: Now) -> None:
    provider = _provider(state, event.provider_id)
    provider.openness = Openness.ANSWERING
    provider.actor, provider.why = event.actor, event.why
    provider.outages[-1] = Interval(provider.outages[-1].start_ms, at.contract_ms)


def _drained(state: State, event: ev.TargetDrained, at: Now) -> None:
    del at
    state.drains[event.target] = DrainState(event.actor, event.why)


def _undrained(state: State, event: ev.TargetUndrained, at: Now) -> None:
    del at
    state.drains.pop(event.target, None)


def _orphan(state: State, event: ev.OrphanSeen, at: Now) -> None:
    del at
    state.orphans[event.name] = event.provider_id


def _nothing(state: State, event: ev.Event, at: Now) -> None:
    """For events that only the record is for."""
    del state, event, at


def _provider(state: State, provider_id: ProviderId) -> ProviderState:
    return state.provider_states.setdefault(provider_id, ProviderState(outages=[]))


# The keys guarantee each function the event it takes; a checker cannot see that.
_FOLDS: dict[type[ev.Event], Fold] = {
    **WORK_FOLDS,
    **CONTRACT_FOLDS,
    ev.Installed: _installed,
    ev.ClockDeclared: _clock_declared,
    ev.ClockAdvanced: _clock_advanced,
    ev.WorkLost: _nothing,
    ev.ProviderSilent: _provider_silent,
    ev.ProviderAnswers: _provider_answers,
    ev.ProviderLost: _provider_lost,
    ev.ProviderRestored: _provider_restored,
    ev.TargetDrained: _drained,
    ev.TargetUndrained: _undrained,
    ev.ClauseConsequence: _nothing,
    ev.NotificationSent: outbox.notification_sent,
    ev.NotificationDelivered: outbox.notification_delivered,
    ev.NotificationFailed: outbox.notification_failed,
    ev.NotificationGivenUp: outbox.notification_given_up,
    ev.OrphanSeen: _orphan,
    ev.ClockJumped: _nothing,
    ev.CommandRefused: _nothing,
    ev.PolicySet: policies.policy_set,
    ev.RoundPlanned: policies.round_planned,
}
