"""Exclusivities as columns, for prices of many uses at once: which uses each keeps away from which lots, and when."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from multihome.clauses.exclusivity import binds_workload
from multihome.clauses.price_columns import Ban
from multihome.domain.clause_terms import ClauseRef, Exclusivity
from multihome.domain.contracts import Contract
from multihome.domain.ids import AcceleratorName, ProviderId
from multihome.domain.workloads import WorkloadKind


class UseOf(msgspec.Struct, frozen=True):
    """What a block is wanted for, as scopes tell uses apart."""

    kind: WorkloadKind
    product: str


class Place(msgspec.Struct, frozen=True):
    """Whose chips a lot has, and which."""

    provider_id: ProviderId
    accelerator: AcceleratorName


def bans_of(
    contracts: Iterable[Contract], uses: Sequence[UseOf], places: Sequence[Place]
) -> tuple[tuple[Ban, ...], tuple[ClauseRef, ...]]:
    """A ban for every exclusivity, and the clauses that they count; both for `columns_of`.

    `uses` are in the order that questions count them, `places` in that of the columns' lots.
    """
    bans: list[Ban] = []
    clauses: list[ClauseRef] = []
    for contract in contracts:
        for terms in contract.clauses:
            if isinstance(terms, Exclusivity):
                bans.append(Ban(len(clauses), terms.interval, _covers(terms, contract.provider_id, uses, places)))
                clauses.append(ClauseRef(contract.id, terms.id))
    return tuple(bans), tuple(clauses)


def _covers(
    terms: Exclusivity, holder: ProviderId, uses: Sequence[UseOf], places: Sequence[Place]
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which of the uses the clause keeps away from which of the places while it is in force."""
    at_ms = terms.interval.start_ms
    covers = np.zeros((len(uses), len(places)), dtype=np.bool_)
    for row, use in enumerate(uses):
        for column, place in enumerate(places):
            covers[row, column] = binds_workload(
                terms, holder, place.provider_id, use.kind, use.product, place.accelerator, at_ms
            )
    return covers
