"""Other names of providers, which workloads may use and nothing else may."""

from pathlib import Path

import pytest

from multihome.files.loading import load
from multihome.files.references import KnownNames, names_in

PROVIDER = {"kind": "provider", "name": "google-cloud", "aliases": ["gcp"]}
KNOWN = names_in([PROVIDER]) | KnownNames(accelerators=frozenset({"H100-SXM-80GB"}), tenants=frozenset({"lab"}))


def problems_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> list[str]:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text(text)
    return [str(problem) for problem in load(["f.yaml"], known=KNOWN).problems]


def test_a_task_may_name_a_provider_by_its_alias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for where in ("cloud: gcp", "infra: gcp/us-east5", "infra: google-cloud"):
        text = f"name: a\ntenant: lab\nresources: {{{where}, accelerators: H100:8}}\nrun: x\n"
        assert problems_of(tmp_path, monkeypatch, text) == []


def test_a_contract_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "kind: contract\nname: c\ntitle: t\nprovider: gcp\nfrom: 2025-01-01\nsource: s\n"
    told = problems_of(tmp_path, monkeypatch, text)
    assert told[0].startswith("f.yaml:4:11: provider: no provider is known as 'gcp'")
