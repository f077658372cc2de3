"""The table of clause kinds: every kind has a word and says what a loss of its provider means."""

import msgspec
import pytest

from multihome.clauses.table import CLAUSE_KINDS, on_provider_loss
from multihome.domain.clause_terms import ClauseTerms, Exemption, ExemptionGround, Substitution, SubstitutionRule
from multihome.units.calendar import Calendar
from multihome.units.time import MS_PER_HOUR
from tests.builders import YEAR, day, first_refusal
from tests.money_builders import every_kind


def test_the_table_names_every_kind() -> None:
    assert CLAUSE_KINDS.keys() == set(ClauseTerms.__args__)
    assert {type(terms) for terms in every_kind()} == set(CLAUSE_KINDS)
    assert len(set(CLAUSE_KINDS.values())) == len(CLAUSE_KINDS)


def test_a_kind_has_one_word_in_files_and_in_the_journal() -> None:
    for terms in every_kind():
        assert msgspec.to_builtins(terms)["type"] == CLAUSE_KINDS[type(terms)]


LOSSES = {
    "exclusivity": ("waits_for_holder", "work in scope (all products) may not leave; its replicas wait for the holder"),
    "right_of_first_refusal": (
        "no_emergency_exemption",
        "the loss opens no exemption from match_offer; replacements go to capacity whose award was permitted",
    ),
    "take_or_pay": ("owed_suspended", "chip-hours not delivered from now on are not owed (share 80 %)"),
    "minimum_commitment": (
        "minimum_stands",
        "the minimum of up to $1,000,000.00 a month stands; what is not spent is charged",
    ),
    "ramp": ("ramp_stands", "the steps of tranche t1 keep their dates; what is not delivered is not owed"),
    "prepayment": (
        "stays_paid",
        "what was paid ahead is drawn on by later charges; termination gives back 50 %",
    ),
    "price_tiers": ("tiers_stand", "the volume that reaches a tier in a month counts what was taken, and no more"),
    "delay_remedy": ("not_a_delay", "capacity that was accepted and is lost is no late delivery (grace 5 days)"),
    "termination": (
        "may_be_cause",
        "a loss ends nothing by itself; causes named: insolvency, breach; cure period 30 days",
    ),
    "renewal": ("renewal_stands", "renewal is automatic as before, and its last day does not move"),
    "concentration_cap": (
        "binds_awards_only",
        "the cap of 60 % of chips by provider is tested at the next award; a loss moves shares and breaks nothing",
    ),
    "most_favoured_customer": (
        "replacements_compare",
        "awards that replace what is lost are compared as any other (180 days back)",
    ),
    "substitution": (
        "substitution_as_agreed",
        "what comes back may be other chips only as agreed: like for like, with consent",
    ),
    "equity": ("vesting_waits", "milestones worth $1,000.00 count chips accepted; a loss takes none back"),
}


@pytest.mark.parametrize("terms", every_kind(), ids=lambda terms: CLAUSE_KINDS[type(terms)])
def test_every_kind_of_clause_says_what_a_loss_means(terms: ClauseTerms) -> None:
    assert on_provider_loss(terms, Calendar(), day(0)) == LOSSES[CLAUSE_KINDS[type(terms)]]


def test_a_substitution_says_whether_it_needs_consent() -> None:
    terms = Substitution(id="any", interval=YEAR, rule=SubstitutionRule.ANY, needs_consent=False, source="test")
    assert on_provider_loss(terms, Calendar(), day(0))[1].endswith("only as agreed: any, without consent")


def test_an_exemption_counts_its_days_from_the_loss_in_the_contracts_zone() -> None:
    # Thirty days after half past midnight of 2 March in London, the clocks of Paris have gone forward by an hour.
    terms = first_refusal(exemptions=(Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=30),))
    lost_ms = day(60) + MS_PER_HOUR // 2
    assert "until 2026-03-31 " in on_provider_loss(terms, Calendar(), lost_ms - MS_PER_HOUR)[1]
    assert "until 2026-03-31 " in on_provider_loss(terms, Calendar("Europe/Paris"), lost_ms)[1]
    assert "until 2026-04-01 " in on_provider_loss(terms, Calendar(), lost_ms)[1]
