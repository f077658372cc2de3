"""What a refusal is about, found in the files: its own line, each version's, or its document's."""

from pathlib import Path

import pytest

from multihome.controller.commands import answer_request
from multihome.controller.state import State
from multihome.domain.commands import Apply, Request
from multihome.domain.refusals import Refusal
from multihome.files.loading import Loaded, load
from multihome.files.origins import places_of
from multihome.files.references import KnownNames
from multihome.units.time import Now

TEXT = """\
kind: provider
name: site
title: A site
type: own
jurisdiction: US
engine: local
absence_delay: 2s
pools:
  - {name: h100, region: here, accelerator: H100, chips_per_node: 8, watts_per_chip: 1300}
---
kind: contract
name: order
title: An order
provider: site
from: 2025-01-01
until: 2030-01-01
source: s
clauses:
  - {kind: take_or_pay, name: top, until: 2026-01-01, share: 80%, source: s}
  - {kind: take_or_pay, name: top, from: 2025-06-01, share: 90%, source: s}
  - {kind: take_or_pay, name: other, until: 2031-01-01, share: 90%, source: s}
tranches:
  - name: one
    pool: site/h100
    domains: 1
    nodes_per_domain: 1
    new_capacity: false
    promised: 2024-01-01
    ends: 2030-01-01
    rate_usd_per_chip_hour: 2
    rate_source: s
    award: {date: 2025-01-01}
---
kind: delivery
name: D-1
tranche: order/one
domains: 2
effective: 2025-01-02
source: s
---
kind: tenant
name: lab
title: Lab
approver: a
quotas:
  - {name: q, chips: 8, reclaim_after: 1s, notice: 1s}
---
kind: tenant
name: lab/team
title: Team
approver: a
quotas:
  - {name: q, chips: 9, reclaim_after: 1s, notice: 1s}
---
name: job
tenant: lab
resources: {accelerators: H100:8}
run: x
---
name: job
tenant: lab/team
resources: {accelerators: H100:8}
run: x
"""
KNOWN = KnownNames(accelerators=frozenset({"H100-SXM-80GB"}))


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    (tmp_path / "all.yaml").write_text(TEXT, encoding="utf-8")
    found = load([tmp_path], known=KNOWN)
    assert found.problems == ()
    return found


def lines(subject: str, loaded: Loaded) -> list[str]:
    """The texts of the lines that a subject is found at, from its column on."""
    return [TEXT.splitlines()[place.line - 1][place.column - 1 :][:30] for place in places_of(subject, loaded.origins)]


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("provider site", ["kind: provider"]),
        ("pool site/h100", ["{name: h100, region: here, acc"]),
        ("contract order", ["kind: contract"]),
        ("clause order/other", ["{kind: take_or_pay, name: othe"]),
        ("clause order/top", ["{kind: take_or_pay, name: top,"] * 2),
        ("tranche order/one", ["name: one"]),
        ("tranche order/left-out", ["kind: contract"]),
        ("quota lab/q", ["{name: q, chips: 8, reclaim_af"]),
        ("quota lab/team/q", ["{name: q, chips: 9, reclaim_af"]),
        ("delivery D-1", ["kind: delivery"]),
        ("workload lab/job", ["name: job"]),
        ("workload lab/team/job", ["name: job"]),
        ("documents[1].until", ["kind: contract"]),
        ("documents[99]", []),
        ("tranche elsewhere/one", []),
        ("journal", []),
        ("2 workloads", []),
        ("", []),
    ],
)
def test_places(subject: str, found: list[str], loaded: Loaded) -> None:
    assert lines(subject, loaded) == found


def test_workloads_of_one_name_are_told_apart(loaded: Loaded) -> None:
    assert places_of("workload lab/job", loaded.origins) != places_of("workload lab/team/job", loaded.origins)


def test_every_problem_of_the_controller_has_its_place(loaded: Loaded) -> None:
    """Nothing that the controller says of documents may be about something that the files are not known to hold."""
    command = Apply(documents=loaded.documents, workloads=loaded.workloads)
    request = Request(key="k", body_sha256="", minted_id="m", actor="a", command=command)
    answer = answer_request(State(), request, Now(contract_ms=0, process_ms=0)).answer
    assert isinstance(answer, Refusal)
    told = {problem.subject: lines(problem.subject, loaded) for problem in (answer, *answer.others)}
    assert told == {
        "pool site/h100": ["{name: h100, region: here, acc"],
        "tranche order/one": ["name: one"],
        "clause order/top": ["{kind: take_or_pay, name: top,"] * 2,
        "clause order/other": ["{kind: take_or_pay, name: othe"],
        "quota lab/team/q": ["{name: q, chips: 9, reclaim_af"],
        "delivery D-1": ["kind: delivery"],
    }
