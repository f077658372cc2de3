"""A contract with amendments in its file has at every instant the clauses that reading from one to the next gives."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from multihome.domain.clause_terms import TakeOrPay
from multihome.domain.contracts import Contract
from multihome.units.time import MS_PER_DAY, parse_instant
from multihome.wire.documents import Facts, document_data, read_document

START_MS = parse_instant("2026-01-01")
DAYS = 40
NAMES: tuple[str, ...] = ("a", "b", "c")


def date(number: int) -> str:
    day, month = number % 31 + 1, number // 31 + 1
    return f"2026-{month:02d}-{day:02d}"


def clause(name: str, share: int) -> dict[str, Any]:
    return {"kind": "take_or_pay", "name": name, "share": f"{share}%", "source": "s"}


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, Any], dict[int, dict[str, int]]]:
    """A contract's document, and by another road the share of every clause in force after each day it changes."""
    shares = st.integers(1, 100)
    force: dict[str, int] = draw(st.dictionaries(st.sampled_from(NAMES), shares))
    clauses = [clause(name, share) for name, share in force.items()]
    expected = {0: dict(force)}
    amendments: list[dict[str, Any]] = []
    for number in sorted(draw(st.sets(st.integers(1, DAYS - 2), max_size=4))):
        new = draw(st.dictionaries(st.sampled_from(NAMES), shares))
        ended = [name for name in force if name not in new and draw(st.booleans())]
        force = {name: share for name, share in force.items() if name not in ended} | new
        expected[number] = dict(force)
        fresh = [clause(name, share) for name, share in new.items()]
        amendments.append(
            {"name": f"A{number}", "effective": date(number), "ends": ended, "clauses": fresh, "source": "s"}
        )
    draw(st.randoms()).shuffle(amendments)
    head = {"kind": "contract", "name": "c", "title": "t", "provider": "p", "from": date(0), "until": date(DAYS)}
    return head | {"source": "s", "clauses": clauses, "amendments": amendments}, expected


@given(histories())
def test_clauses_in_force_follow_the_amendments(history: tuple[dict[str, Any], dict[int, dict[str, int]]]) -> None:
    data, expected = history
    contract = read(data)
    force: dict[str, int] = {}
    for number in range(DAYS):
        force = expected.get(number, force)
        at_ms = START_MS + number * MS_PER_DAY
        found = [terms for terms in contract.clauses if terms.interval.contains(at_ms)]
        assert {terms.id: terms.share_bps for terms in found if isinstance(terms, TakeOrPay)} == {
            name: share * 100 for name, share in force.items()
        }
        assert len(found) == len(force), "no clause is in force in two versions"


@given(histories())
def test_document_to_fact_to_document_to_fact(history: tuple[dict[str, Any], dict[int, dict[str, int]]]) -> None:
    contract = read(history[0])
    assert read(document_data(contract)) == contract


def read(data: dict[str, Any]) -> Contract:
    found = read_document(data, frozenset())
    assert isinstance(found, Facts), found
    (contract,) = found.documents
    assert isinstance(contract, Contract)
    return contract


def test_a_clause_that_begins_after_its_amendment_replaces_the_older_one_then() -> None:
    later = clause("a", 50) | {"from": date(9)}
    amendment = {"name": "A", "effective": date(5), "clauses": [later], "source": "s"}
    head = {"kind": "contract", "name": "c", "title": "t", "provider": "p", "from": date(0), "source": "s"}
    contract = read(head | {"clauses": [clause("a", 80)], "amendments": [amendment]})
    first, second = contract.clauses
    assert first.interval.end_ms == second.interval.start_ms == parse_instant(date(9))
    assert contract.amendments[0].clauses == ("a",)
