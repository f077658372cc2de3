"""The generated documents are fresh, and everything a user can meet stands in them."""

import configparser
import re
from pathlib import Path
from typing import get_args

import pytest

from multihome.adapters.engine_local.environment import Place, rank_environment
from multihome.adapters.engine_local.layout import Layout
from multihome.clauses.table import CLAUSE_KINDS
from multihome.domain.events import Event
from multihome.domain.ids import Generation, ProviderId, RunId, WorkloadId
from multihome.domain.placements import Blocker, NodeShare
from multihome.domain.refusals import RefusalCode
from multihome.domain.run_phases import TRANSITIONS
from multihome.domain.runs import LaunchIntent
from multihome.wire.documents import DOCUMENT_KINDS, document_schema
from multihome.wire.refusals import EdgeCode
from tools.diagrams import LAYERS, package_map, phases_diagram
from tools.field_meanings import MEANINGS
from tools.generate_docs import generated, stale, with_part
from tools.pages_commands import commands
from tools.pages_documents import SCHEMA_KINDS, shape_names, shape_schema
from tools.pages_routes import operations
from tools.pages_settings import FOR_CONTROL_PLANE, FOR_PROGRAMS, FOR_SCENARIOS, variables_in_source
from tools.source import ROOT, constants


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")


def test_the_generated_documents_are_fresh() -> None:
    assert [str(path.relative_to(ROOT)) for path in stale(generated())] == [], "run `make docs`"


def test_a_stale_document_is_seen(tmp_path: Path) -> None:
    fresh, old, missing = tmp_path / "fresh", tmp_path / "old", tmp_path / "missing"
    fresh.write_text("a")
    old.write_text("b")
    assert stale({fresh: "a", old: "a", missing: "a"}) == [old, missing]


def test_a_part_is_replaced_between_its_marks() -> None:
    text = "x\n<!-- begin p -->\nold\n<!-- end p -->\ny"
    assert with_part(text, "p", "new\\1") == "x\n<!-- begin p -->\nnew\\1\n<!-- end p -->\ny"
    with pytest.raises(AssertionError, match="once"):
        with_part(text, "q", "new")


def test_every_refusal_and_reason_is_told() -> None:
    text = page("refusals")
    names = [code.value for code in (*RefusalCode, *EdgeCode)] + [blocker.__name__ for blocker in get_args(Blocker)]
    assert [name for name in names if f"`{name}`" not in text] == []
    places = [text.index(f"| `{code.value}` |") for code in RefusalCode]
    assert places == sorted(places), "refusals stand in order of precedence"


def test_every_event_is_told() -> None:
    text = page("events")
    assert [event.__name__ for event in get_args(Event) if f"| `{event.__name__}` |" not in text] == []


def test_every_clause_is_told() -> None:
    text = page("clauses")
    assert [kind for kind in CLAUSE_KINDS.values() if f"\n## {kind}\n" not in text] == []


def test_every_command_and_option_is_told() -> None:
    text = page("commands")
    known = dict(commands())
    assert "multihome up" in known
    for name, command in known.items():
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
        for parameter in shown:
            if parameter.name != "help" and parameter.param_type_name == "option":
                assert parameter.opts[0] in section, f"{name} {parameter.opts[0]}"


def test_every_route_is_told() -> None:
    text = page("routes")
    found = [f"## {method} {path}\n" for method, path, _ in operations()]
    assert len(found) > 10
    assert [heading for heading in found if heading not in text] == []


def test_every_variable_and_limit_is_told() -> None:
    text = page("settings")
    known = {**FOR_PROGRAMS, **FOR_CONTROL_PLANE, **FOR_SCENARIOS}
    assert variables_in_source() == set(known)
    assert [name for name in known if f"`{name}`" not in text] == []
    limits = [constant for constant in constants("multihome") if constant.name.endswith("_MAX")]
    assert len(limits) > 20
    assert [constant.name for constant in limits if f"`{constant.name}`" not in text] == []


def test_the_variables_of_a_program_are_those_it_gets() -> None:
    intent = LaunchIntent(
        run_id=RunId("w.0.1"),
        workload_id=WorkloadId("w"),
        name="n",
        unit=0,
        generation=Generation(1),
        token="t" * 8,
        provider_id=ProviderId("p"),
        pool_name="p/x",
        accelerator="H100",
        nodes=(NodeShare(node=0, chips=8),),
        setup="",
        run="true",
        envs={},
        secrets=(),
        workdir="",
        checkpoint_key="w",
        checkpoint_interval_steps=0,
        model_key="m",
    )
    layout = Layout(Path("/state"), ProviderId("p"))
    got = rank_environment(intent, 0, Place(("127.64.0.1",), 29_400), layout, {})
    assert {name for name in got if name.startswith(("MULTIHOME_", "SKYPILOT_"))} == set(FOR_PROGRAMS)


def test_every_field_is_told_once() -> None:
    text = page("documents")
    assert {kind for kind in DOCUMENT_KINDS if kind != "task"} == set(SCHEMA_KINDS)
    used: set[tuple[str, str]] = set()
    for kind in SCHEMA_KINDS:
        assert f"\n## {kind}\n" in text
        for name in shape_names(kind):
            for field, part in shape_schema(kind, name)["properties"].items():
                here, there = field in MEANINGS.get(name, {}), "description" in part
                assert here != there, f"{name}.{field} must be told in one place"
                assert f"| `{field}` |" in text
                used |= {(name, field)} if here else set()
    assert used == {(name, field) for name, fields in MEANINGS.items() for field in fields}


def test_schemas_have_titles() -> None:
    assert [kind for kind in SCHEMA_KINDS if not document_schema(kind).get("title")] == []


def test_the_map_has_the_layers_that_are_enforced() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    lines = parser["importlinter:contract:layers"]["layers"].split("\n")
    assert tuple(tuple(re.split(r"\s*\|\s*", line.strip())) for line in lines if line.strip()) == LAYERS


def test_the_diagrams_show_what_is_there() -> None:
    drawn = package_map()
    assert all(re.search(rf"^    {name}[\[(]", drawn, re.MULTILINE) for layer in LAYERS for name in layer)
    assert all(cause.__name__ in phases_diagram() for _, cause in TRANSITIONS)


def links_of(path: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_links_lead_somewhere() -> None:
    found = {
        path: [link for link in links_of(path) if link and not (path.parent / link).exists()] for path in documents()
    }
    assert {str(path): links for path, links in found.items() if links} == {}
