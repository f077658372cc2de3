"""The reference of the HTTP API, from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from multihome.api.application import routes
from multihome.api.context import Context
from multihome.api.guard import OPEN_PATHS
from tools.tables import code, page, table

Operation = Mapping[str, Any]


def openapi() -> Mapping[str, Any]:
    """The OpenAPI document; no control plane need run for it."""
    return routes(cast("Context", _Nothing())).openapi()


class _Nothing:
    """What the routes are made for when none of them is asked: only the version is looked at."""

    version = ""


def operations() -> Iterator[tuple[str, str, Operation]]:
    """Every method and path with its operation."""
    for path, methods in cast("Mapping[str, Mapping[str, Operation]]", openapi()["paths"]).items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def routes_page() -> str:
    """Every route: what it does, takes and answers."""
    parts: list[str] = []
    for method, path, operation in operations():
        parts += [
            f"## {method} {path}",
            str(operation.get("description", operation.get("summary", ""))),
            _body(operation),
            _parameters(operation),
            f"Answers {_answer(operation)}.",
        ]
    return page(
        "HTTP API",
        "The control plane listens on loopback. Its address stands in the file `server.json` of the state directory, "
        "its token in the file `token`. Every request but those to "
        f"{' and '.join(code(path) for path in sorted(OPEN_PATHS))} carries `Authorization: Bearer TOKEN`. "
        "`GET /openapi.json` is this page for programs.",
        "A change may carry `Idempotency-Key`: a repeat of the key with the same body gets the same answer and changes "
        "nothing; with another body it is refused. `Multihome-Actor` says who asks. An answer to a change comes once "
        "the change is durable. Whatever is not a yes is a [refusal](refusals.md).",
        *parts,
    )


def _body(operation: Operation) -> str:
    if "requestBody" not in operation:
        return ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return f"Takes {_name(schema)} as JSON."


def _parameters(operation: Operation) -> str:
    found = cast("list[Mapping[str, Any]]", operation.get("parameters", ()))
    rows = (
        (
            code(parameter["name"]),
            parameter["in"],
            "yes" if parameter.get("required") else "",
            str(parameter.get("description") or parameter["schema"].get("description", "")),
            _default(parameter["schema"]),
        )
        for parameter in found
    )
    return table(("parameter", "in", "required", "means", "when left out"), rows) if found else ""


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "") else code(str(default))


def _answer(operation: Operation) -> str:
    content = cast("Mapping[str, Mapping[str, Any]]", operation["responses"]["200"]["content"])
    name = next(filter(None, (_name(body.get("schema", {})) for body in content.values())), "")
    return name or " or ".join(code(media_type) for media_type in content)


def _name(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_name(option) for option in schema["anyOf"])
    return code(str(schema["$ref"]).rpartition("/")[2]) if "$ref" in schema else ""
