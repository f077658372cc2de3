"""Was it allowed: by what was on record then, and separately by what is known now."""

from typing import Any

from multihome.domain.commands import AnswerNotice, Apply, AwardOffer, ServeNotice
from multihome.domain.contracts import Award
from multihome.domain.events import DocumentRecorded, RunIntended
from multihome.domain.ids import ContractId, NoticeId, OfferId, WaiverId
from multihome.domain.procurement import AnswerKind
from multihome.units.time import MS_PER_DAY, Now
from multihome.views.history import FACT, HistoryEntry, history_row, read_row
from multihome.views.was_allowed import Verdict, WasAllowed, was_allowed
from tests.builders import contract, day, first_refusal, offer, training, tranche, waiver
from tests.control import Control, installed

ADA: dict[str, Any] = {"actor": "ada", "why": "because"}
PART: dict[str, Any] = {"offer_id": OfferId("O-1"), "chips": 16, "starts_ms": day(40), "ends_ms": day(140)}


def entries(control: Control, *, facts: bool) -> list[HistoryEntry]:
    rows = (history_row(seq, event, step.at) for seq, step in enumerate(control.steps) for event in step.events)
    return [read_row(row) for row in rows if row is not None and (row.kind == FACT) is facts]


def judged(control: Control, subject: str, as_of_ms: int | None = None) -> WasAllowed:
    found = was_allowed(entries(control, facts=True), entries(control, facts=False), subject, as_of_ms)
    assert found is not None
    return found


def awarded() -> tuple[Control, str]:
    """Beta's offer, awarded on day 2 after alpha declined."""
    control = installed(contract(clauses=[first_refusal()]), offer())
    control.wait(MS_PER_DAY)
    clause: dict[str, Any] = {"contract_id": ContractId("alpha-1"), "clause_id": "rofr"}
    notice_id = NoticeId(control.do(ServeNotice(**clause, **PART, **ADA)).made[0])
    control.do(AnswerNotice(notice_id=notice_id, kind=AnswerKind.DECLINED, **ADA))
    control.wait(MS_PER_DAY)
    return control, control.do(AwardOffer(**PART, **ADA)).made[0]


def test_an_award_is_judged_when_it_was_made() -> None:
    control, award_id = awarded()
    found = judged(control, award_id)
    assert (found.kind, found.as_of_ms, found.then.verdict, found.now.verdict) == (
        "award",
        day(2),
        Verdict.ALLOWED,
        Verdict.ALLOWED,
    )
    assert judged(control, award_id, day(2) - 1).then.verdict is Verdict.NOT_ON_RECORD


def test_what_nobody_knew_then_counts_now_only() -> None:
    """A contract with a first refusal of beta's rival is recorded after the award, in force since before it."""
    control, award_id = awarded()
    control.wait(MS_PER_DAY)
    late = first_refusal("found-later")
    control.do(Apply(documents=(contract(clauses=[first_refusal(), late]),), workloads=()))
    found = judged(control, award_id)
    assert (found.then.verdict, found.now.verdict) == (Verdict.ALLOWED, Verdict.NOT_ALLOWED)
    assert "alpha-1/found-later" in found.now.reasons[0]
    assert judged(control, award_id, day(3)).then.verdict is Verdict.NOT_ALLOWED


def test_a_waiver_that_was_recorded_late_counts_from_then_on() -> None:
    part = tranche("beta-1", pool_id="beta/main", award=Award(awarded_ms=day(20), waiver_ids=(WaiverId("W-1"),)))
    control = installed(contract(clauses=[first_refusal()]))
    found = was_allowed(
        [
            *entries(control, facts=True),
            HistoryEntry(control.now, DocumentRecorded(document=contract("beta", tranches=[part]))),
            HistoryEntry(Now(day(9), day(9)), DocumentRecorded(document=waiver())),
        ],
        [],
        part.id,
        None,
    )
    assert found is not None
    assert (found.kind, found.then.verdict, found.now.verdict) == ("tranche", Verdict.NOT_ALLOWED, Verdict.ALLOWED)
    assert "waiver W-1 is not on record" in found.then.reasons[0]


def test_a_placement_is_judged_by_its_tranche() -> None:
    control = installed()
    run_id = control.running(training())
    found = judged(control, run_id)
    assert (found.kind, found.then.verdict, found.now.verdict) == ("run", Verdict.ALLOWED, Verdict.ALLOWED)
    assert control.events(RunIntended)[0].run_id == run_id


def test_what_was_never_recorded_is_not_judged() -> None:
    control = installed()
    assert was_allowed(entries(control, facts=True), [], "A-ghost", None) is None
