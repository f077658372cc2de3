"""Bodies of API requests: raw JSON to commands, or a refusal in words.

Size is limited before a body gets here; depth is limited here, before anything is parsed.
"""

import re
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast

from pydantic import Field, ValidationError, model_validator
from pydantic_core import from_json

from multihome.domain.commands import (
    AdvanceClock,
    Apply,
    DeclareClock,
    DeclareLost,
    Document,
    Drain,
    Override,
    OverrideRule,
    Restore,
)
from multihome.domain.ids import AcceleratorName, ProviderId
from multihome.domain.workloads import WorkloadSpec
from multihome.units.time import Now
from multihome.wire.documents import Facts, read_document
from multihome.wire.documents_workloads import WorkloadIn
from multihome.wire.fields import UTC, DurationMs, InstantMs, Reading, Shape
from multihome.wire.refusals import EdgeCode, ProblemOut, RefusalOut, edge_refusal, invalid
from multihome.wire.shape_problems import Path, ShapeProblem, field_text, shape_problems

DEPTH_MAX = 32
DOCUMENTS_MAX = 5_000
TEXT_CHARACTERS_MAX = 1_000

_OPENING = re.compile(rb'[\[{]|[\]}]|"(?:[^"\\]|\\.)*"?', re.DOTALL)

Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Word = Annotated[str, Field(min_length=1, max_length=200)]


class ApplyIn(Shape):
    """Documents of any kind, workloads among them, each as its file has it. All are taken, or none."""

    documents: Annotated[list[dict[str, Any]], Field(max_length=DOCUMENTS_MAX)]


class PersonIn(Shape):
    """Who decides this, and why."""

    actor: Word
    why: Text

    def to_declare_lost(self, provider_id: str) -> DeclareLost:
        """The command that declares a provider lost."""
        return DeclareLost(provider_id=ProviderId(provider_id), actor=self.actor, why=self.why)

    def to_restore(self, provider_id: str) -> Restore:
        """The command that admits to a provider again."""
        return Restore(provider_id=ProviderId(provider_id), actor=self.actor, why=self.why)


class DrainIn(PersonIn):
    """Which provider or pool admits nothing more."""

    target: Word

    def to_command(self) -> Drain:
        """The command."""
        return Drain(target=self.target, actor=self.actor, why=self.why)


class OverrideIn(PersonIn):
    """Which rule is set aside for a workload; `priority` is the new one where that is the rule."""

    rule: Literal["quota", "priority"]
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0

    def to_command(self, workload: str) -> Override:
        """The command."""
        rule = OverrideRule(self.rule)
        return Override(workload=workload, rule=rule, priority=self.priority, actor=self.actor, why=self.why)


class ClockIn(Shape):
    """One of: `declare` the instant at which a scenario clock starts, or move it `to` an instant or `by` a duration."""

    _ONE: ClassVar[str] = "expected exactly one of `declare`, `to` and `by`"

    declare: InstantMs | None = None
    to: InstantMs | None = None
    by: DurationMs | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "ClockIn":
        if sum(value is not None for value in (self.declare, self.to, self.by)) != 1:
            raise ValueError(self._ONE)
        return self

    def to_command(self, now: Now) -> DeclareClock | AdvanceClock:
        """The command; a duration counts from contract time now."""
        if self.declare is not None:
            return DeclareClock(start_ms=self.declare)
        return AdvanceClock(to_ms=now.contract_ms + (self.by or 0) if self.to is None else self.to)


class BackupIn(Shape):
    """The new file on the control plane's machine that the copy goes to, as an absolute path."""

    file: Annotated[str, Field(min_length=2, max_length=TEXT_CHARACTERS_MAX, pattern="^/[^\\x00]*$")]


_S = TypeVar("_S", bound=Shape)


def read_body(model: type[_S], raw: bytes, known: frozenset[AcceleratorName] = frozenset()) -> _S | RefusalOut:
    """A body as its model, or why not. `known` are the accelerators that a workload may name."""
    if nested_too_deep(raw):
        return edge_refusal(EdgeCode.MALFORMED, "body", f"it is nested more than {DEPTH_MAX} deep (DEPTH_MAX)")
    try:
        return model.model_validate_json(raw, context=Reading(known, UTC))
    except ValidationError as error:
        return _refused(error, model, raw)


def read_workload(raw: bytes, known: frozenset[AcceleratorName]) -> WorkloadSpec | RefusalOut:
    """A workload's document."""
    body = read_body(WorkloadIn, raw, known)
    return body.to_spec() if isinstance(body, WorkloadIn) else body


def read_apply(raw: bytes, known: frozenset[AcceleratorName]) -> Apply | RefusalOut:
    """All documents of a body; accelerators that it describes itself may be named in it."""
    body = read_body(ApplyIn, raw)
    if isinstance(body, RefusalOut):
        return body
    described = (data.get("name") for data in body.documents if data.get("kind") == "accelerator")
    known |= {AcceleratorName(name) for name in described if isinstance(name, str)}
    documents: list[Document] = []
    workloads: list[WorkloadSpec] = []
    problems: list[ProblemOut] = []
    for index, data in enumerate(body.documents):
        outcome = read_document(data, known)
        if isinstance(outcome, Facts):
            documents.extend(outcome.documents)
            workloads.extend(outcome.workloads)
        else:
            problems.extend(_problem_out(problem, ("documents", index)) for problem in outcome)
    if problems:
        return invalid(problems)
    return Apply(documents=tuple(documents), workloads=tuple(workloads))


def nested_too_deep(raw: bytes) -> bool:
    """Whether brackets outside of strings are nested beyond DEPTH_MAX; two counts settle it for nearly every body."""
    if raw.count(b"[") + raw.count(b"{") <= DEPTH_MAX:
        return False
    depth = 0
    for found in _OPENING.finditer(raw):
        sign = found[0]
        depth += (sign in (b"[", b"{")) - (sign in (b"]", b"}"))
        if depth > DEPTH_MAX:
            return True
    return False


def _refused(error: ValidationError, model: type[Shape], raw: bytes) -> RefusalOut:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return edge_refusal(EdgeCode.MALFORMED, "body", f"it is no JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
    problems = shape_problems(error, cast("object", from_json(raw)), model)
    return invalid(_problem_out(problem, ()) for problem in problems)


def _problem_out(problem: ShapeProblem, within: Path) -> ProblemOut:
    """A problem of the shape as it is sent; `within` is the place of the document in the body."""
    place = field_text(within)
    subject = f"{place}.{problem.field}" if place and problem.field else place or problem.field or "body"
    text = problem.wrong + (f"; {problem.suggestion}" if problem.suggestion else "")
    return ProblemOut(EdgeCode.INVALID.value, subject, text, problem.expected)
