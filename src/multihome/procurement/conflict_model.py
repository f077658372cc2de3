"""What clauses ask for, as rows over columns, so that it can be asked which of them cannot all be kept.

A row belongs to a clause, and is dropped with it, or to nobody: capacity is what was ordered. Rows are scaled so that
their figures are about 1; `SHORT_MAX` is how much of that a row may lack and still count as kept.
"""

import msgspec

from multihome.domain.clause_terms import ClauseTerms
from multihome.domain.contracts import Contract
from multihome.domain.ids import ContractId
from multihome.domain.solves import Column

NOBODY = -1
"""Whose a row is that cannot be dropped."""
SHORT_MAX = 1e-6
"""One part in a million: a conflict by less than that is not seen."""


class Clause(msgspec.Struct, frozen=True):
    """A version of a clause; `index` is its place among the contract's clauses."""

    contract_id: ContractId
    index: int
    terms: ClauseTerms


class Constraint(msgspec.Struct, frozen=True):
    """A row of a clause, by its index among the model's clauses; or of `NOBODY`."""

    clause: int
    name: str
    lower: float
    upper: float
    entries: tuple[tuple[int, float], ...]


class Model(msgspec.Struct, frozen=True):
    """Clauses, the columns that they speak of, and their rows."""

    clauses: tuple[Clause, ...]
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]


class Draft(msgspec.Struct):
    """A model while it is put together."""

    clauses: tuple[Clause, ...]
    columns: list[Column] = []
    constraints: list[Constraint] = []

    def column(self, name: str, lower: float, upper: float) -> int:
        """Add a column without cost; its index."""
        self.columns.append(Column(name, lower, upper, 0.0, is_whole=False))
        return len(self.columns) - 1

    def row(self, clause: int, name: str, lower: float, upper: float, entries: list[tuple[int, float]]) -> None:
        """Add a row."""
        self.constraints.append(Constraint(clause, name, lower, upper, tuple(entries)))

    def index_of(self, contract: Contract, terms: ClauseTerms) -> int:
        """Which of the model's clauses this one is."""
        return next(
            index
            for index, clause in enumerate(self.clauses)
            if clause.contract_id == contract.id and clause.terms is terms
        )

    def model(self) -> Model:
        """The model as it is now."""
        return Model(self.clauses, tuple(self.columns), tuple(self.constraints))
