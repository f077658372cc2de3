"""The examples in docs/money-clauses.md come to what they show, and every money clause is among them."""

import doctest
import re

import pytest

from tests.docs.console import ROOT

PAGE = ROOT / "docs" / "money-clauses.md"
MODULES = (
    "take_or_pay",
    "minimum_commitment",
    "ramp",
    "prepayment",
    "price_tiers",
    "delay_remedy",
    "termination",
    "renewal",
    "equity",
    "matching",
)


def run(text: str) -> tuple[doctest.TestResults, str]:
    """Run the examples of a page in order, in one namespace; what went and what was said of failures."""
    said: list[str] = []
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    return doctest.DocTestRunner(verbose=False).run(test, out=said.append), "".join(said)


def test_the_examples_come_to_what_they_show() -> None:
    results, said = run(PAGE.read_text(encoding="utf-8"))
    assert results.failed == 0, said
    assert results.attempted > 50


@pytest.mark.parametrize("module", MODULES)
def test_every_money_clause_has_an_example(module: str) -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith((">>>", "..."))]
    assert any(f"{module}." in line for line in lines)


def test_a_wrong_figure_is_seen() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("'$2,100.00'", "'$2,100.01'")
    assert run(text)[0].failed == 1


def test_what_is_public_has_a_source_and_the_rest_is_assumed() -> None:
    deals = PAGE.read_text(encoding="utf-8").split("## Four deals")[1].split("\n### ")[1:]
    assert len(deals) == 4
    assert all("Public: " in deal and "*Assumed*: " in deal for deal in deals)
    # Of what is public it is said who said so, in brackets, and when: by a year, or by the filing.
    public = [deal.split("Public: ")[1].split("*Assumed*")[0] for deal in deals]
    assert [
        text for text in public if re.search(r"\([A-Z0-9][^)]+\)", text) and re.search("20[0-9]{2}|6-K", text)
    ] == public
