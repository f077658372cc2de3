"""The reference of documents: every field of every kind, from the schemas that validate them."""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from multihome.files.schemas import SCHEMA_KINDS
from multihome.wire.documents import document_schema
from multihome.wire.fields import PATTERN_WORDS, duration_text
from tools.field_meanings import MEANINGS
from tools.tables import cell, code, page, table

Schema = Mapping[str, Any]
DURATION_EXAMPLE = "90s"
WIRE_MODULES = (
    "documents_supply",
    "documents_clauses_rights",
    "documents_clauses_money",
    "documents_contracts",
    "documents_procurement",
    "documents_tenants",
    "documents_workloads",
    "documents_placement",
    "documents_sizes",
)


def documents_page() -> str:
    """All kinds of documents, in the order in which facts build on each other."""
    parts: list[str] = []
    for kind in SCHEMA_KINDS:
        for name in shape_names(kind):
            level = "##" if name == root_name(kind) else "###"
            title = kind if level == "##" else f"{kind}: {name.removesuffix('In')}"
            parts += [f"{level} {title}", str(shape_schema(kind, name).get("description", "")), shape_table(kind, name)]
            parts.append(_unsupported(name))
    return page(
        "Documents",
        "Facts and workloads are written in YAML files, one or more documents a file. A folder is read whole, its "
        "files in order of name. `kind` says what a document is; a document without one is a workload. Unknown fields "
        "are refused, and so are anchors, aliases, tags and duplicate names. Nothing is rounded: a number with too "
        "many decimals is refused. `schemas/` has a JSON Schema of each kind for editors.",
        *parts,
    )


def root_name(kind: str) -> str:
    """The class that validates a kind."""
    return str(document_schema(kind)["title"])


def shape_names(kind: str) -> list[str]:
    """The shapes of a kind, the document itself first; enumerations are not among them."""
    schema = document_schema(kind)
    inner = [name for name, part in schema.get("$defs", {}).items() if "properties" in part]
    return [str(schema["title"]), *inner]


def shape_schema(kind: str, name: str) -> Schema:
    """The schema of one shape of a kind."""
    schema = document_schema(kind)
    return schema if schema["title"] == name else cast("Schema", schema["$defs"][name])


def shape_table(kind: str, name: str) -> str:
    """The fields of a shape: what may stand there, whether it must, and what it means."""
    defs = document_schema(kind).get("$defs", {})
    schema = shape_schema(kind, name)
    required = set(cast("Iterable[str]", schema.get("required", ())))
    rows = (
        (code(field), "; ".join(_types(part, defs)), _presence(field, part, required), _meaning(name, field, part))
        for field, part in cast("Mapping[str, Schema]", schema["properties"]).items()
    )
    return table(("field", "holds", "when left out", "means"), rows)


def _meaning(name: str, field: str, part: Schema) -> str:
    """What is said of a field here, else what its schema says of it."""
    here = MEANINGS.get(name, {})
    text = here[field] if field in here else str(part["description"])
    return text.rstrip(".")


def _presence(field: str, part: Schema, required: set[str]) -> str:
    if field in required:
        return "**refused**"
    default = part.get("default")
    if isinstance(default, dict):
        return "as its fields say"
    if isinstance(default, int) and DURATION_EXAMPLE in part.get("examples", ()):
        return code(duration_text(default))
    return "" if default in (None, "", [], {}) else code(json.dumps(default))


def _types(part: Schema, defs: Mapping[str, Schema]) -> Iterator[str]:
    """What a field may hold, in words."""
    if "examples" in part:
        yield f"text like {' or '.join(code(str(example)) for example in part['examples'])}"
    elif "$ref" in part:
        name = str(part["$ref"]).rpartition("/")[2]
        target = defs[name]
        yield " or ".join(code(value) for value in target["enum"]) if "enum" in target else name.removesuffix("In")
    elif "const" in part:
        yield code(str(part["const"]))
    elif "enum" in part:
        yield " or ".join(code(str(value)) for value in part["enum"])
    elif "anyOf" in part or "oneOf" in part:
        options = cast("list[Schema]", part.get("anyOf") or part.get("oneOf"))
        words = [word for option in options if option.get("type") != "null" for word in _types(option, defs)]
        yield " or ".join(dict.fromkeys(words))
    elif part.get("type") == "array":
        yield f"a list: {', '.join(_types(cast('Schema', part['items']), defs))}"
    elif part.get("type") == "object":
        yield "a mapping"
    else:
        yield _scalar(part)


def _scalar(part: Schema) -> str:
    if isinstance(part.get("type"), list):
        return " or ".join(part["type"])
    pattern = part.get("pattern")
    if pattern is not None:
        return PATTERN_WORDS.get(str(pattern), f"text like `{pattern}`")
    if part.get("type") == "integer":
        return (
            f"a whole number from {part.get('minimum', 0):,} to {part['maximum']:,}" if "maximum" in part else "number"
        )
    if part.get("type") == "boolean":
        return "true or false"
    return f"text of at most {part['maxLength']:,} characters" if "maxLength" in part else "text"


def _unsupported(name: str) -> str:
    """The fields that are refused by name, and what to do instead."""
    fields: dict[str, str] = {}
    for module in WIRE_MODULES:
        shape = getattr(importlib.import_module(f"multihome.wire.{module}"), name, None)
        fields |= cast("dict[str, str]", getattr(shape, "unsupported", {}))
    if not fields:
        return ""
    lines = (f"- `{field}`: {cell(instead)}" for field, instead in fields.items())
    return "\n".join(("Refused by name:", "", *lines))
