"""Amendments of a contract: what a file says of them, and what the contract's clauses are once they are counted in.

An amendment ends clauses and begins others. The contract that comes out has every version of every clause with its own
dates, so that whoever asks needs to know nothing of amendments.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import Field

from multihome.domain.clause_terms import ClauseTerms
from multihome.domain.contracts import Amendment
from multihome.units.time import Interval
from multihome.wire.documents_clauses import ClauseIn
from multihome.wire.fields import LIST_ITEMS_MAX, InstantMs, Name, Shape, Source, instant_text, without_empty


class AmendmentIn(Shape):
    """A dated change of a contract: it ends clauses, and others begin with it."""

    name: Name
    """Unique within the contract."""
    effective: InstantMs
    """When it takes effect."""
    ends: list[Name] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Clauses in force that end then."""
    clauses: list[ClauseIn] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Clauses that begin then; one that has the name of a clause in force replaces it."""
    changes: list[Name] = Field(default=[], max_length=LIST_ITEMS_MAX)
    """Clauses that it changed and whose versions stand with their dates among the contract's own."""
    source: Source
    """Where it is written."""

    def to_fact(self) -> Amendment:
        """What is kept of it beside the clauses' own dates."""
        names = (*self.ends, *(clause.name for clause in self.clauses), *self.changes)
        return Amendment(
            id=self.name, effective_ms=self.effective, clauses=tuple(dict.fromkeys(names)), source=self.source
        )


def amended(
    clauses: Sequence[ClauseIn], amendments: Sequence[AmendmentIn], contract: Interval, zone: str
) -> tuple[ClauseTerms, ...]:
    """Every version of every clause, with the amendments counted in, in order of their dates.

    Dates in messages are those of `zone`.

    Raises:
        ValueError: an amendment lies outside the contract, begins a clause before its own date, or names a clause that
            is not in force, in words.
    """
    versions = [clause.to_terms(contract) for clause in clauses]
    for amendment in sorted(amendments, key=_effective):
        _check(amendment, versions, contract, zone)
        for name in amendment.ends:
            versions = _ended(versions, name, amendment.effective)
        for clause in amendment.clauses:
            terms = clause.to_terms(Interval(amendment.effective, contract.end_ms))
            versions = [*_ended(versions, terms.id, terms.interval.start_ms), terms]
    return tuple(versions)


def _effective(amendment: AmendmentIn) -> int:
    return amendment.effective


def _check(amendment: AmendmentIn, versions: Sequence[ClauseTerms], contract: Interval, zone: str) -> None:
    at_ms = amendment.effective
    subject, on = f"amendment {amendment.name}", instant_text(at_ms, zone)
    if not contract.contains(at_ms):
        msg = f"{subject} takes effect on {on}, outside the contract's dates"
        raise ValueError(msg)
    in_force = sorted({terms.id for terms in versions if terms.interval.start_ms < at_ms < terms.interval.end_ms})
    for name in amendment.ends:
        if name not in in_force:
            msg = (
                f"{subject} ends {name!r}, which is not in force before {on}; in force: {', '.join(in_force) or 'none'}"
            )
            raise ValueError(msg)
    known = {terms.id for terms in versions} | {clause.name for clause in amendment.clauses}
    for name in amendment.changes:
        if name not in known:
            msg = f"{subject} changes {name!r}, and the contract has no clause of that name"
            raise ValueError(msg)
    for clause in amendment.clauses:
        if clause.from_ is not None and clause.from_ < at_ms:
            msg = f"{subject} takes effect on {on}, and its clause {clause.name!r} begins before, on "
            msg += instant_text(clause.from_, zone)
            raise ValueError(msg)


def _ended(versions: Sequence[ClauseTerms], name: str, at_ms: int) -> list[ClauseTerms]:
    """The versions, where those of a name that are in force before an instant end at it."""
    return [
        msgspec.structs.replace(terms, interval=Interval(terms.interval.start_ms, at_ms))
        if terms.id == name and terms.interval.start_ms < at_ms < terms.interval.end_ms
        else terms
        for terms in versions
    ]


def amendment_data(fact: Amendment, zone: str) -> dict[str, Any]:
    """An amendment as a document has it: its clauses stand among the contract's, with their dates."""
    return {
        "name": fact.id,
        "effective": instant_text(fact.effective_ms, zone),
        **without_empty({"changes": list(fact.clauses)}),
        "source": fact.source,
    }
