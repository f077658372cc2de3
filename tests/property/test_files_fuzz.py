"""Whatever stands in a file, loading it returns: with problems, never with an exception, and soon."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from multihome.files.loading import Loaded, load
from multihome.files.references import KnownNames

SECONDS_MAX = 1.0
KNOWN = KnownNames(accelerators=frozenset({"H100-SXM-80GB", "TPU-v5p"}), tenants=frozenset({"lab"}))
SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "frontier-lab"
GOOD_DOCUMENTS = [
    document
    for path in sorted(SCENARIO.rglob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "f.yaml"


def loads(file: Path, content: bytes) -> Loaded:
    file.write_bytes(content)
    start = time.process_time()
    loaded = load([file], known=KNOWN)
    assert time.process_time() - start < SECONDS_MAX
    for problem in loaded.problems:
        assert problem.file == str(file)
        assert problem.wrong
        assert "\n" not in str(problem)
    return loaded


quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)


@quiet
@given(content=st.binary(max_size=400))
@example(content=b"\xef\xbb\xbf")
@example(content=b"? '\n\n  '\n: null\n")
@example(content=b"%YAML 1.1\n%TAG ! tag:x,2000:\n--- !a b\n")
@example(content=b"--- |\n" + b" " * 300 + b"\n")
def test_bytes(file: Path, content: bytes) -> None:
    assert loads(file, content).problems


@quiet
@given(text=st.text(st.sampled_from("abk: -[]{}&*!|>'\"#%@`?,\n\t~01."), max_size=200))
def test_yaml_like_text(file: Path, text: str) -> None:
    assert loads(file, text.encode()).problems


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
FIELDS = (
    "kind name tenant resources accelerators infra run service replicas readiness_probe clauses tranches scope from "
    "until award date pools quotas chips envs secrets workdir qualified checkpoint restart"
)
KINDS = "workload task accelerator provider contract waiver delivery tenant take_or_pay exclusivity"
words = st.sampled_from(FIELDS.split()) | st.text(max_size=8)
kinds = st.sampled_from(KINDS.split())
values = st.recursive(
    scalars | kinds,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)


@quiet
@given(document=st.dictionaries(words, values, max_size=8), kind=st.none() | kinds)
def test_documents_of_any_shape(file: Path, document: dict[str, object], kind: str | None) -> None:
    data = document if kind is None else {"kind": kind, **document}
    loads(file, yaml.safe_dump(data).encode())


@quiet
@given(data=st.data())
def test_good_documents_with_one_value_replaced(file: Path, data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(GOOD_DOCUMENTS))
    path = data.draw(st.sampled_from(list(_paths(document))))
    replaced = _replace(document, path, data.draw(values))
    loads(file, yaml.safe_dump(replaced).encode())


def _paths(node: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _replace(node: object, path: tuple[object, ...], value: object) -> object:
    if not path:
        return value
    head, *rest = path
    if isinstance(node, dict):
        return {key: _replace(inner, tuple(rest), value) if key == head else inner for key, inner in node.items()}
    assert isinstance(node, list)
    return [_replace(inner, tuple(rest), value) if index == head else inner for index, inner in enumerate(node)]


MIB = 1024 * 1024
LINES = 11_000
BOMBS = {
    "brackets": "[" * (MIB - 1),
    "braces": "{" * (MIB - 1),
    "dashes": "- " * (MIB // 2 - 1),
    "one long key": "a" * (MIB - 10) + ": 1",
    "one long value": "a: " + "b" * (MIB - 10),
    "fields nobody knows": "\n".join(f"field{number}: 1" for number in range(LINES)),
    "fields of one name": "a: 1\n" * (MIB // 5 - 1),
    "accelerators nobody knows": "resources:\n  accelerators:\n"
    + "".join(f"    Z{number}: 1\n" for number in range(LINES)),
    "a list of accelerators": "resources:\n  accelerators: [" + ", ".join(["H1000"] * LINES) + "]",
    "clauses": "kind: contract\nclauses:\n" + "  - {kind: exclusivity, scope: {accelerators: [H1000]}}\n" * 6_000,
    "workloads": "---\nname: a\nrun: x\n" * 1_900,
    "spaces": "a:\n" + " " * (MIB - 10) + "b",
    "comments": "#\n" * (MIB // 2 - 1),
    "commas": "[" + "a," * (MIB // 2 - 10) + "]",
    "quotes": '"' + "\\u00e9" * (MIB // 6 - 10) + '"',
    "digits": "num_nodes: " + "9" * (MIB - 100),
    "durations": "max_run_time: " + "1d" * (MIB // 2 - 100),
    "dots": "a: " + "." * (MIB - 10),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(file: Path, name: str) -> None:
    loaded = loads(file, BOMBS[name].encode())
    assert loaded.problems
    assert len("\n".join(map(str, loaded.problems))) < 500_000
