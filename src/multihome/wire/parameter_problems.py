"""What is wrong with a parameter of a path, a query or a header, in the words that documents' errors have."""

from collections.abc import Mapping
from typing import Any

from multihome.views.status import UNIT_STATES
from multihome.wire.fields import shown
from multihome.wire.refusals import EdgeCode, ProblemOut

STATE_PATTERN = f"^({'|'.join(UNIT_STATES)})?$"
"""A unit's state, or nothing for all of them."""

_PATTERNS = {STATE_PATTERN: f"one of {', '.join(UNIT_STATES)}"}
_WORDS = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 64 bits",
    "int_from_float": "a whole number",
    "bool_parsing": "true or false",
    "greater_than_equal": "a whole number of at least {ge}",
    "less_than_equal": "a whole number of at most {le}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} character",
    "string_pattern_mismatch": "",
}
"""What may stand there, by pydantic's name of the error. A test asks every route for each of them."""


def parameter_problem(error: Mapping[str, Any], meanings: Mapping[str, str]) -> ProblemOut:
    """One of pydantic's errors in the house's words; `meanings` says what each parameter is, by its name."""
    name, kind = str(error["loc"][-1]), str(error["type"])
    if kind == "missing":
        return ProblemOut(EdgeCode.INVALID.value, name, f"`{name}` is required, and missing", meanings.get(name, ""))
    context: Mapping[str, Any] = error.get("ctx", {})
    words = _PATTERNS[context["pattern"]] if kind == "string_pattern_mismatch" else _WORDS[kind].format(**context)
    return ProblemOut(EdgeCode.INVALID.value, name, f"expected {words}, not {shown(error['input'])}", words)
