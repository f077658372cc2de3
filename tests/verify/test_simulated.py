"""What the simulated control plane journalled, judged by the program that shares nothing with it."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest

from multihome.domain.clause_terms import Exemption, ExemptionGround
from multihome.domain.commands import Apply, AwardOffer, DeclareLost, Restore
from multihome.domain.contracts import Award
from multihome.domain.events import AwardMade
from multihome.domain.ids import OfferId
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.ports.journal import GENESIS_HASH, JournalRow, chain_hash
from multihome.ports.signer import sign_head
from multihome.runtime.records import ENCODER, RECORDS, Record
from multihome.simulator.driver import Plant, simulate_journal
from multihome.simulator.refusal_campaign import SIGNER, bundle_lines
from multihome.views.history import FACT, history_row, read_row
from multihome.views.was_allowed import Verdict, was_allowed
from multihome_verify.bundle import Report, Trust, verify
from multihome_verify.chain import Anchor
from multihome_verify.findings import Finding, FindingKind
from tests.builders import ALPHA, contract, day, first_refusal, offer, tranche
from tests.control import Control, installed

BAD = "brisk-2025/bad"
"""A tranche that the simulated market has without any permission, to be found."""
PERSON: dict[str, Any] = {"actor": "ada", "why": "a test"}


def verified(rows: list[JournalRow], contract_id: str) -> Report:
    last = rows[-1]
    signed = sign_head(SIGNER, (last.seq, last.hash), 0)
    trust = Trust(anchor=Anchor(last.seq, last.hash), public_key=base64.b64decode(signed.public_key))
    return verify(bundle_lines(rows, contract_id, signed), trust)


def others(report: Report) -> list[Finding]:
    """Findings apart from the one that is there for everybody to find."""
    return [one for one in report.findings if (one.kind, one.award) != (FindingKind.NO_EVIDENCE, BAD)]


@pytest.fixture(scope="module")
def journals() -> dict[int, list[JournalRow]]:
    return {seed: simulate_journal(seed, days=3) for seed in range(6)}


def test_simulated_journals_hold(journals: dict[int, list[JournalRow]]) -> None:
    awards = 0
    for seed, rows in journals.items():
        report = verified(rows, "alto-2025")
        assert [str(one) for one in others(report)] == [], seed
        assert {one.award for one in report.findings} == {BAD}, seed
        awards += sum(count for code, count in report.in_scope.items() if code in {"waiver", "exemption"})
    assert awards >= 3


def test_buyers_met_caps_and_what_favours_others(journals: dict[int, list[JournalRow]]) -> None:
    records = [RECORDS.decode(row.body) for rows in journals.values() for row in rows]
    refused = [one.refused for one in records if isinstance(one.refused, Refusal)]
    assert any(one.code is RefusalCode.NOT_PERMITTED and "caps it at" in str(one) for one in refused)
    made = [event.award for one in records for event in one.events if isinstance(event, AwardMade)]
    assert any(award.consequences for award in made)


def test_awards_that_asked_nobody_are_found() -> None:
    found: set[FindingKind] = set()
    for seed in range(50):
        report = verified(simulate_journal(seed, days=3, plant=Plant.AWARD_UNASKED), "alto-2025")
        found |= {one.kind for one in others(report) if one.award.startswith("A-")}
        if FindingKind.NO_EVIDENCE in found:
            return
    pytest.fail(f"within 50 seeds only {found} were found")


def rows_of(control: Control) -> list[JournalRow]:
    """A journal of what a controller decided."""
    rows: list[JournalRow] = []
    last = GENESIS_HASH
    for seq, step in enumerate(control.steps, 1):
        body = ENCODER.encode(Record(at=step.at, wall_ms=step.at.process_ms, cause="test", events=step.events))
        last = chain_hash(last, body)
        rows.append(JournalRow(seq, body, last))
    return rows


@pytest.mark.parametrize("restored_first", [False, True])
def test_who_comes_back_in_the_millisecond_of_an_award_was_lost_before_it(*, restored_first: bool) -> None:
    """The clause exempts what stands in for a provider that is declared lost when the award is made."""
    exempting = first_refusal(exemptions=(Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=2),))
    control = installed(contract(clauses=[exempting]), offer())
    award = AwardOffer(offer_id=OfferId("O-1"), chips=16, starts_ms=day(40), ends_ms=day(140), replaces=ALPHA, **PERSON)
    control.do(DeclareLost(provider_id=ALPHA, **PERSON))
    control.wait(1_000)
    if restored_first:
        control.do(Restore(provider_id=ALPHA, **PERSON))
        control.refused(award)
        return
    award_id = control.do(award).made[0]
    control.do(Restore(provider_id=ALPHA, **PERSON))
    for wait_ms in (0, 1_000):
        control.wait(wait_ms)
        facts = [read_row(row) for row in history(control) if row.kind == FACT]
        judged = was_allowed(facts, (), award_id, None)
        assert judged is not None
        assert (judged.then.verdict, judged.now.verdict) == (Verdict.ALLOWED, Verdict.ALLOWED)
        assert found_of(control, award_id) == []
    # The same award, recorded after the return, is one that the clause does not exempt.
    awarding, returning = control.steps[-2:]
    control.steps[-2:] = [returning, awarding]
    facts = [read_row(row) for row in history(control) if row.kind == FACT]
    judged = was_allowed(facts, (), award_id, None)
    assert judged is not None
    assert judged.now.verdict is Verdict.NOT_ALLOWED
    assert found_of(control, award_id) == [FindingKind.WRONG_EXEMPTION]


@pytest.mark.parametrize(
    ("award", "found"),
    [
        ({"exempt_by": "provider_loss", "replaces": "alpha"}, []),
        ({"exempt_by": "own_site"}, [FindingKind.WRONG_EXEMPTION]),
        ({"exemption": "agreed in a side letter"}, [FindingKind.WRONG_EXEMPTION]),
    ],
)
def test_a_ground_that_a_document_names_is_held_against_the_clause(
    award: dict[str, str], found: list[FindingKind]
) -> None:
    exempting = first_refusal(exemptions=(Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=2),))
    control = installed(contract(clauses=[exempting]))
    control.do(DeclareLost(provider_id=ALPHA, **PERSON))
    named = Award(awarded_ms=control.now.contract_ms, exempt_by=ExemptionGround.PROVIDER_LOSS, replaces=ALPHA)
    part = tranche("beta-1", "t2", "beta/main", award=named)
    old = tranche("beta-1", pool_id="beta/main")
    control.do(Apply(documents=(contract("beta", tranches=[old, part]),), workloads=()))
    rows = rows_of(control)
    body = json.loads(rows[-1].body)
    (documented,) = body["events"]
    written = documented["document"]["tranches"][1]["award"]
    assert (written.pop("exempt_by"), written.pop("replaces")) == ("provider_loss", "alpha")
    written.update(award)
    changed = json.dumps(body).encode()
    rows[-1] = JournalRow(rows[-1].seq, changed, chain_hash(rows[-2].hash, changed))
    report = verified(rows, "alpha-1")
    assert [one.kind for one in report.findings if one.award == part.id] == found
    assert not [code for code in report.in_scope if code.endswith("of a document")]


def found_of(control: Control, award_id: str) -> list[FindingKind]:
    """What is found of one award; the world's own tranches were awarded without asking anybody."""
    return [one.kind for one in verified(rows_of(control), "alpha-1").findings if one.award == award_id]


def history(control: Control) -> Iterable[Any]:
    rows = (history_row(seq, event, step.at) for seq, step in enumerate(control.steps) for event in step.events)
    return [row for row in rows if row is not None]
