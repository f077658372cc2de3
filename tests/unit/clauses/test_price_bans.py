"""Exclusivities in columns forbid exactly what they forbid a workload that is to be placed."""

from itertools import product

import numpy as np

from multihome.clauses.book import forbidding
from multihome.clauses.price_bans import Place, UseOf, bans_of
from multihome.clauses.price_columns import Standing, columns_of
from multihome.clauses.pricing import Forbidden, Priced, Questions, answer, price
from multihome.domain.clause_terms import Scope
from multihome.domain.workloads import WorkloadKind
from multihome.units.time import MS_PER_HOUR, Interval
from tests.builders import ALPHA, BETA, H100, RATE, TPU, YEAR, book, contract, day, exclusivity

USES = tuple(UseOf(kind, name) for kind in WorkloadKind for name in ("", "api"))
PLACES = tuple(Place(seller, chips) for seller in (ALPHA, BETA) for chips in (H100, TPU))
INSTANTS = tuple(day(number) for number in (0, 9, 10, 11, 49, 50, 200))


def test_prices_forbid_what_placement_forbids() -> None:
    facts = book(
        contract(
            clauses=(
                exclusivity("api", Scope(products=("api",)), interval=Interval(day(10), day(50))),
                exclusivity("new", Scope(new_capacity_only=True)),
            )
        ),
        contract(
            "beta",
            clauses=(exclusivity("tpu", Scope(accelerators=(TPU,), workload_kinds=(WorkloadKind.TRAINING,))),),
        ),
    )
    bans, clauses = bans_of(facts.contracts.values(), USES, PLACES)
    rows = [Standing(lot=str(number), interval=YEAR, rate=RATE) for number in range(len(PLACES))]
    columns = columns_of(rows, bans, clauses)
    cases = list(product(range(len(USES)), range(len(PLACES)), INSTANTS))
    use, lot, start_ms = (np.array(column) for column in zip(*cases, strict=True))
    prices = price(columns, Questions(lot, start_ms, start_ms + MS_PER_HOUR, np.full(len(cases), 8), use))
    seen = [answer(columns, prices, number) for number in range(len(cases))]
    wanted = [
        forbidding(facts, PLACES[at].provider_id, USES[one].kind, USES[one].product, PLACES[at].accelerator, instant)
        for one, at, instant in cases
    ]
    assert [found.clause if isinstance(found, Forbidden) else None for found in seen] == [
        found.clause if found else None for found in wanted
    ]
    assert any(isinstance(found, Forbidden) for found in seen)
    assert any(isinstance(found, Priced) for found in seen)
