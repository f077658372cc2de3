"""The page on bundles tells every finding and every option of the verifier."""

import ast
import inspect

import multihome_verify.findings
from multihome_verify.findings import FindingKind
from multihome_verify.main import _parser
from tests.docs.console import ROOT

PAGE = (ROOT / "docs" / "bundle.md").read_text(encoding="utf-8")


def meanings() -> dict[str, str]:
    """The sentence under each kind in the source."""
    tree = ast.parse(inspect.getsource(multihome_verify.findings))
    [kinds] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "FindingKind"]
    found: dict[str, str] = {}
    for place, node in enumerate(kinds.body):
        if isinstance(node, ast.Assign):
            sentence = ast.literal_eval(kinds.body[place + 1].value)  # type: ignore[attr-defined]
            found[ast.literal_eval(node.value)] = " ".join(sentence.split())
    return found


def test_every_finding_is_told_in_the_words_of_the_source() -> None:
    assert set(meanings()) == {kind.value for kind in FindingKind}
    assert [kind for kind, text in meanings().items() if f"| `{kind}` | {text} |\n" not in PAGE] == []


def test_every_option_is_told() -> None:
    options = [option for action in _parser()._actions for option in action.option_strings if option.startswith("--")]
    assert "--anchor" in options
    assert [option for option in options if f"| `{option}" not in PAGE and option != "--help"] == []
