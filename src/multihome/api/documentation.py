"""The OpenAPI document: request shapes as pydantic gives them, answers as msgspec does, refusals on every route."""

from typing import Any, cast

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from multihome.api.guard import OPEN_PATHS
from multihome.wire.fields import Shape
from multihome.wire.refusals import RefusalReply

_REF = "#/components/schemas/{name}"
_answered: list[type] = [RefusalReply]
_taken: list[type[Shape]] = []


def answers(*views: type[Any] | None, media_type: str = "application/json") -> dict[int | str, dict[str, Any]]:
    """What a route answers: one of these views, or bytes of a media type; or a refusal."""
    _answered.extend(view for view in views if view is not None)
    schemas = [{"$ref": _REF.format(name=view.__name__)} for view in views if view is not None]
    schema: dict[str, Any] = {} if not schemas else schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    refused = {"application/json": {"schema": {"$ref": _REF.format(name=RefusalReply.__name__)}}}
    return {
        200: {"description": "A yes.", "content": {media_type: {"schema": schema}}},
        "default": {"description": "A refusal.", "content": refused},
    }


def takes(body: type[Shape]) -> dict[str, Any]:
    """What a route's body is."""
    _taken.append(body)
    content = {"application/json": {"schema": {"$ref": _REF.format(name=body.__name__)}}}
    return {"requestBody": {"required": True, "content": content}}


def document(app: FastAPI, version: str) -> dict[str, Any]:
    """The OpenAPI document of all routes."""
    made = get_openapi(
        title="Multihome",
        version=version,
        description="A control plane for AI compute bought from several providers under real contracts.",
        routes=app.routes,
    )
    _, schemas = msgspec.json.schema_components(_answered, ref_template=_REF)
    for body in _taken:
        schema = body.model_json_schema(by_alias=True, ref_template=_REF.replace("{name}", "{model}"))
        schemas |= schema.pop("$defs", {}) | {body.__name__: schema}
    components: dict[str, Any] = made.setdefault("components", {})
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in cast("dict[str, dict[str, dict[str, Any]]]", made["paths"]).items():
        for operation in operations.values():
            operation["security"] = [] if path in OPEN_PATHS else [{"token": []}]
            # FastAPI adds its own answer to a bad parameter; ours is a refusal like any other.
            operation["responses"].pop("422", None)
    return made
