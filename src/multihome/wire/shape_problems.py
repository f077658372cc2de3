"""What is wrong with a document's shape, as data that names the place in the document.

Turns pydantic's list of errors into the house's own words, so that nothing above `wire` needs to know pydantic.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Union, cast

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from multihome.wire.documents_clauses import CLAUSE_KINDS
from multihome.wire.fields import PATTERN_WORDS, SHOWN_CHARACTERS_MAX, Shape, closest, shown

SHAPE_PROBLEMS_MAX = 100
"""Problems that are told of one document; nobody reads more, and a hostile file could make a million."""

Path = tuple[str | int, ...]


class Spot(Enum):
    """Which of a path's two marks a problem points at: the field's name, or what stands there."""

    NAME = "name"
    VALUE = "value"


class ShapeProblem(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (`path` into the data, `field` as people write it), what, and what helps.

    `wrong` is a sentence; `given` repeats what stood there (never a secret); `expected` says what may stand there, and
    `suggestion` what to do; the last three may be empty.
    """

    path: Path
    spot: Spot
    field: str
    wrong: str
    given: str = ""
    expected: str = ""
    suggestion: str = ""


def field_text(path: Sequence[str | int]) -> str:
    """A path as people write it: `clauses[0].scope.products`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            # A field's name comes from a file: it must not break the line that it is printed on.
            name = step if step.isprintable() and 0 < len(step) <= SHOWN_CHARACTERS_MAX else shown(step)
            text += f".{name}" if text else name
    return text


def shape_problems(error: ValidationError, data: object, model: type[Shape]) -> tuple[ShapeProblem, ...]:
    """Every error of a validation of `data` as `model`, up to SHAPE_PROBLEMS_MAX of them."""
    details = error.errors(include_url=False, include_context=True)
    return tuple(_problem(detail, data, model) for detail in details[:SHAPE_PROBLEMS_MAX])


def _problem(detail: ErrorDetails, data: object, model: type[Shape]) -> ShapeProblem:
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    at_key = loc[-1:] == ("[key]",)
    path = path_in(data, loc)
    if kind == "missing":
        name = str(loc[-1])
        return ShapeProblem(path, Spot.VALUE, field_text((*path, name)), f"`{name}` is required, and missing")
    if kind == "extra_forbidden":
        return _unknown_field(path, _shape_at(model, loc[:-1]))
    given = "" if path[:1] == ("secrets",) else shown(detail["input"])
    if kind == "value_error":
        return ShapeProblem(path, Spot.NAME if at_key else Spot.VALUE, field_text(path), str(context["error"]), given)
    if kind.startswith("union_tag"):
        return _clause_problem(path, detail["input"])
    expected, suggestion = _expected(kind, context, detail["input"])
    wrong = f"expected {expected}, not {given}" if given else f"expected {expected}"
    return ShapeProblem(path, Spot.NAME if at_key else Spot.VALUE, field_text(path), wrong, given, expected, suggestion)


def path_in(data: object, loc: Sequence[str | int]) -> Path:
    """The part of pydantic's location that exists in the data: without union tags, and without what is missing."""
    path: list[str | int] = []
    node = data
    for step in loc:
        if isinstance(node, Mapping) and step in node:
            path.append(step)
            node = cast("Mapping[str | int, object]", node)[step]
        elif isinstance(node, Mapping) and isinstance(step, int) and step < len(cast("Mapping[str, object]", node)):
            # A mapping that was read as a list of its entries: the entry is named by its number.
            key = list(cast("Mapping[str, object]", node))[step]
            path.append(key)
            node = cast("Mapping[str, object]", node)[key]
        elif isinstance(node, list) and isinstance(step, int) and step < len(cast("list[object]", node)):
            path.append(step)
            node = cast("list[object]", node)[step]
    return tuple(path)


def _unknown_field(path: Path, shape: type[Shape] | None) -> ShapeProblem:
    name = str(path[-1])
    fields = [] if shape is None else [field.alias or key for key, field in shape.model_fields.items()]
    instead: str = getattr(shape, "unsupported", {}).get(name, "")
    if instead:
        wrong, suggestion = f"`{name}` is not supported", instead
    else:
        wrong = f"no field is called {shown(name)} here"
        suggestion = closest(name, fields) or f"the fields are {', '.join(fields)}"
    return ShapeProblem(path, Spot.NAME, field_text(path), wrong, shown(name), ", ".join(fields), suggestion)


def _clause_problem(path: Path, given: object) -> ShapeProblem:
    """A clause whose kind is missing or is none that there is."""
    expected = f"{', '.join(CLAUSE_KINDS[:-1])} or {CLAUSE_KINDS[-1]}"
    kind = cast("Mapping[str, object]", given).get("kind")
    if kind is None:
        field = field_text((*path, "kind"))
        return ShapeProblem(path, Spot.VALUE, field, "`kind` is required, and missing", "", expected)
    path = (*path, "kind")
    suggestion = closest(kind, CLAUSE_KINDS) if isinstance(kind, str) else ""
    return ShapeProblem(
        path,
        Spot.VALUE,
        field_text(path),
        f"no clause is of kind {shown(kind)}",
        shown(kind),
        expected,
        suggestion or f"the kinds are {expected}",
    )


_EXPECTED_WORDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "some text",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entry",
}


def _expected(kind: str, context: Mapping[str, Any], given: object) -> tuple[str, str]:
    """What may stand there, in words, and a suggestion."""
    if kind in ("enum", "literal_error"):
        expected = str(context["expected"]).replace("'", "")
        choices = expected.replace(" or ", ", ").split(", ")
        return expected, closest(given, choices) if isinstance(given, str) else ""
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return PATTERN_WORDS.get(pattern, f"text of the form {pattern}"), ""
    return _EXPECTED_WORDS.get(kind, "something else").format(**context), ""


def _shape_at(model: type[Shape], loc: Sequence[str | int]) -> type[Shape] | None:
    """The model that reads the mapping at a location, followed through lists, options and tagged unions."""
    current: object = model
    for step in loc:
        members = _members(current)
        tagged = [member for member in members if _tag(member) == step]
        if tagged:
            current = tagged[0]
        elif isinstance(step, int):
            lists = (member for member in members if typing.get_origin(member) is list)
            current = next((typing.get_args(member)[0] for member in lists), None)
        else:
            current = next((_field_type(member, step) for member in members if _is_shape(member)), None)
    return next((cast("type[Shape]", member) for member in _members(current) if _is_shape(member)), None)


def _members(annotation: object) -> list[object]:
    """The alternatives of a union, itself where it is none; without annotations."""
    if typing.get_origin(annotation) is Annotated:
        return _members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in typing.get_args(annotation) for inner in _members(member)]
    return [annotation]


def _is_shape(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Shape)


def _tag(annotation: object) -> object:
    if not _is_shape(annotation):
        return None
    field = cast("type[Shape]", annotation).model_fields.get("kind")
    return typing.get_args(field.annotation)[0] if field else None


def _field_type(annotation: object, name: str) -> object:
    fields = cast("type[Shape]", annotation).model_fields
    return next((field.annotation for key, field in fields.items() if name in (key, field.alias)), None)
