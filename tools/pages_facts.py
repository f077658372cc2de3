"""Reference pages made from the domain's own types: refusals, events, clauses."""

import importlib
from collections.abc import Mapping
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_type_hints

import msgspec

from multihome.clauses.table import CLAUSE_KINDS, on_provider_loss
from multihome.domain.clause_terms import ClauseRef, ClauseTerms, Scope, Use, Window
from multihome.domain.events import Event
from multihome.domain.ids import ContractId
from multihome.domain.placements import Blocker, BlockPart, Cut, EndedBy
from multihome.domain.refusals import RefusalCode
from multihome.units.calendar import Calendar
from multihome.units.time import Interval, parse_instant
from multihome.views import history
from multihome.views.words import describe
from multihome.wire.refusals import EdgeCode, status_of
from tools.pages_documents import shape_table
from tools.source import member_docs, one_line
from tools.tables import code, page, table

SAMPLE_MS = parse_instant("2025-06-15")
SAMPLE_COUNT = 16
DAYS = 3
CLAUSE_MODULES = {
    "right_of_first_refusal": "first_refusal",
    "concentration_cap": "concentration",
    "most_favoured_customer": "most_favoured",
}
"""Modules that are called otherwise than the kind's word."""
CLAUSE_SHAPES = {
    "exclusivity": "ExclusivityIn",
    "right_of_first_refusal": "FirstRefusalIn",
    "take_or_pay": "TakeOrPayIn",
    "delay_remedy": "DelayRemedyIn",
}


def refusals_page() -> str:
    """Every refusal in order of precedence, and every reason why a workload waits."""
    docs, edge_docs = member_docs(RefusalCode), member_docs(EdgeCode)
    return page(
        "Refusals and reasons to wait",
        "A refusal says that a command was not taken. Nothing has changed then. It has a code, a subject, a text, what "
        "would have been accepted, and in `others` what else is wrong with the same command, each alike. A command "
        "that breaks several rules gets the first of this order. The command line adds the file, line and column of "
        "everything that it sent from files.",
        table(
            ("order", "code", "HTTP", "meaning"),
            (
                (str(index + 1), code(member.value), str(status_of(member).value), docs[member.name])
                for index, member in enumerate(RefusalCode)
            ),
        ),
        "## Refusals at the edge",
        "These say that a request never became a command, or that its decision could not be kept.",
        table(
            ("code", "HTTP", "meaning"),
            ((code(member.value), str(status_of(member).value), edge_docs[member.name]) for member in EdgeCode),
        ),
        "## Reasons to wait",
        "A workload that was accepted and is not placed has at least one of these for every pool that could have taken "
        "it. `multihome explain` shows them with today's figures. The sentence is what a person reads; the fields are "
        "what a program reads.",
        table(("reason", "meaning", "sentence", "fields"), map(_blocker_row, get_args(Blocker))),
    )


def _blocker_row(blocker: type[Any]) -> tuple[str, ...]:
    hints = get_type_hints(blocker)
    sample = blocker(**{name: _sample(name, hint) for name, hint in hints.items() if not name.startswith("_")})
    fields = ", ".join(code(name) for name in blocker.__struct_fields__)
    return code(blocker.__name__), one_line(blocker.__doc__), describe(sample), fields


def _sample(name: str, hint: object) -> object:
    """A value that shows in a sentence where the field's value would stand."""
    if hint is Use:
        return Use(products=("PRODUCT",))
    if hint is ClauseRef:
        return ClauseRef(ContractId("CONTRACT"), "CLAUSE")
    if hint is EndedBy:
        return EndedBy(act="ACT", actor="ACTOR", why="WHY")
    if hint is Cut:
        return Cut(
            layer="LAYER",
            wanted_nodes=3,
            chips_per_node=8,
            largest_free_block_nodes=2,
            parts=(BlockPart(switch=0, nodes=2), BlockPart(switch=1, nodes=1)),
        )
    if isinstance(hint, UnionType):
        return _sample(name, get_args(hint)[0])
    if hint is int:
        return SAMPLE_MS if name.endswith("_ms") else SAMPLE_COUNT
    word = name.removesuffix("_id").removesuffix("_ids").upper()
    return (word,) if get_args(hint) else word


def events_page() -> str:
    """Every event with its fields."""
    kinds: Mapping[type[Any], str] = vars(history)["_KINDS"]
    rows = (
        (
            code(event.__name__),
            one_line(event.__doc__),
            ", ".join(code(name) for name in event.__struct_fields__),
            kinds.get(event, ""),
        )
        for event in get_args(Event)
    )
    return page(
        "Events",
        "What happened, as the journal keeps it. The state is the fold of these and of nothing else. A record of the "
        "journal is one input with the events it led to; `GET /v1/changes` streams the records. The last column is the "
        "kind under which an event is kept in the history, where it is kept there.",
        table(("event", "meaning", "fields", "history"), rows),
    )


def clauses_page() -> str:
    """Every kind of clause: parameters, meaning, and what it says when its provider is lost."""
    parts: list[str] = []
    for terms, kind in CLAUSE_KINDS.items():
        module = importlib.import_module(f"multihome.clauses.{CLAUSE_MODULES.get(kind, kind)}")
        loss_code, loss_text = on_provider_loss(_sample_terms(terms), Calendar(), 0)
        parts += [
            f"## {kind}",
            one_line(terms.__doc__),
            (module.__doc__ or "").strip(),
            *(shape_table("contract", shape) for shape in (CLAUSE_SHAPES.get(kind),) if shape),
            f"When a provider is declared lost it says {code(loss_code)}: for example, *{loss_text}*.",
        ]
    return page(
        "Clauses",
        "A contract's clauses are parameters in a file; what they mean is code in `multihome.clauses`, one module a "
        "kind. A clause is in force from its first moment to before its last one, and its dates default to the "
        "contract's. To amend a clause, end the old version and begin a new one under the same name where it ends. Two "
        "versions of one name in force at once are refused.",
        *parts,
        "## Scope",
        one_line(Scope.__doc__),
        shape_table("contract", "ScopeIn"),
    )


def _sample_terms(terms: type[Any]) -> ClauseTerms:
    """A clause with parameters that show where they stand in a sentence."""
    shown = {"id": "CLAUSE", "tranche": "TRANCHE", "share_bps": 9_000, "cap_bps": 6_000, "refund_bps": 5_000}
    hints = get_type_hints(terms)
    needed = [field.name for field in msgspec.structs.fields(terms) if field.required]
    return terms(**{name: shown.get(name, _parameter(hints[name])) for name in needed})


def _parameter(hint: type[Any]) -> object:
    """A value of a parameter that no sentence shows."""
    if hint is Interval:
        return Interval(0, 1)
    if hint is Window:
        return Window(days=DAYS)
    if get_args(hint):
        return ()
    if issubclass(hint, Enum):
        return next(iter(hint))
    return DAYS if hint is int else hint()
