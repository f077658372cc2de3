"""What a person should look at, and why. Each sort of trouble is a function of its own."""

from collections.abc import Iterator

import msgspec

from multihome.clauses.delivery import delivered_domains
from multihome.controller.deadlines import DeadlineKind, pressing
from multihome.controller.notifications import ATTEMPTS_MAX
from multihome.controller.state import Openness, State
from multihome.domain.runs import Fenced, Unknown
from multihome.units.money import format_usd
from multihome.units.time import Now, format_date, format_duration, format_instant, format_moment
from multihome.views.words import clause_text


class Alarm(msgspec.Struct, frozen=True):
    """Something a person should look at."""

    code: str
    subject: str
    text: str


def alarms(state: State, now: Now) -> tuple[Alarm, ...]:
    """Everything of that sort, most pressing first."""
    return (
        *_providers(state),
        *_runs(state),
        *_drains(state),
        *_orphans(state),
        *_open_notices(state, now),
        *_late_deliveries(state, now),
        *_credits(state),
        *_ends(state, now),
        *_deadlines(state, now),
        *_undelivered(state),
    )


def _providers(state: State) -> Iterator[Alarm]:
    for provider_id, provider in state.provider_states.items():
        if provider.openness is not Openness.ANSWERING:
            by = f" (declared by {provider.actor})" if provider.actor else ""
            yield Alarm(f"provider_{provider.openness.value}", provider_id, f"{provider.why}{by}")


def _runs(state: State) -> Iterator[Alarm]:
    for run in state.runs.values():
        if isinstance(run.phase, Unknown | Fenced):
            word = "fenced" if isinstance(run.phase, Fenced) else "unknown"
            text = f"{run.allocation.chips} chips of {run.allocation.pool_id} are not counted free"
            yield Alarm(f"run_{word}", run.id, text)


def _drains(state: State) -> Iterator[Alarm]:
    for target, drain in state.drains.items():
        yield Alarm("drained", target, f"{drain.why} (by {drain.actor})")


def _orphans(state: State) -> Iterator[Alarm]:
    for name, provider_id in state.orphans.items():
        yield Alarm("orphan", name, f"{provider_id} has it, and no intent of ours explains it")


def _open_notices(state: State, now: Now) -> Iterator[Alarm]:
    """First-refusal notices that wait for their holder, the one that closes first before the others."""
    is_open = (notice for notice in state.notices.values() if notice.id not in state.notice_answers)
    for notice in sorted(is_open, key=lambda one: (one.closes_ms, one.id)):
        clause, terms = f"{notice.clause.contract_id}/{notice.clause.clause_id}", notice.terms
        left_ms = notice.closes_ms - now.contract_ms
        window = f"has until {format_instant(notice.closes_ms)} ({format_duration(left_ms)})"
        if left_ms <= 0:
            window = f"had until {format_instant(notice.closes_ms)}"
        text = f"{clause} {window} to answer: {terms.chips} {terms.accelerator} in {terms.region}"
        yield Alarm("notice_open", notice.id, text)


def _late_deliveries(state: State, now: Now) -> Iterator[Alarm]:
    for contract in state.contracts.values():
        for tranche in contract.tranches:
            is_due = tranche.promised_ms < now.contract_ms < tranche.ends_ms
            if is_due and delivered_domains(state.deliveries.values(), tranche, now.contract_ms) < tranche.domains:
                text = f"promised for {format_date(tranche.promised_ms)} and not accepted in full"
                yield Alarm("delivery_late", tranche.id, text)


def _credits(state: State) -> Iterator[Alarm]:
    """Money that providers owe back and that nobody has asked for."""
    for credit in state.credits_due.values():
        text = f"{format_usd(credit.amount_micro_usd)} is due under {clause_text(credit.clause)} and was not claimed"
        yield Alarm("credit_unclaimed", credit.tranche_id, text)


def _ends(state: State, now: Now) -> Iterator[Alarm]:
    """Contracts under notice, until they end."""
    for given in state.terminations.values():
        if now.contract_ms < given.effective_ms:
            text = (
                f"under notice for {given.ground.value} by {given.actor} ({given.why}), ends on "
                f"{format_moment(given.effective_ms)}"
            )
            yield Alarm("contract_under_notice", given.contract_id, text)


_TOLD_ELSEWHERE = frozenset({DeadlineKind.TERMINATION, DeadlineKind.NOTICE_CLOSES})


def _deadlines(state: State, now: Now) -> Iterator[Alarm]:
    """Deadlines that come near or have passed, but those that have an alarm of their own: see `_TOLD_ELSEWHERE`."""
    for deadline in pressing(state, now.contract_ms):
        has_passed = deadline.at_ms < now.contract_ms
        is_late_delivery = has_passed and deadline.what is DeadlineKind.TRANCHE_PROMISED
        if not is_late_delivery and deadline.what not in _TOLD_ELSEWHERE:
            subject = "/".join(part for part in (deadline.contract, deadline.clause) if part) or "offers"
            when = "since" if has_passed else "on"
            yield Alarm(deadline.what.value, subject, f"{when} {format_moment(deadline.at_ms)}: {deadline.text}")


def _undelivered(state: State) -> Iterator[Alarm]:
    """Notifications that a webhook has not taken so far, or for good."""
    for pending in (*state.outbox.values(), *state.given_up.values()):
        if pending.error:
            code = "notification_given_up" if pending.attempt >= ATTEMPTS_MAX else "notification_undelivered"
            text = f"{pending.notification.text}; not delivered in {pending.attempt} attempts: {pending.error}"
            yield Alarm(code, pending.webhook_id, text)
