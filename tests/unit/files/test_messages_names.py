"""Names that nobody knows, told with the errors of shape, and what is never repeated."""

# ruff: noqa: E501 -- a message stands as it is printed

from pathlib import Path

import pytest

from multihome.files.loading import load
from tests.unit.files.test_messages import CONTRACT, DELIVERY, KNOWN, TASK, TRANCHE, WAIVER, problems_of, resources

# Each of these documents names something that nobody knows, and is given one error of its shape beside it.
UNKNOWN_NAMES = [
    (DELIVERY.replace("h100", "h200"), "tranche: no tranche is known as 'azure-2019/h200'"),
    (WAIVER.replace("first-refusal", "first"), "clause: no clause of azure-2019 is known as 'first'"),
    (WAIVER.replace("azure-2019", "azure-2020"), "contract: no contract is known as 'azure-2020'"),
    (WAIVER.replace("[H100]", "[H900]"), "accelerators[0]: no accelerator is known as 'H900'"),
    (CONTRACT.replace("azure", "azur"), "provider: no provider is known as 'azur'"),
    (
        CONTRACT + "tranches:\n" + (TRANCHE % "azure/x").replace("W-2", "W-1"),
        "tranches[0].pool: no pool is known as 'azure/x'",
    ),
    (CONTRACT + "tranches:\n" + TRANCHE % "azure/eastus-h100", "tranches[0].award.waiver: no waiver is known as 'W-2'"),
    (
        CONTRACT.replace("azure", "coreweave") + "tranches:\n" + (TRANCHE % "azure/eastus-h100").replace("W-2", "W-1"),
        "tranches[0].pool: pool 'azure/eastus-h100' is azure's, and the contract is with coreweave",
    ),
    ("kind: tenant\nname: lap/team\ntitle: t\napprover: a\n", "name: no tenant is known as 'lap'"),
    (TASK.replace("tenant: lab", "tenant: lap"), "tenant: no tenant is known as 'lap'"),
    (TASK + "model_from: other\n", "model_from: no workload is known as 'other'"),
    (TASK + "workdir: nowhere\n", "workdir: 'nowhere' is no folder"),
    (resources("infra: gcp/x, accelerators: H100:8"), "resources.infra: no provider is known as 'gcp'"),
    (resources("cloud: gcp, accelerators: H100:8"), "resources.cloud: no provider is known as 'gcp'"),
    (resources("accelerators: X900"), "resources.accelerators: no accelerator is known as 'X900'"),
]


@pytest.mark.parametrize(("text", "message"), UNKNOWN_NAMES)
def test_names_are_told_with_errors_of_the_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    alone = problems_of(tmp_path, monkeypatch, text)
    assert [problem for problem in alone if message in problem] == alone
    (shape,) = problems_of(tmp_path, monkeypatch, TASK + "colour: red\n")
    both = problems_of(tmp_path, monkeypatch, text + "colour: red\n")
    assert len(both) == 2
    assert both[0] == alone[0]
    assert shape.partition(": ")[2].partition(";")[0] in both[1]


def test_what_has_the_wrong_shape_is_not_called_unknown_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TASK.replace("tenant: lab", "tenant: a b").replace("{acc", "{infra: 'x y', acc") + "model_from: [a]\n"
    assert [problem.rpartition(", not ")[0] for problem in problems_of(tmp_path, monkeypatch, text)] == [
        "f.yaml:2:9: tenant: expected a tenant's path, like lab/research/pretraining",
        "f.yaml:3:20: resources.infra: expected provider/region/zone, where * is any and the end may be left out",
        "f.yaml:5:13: model_from: expected text",
    ]


def test_a_document_is_never_suggested_for_its_own_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = "kind: tenant\ntitle: t\napprover: a\nname: "
    # Each name lies nearer to what is missing than any other does.
    assert problems_of(tmp_path, monkeypatch, f"{tenant}labs/x\n---\n{tenant}labs/y\n---\n{tenant}lagoon\n") == [
        "f.yaml:4:7: name: no tenant is known as 'labs'; did you mean lab?",
        "f.yaml:9:7: name: no tenant is known as 'labs'; did you mean lab?",
    ]
    assert problems_of(tmp_path, monkeypatch, TASK.replace("name: a", "name: base-2") + "model_from: base-1\n") == [
        "f.yaml:5:13: model_from: no workload is known as 'base-1'; none is known"
    ]
    # A name of another sort is no reference to oneself: the provider has the contract's own name.
    contract = CONTRACT.replace("name: c", "name: azure").replace("provider: azure", "provider: azur")
    assert problems_of(tmp_path, monkeypatch, contract) == [
        "f.yaml:4:11: provider: no provider is known as 'azur'; did you mean azure?"
    ]


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        (
            "{TOKEN: hunter2}",
            "5:10: secrets: a secret's value never stands in a file; give its name alone, and the engine finds the value",
        ),
        ("[hunter-2]", "5:11: secrets[0]: expected the name of an environment variable"),
        ("hunter2", "5:10: secrets: expected a list"),
    ],
)
def test_what_may_be_a_secret_is_never_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrets: str, message: str
) -> None:
    (tmp_path / "f.yaml").write_text(f"{TASK}secrets: {secrets}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    problems = load(["f.yaml"], known=KNOWN).problems
    assert [str(problem) for problem in problems] == [f"f.yaml:{message}"]
    assert "hunter" not in repr(problems)
