"""Notices, what became of them, and what they leave to others, under the clause as it was when each was served."""

from collections.abc import Iterator
from dataclasses import dataclass

from multihome_verify.calendar import MS_PER_DAY, same_time_later_ms, window_closes_ms
from multihome_verify.facts import FIRST_REFUSAL, Answer, Claim, Clause, Notice
from multihome_verify.findings import Finding, FindingKind
from multihome_verify.history import Answered, Capacity, History, Made, Served

BPS = 10_000
MATCHED, MATCHED_IN_PART, DECLINED, LAPSED = "matched", "matched_in_part", "declined", "lapsed"


@dataclass(frozen=True)
class NoticeBook:
    """The notices of a journal, under one contract's clauses."""

    history: History
    contract_id: str

    def of_contract(self) -> list[Served]:
        """Notices under clauses of the contract."""
        prefix = f"{self.contract_id}/"
        return [served for served in self.history.notices.values() if served.notice.clause.startswith(prefix)]

    def clause_of(self, served: Served) -> Clause | None:
        """The version of its clause that was in force when a notice was served."""
        return next(
            (
                clause
                for clause in self.history.clauses_for(served.seq)
                if clause.name == served.notice.clause
                and clause.kind == FIRST_REFUSAL
                and clause.starts_ms <= served.notice.served_ms < clause.ends_ms
            ),
            None,
        )

    def waived(self, clause: Clause, made: Made, claim: Claim) -> Iterator[Finding]:
        """What the notice that an award claims lacks to cover it."""

        def wrong(kind: FindingKind, text: str) -> Finding:
            return Finding(kind, made.capacity.seq, text, clause.name, made.capacity.name)

        served = self.history.notices.get(claim.notice_id)
        if served is None or served.order > made.order or served.notice.clause != clause.name:
            text = f"notice {claim.notice_id[:100]!r} was not on record under this clause"
            yield wrong(FindingKind.EVIDENCE_MISSING, text)
            return
        if claim.notice_sha256 != served.notice.sha256:
            yield wrong(
                FindingKind.EVIDENCE_MISSING, f"the content of notice {claim.notice_id[:100]} is not what it names"
            )
        notice = served.notice
        before = [one for one in self.history.answers.get(notice.id, []) if one.order < made.order]
        if not before:
            yield wrong(FindingKind.OUT_OF_ORDER, f"notice {notice.id} had neither been answered nor lapsed")
            return
        # An answer that came to hand after a lapse takes its place; any other second end is a finding of its own.
        ended = before[1] if before[1:] and self.replaces_lapse(served) else before[0]
        if ended.answer.kind == MATCHED:
            yield wrong(FindingKind.MATCHED, f"the holder had matched notice {notice.id} in full")
            return
        version = self.clause_of(served) or clause
        began_ms, at_ms = ended.answer.answered_ms, made.capacity.awarded_ms
        expires_ms = same_time_later_ms(began_ms, version.waiver_days, version.zone)
        if not began_ms <= at_ms < expires_ms:
            text = f"awarded at {at_ms}, and the waiver lasts from {began_ms} to {expires_ms}"
            yield wrong(FindingKind.OUTSIDE_WAIVER, text)
        left = _waived_chips(version, served.notice, ended.answer) - self._used(served, made)
        if made.capacity.chips > left:
            yield wrong(FindingKind.TOO_MANY_CHIPS, f"{made.capacity.chips} chips, and notice {notice.id} left {left}")
        for kind, text in _changes(version, notice, ended.answer, made.capacity):
            yield wrong(kind, text)

    def replaces_lapse(self, served: Served) -> bool:
        """Say whether the second end of a notice is an answer that only came to hand after it had lapsed.

        It takes the place of the lapse if no award was made on that before.
        """
        ends = self.history.answers.get(served.notice.id, [])
        if len(ends) == 1 or ends[0].answer.kind != LAPSED or ends[1].answer.kind == LAPSED:
            return False
        return not any(
            made.order < ends[1].order and any(claim.notice_id == served.notice.id for claim in made.award.claims)
            for made in self.history.awards.values()
        )

    def _used(self, served: Served, made: Made) -> int:
        """Chips of earlier awards under the same notice."""
        return sum(
            other.capacity.chips
            for other in self.history.awards.values()
            if other.order < made.order and any(claim.notice_id == served.notice.id for claim in other.award.claims)
        )


def notice_findings(book: NoticeBook) -> Iterator[Finding]:
    """What is wrong with notices and answers by themselves: windows, order, late and second answers."""
    for served in book.of_contract():
        notice = served.notice
        clause = book.clause_of(served)
        if clause is None:
            text = f"no such clause was in force when notice {notice.id} was served"
            yield Finding(FindingKind.WRONG_WINDOW, served.seq, text, notice.clause)
            continue
        if notice.served_ms > served.recorded_ms:
            text = f"notice {notice.id} is dated after its record"
            yield Finding(FindingKind.OUT_OF_ORDER, served.seq, text, clause.name)
        closes_ms = closes(clause, notice.served_ms)
        if closes_ms is None or closes_ms != notice.closes_ms:
            text = f"notice {notice.id} states that its window closes at {notice.closes_ms}; by the clause: {closes_ms}"
            yield Finding(FindingKind.WRONG_WINDOW, served.seq, text, clause.name)
        answers = book.history.answers.get(notice.id, [])
        counted = 2 if answers and book.replaces_lapse(served) else 1
        for answered in answers[:counted]:
            yield from _answer_findings(served, answered, clause, notice.closes_ms if closes_ms is None else closes_ms)
        for answered in answers[counted:]:
            text = f"notice {notice.id} had come to its end at record {answers[0].seq}"
            yield Finding(FindingKind.ANSWERED_TWICE, answered.seq, text, clause.name)


def document_findings(
    history: History, clause: Clause, capacity: Capacity, waiver_ids: tuple[str, ...]
) -> Iterator[Finding]:
    """What a waiver that a person recorded lacks to cover what names it; its dates are taken on its word."""

    def wrong(kind: FindingKind, text: str) -> Finding:
        return Finding(kind, capacity.seq, text, clause.name, capacity.name)

    found = (history.waivers.get(waiver_id) for waiver_id in waiver_ids)
    waiver = next((one for at, one in filter(None, found) if one.clause == clause.name and at <= capacity.seq), None)
    if waiver is None:
        yield wrong(FindingKind.EVIDENCE_MISSING, "none of the waivers named was on record under this clause")
        return
    closes_ms = closes(clause, waiver.served_ms)
    if waiver.answer == LAPSED and (closes_ms is None or waiver.answered_ms < closes_ms):
        yield wrong(FindingKind.EARLY_LAPSE, f"waiver {waiver.id} lapsed before its window closed at {closes_ms}")
    if not waiver.answered_ms <= capacity.awarded_ms < waiver.expires_ms:
        yield wrong(FindingKind.OUTSIDE_WAIVER, f"it was awarded before waiver {waiver.id} began or after it expired")
    if capacity.accelerator not in waiver.accelerators:
        yield wrong(FindingKind.OTHER_TERMS, f"waiver {waiver.id} does not cover {capacity.accelerator}")
    left = waiver.chips - _used_of_waiver(history, waiver.id, capacity)
    if capacity.chips > left:
        yield wrong(FindingKind.TOO_MANY_CHIPS, f"waiver {waiver.id} had {left} chips left")
    if capacity.rate > waiver.rate:
        yield wrong(FindingKind.BETTER_RATE, f"its rate is better for the provider than waiver {waiver.id} noticed")


def _used_of_waiver(history: History, waiver_id: str, capacity: Capacity) -> int:
    """Chips of a waiver that awards and tranches took before: by date, and by name on one date."""
    takers = [
        made.capacity
        for made in history.awards.values()
        if any(claim.waiver_id == waiver_id for claim in made.award.claims)
    ]
    takers.extend(
        versions[-1].capacity for versions in history.tranches.values() if waiver_id in versions[-1].tranche.waiver_ids
    )
    mine = (capacity.awarded_ms, capacity.name)
    return sum(taker.chips for taker in takers if (taker.awarded_ms, taker.name) < mine)


def closes(clause: Clause, served_ms: int) -> int | None:
    """When the window of a notice closes; None where the zone has no such local time."""
    return window_closes_ms(
        served_ms,
        clause.days,
        business=clause.business,
        closes_minute=clause.closes_minute,
        zone=clause.zone,
        holidays=clause.holidays,
    )


def _answer_findings(served: Served, answered: Answered, clause: Clause, closes_ms: int) -> Iterator[Finding]:
    notice, answer = served.notice, answered.answer

    def wrong(kind: FindingKind, text: str) -> Finding:
        return Finding(kind, answered.seq, f"notice {notice.id}: {text}", clause.name)

    if answered.order < served.order or not notice.served_ms <= answer.answered_ms <= answered.recorded_ms:
        yield wrong(FindingKind.OUT_OF_ORDER, "its answer comes before it, or is dated after its record")
    if answer.kind == LAPSED:
        if answer.answered_ms != closes_ms:
            yield wrong(
                FindingKind.EARLY_LAPSE, f"it lapsed at {answer.answered_ms}, and its window closes at {closes_ms}"
            )
    elif answer.answered_ms >= closes_ms:
        yield wrong(FindingKind.LATE_ANSWER, f"answered at {answer.answered_ms}; its window closed at {closes_ms}")
    if answer.kind == MATCHED_IN_PART and not 0 < _taken(clause, notice, answer) < notice.terms.chips:
        text = f"a part of {answer.terms.chips} was matched of {notice.terms.chips} chips"
        yield wrong(FindingKind.TOO_MANY_CHIPS, text)


def _taken(clause: Clause, notice: Notice, answer: Answer) -> int:
    """Chips that the holder took in a partial match, in chips of the accelerator noticed, rounded down."""
    chips, accelerator = answer.terms.chips, answer.terms.accelerator
    if accelerator == notice.terms.accelerator:
        return chips
    agreed = (one for one in clause.equivalents if one.accelerator == accelerator)
    bps = next((one.throughput_bps for one in agreed if one.stands_for == notice.terms.accelerator), 0)
    return chips * bps // BPS


def _waived_chips(clause: Clause, notice: Notice, answer: Answer) -> int:
    """Chips that others may have: what the holder left, with what may be added without a new notice."""
    taken = _taken(clause, notice, answer) if answer.kind == MATCHED_IN_PART else 0
    return (notice.terms.chips - taken) * (BPS + clause.chips_bps) // BPS


def _changes(clause: Clause, notice: Notice, answer: Answer, capacity: Capacity) -> Iterator[tuple[FindingKind, str]]:
    """Where an award's terms moved away from those noticed by more than the clause allows without a new notice."""
    terms = notice.terms
    if (capacity.accelerator, capacity.region, capacity.currency) != (terms.accelerator, terms.region, terms.currency):
        yield FindingKind.OTHER_TERMS, f"of {capacity.accelerator} in {capacity.region}, noticed {terms.accelerator}"
    if not capacity.use.within(notice.use):
        yield FindingKind.OTHER_TERMS, "for uses that were not noticed"
    highest = terms.rate * (BPS + clause.rate_bps) // BPS
    if answer.kind == DECLINED and answer.terms.chips:
        # A holder that declined and named its own rate would have served at that.
        highest = min(highest, answer.terms.rate)
    if capacity.rate > highest:
        yield FindingKind.BETTER_RATE, f"at {capacity.rate} micro-units, and no more than {highest} are covered"
    if abs(capacity.starts_ms - terms.starts_ms) > clause.start_days * MS_PER_DAY:
        yield FindingKind.OTHER_TERMS, "it starts further from the day noticed than the clause allows"
    if abs(capacity.ends_ms - terms.ends_ms) > clause.term_days * MS_PER_DAY:
        yield FindingKind.OTHER_TERMS, "it ends further from the day noticed than the clause allows"
