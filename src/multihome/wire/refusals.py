"""Refusals as the API sends them, and the one table that gives each its HTTP status. Knows no pydantic."""

from collections.abc import Iterable
from enum import StrEnum
from http import HTTPStatus

import msgspec

from multihome.domain.refusals import Refusal, RefusalCode


class EdgeCode(StrEnum):
    """Why a request never became a command, or could not be kept."""

    UNAUTHORISED = "unauthorised"
    """No token, or not this control plane's."""
    NO_SUCH_ROUTE = "no_such_route"
    """The API has no such path."""
    METHOD_NOT_ALLOWED = "method_not_allowed"
    """The path does not take this method."""
    TOO_LARGE = "too_large"
    """The body or a header is longer than the limit."""
    MALFORMED = "malformed"
    """The body is not JSON, or nested deeper than the limit."""
    INVALID = "invalid"
    """A field is missing, unknown, or holds what it may not."""
    BUSY = "busy"
    """The inbox is full, or too many streams are open; nothing was taken."""
    ENGINE_SILENT = "engine_silent"
    """The provider's engine does not answer."""
    JOURNAL_UNAVAILABLE = "journal_unavailable"
    """The journal cannot be written; nothing was kept, and reads go on."""
    CLOSING = "closing"
    """The control plane is shutting down."""
    FAULT = "fault"
    """A bug: the log of the control plane has it."""


_S = HTTPStatus
STATUS_OF: dict[str, HTTPStatus] = {
    RefusalCode.KEY_REUSED: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.NOT_FOUND: _S.NOT_FOUND,
    RefusalCode.AMBIGUOUS: _S.CONFLICT,
    RefusalCode.UNKNOWN_TENANT: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.UNKNOWN_REFERENCE: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.TENANT_LOOP: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.BAD_DATES: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.OVERLAPPING_CLAUSES: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.QUOTA_ABOVE_PARENT: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.SETTLED: _S.CONFLICT,
    RefusalCode.CURRENCY_DIFFERS: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.BAD_TERMS: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.MISSING_LOCAL_TIME: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.NOT_PERMITTED: _S.CONFLICT,
    RefusalCode.WINDOW_CLOSED: _S.CONFLICT,
    RefusalCode.NO_MATCH: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.GANG_TOO_LARGE: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.NO_SUCH_POOL: _S.UNPROCESSABLE_ENTITY,
    RefusalCode.CHANGED_WORKLOAD: _S.CONFLICT,
    RefusalCode.QUEUE_FULL: _S.SERVICE_UNAVAILABLE,
    RefusalCode.CLOCK_NOT_SCENARIO: _S.CONFLICT,
    RefusalCode.CLOCK_BACKWARDS: _S.CONFLICT,
    RefusalCode.WRONG_STATE: _S.CONFLICT,
    RefusalCode.NEEDS_PERSON: _S.UNPROCESSABLE_ENTITY,
    EdgeCode.UNAUTHORISED: _S.UNAUTHORIZED,
    EdgeCode.NO_SUCH_ROUTE: _S.NOT_FOUND,
    EdgeCode.METHOD_NOT_ALLOWED: _S.METHOD_NOT_ALLOWED,
    EdgeCode.TOO_LARGE: _S.REQUEST_ENTITY_TOO_LARGE,
    EdgeCode.MALFORMED: _S.BAD_REQUEST,
    EdgeCode.INVALID: _S.UNPROCESSABLE_ENTITY,
    EdgeCode.BUSY: _S.SERVICE_UNAVAILABLE,
    EdgeCode.ENGINE_SILENT: _S.SERVICE_UNAVAILABLE,
    EdgeCode.JOURNAL_UNAVAILABLE: _S.INSUFFICIENT_STORAGE,
    EdgeCode.CLOSING: _S.SERVICE_UNAVAILABLE,
    EdgeCode.FAULT: _S.INTERNAL_SERVER_ERROR,
}
"""The HTTP status of every refusal there is; a test holds it against both lists of codes."""

RETRY_AFTER_S = 1
"""What `Retry-After` says beside a 503 or 507."""


class ProblemOut(msgspec.Struct, frozen=True):
    """One thing that is wrong: its code, what it is about, the reason in words, and what would be accepted."""

    code: str
    subject: str
    text: str
    accepted: str = ""


class RefusalOut(msgspec.Struct, frozen=True):
    """A no: its code, what it is about, the reason in words, what would be accepted, and what else is wrong."""

    code: str
    subject: str
    text: str
    accepted: str = ""
    others: tuple[ProblemOut, ...] = ()


class RefusalReply(msgspec.Struct, frozen=True):
    """The body of every answer that is not a yes."""

    refusal: RefusalOut


def refusal_out(refusal: Refusal) -> RefusalOut:
    """A refusal of the controller as it is sent."""
    others = (ProblemOut(other.code.value, other.subject, other.text, other.accepted) for other in refusal.others)
    return RefusalOut(refusal.code.value, refusal.subject, refusal.text, refusal.accepted, tuple(others))


def edge_refusal(code: EdgeCode, subject: str, text: str, accepted: str = "") -> RefusalOut:
    """A refusal of the edge."""
    return RefusalOut(code.value, subject, text, accepted)


def invalid(problems: Iterable[ProblemOut]) -> RefusalOut:
    """A request of which all this is wrong, at least one thing."""
    first, *others = problems
    return RefusalOut(first.code, first.subject, first.text, first.accepted, tuple(others))


def status_of(code: str) -> HTTPStatus:
    """The HTTP status of a refusal."""
    return STATUS_OF[code]
