"""Answers commands: accepts with events, or refuses with the first reason of the documented order."""

from collections.abc import Callable, Iterable
from typing import Any

from multihome.clauses.table import on_provider_loss
from multihome.controller.classes import spec_sha256
from multihome.controller.decision import Decision, accepted, needs_person, refused
from multihome.controller.deliveries import claim_credit, delivered, move_tranche
from multihome.controller.documents import document_problems, with_documents, workload_problems
from multihome.controller.endings import meter_run
from multihome.controller.procurement import answer_notice, ask_first, award_offer, serve_notice
from multihome.controller.reconcile import stop_event
from multihome.controller.state import (
    WORKLOADS_MAX,
    Openness,
    State,
    WorkloadState,
    applied_name,
    place_of,
)
from multihome.controller.terminations import cure_breach, tell_breach, terminate
from multihome.domain import commands as cmd
from multihome.domain.accelerators import AcceleratorType
from multihome.domain.clause_terms import ClauseRef, FirstRefusal
from multihome.domain.commands import Accepted, Document
from multihome.domain.contracts import Contract, Suspension, Waiver
from multihome.domain.datasets import DataSet, Transfer
from multihome.domain.events import (
    ClauseConsequence,
    ClockAdvanced,
    ClockDeclared,
    CommandRefused,
    DocumentRecorded,
    Event,
    Installed,
    PolicySet,
    ProviderLost,
    ProviderRestored,
    RuleOverridden,
    RunFenced,
    TargetDrained,
    TargetUndrained,
    WorkloadCancelled,
    WorkloadSubmitted,
)
from multihome.domain.ids import PoolId, ProviderId, WorkloadId
from multihome.domain.notifications import Webhook
from multihome.domain.policy import ROUND_MS_MAX
from multihome.domain.procurement import Need, Offer
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.domain.runs import StopCause, Stopping
from multihome.domain.supply import Delivery, Pool, Provider
from multihome.domain.tenants import Tenant
from multihome.domain.throughputs import ThroughputTable
from multihome.domain.valuation import Valuation
from multihome.units.time import Now, format_duration, format_instant


def answer_request(state: State, request: cmd.Request, now: Now) -> Decision:
    """Decide a command. A repeat of a key is answered as before, without events."""
    kept = state.answers.get(request.key)
    if kept is not None:
        if kept.body_sha256 == request.body_sha256:
            return Decision(answer=kept.answer)
        text = "this idempotency key was used for another command"
        return Decision(answer=Refusal(RefusalCode.KEY_REUSED, request.key, text))
    decision = _HANDLERS[type(request.command)](state, request.command, request, now)
    if isinstance(decision.answer, Refusal):
        return Decision(events=(CommandRefused(refusal=decision.answer),), answer=decision.answer)
    return decision


def _install(state: State, command: cmd.Install, request: cmd.Request, now: Now) -> Decision:
    del request, now
    if state.installation_id:
        return refused([Refusal(RefusalCode.WRONG_STATE, "installation", "this journal has an installation already")])
    return accepted(Installed(installation_id=command.installation_id))


def _declare_clock(state: State, command: cmd.DeclareClock, request: cmd.Request, now: Now) -> Decision:
    """To declare the same start again changes nothing; another one would move time under what has happened already."""
    del request, now
    wanted = format_instant(command.start_ms)
    if state.scenario_start_ms == command.start_ms:
        return accepted()
    if state.scenario_start_ms is not None:
        began = format_instant(state.scenario_start_ms)
        text = f"it cannot start at {wanted}: the scenario clock of this journal started at {began}"
        return refused([Refusal(RefusalCode.CLOCK_BACKWARDS, "clock", text)])
    if state.workloads or state.taken_chip_ms:
        text = f"it cannot start at {wanted}: contract time is real time here, and there have been workloads in it"
        return refused([Refusal(RefusalCode.WRONG_STATE, "clock", text)])
    return accepted(ClockDeclared(start_ms=command.start_ms))


def _advance_clock(state: State, command: cmd.AdvanceClock, request: cmd.Request, now: Now) -> Decision:
    del request, now
    if state.scenario_ms is None:
        text = "contract time is real time here; start with `multihome up --clock-start DATE` to have a scenario clock"
        return refused([Refusal(RefusalCode.CLOCK_NOT_SCENARIO, "clock", text)])
    if command.to_ms < state.scenario_ms:
        text = f"{format_instant(command.to_ms)} is before {format_instant(state.scenario_ms)}"
        return refused([Refusal(RefusalCode.CLOCK_BACKWARDS, "clock", text)])
    changes = (f"clock at {format_instant(command.to_ms)}",)
    return accepted(ClockAdvanced(to_ms=command.to_ms), answer=Accepted(changes=changes))


def _apply(state: State, command: cmd.Apply, request: cmd.Request, now: Now) -> Decision:
    known = with_documents(state, command.documents)
    problems = [*_described_twice(command), *document_problems(state, known, command.documents)]
    events: list[Event] = []
    changes: list[str] = []
    for document in command.documents:
        table, key = place_of(state, document)
        before = table.get(key)
        if before == document:
            continue
        changes.append(f"{'+' if before is None else '~'} {_DOCUMENT_WORDS[type(document)]} {key}")
        events.append(DocumentRecorded(document=document))
        events.extend(_consequences(known, document, request.actor, now))
    workload_ids: list[WorkloadId] = []
    for ordinal, spec in enumerate(command.workloads):
        name = applied_name(spec.tenant_id, spec.name)
        applied = state.applied.get(name)
        digest = spec_sha256(spec)
        if applied is not None and applied.spec_sha256 == digest:
            workload_ids.append(applied.workload_id)
            continue
        if applied is not None and applied.workload_id in state.workloads:
            text = "a live workload of this name was described differently; cancel it first or choose another name"
            problems.append(Refusal(RefusalCode.CHANGED_WORKLOAD, f"workload {name}", text))
            continue
        if not problems:
            problems.extend(workload_problems(known, spec))
        workload_id = WorkloadId(f"w-{request.minted_id}{ordinal:03d}")
        workload_ids.append(workload_id)
        changes.append(f"+ workload {name}")
        events.append(WorkloadSubmitted(workload_id=workload_id, spec=spec, applied=True))
    added = sum(isinstance(event, WorkloadSubmitted) for event in events)
    problems.extend(_queue_full(state, added, f"{added} workloads"))
    if problems:
        return refused(problems)
    return Decision(events=tuple(events), answer=Accepted(workload_ids=tuple(workload_ids), changes=tuple(changes)))


def _described_twice(command: cmd.Apply) -> Iterable[Refusal]:
    """Workloads of one name in one command, of which only one could be found again by it."""
    seen: set[str] = set()
    for spec in command.workloads:
        name = applied_name(spec.tenant_id, spec.name)
        if name in seen:
            yield Refusal(RefusalCode.AMBIGUOUS, f"workload {name}", "it is described twice in the same command")
        seen.add(name)


def _queue_full(state: State, added: int, subject: str) -> Iterable[Refusal]:
    if added and len(state.workloads) + added > WORKLOADS_MAX:
        yield Refusal(RefusalCode.QUEUE_FULL, subject, f"{WORKLOADS_MAX} live workloads are the limit")


def _consequences(known: State, document: Document, actor: str, now: Now) -> list[Event]:
    """What follows from a delivery beside its capacity; nothing before its date, see `deliveries_due`."""
    if not isinstance(document, Delivery) or document.effective_ms > now.contract_ms:
        return []
    return delivered(known, document, actor, document.source)


def _submit(state: State, command: cmd.Submit, request: cmd.Request, now: Now) -> Decision:
    del now
    problems = workload_problems(state, command.spec)
    problems.extend(_queue_full(state, 1, f"workload {command.spec.name}"))
    if problems:
        return refused(problems)
    workload_id = WorkloadId(f"w-{request.minted_id}")
    return accepted(
        WorkloadSubmitted(workload_id=workload_id, spec=command.spec), answer=Accepted(workload_ids=(workload_id,))
    )


def find_workload(state: State, name: str) -> WorkloadState | Refusal:
    """A live workload by id, or by name where that is unambiguous."""
    workload = state.workloads.get(WorkloadId(name))
    if workload is not None:
        return workload
    named = [workload for workload in state.workloads.values() if workload.spec.name == name]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(workload.id for workload in named[:8])
        return Refusal(RefusalCode.AMBIGUOUS, name, f"{len(named)} workloads have this name", accepted=ids)
    return Refusal(RefusalCode.NOT_FOUND, name, "no live workload has this id or name")


def _cancel(state: State, command: cmd.Cancel, request: cmd.Request, now: Now) -> Decision:
    del request
    workload = find_workload(state, command.workload)
    if isinstance(workload, Refusal):
        return refused([workload])
    if workload.cancelled:
        return accepted(answer=Accepted(workload_ids=(workload.id,)))
    events: list[Event] = [WorkloadCancelled(workload_id=workload.id, actor=command.actor, why=command.why)]
    runs = [state.runs[unit.run_id] for unit in workload.units if unit.run_id is not None]
    events.extend(stop_event(run, StopCause.CANCELLED, now) for run in runs)
    return Decision(events=tuple(events), answer=Accepted(workload_ids=(workload.id,)))


def _drain(state: State, command: cmd.Drain, request: cmd.Request, now: Now) -> Decision:
    del request
    problem = _target_problem(state, command.target) or needs_person(command.actor, command.why)
    if problem:
        return refused([problem])
    events: list[Event] = [TargetDrained(target=command.target, actor=command.actor, why=command.why)]
    events.extend(
        stop_event(run, StopCause.DRAINED, now)
        for run in state.runs.values()
        if command.target in {run.allocation.provider_id, run.allocation.pool_id}
        and not run.replaced
        and not isinstance(run.phase, Stopping)
    )
    return accepted(*events, answer=Accepted(changes=(f"{len(events) - 1} runs asked to stop and move",)))


def _undrain(state: State, command: cmd.Undrain, request: cmd.Request, now: Now) -> Decision:
    del request, now
    if command.target not in state.drains:
        return refused([Refusal(RefusalCode.WRONG_STATE, command.target, "it is not drained")])
    return accepted(TargetUndrained(target=command.target, actor=command.actor, why=command.why))


def _declare_lost(state: State, command: cmd.DeclareLost, request: cmd.Request, now: Now) -> Decision:
    del request
    provider_id = command.provider_id
    problem = _provider_problem(state, provider_id) or needs_person(command.actor, command.why)
    if problem:
        return refused([problem])
    if state.provider_state(provider_id).openness is Openness.LOST:
        return refused([Refusal(RefusalCode.WRONG_STATE, provider_id, "it is declared lost already")])
    events: list[Event] = [ProviderLost(provider_id=provider_id, actor=command.actor, why=command.why)]
    fenced = [run for run in state.runs.values() if run.allocation.provider_id == provider_id and not run.replaced]
    for run in fenced:
        events.extend(meter_run(state, run, now.contract_ms))
        events.append(RunFenced(run_id=run.id))
    events.extend(_loss_consequences(state, provider_id, now))
    return accepted(*events, answer=Accepted(changes=(f"{len(fenced)} runs fenced",)))


def _loss_consequences(state: State, provider_id: ProviderId, now: Now) -> Iterable[Event]:
    """What every clause in force makes of the loss: the provider's own, and first refusals of others."""
    for contract in state.contracts.values():
        for terms in contract.clauses:
            binds = contract.provider_id == provider_id or isinstance(terms, FirstRefusal)
            if binds and terms.interval.contains(now.contract_ms):
                code, text = on_provider_loss(terms, contract.calendar, now.contract_ms)
                yield ClauseConsequence(clause=ClauseRef(contract.id, terms.id), code=code, text=text)


def _restore(state: State, command: cmd.Restore, request: cmd.Request, now: Now) -> Decision:
    del request, now
    problem = _provider_problem(state, command.provider_id) or needs_person(command.actor, command.why)
    if problem:
        return refused([problem])
    if state.provider_state(command.provider_id).openness is not Openness.LOST:
        return refused([Refusal(RefusalCode.WRONG_STATE, command.provider_id, "it is not declared lost")])
    return accepted(ProviderRestored(provider_id=command.provider_id, actor=command.actor, why=command.why))


def _override(state: State, command: cmd.Override, request: cmd.Request, now: Now) -> Decision:
    del request, now
    workload = find_workload(state, command.workload)
    if isinstance(workload, Refusal):
        return refused([workload])
    problem = needs_person(command.actor, command.why)
    if problem:
        return refused([problem])
    event = RuleOverridden(
        workload_id=workload.id,
        rule=command.rule.value,
        priority=command.priority,
        actor=command.actor,
        why=command.why,
    )
    is_priority = command.rule is cmd.OverrideRule.PRIORITY
    change = f"priority {workload.priority} -> {command.priority}" if is_priority else "quota set aside"
    return accepted(event, answer=Accepted(workload_ids=(workload.id,), changes=(change,)))


def _target_problem(state: State, target: str) -> Refusal | None:
    if ProviderId(target) in state.providers or PoolId(target) in state.pools:
        return None
    accepted = ", ".join([*sorted(state.providers), *sorted(state.pools)])
    return Refusal(RefusalCode.NOT_FOUND, target, "no provider or pool has this name", accepted=accepted)


def _provider_problem(state: State, provider_id: ProviderId) -> Refusal | None:
    if provider_id in state.providers:
        return None
    accepted = ", ".join(sorted(state.providers))
    return Refusal(RefusalCode.NOT_FOUND, provider_id, "no provider has this name", accepted=accepted)


_DOCUMENT_WORDS: dict[type[Document], str] = {
    AcceleratorType: "accelerator",
    Provider: "provider",
    Pool: "pool",
    Contract: "contract",
    Waiver: "waiver",
    Suspension: "suspension",
    Need: "need",
    Offer: "offer",
    Webhook: "webhook",
    Delivery: "delivery",
    Tenant: "tenant",
    DataSet: "dataset",
    Transfer: "transfer",
    ThroughputTable: "throughput",
    Valuation: "valuation",
}


# The table's keys guarantee each function the command it takes; a checker cannot see that.
def _set_policy(state: State, command: cmd.SetPolicy, request: cmd.Request, now: Now) -> Decision:
    """A policy of no known limits is refused; the one that is in force already changes nothing."""
    del request, now
    policy = command.policy
    nobody = needs_person(command.actor, command.why)
    if nobody is not None:
        return refused([nobody])
    if not (0 <= policy.round_ms <= ROUND_MS_MAX and 0 <= policy.restart_ms <= ROUND_MS_MAX):
        text = f"rounds and restarts take from 0 to {format_duration(ROUND_MS_MAX)}"
        return refused([Refusal(RefusalCode.BAD_TERMS, "policy", text)])
    if policy == state.policy:
        return accepted()
    event = PolicySet(policy=policy, actor=command.actor, why=command.why)
    return accepted(event, answer=Accepted(changes=(f"~ policy {policy.order.value}, {policy.objective.value}",)))


_HANDLERS: dict[type[cmd.Command], Callable[[State, Any, cmd.Request, Now], Decision]] = {
    cmd.Install: _install,
    cmd.DeclareClock: _declare_clock,
    cmd.AdvanceClock: _advance_clock,
    cmd.Apply: _apply,
    cmd.Submit: _submit,
    cmd.Cancel: _cancel,
    cmd.Drain: _drain,
    cmd.Undrain: _undrain,
    cmd.DeclareLost: _declare_lost,
    cmd.Restore: _restore,
    cmd.Override: _override,
    cmd.MoveTranche: move_tranche,
    cmd.ClaimCredit: claim_credit,
    cmd.TellBreach: tell_breach,
    cmd.CureBreach: cure_breach,
    cmd.Terminate: terminate,
    cmd.ServeNotice: serve_notice,
    cmd.AskFirst: ask_first,
    cmd.AnswerNotice: answer_notice,
    cmd.AwardOffer: award_offer,
    cmd.SetPolicy: _set_policy,
}
