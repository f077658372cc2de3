"""Uses of capacity, told apart only as far as clauses tell them apart, and which clauses keep capacity from them."""

from collections.abc import Iterator
from itertools import product

import msgspec

from multihome.clauses.book import Book, MissingPermission, permission
from multihome.domain.clause_terms import Exclusivity, Scope
from multihome.domain.contracts import Contract, Tranche
from multihome.domain.supply import Pool
from multihome.domain.workloads import WorkloadKind
from multihome.procurement.conflict_model import Draft
from multihome.units.time import Interval

ANY_OTHER = ""
"""A product that no clause names."""


class Use(msgspec.Struct, frozen=True):
    """Work of a kind for a product."""

    kind: WorkloadKind
    product: str


class Group(msgspec.Struct, frozen=True):
    """Uses that the same exclusivities forbid: their indices among the model's clauses."""

    uses: tuple[Use, ...]
    forbidden_by: frozenset[int]

    @property
    def name(self) -> str:
        """The uses in words."""
        if len(self.uses) > len(WorkloadKind) or {use.kind for use in self.uses} == set(WorkloadKind):
            return "any work" if all(use.product == ANY_OTHER for use in self.uses) else "work of these products"
        return ", ".join(f"{use.kind.value} {use.product}".strip() for use in self.uses)


def groups_of(book: Book, draft: Draft, contract: Contract, tranche: Tranche) -> list[Group]:
    """The uses a tranche is meant for, by what forbids them; a group that more forbids than another is left out.

    Whatever can be used for the second kind of work need not be used for the first.
    """
    by_clauses: dict[frozenset[int], list[Use]] = {}
    kinds = tranche.use.workload_kinds or tuple(WorkloadKind)
    products = tranche.use.products or (*products_named(book), ANY_OTHER)
    forbidding = list(_exclusivities(book, draft, contract))
    pool = book.pools[tranche.pool_id]
    for kind, name in product(kinds, products):
        use = Use(kind, name)
        indices = frozenset(
            index
            for index, terms in forbidding
            if _covers_use(terms.scope, use)
            and covers_pool(book, terms.scope, pool)
            and terms.interval.overlap_ms(Interval(tranche.promised_ms, tranche.ends_ms))
        )
        by_clauses.setdefault(indices, []).append(use)
    return [
        Group(tuple(uses), indices)
        for indices, uses in by_clauses.items()
        if not any(other < indices for other in by_clauses)
    ]


def products_named(book: Book) -> tuple[str, ...]:
    """Products that exclusivities or tranches name."""
    named = {
        name
        for contract in book.contracts.values()
        for terms in contract.clauses
        if isinstance(terms, Exclusivity)
        for name in terms.scope.products
    }
    used = {
        name for contract in book.contracts.values() for tranche in contract.tranches for name in tranche.use.products
    }
    return tuple(sorted(named | used))


def covers_pool(book: Book, scope: Scope, pool: Pool) -> bool:
    """Say whether chips of a pool lie in scope: their type, and the pool's region or its provider's jurisdiction."""
    provider = book.providers.get(pool.provider_id)
    places = {pool.region} | ({provider.jurisdiction} if provider else set[str]())
    return (not scope.accelerators or pool.accelerator in scope.accelerators) and (
        not scope.territories or not places.isdisjoint(scope.territories)
    )


def unpermitted_by(book: Book, draft: Draft, contract: Contract, tranche: Tranche) -> int | None:
    """The clause that keeps a tranche from being used at all, because it was awarded without its permission, if any."""
    verdict = permission(book, contract, tranche)
    if not isinstance(verdict, MissingPermission):
        return None
    holder = book.contracts[verdict.clause.contract_id]
    versions = (terms for terms in holder.clauses if terms.id == verdict.clause.clause_id)
    in_force = next((terms for terms in versions if terms.interval.contains(tranche.award.awarded_ms)), None)
    return None if in_force is None else draft.index_of(holder, in_force)


def _exclusivities(book: Book, draft: Draft, contract: Contract) -> Iterator[tuple[int, Exclusivity]]:
    """Exclusivities of others that bind what is placed; one on new capacity binds awards."""
    for holder in book.contracts.values():
        if holder.provider_id == contract.provider_id:
            continue
        for terms in holder.clauses:
            if isinstance(terms, Exclusivity) and not terms.scope.new_capacity_only:
                yield draft.index_of(holder, terms), terms


def _covers_use(scope: Scope, use: Use) -> bool:
    return (not scope.workload_kinds or use.kind in scope.workload_kinds) and (
        not scope.products or use.product in scope.products
    )
