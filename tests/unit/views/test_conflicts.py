"""Conflicts in words: what each clause asks for, where it stands, and how many there are."""

from typing import Any

import pytest
from rich.console import Console

from multihome.adapters.solver_highs import HighsSolver
from multihome.clauses.book import Book
from multihome.cli.conflicts import conflicts
from multihome.domain.clause_terms import (
    AmountStep,
    ChipStep,
    ClauseTerms,
    Favoured,
    MinimumCommitment,
    PriceTiers,
    Ramp,
    Scope,
    Tier,
    TierMode,
)
from multihome.domain.ids import ContractId
from multihome.domain.workloads import WorkloadKind
from multihome.procurement.conflict_model import Clause
from multihome.procurement.conflict_rows import model_of
from multihome.procurement.conflicts import Checked, Conflict, find_conflicts
from multihome.runtime.solving import decide_with
from multihome.units.calendar import Period
from multihome.views.conflicts import ConflictsView, FileLine, book_of, conflicts_view
from tests.awards import cap, most_favoured
from tests.builders import (
    ALPHA,
    H100,
    START_MS,
    YEAR,
    accelerator,
    book,
    contract,
    delay_remedy,
    exclusivity,
    first_refusal,
    provider,
    take_or_pay,
    waiver,
    world,
)

NARROW = Scope(workload_kinds=(WorkloadKind.TRAINING,), products=("api",), accelerators=(H100,), territories=("US",))
FIGURES: dict[str, Any] = {"interval": YEAR, "source": "test"}
MINIMUM = MinimumCommitment(
    id="m", period=Period.YEAR, steps=(AmountStep(from_ms=START_MS, amount_micro_usd=5_000_000),), **FIGURES
)
RAMP = Ramp(
    id="r",
    tranche="t1",
    steps=(ChipStep(from_ms=START_MS, chips=8), ChipStep(from_ms=START_MS + 1, chips=16)),
    **FIGURES,
)
TIERS = PriceTiers(
    id="p",
    period=Period.MONTH,
    mode=TierMode.GRADUATED,
    tiers=(Tier(from_chip_hours=0, rate_micro_usd_per_chip_hour=2_000_000),),
    **FIGURES,
)


def shown(view: ConflictsView) -> str:
    console = Console(width=300)
    with console.capture() as capture:
        console.print(conflicts(view))
    return capture.get()


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (exclusivity(), "only alpha may have work"),
        (exclusivity(scope=NARROW), "only alpha may have training of api on H100-SXM-80GB in US"),
        (first_refusal(), "alpha is asked before new capacity for work goes elsewhere"),
        (take_or_pay(), "80 % of each tranche is paid for, used or not"),
        (MINIMUM, "at least $5.00 is spent a year"),
        (RAMP, "8 then 16 chips of t1 are contracted"),
        (TIERS, "a chip-hour costs $2.00 by volume"),
        (cap(), "no provider has more than 60 % of chips"),
        (cap(of="beta"), "provider beta has no more than 60 % of chips"),
        (most_favoured(), "alpha is paid no less than others for the like"),
        (most_favoured(favoured=Favoured.BUYER), "alpha is paid no more than elsewhere for the like"),
        (delay_remedy(), "is kept"),
    ],
)
def test_each_kind_of_clause_says_what_it_asks_for(terms: ClauseTerms, says: str) -> None:
    checked = Checked((Conflict((Clause(ContractId("alpha-1"), 0, terms),), ()),), "")
    (conflict,) = conflicts_view(book(contract(clauses=[terms])), checked, {}).conflicts
    assert conflict.clauses[0].says == f"{says}, 2026-01-01 to 2027-01-01"


def test_a_conflict_is_shown_with_files_and_lines_where_they_are_known() -> None:
    facts = book(contract(clauses=[exclusivity()]), contract("beta", [take_or_pay()]))
    checked = decide_with(HighsSolver(), find_conflicts(model_of(facts, {})))
    view = conflicts_view(facts, checked, {ContractId("alpha-1"): (FileLine("north.yaml", 9),)})
    assert shown(view).splitlines() == [
        "1. These 2 clauses cannot all be kept:",
        "   north.yaml:9: alpha-1/only (exclusivity): only alpha may have work, 2026-01-01 to 2027-01-01",
        "   beta-1/top (take or pay): 80 % of each tranche is paid for, used or not, 2026-01-01 to 2027-01-01",
        "   They meet here:",
        "   - beta-1/t1 may not be used for any work, 2026-01-01 to 2027-01-01",
        "   - 80 % of beta-1/t1 is taken, 2026-01-01 to 2027-01-01",
        "2 clauses of 2 contracts: 1 conflict",
    ]


def test_one_clause_alone_and_a_check_that_is_not_settled_are_told() -> None:
    facts: Book = book(contract(clauses=[MINIMUM]))
    alone = Conflict((Clause(ContractId("alpha-1"), 0, MINIMUM),), ("row",))
    text = shown(conflicts_view(facts, Checked((alone,), "tired"), {}))
    assert "1. This clause cannot be kept:" in text
    assert "Nothing on record would keep it:" in text
    assert text.endswith("1 clause of 1 contract: not settled, tired\n")
    assert shown(conflicts_view(facts, Checked((alone, alone), ""), {})).endswith(
        ": 2 conflicts, no clause in two of them\n"
    )


def test_documents_become_a_book() -> None:
    facts, types = book_of((*world(), waiver()))
    assert sorted(facts.contracts) == ["alpha-1", "beta-1"]
    assert sorted(facts.pools) == ["alpha/main", "beta/main"]
    assert facts.providers[ALPHA] == provider()
    assert list(facts.waivers) == ["W-1"]
    assert types[H100] == accelerator()
