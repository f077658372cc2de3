"""The campaigns of proof: nothing is missed and nothing found wrongly, and a worse verifier is seen to be worse."""

import subprocess
import sys
from itertools import chain

import pytest

import multihome_verify.bundle
import multihome_verify.calendar
import multihome_verify.first_refusal
import multihome_verify.notices
import multihome_verify.scope
from multihome.simulator import refusal_campaign, tampering
from multihome.simulator.refusal_breaches import BREACHES
from multihome.simulator.refusal_campaign import BREACH_EVERY, errors_in, make_history, run_refusals
from multihome.simulator.tampering import ALWAYS_THOROUGH, BY_LINES, TAMPERINGS, run_tamperings
from multihome_verify.bundle import Trust, verify
from multihome_verify.findings import Finding, FindingKind
from multihome_verify.history import History

Planted = tuple[refusal_campaign.MadeHistory, list[Finding]]
HISTORIES = BREACH_EVERY * len(BREACHES)
"""As many as it takes for every kind of breach to come once."""


def test_no_history_is_judged_wrongly() -> None:
    said: list[str] = []
    result = run_refusals(HISTORIES, said.append)
    assert said[-1] == f"{HISTORIES} passed, 0 failed"
    assert (result.false_negatives, result.false_positives, result.failed) == ({}, {}, 0)
    assert {name for name in result.breaches if name != "none"} == {plant.__name__ for plant in BREACHES}
    assert {"exemption", "waiver", "waiver of a document", "runs"} <= set(result.in_scope)


def _found(made: refusal_campaign.MadeHistory) -> list[Finding]:
    return verify(*refusal_campaign._bundle(made)).findings


@pytest.fixture(scope="module")
def planted() -> list[Planted]:
    """Five histories with each kind of breach, and what is found in them."""
    histories = [make_history(seed, planted=True) for seed in range(0, 5 * HISTORIES, BREACH_EVERY)]
    return [(made, _found(made)) for made in histories]


def test_every_breach_is_named_for_what_it_is(
    planted: list[Planted],
) -> None:
    assert {made.breach for made, _ in planted} == {plant.__name__ for plant in BREACHES}
    assert [made.breach for made, found in planted if errors_in(made, found) != ([], [])] == []


@pytest.mark.parametrize(
    "kind", sorted({kind for kinds in BREACHES.values() for kind in kinds}, key=str), ids=lambda kind: kind.value
)
def test_a_verifier_that_is_blind_to_a_rule_is_seen(kind: FindingKind, planted: list[Planted]) -> None:
    for made, found in planted:
        missed, wrong = errors_in(made, [finding for finding in found if finding.kind is not kind])
        assert (missed, wrong) == ([kind.value] if kind in made.expected else [], [])


def test_the_campaign_tells_what_was_missed_and_fails() -> None:
    def blind(lines: list[bytes], trust: Trust) -> list[Finding]:
        return [finding for finding in verify(lines, trust).findings if finding.kind is not FindingKind.LATE_ANSWER]

    said: list[str] = []
    result = run_refusals(HISTORIES, said.append, blind)
    assert (result.false_negatives, result.failed) == ({"late_match": 1}, 1)
    assert said[-1] == f"{HISTORIES - 1} passed, 1 failed"


WORSE: dict[str, tuple[object, str, object]] = {
    "windows close a day late": (
        multihome_verify.notices,
        "window_closes_ms",
        lambda *a, **k: (multihome_verify.calendar.window_closes_ms(*a, **k) or 0) + 86_400_000,
    ),
    "waivers last a millisecond longer": (
        multihome_verify.notices,
        "same_time_later_ms",
        lambda *a: multihome_verify.calendar.same_time_later_ms(*a) + 1,
    ),
    "waivers last a millisecond less": (
        multihome_verify.notices,
        "same_time_later_ms",
        lambda *a: multihome_verify.calendar.same_time_later_ms(*a) - 1,
    ),
    "a part that was matched is forgotten": (multihome_verify.notices, "_taken", lambda *_: 0),
    "nothing is exempt": (multihome_verify.first_refusal, "exempts", lambda *_: False),
    "everything is exempt": (multihome_verify.first_refusal, "exempts", lambda *_: True),
    "nothing is bound": (multihome_verify.first_refusal, "binds", lambda *_: False),
    "uses need not meet": (multihome_verify.scope, "_meet", lambda *_: True),
}


@pytest.mark.parametrize("worse", WORSE)
def test_a_verifier_with_a_fault_is_seen(
    worse: str,
    planted: list[Planted],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(*WORSE[worse])
    lawful = (make_history(seed, planted=False) for seed in range(HISTORIES))
    assert any(errors_in(made, _found(made)) != ([], []) for made in chain((made for made, _ in planted), lawful))


def test_earlier_awards_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multihome_verify.notices.NoticeBook, "_used", lambda *_: 0)
    assert "two_awards" in run_refusals(HISTORIES, lambda _: None).false_negatives


def test_every_tampering_is_found() -> None:
    kinds = len(TAMPERINGS) + len(BY_LINES)
    count = tampering.JOURNALS * kinds
    said: list[str] = []
    result = run_tamperings(count, said.append)
    assert said[-1] == f"{count} passed, 0 failed"
    assert (result.failed, result.missed) == (0, {})
    assert {name.partition(",")[0] for name in result.made} == {how.__name__ for how in TAMPERINGS} | {*BY_LINES}
    assert result.missed_without_anchor["roll_back"] == result.made["roll_back"]
    assert {how.__name__ for how in ALWAYS_THOROUGH} <= set(result.made)


def test_a_verifier_without_the_anchor_misses_what_the_tamperer_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tampering, "_trust", lambda _: Trust())
    result = run_tamperings(tampering.JOURNALS * 7, lambda _: None)
    assert result.missed["roll_back"] == result.made["roll_back"]
    assert result.failed > 0


def test_a_verifier_that_takes_the_head_from_the_bundle_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multihome_verify.bundle, "chain_findings", lambda rows, _: (row for row in rows if not row))
    assert run_tamperings(tampering.JOURNALS, lambda _: None).failed > 0


@pytest.mark.parametrize("name", ["first-refusal", "tamper"])
def test_the_command_ends_with_the_line_that_counts(name: str) -> None:
    command = [sys.executable, "-m", "multihome.app.main", "campaign", name, "--seeds", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
    assert done.stdout.splitlines()[-1] == "30 passed, 0 failed"


def test_a_history_is_the_same_each_time() -> None:
    assert make_history(40, planted=True) == make_history(40, planted=True)
    assert make_history(40, planted=True).rows != make_history(50, planted=True).rows
    assert History().records == 0
