"""Whether an award, tranche or placement was allowed: by what was on record at an instant, and by what is known now.

Folds the history's facts twice, once up to the instant, and asks the clauses anew. Trusts no evidence that was kept.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from multihome.clauses.book import MissingPermission, find_tranche, forbidding, permission
from multihome.controller.apply import apply
from multihome.controller.state import State
from multihome.domain.contracts import Contract
from multihome.domain.events import AwardMade, DocumentRecorded, RunIntended, WorkloadSubmitted
from multihome.domain.ids import AwardId, ProviderId, TrancheId
from multihome.procurement.awards import rule_again
from multihome.units.time import Interval, format_instant
from multihome.views.history import HistoryEntry
from multihome.views.words import clause_text, evidence_text


class Verdict(StrEnum):
    """What can be said of something by the facts of an instant."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not_allowed"
    NOT_ON_RECORD = "not_on_record"
    """Nothing was known of it yet."""


class Judgement(msgspec.Struct, frozen=True):
    """A verdict, and why, in sentences."""

    verdict: Verdict
    reasons: tuple[str, ...]


class _Known(msgspec.Struct, frozen=True):
    """What facts add up to, and the losses that were on record when each award was made.

    A loss is an act: who came back in the very millisecond of an award was lost before it or after it, which only the
    order of the record tells.
    """

    state: State
    losses: dict[AwardId, dict[ProviderId, tuple[Interval, ...]]]


class WasAllowed(msgspec.Struct, frozen=True):
    """The answer for an instant of contract time, and the answer by what is known now."""

    subject: str
    kind: str
    as_of_ms: int
    then: Judgement
    now: Judgement


def was_allowed(
    facts: Sequence[HistoryEntry], run: Sequence[HistoryEntry], subject: str, as_of_ms: int | None
) -> WasAllowed | None:
    """Judge a subject from the history; None where nothing of that name was ever recorded.

    `facts` are all entries of kind FACT, `run` those of the workload where the subject is a run. Without an instant the
    one counts at which the subject was recorded.
    """
    placed = next((one for one in run if isinstance(one.event, RunIntended) and one.event.run_id == subject), None)
    recorded_ms = placed.at.contract_ms if placed is not None else _recorded_ms(facts, subject)
    if recorded_ms is None:
        return None
    at_ms = recorded_ms if as_of_ms is None else as_of_ms
    then = _fold(entry for entry in facts if entry.at.contract_ms <= at_ms)
    now = _fold(facts)
    if placed is not None:
        known = at_ms >= recorded_ms
        judged = _judge_run(then, placed, run) if known else _unknown(at_ms)
        return WasAllowed(subject, "run", at_ms, judged, _judge_run(now, placed, run))
    kind = "award" if AwardId(subject) in now.state.awards else "tranche"
    judge = _judge_award if kind == "award" else _judge_tranche
    return WasAllowed(subject, kind, at_ms, judge(then, subject, at_ms), judge(now, subject, at_ms))


def _recorded_ms(facts: Sequence[HistoryEntry], subject: str) -> int | None:
    for entry in facts:
        match entry.event:
            case AwardMade(award=award) if award.id == subject:
                return entry.at.contract_ms
            case DocumentRecorded(document=Contract() as contract) if any(
                part.id == subject for part in contract.tranches
            ):
                return entry.at.contract_ms
            case _:
                continue
    return None


def _fold(facts: Iterable[HistoryEntry]) -> _Known:
    state = State()
    known = _Known(state, {})
    for entry in facts:
        apply(state, entry.event, entry.at)
        if isinstance(entry.event, AwardMade):
            known.losses[entry.event.award.id] = state.book().losses
    return known


def _judge_award(known: _Known, subject: str, at_ms: int) -> Judgement:
    award = known.state.awards.get(AwardId(subject))
    if award is None:
        return _unknown(at_ms)
    ruling = rule_again(msgspec.structs.replace(known.state.book(), losses=known.losses[award.id]), award)
    if ruling.missing:
        return _not_allowed(*ruling.missing)
    return Judgement(Verdict.ALLOWED, tuple(evidence_text(one) for one in ruling.evidence))


def _judge_tranche(known: _Known, subject: str, at_ms: int) -> Judgement:
    found = find_tranche(known.state.book(), TrancheId(subject))
    if found is None:
        return _unknown(at_ms)
    verdict = permission(known.state.book(), *found)
    if isinstance(verdict, MissingPermission):
        return _not_allowed(verdict)
    award_id = found[1].award.award_id
    return _judge_award(known, award_id, at_ms) if award_id is not None else _allowed(evidence_text(verdict))


def _judge_run(known: _Known, placed: HistoryEntry, run: Sequence[HistoryEntry]) -> Judgement:
    """A placement was allowed where its tranche's award was, and no exclusivity bound its workload elsewhere."""
    assert isinstance(placed.event, RunIntended), "a run is found by its intent"
    state, seat, at_ms = known.state, placed.event.allocation, placed.at.contract_ms
    spec = next(one.event.spec for one in run if isinstance(one.event, WorkloadSubmitted))
    forbidden = forbidding(state.book(), state.pools[seat.pool_id], spec.kind, spec.product, at_ms)
    if forbidden is not None:
        text = f"clause {clause_text(forbidden.clause)} bound it to {forbidden.holder_id}"
        return Judgement(Verdict.NOT_ALLOWED, (text,))
    return _judge_tranche(known, seat.tranche_id, at_ms)


def _unknown(at_ms: int) -> Judgement:
    return Judgement(Verdict.NOT_ON_RECORD, (f"on {format_instant(at_ms)} it was not on record",))


def _not_allowed(*missing: MissingPermission) -> Judgement:
    return Judgement(Verdict.NOT_ALLOWED, tuple(f"clause {clause_text(one.clause)}: {one.missing}" for one in missing))


def _allowed(text: str) -> Judgement:
    return Judgement(Verdict.ALLOWED, (text,))
