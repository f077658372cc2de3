"""Puts the API together: guard, fast route, and FastAPI with everything else."""

from http import HTTPStatus
from typing import Any, cast

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from multihome.api import checking, contracts, operations, procurement, reading, sequences, workloads
from multihome.api.context import Context, refused_response
from multihome.api.documentation import document
from multihome.api.fast import FastRoutes
from multihome.api.guard import Guard
from multihome.wire.parameter_problems import parameter_problem
from multihome.wire.refusals import EdgeCode, edge_refusal, invalid


class UnknownParameterError(Exception):
    """A query parameter that the route does not have: `?dryrun=true` must not act."""


def application(context: Context, token: str) -> ASGIApp:
    """The API as an ASGI application; every route but those of `OPEN_PATHS` wants the token."""
    return Guard(FastRoutes(routes(context), context), token, context.clock, context.metrics)


def routes(context: Context) -> FastAPI:
    """All routes, unguarded."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.context = context
    for router in (
        workloads.router,
        contracts.router,
        operations.router,
        procurement.router,
        sequences.router,
        reading.router,
        checking.router,
    ):
        app.include_router(router, dependencies=[Depends(_known_parameters)])
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(document(app, context.version))
        return made

    app.openapi = openapi
    app.add_exception_handler(UnknownParameterError, _unknown_parameter)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _fault)
    return app


async def _known_parameters(request: Request) -> None:
    allowed = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    unknown = sorted(set(request.query_params) - allowed)
    if unknown:
        raise UnknownParameterError(unknown[0], ", ".join(sorted(allowed)) or "none")


async def _unknown_parameter(request: Request, error: Exception) -> Response:
    del request
    name, allowed = error.args
    return refused_response(edge_refusal(EdgeCode.INVALID, name, "no query parameter is called so here", allowed))


async def _invalid(request: Request, error: Exception) -> Response:
    """A parameter of the path, the query or the headers that is not what it should be."""
    dependant = request.scope["route"].dependant
    parameters = (*dependant.query_params, *dependant.header_params, *dependant.path_params)
    meanings = {parameter.alias: parameter.field_info.description or "" for parameter in parameters}
    problems = cast("RequestValidationError", error).errors()
    return refused_response(invalid(parameter_problem(problem, meanings) for problem in problems))


async def _no_route(request: Request, error: Exception) -> Response:
    status = cast("HTTPException", error).status_code
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        text = f"{request.method} is not for this path; /openapi.json lists all routes"
        return refused_response(edge_refusal(EdgeCode.METHOD_NOT_ALLOWED, request.url.path, text))
    text = "the API has no such path; /openapi.json lists all routes"
    return refused_response(edge_refusal(EdgeCode.NO_SUCH_ROUTE, request.url.path, text))


async def _fault(request: Request, error: Exception) -> Response:
    del error
    text = "this is a fault of the control plane; its log has the details"
    return refused_response(edge_refusal(EdgeCode.FAULT, request.url.path, text))
