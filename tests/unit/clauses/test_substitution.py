"""Which chips may be delivered in place of others."""

from typing import Any

import pytest

from multihome.clauses.substitution import Verdict, on_loss, permits
from multihome.domain.clause_terms import Equivalence, Substitution, SubstitutionRule
from multihome.domain.ids import AcceleratorName
from tests.builders import H100, TPU, YEAR

B200 = AcceleratorName("B200-SXM-180GB")


def terms(**more: Any) -> Substitution:
    facts: dict[str, Any] = {
        "id": "swap",
        "interval": YEAR,
        "rule": SubstitutionRule.LIKE_FOR_LIKE,
        "needs_consent": False,
        "equivalents": (Equivalence(accelerator=B200, stands_for=H100, throughput_bps=22_500),),
        "source": "test",
    }
    return Substitution(**(facts | more))


@pytest.mark.parametrize(("chips", "permitted"), [(44, False), (45, True), (46, True)])
def test_like_for_like_is_at_least_the_same_throughput(chips: int, *, permitted: bool) -> None:
    assert permits(terms(), H100, 101, B200, chips, "").permitted is permitted


def test_too_few_chips_are_told_in_figures() -> None:
    text = permits(terms(), H100, 100, B200, 44, "").text
    assert text == "clause swap counts 44 B200-SXM-180GB for 99 H100-SXM-80GB, and 100 were ordered"


def test_an_equivalence_holds_in_the_direction_stated_only() -> None:
    verdict = permits(terms(), B200, 1, H100, 1_000, "")
    assert not verdict.permitted
    assert verdict.text == "clause swap states no equivalence of H100-SXM-80GB to B200-SXM-180GB"


def test_consent_is_wanted_where_the_clause_wants_it() -> None:
    silent = permits(terms(needs_consent=True), H100, 8, B200, 8, "")
    assert (silent.permitted, "none is recorded" in silent.text) == (False, True)
    agreed = permits(terms(needs_consent=True), H100, 8, B200, 8, "ada")
    assert agreed.permitted
    assert agreed.text == "clause swap lets B200-SXM-180GB stand for H100-SXM-80GB, with the consent of ada"


def test_consent_mends_no_lack_of_throughput() -> None:
    assert not permits(terms(needs_consent=True), H100, 8, B200, 1, "ada").permitted


def test_never_is_never_and_any_is_any() -> None:
    never = permits(terms(rule=SubstitutionRule.NEVER), H100, 8, B200, 80, "ada")
    assert (never.permitted, never.text) == (False, "clause swap permits no substitute for H100-SXM-80GB")
    assert permits(terms(rule=SubstitutionRule.ANY), H100, 8, TPU, 1, "").permitted


def test_what_was_ordered_is_no_substitute() -> None:
    assert permits(terms(rule=SubstitutionRule.NEVER, needs_consent=True), H100, 8, H100, 1, "").permitted


def test_each_rule_says_what_a_loss_means() -> None:
    said = {on_loss(terms(rule=rule, needs_consent=True))[1] for rule in SubstitutionRule}
    assert len(said) == 3
    assert all(text.endswith(", with consent") for text in said)


def test_exactly_the_throughput_that_was_ordered_is_enough() -> None:
    assert permits(terms(), H100, 9, B200, 4, "") == Verdict(
        permitted=True, text="clause swap lets B200-SXM-180GB stand for H100-SXM-80GB"
    )
    assert permits(terms(), H100, 8, H100, 1, "") == Verdict(permitted=True, text="H100-SXM-80GB was ordered")
