"""What an award makes due under a most-favoured clause, to the micro-USD."""

import pytest

from multihome.clauses.most_favoured import Consequence, consequences, on_loss
from multihome.domain.clause_terms import ClauseRef, Favoured, FavouredRemedy, MostFavoured
from multihome.domain.contracts import Award
from multihome.domain.ids import AwardId
from multihome.domain.procurement import AwardRecord
from multihome.units.time import Interval
from tests.awards import award, most_favoured
from tests.builders import H100, RATE, START_MS, TPU, YEAR, accelerator, book, contract, day, tranche

TYPES = {H100: accelerator(vendor="NVIDIA")}
DEARER = award(rate_micro_usd_per_chip_hour=RATE + 500_000, awarded_ms=day(100))
CHEAPER_AGAIN = award("alpha", rate_micro_usd_per_chip_hour=RATE - 250_000, awarded_ms=day(100))


def due(terms: MostFavoured, made: AwardRecord = DEARER, at_ms: int = day(100)) -> tuple[Consequence, ...]:
    return consequences(book(contract(clauses=[terms])), TYPES, made, at_ms)


def test_a_favoured_provider_is_paid_what_others_are_for_the_rest_of_the_term() -> None:
    (found,) = due(most_favoured())
    assert found.amount_micro_usd == 32 * 265 * 24 * 500_000
    assert found.tranche_ids == ("alpha-1/t1",)
    assert found.text == (
        "32 NVIDIA H100-SXM-80GB of beta at $3.00 per chip-hour is more than alpha-1/t1 at $2.50: clause alpha-1/mfn "
        "favours the provider, and the rate is matched until 2027-01-01 at the latest, $101,760.00 over what is left "
        "of the term"
    )


def test_a_refund_counts_the_look_back() -> None:
    (found,) = due(most_favoured(remedy=FavouredRemedy.REFUND))
    assert found.amount_micro_usd == 32 * 30 * 24 * 500_000
    assert found.text.endswith("and $11,520.00 is due for the 30 days before")


def test_a_refund_counts_no_time_before_the_tranche_began() -> None:
    (found,) = due(most_favoured(remedy=FavouredRemedy.REFUND, look_back_days=365))
    assert found.amount_micro_usd == 32 * 100 * 24 * 500_000


def test_a_right_to_end_counts_nothing() -> None:
    (found,) = due(most_favoured(remedy=FavouredRemedy.TERMINATE))
    assert found.amount_micro_usd == 0
    assert found.text.endswith("and the favoured party may end the contract")


def test_the_remedy_ends_with_the_clause() -> None:
    (found,) = due(most_favoured(interval=Interval(START_MS, day(101))))
    assert found.amount_micro_usd == 32 * 24 * 500_000


def test_a_favoured_buyer_pays_no_more_than_the_same_provider_asks_elsewhere() -> None:
    (found,) = due(most_favoured(favoured=Favoured.BUYER), CHEAPER_AGAIN)
    assert found.amount_micro_usd == 32 * 265 * 24 * 250_000
    assert "is less than alpha-1/t1 at $2.50: clause alpha-1/mfn favours the buyer" in found.text


@pytest.mark.parametrize(
    ("favoured", "made"),
    [
        (Favoured.PROVIDER, award(awarded_ms=day(100))),
        (Favoured.PROVIDER, CHEAPER_AGAIN),
        (Favoured.BUYER, DEARER),
        (Favoured.BUYER, award("alpha", awarded_ms=day(100))),
        (Favoured.BUYER, award("alpha", rate_micro_usd_per_chip_hour=RATE + 1, awarded_ms=day(100))),
        (Favoured.PROVIDER, award(rate_micro_usd_per_chip_hour=9 * RATE, awarded_ms=day(100), accelerator=TPU)),
    ],
)
def test_no_better_terms_make_nothing_due(favoured: Favoured, made: AwardRecord) -> None:
    assert due(most_favoured(favoured=favoured), made) == ()


def test_the_clauses_set_makes_unequal_chips_alike() -> None:
    made = award(rate_micro_usd_per_chip_hour=2 * RATE, awarded_ms=day(100), accelerator=TPU)
    assert len(due(most_favoured(accelerators=(H100, TPU)), made)) == 1
    assert due(most_favoured(accelerators=(TPU,)), made) == ()


@pytest.mark.parametrize(("low", "high", "count"), [(32, 32, 1), (33, 99, 0), (1, 31, 0), (31, 32, 1)])
def test_the_band_of_chips_holds_for_both_sides(low: int, high: int, count: int) -> None:
    terms = most_favoured(chips_min=low, chips_max=high)
    assert len(due(terms)) == count
    other = award(chips=40, rate_micro_usd_per_chip_hour=2 * RATE, awarded_ms=day(100))
    assert due(terms, other) == ()


@pytest.mark.parametrize(("at_ms", "count"), [(day(100) - 1, 0), (day(100), 1), (day(130), 1), (day(130) + 1, 0)])
def test_the_look_back_holds_to_the_instant(at_ms: int, count: int) -> None:
    assert len(due(most_favoured(), at_ms=at_ms)) == count


def test_the_contracts_own_award_is_not_compared_with_itself() -> None:
    own = tranche(award=Award(awarded_ms=START_MS, award_id=AwardId("A-1")))
    facts = book(contract(clauses=[most_favoured(favoured=Favoured.BUYER)], tranches=[own]))
    assert consequences(facts, TYPES, CHEAPER_AGAIN, day(100)) == ()


def test_tranches_that_ended_or_came_later_are_not_compared() -> None:
    ended = tranche(ends_ms=day(100))
    later = tranche(name="t2", award=Award(awarded_ms=day(100) + 1))
    facts = book(contract(clauses=[most_favoured()], tranches=[ended, later]))
    assert consequences(facts, TYPES, DEARER, day(100)) == ()


def test_a_clause_out_of_force_asks_nothing() -> None:
    assert due(most_favoured(interval=Interval(START_MS, day(100)))) == ()
    assert len(due(most_favoured(interval=Interval(day(100), YEAR.end_ms)))) == 1


def test_rates_in_two_currencies_are_not_compared() -> None:
    made = award(rate_micro_usd_per_chip_hour=1, currency="EUR", awarded_ms=day(100))
    (found,) = due(most_favoured(), made)
    assert found.text == (
        "clause alpha-1/mfn compares rates, and the award's is in EUR where the contract's are in USD"
    )
    assert due(most_favoured(accelerators=(TPU,)), made) == ()


def test_a_loss_changes_no_rate() -> None:
    assert on_loss(most_favoured())[0] == "replacements_compare"


def test_what_is_due_names_its_clause_the_favoured_one_and_the_remedy() -> None:
    euros = award(rate_micro_usd_per_chip_hour=1, currency="EUR", awarded_ms=day(100))
    for made in (DEARER, euros):
        for remedy in FavouredRemedy:
            (found,) = due(most_favoured(remedy=remedy), made)
            assert found.clause == ClauseRef(contract().id, "mfn")
            assert (found.favoured, found.remedy) == (Favoured.PROVIDER, remedy)
            assert found.tranche_ids == ("alpha-1/t1",)
    (found,) = due(most_favoured(), euros)
    assert found.amount_micro_usd == 0


def test_every_tranche_that_is_paid_worse_is_named_and_rounded_by_itself() -> None:
    # A micro-USD an hour for 32 chips and 225,000 milliseconds is two; for 32 and 56,250 half of one, which goes to 0.
    parts = (
        tranche(ends_ms=day(100) + 225_000),
        tranche(name="t2", rate_micro_usd_per_chip_hour=RATE + 1),
        tranche(name="t3", ends_ms=day(100) + 56_250, award=Award(awarded_ms=day(100))),
    )
    made = award(rate_micro_usd_per_chip_hour=RATE + 1, awarded_ms=day(100))
    (found,) = consequences(book(contract(clauses=[most_favoured()], tranches=parts)), {}, made, day(100))
    assert found.tranche_ids == ("alpha-1/t1", "alpha-1/t3")
    assert found.amount_micro_usd == 2
    assert found.text.startswith(
        "32 H100-SXM-80GB of beta at $2.500001 per chip-hour is more than alpha-1/t1 at $2.50, alpha-1/t3 at $2.50: "
    )
