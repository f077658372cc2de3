"""Errors in documents that options of placement are made of, and in what workloads say of them: exact text and place."""

# ruff: noqa: E501 -- a message stands as it is printed

from pathlib import Path

import pytest

from multihome.files.loading import load
from multihome.files.references import KnownNames

KNOWN = KnownNames(
    accelerators=frozenset({"H100-SXM-80GB", "A100-SXM-80GB", "TPU-v5p"}),
    tenants=frozenset({"lab"}),
    providers=frozenset({"azure", "coreweave"}),
    data_sets=frozenset({"corpus"}),
)
ACCELERATORS = "(known: A100-SXM-80GB, H100-SXM-80GB, TPU-v5p)"
TASK = "name: a\ntenant: lab\nresources: {accelerators: H100:8}\nrun: x\n"
THROUGHPUT = "kind: throughput\nname: t\ntenant: lab\nmodel: m\nmeasurements:\n"
CELL = "  - {accelerator: %s, chips: 8, steps_per_hour: %s, spread: %s, by: me, measured: 2026-01-01}\n"
ERRORS = [
    (TASK + "num_nodes: [2]\n", "5:12: num_nodes: expected a whole number, not a list"),
    (TASK + "num_nodes: {min: 2}\n", "5:12: num_nodes.max: `max` is required, and missing"),
    (TASK + "num_nodes: {min: 4, max: 2}\n", "5:18: num_nodes.min: it is more than `max`, which is 2"),
    (
        TASK + "num_nodes: {least: 4, max: 2}\n",
        "5:13: num_nodes.least: no field is called 'least' here; the fields are max, min, scaling",
    ),
    (
        TASK + "num_nodes: {min: 2, max: 4, scaling: [{nodes: 4, throughput: 100%}]}\n",
        "5:38: num_nodes.scaling: 4 nodes are not from `min` to fewer than `max`",
    ),
    (
        TASK + "num_nodes: {min: 1, max: 4, scaling: [{nodes: 2, throughput: 60%}, {nodes: 2, throughput: 50%}]}\n",
        "5:38: num_nodes.scaling: 2 nodes stand in the list twice",
    ),
    (
        TASK + "num_nodes: {min: 1, max: 4, scaling: [{nodes: 2, throughput: 0%}]}\n",
        "5:62: num_nodes.scaling[0].throughput: expected more than 0%",
    ),
    (
        TASK + "num_nodes: {min: 1, max: 4}\nservice: {readiness_probe: /health}\n",
        "6:10: service: `num_nodes` is a range, and a replica has one size; say how many replicas with `replicas`",
    ),
    (
        TASK + "deadline: 2026-01-01\n",
        "5:11: deadline: whether it can be met follows from `steps`, which is not said; write it above or leave this out",
    ),
    (
        TASK + "service: {readiness_probe: /health}\nsteps: 5\ndeadline: 2026-01-01\n",
        "7:11: deadline: a service has no last step; leave it out",
    ),
    (TASK + "precision: fp4\n", "5:12: precision: expected bf16 or fp8, not 'fp4'; did you mean fp8?"),
    (TASK + "data_sets: [corpus, corpus]\n", "5:12: data_sets: corpus is named twice"),
    (THROUGHPUT + CELL % ("H100", 0, "5%"), "6:51: measurements[0].steps_per_hour: expected more than 0"),
    (THROUGHPUT + CELL % ("H100", 1, "0%"), "6:62: measurements[0].spread: expected more than 0"),
    (
        THROUGHPUT + CELL % ("H100", 1, "5%") + CELL % ("H100:8", 1, "5%"),
        f"7:19: measurements[1].accelerator: no accelerator is known as 'H100:8'; did you mean H100 or H100-80GB or H100-SXM? {ACCELERATORS}",
    ),
    (
        THROUGHPUT + CELL % ("H100", 1, "5%") + CELL % ("H100-80GB", 1, "5%"),
        "6:3: measurements: 8 H100-SXM-80GB were measured twice; keep the better measurement",
    ),
    (
        (THROUGHPUT + CELL % ("H100", 1, "5%")).replace("tenant: lab", "tenant: la"),
        "3:9: tenant: no tenant is known as 'la'; did you mean lab?",
    ),
    (
        "kind: dataset\nname: d\nsize: 1TB\nlocations: [{provider: azur, region: x}]\n",
        "4:24: locations[0].provider: no provider is known as 'azur'; did you mean azure?",
    ),
    (
        "kind: dataset\nname: d\nsize: 0B\nlocations: [{provider: azure, region: x}]\n",
        "3:7: size: expected more than 0",
    ),
    (
        "kind: dataset\nname: d\nsize: 1TB\nlocations: []\n",
        "4:12: locations: expected at least 1 entry, not an empty list",
    ),
    (
        "kind: transfer\nname: t\nfrom_provider: azure\nto_provider: azure\nusd_per_gb: 0.02\nper_second: 0B\nsource: s\nas_of: d\n",
        "6:13: per_second: expected more than 0",
    ),
    (
        "kind: transfer\nname: t\nfrom_provider: azure\nto_provider: azur\nusd_per_gb: 0.02\nper_second: 1GB\nsource: s\nas_of: d\n",
        "4:14: to_provider: no provider is known as 'azur'; did you mean azure?",
    ),
    ("kind: valuation\nname: other\n", "2:7: name: expected placement, not 'other'"),
    (
        "kind: valuation\nname: placement\nvalue_markup: 100%\n",
        "3:15: value_markup: expected a factor above 100%, like 150%, not 100%",
    ),
    ("kind: valuation\nname: placement\noptions_max: 1\n", "3:14: options_max: expected at least 2, not 1"),
    ("kind: valuation\nname: placement\nlook: 0s\n", "3:7: look: expected more than 0"),
    (TASK + "data_sets: [corpsu]\n", "5:13: data_sets[0]: no data set is known as 'corpsu'; did you mean corpus?"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    (tmp_path / "f.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert [str(problem) for problem in load(["f.yaml"], known=KNOWN).problems] == [f"f.yaml:{message}"]
