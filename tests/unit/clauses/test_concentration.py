"""A cap says yes or no to an award, with its figures, and how much would still be permitted."""

import msgspec
import pytest

from multihome.clauses.book import Book
from multihome.clauses.concentration import Verdict, on_loss, verdicts
from multihome.domain.clause_terms import ConcentrationCap, Dimension, Measure
from multihome.domain.contracts import Award
from multihome.domain.ids import AcceleratorName, AwardId
from multihome.domain.procurement import AwardRecord
from tests.awards import award, cap
from tests.builders import H100, RATE, START_MS, accelerator, book, contract, day, pool, tranche

TYPES = {H100: accelerator(vendor="NVIDIA")}


def judge(under: ConcentrationCap | Book, made: AwardRecord) -> Verdict:
    facts = under if isinstance(under, Book) else book(contract(clauses=[under]))
    (verdict,) = verdicts(facts, TYPES, made, START_MS)
    return verdict


def with_awards(facts: Book, *made: AwardRecord) -> Book:
    return msgspec.structs.replace(facts, awards={one.id: one for one in made})


def test_half_and_half_keeps_sixty_percent() -> None:
    verdict = judge(cap(), award())
    assert verdict.holds
    hundred_days = 32 * 100 * day(1) - 32 * 100 * START_MS
    assert (verdict.before_part, verdict.before_whole) == (0, hundred_days)
    assert (verdict.after_part, verdict.after_whole) == (hundred_days, 2 * hundred_days)
    assert verdict.text == (
        "provider beta would have 50.00 % of chips (76,800.000 chip-hours of 153,600.000 chip-hours) from 2026-01-01 "
        "to 2026-04-11, after 0.00 % without this award, as it may: clause alpha-1/cap caps it at 60 %"
    )


def test_the_most_chips_that_are_permitted_are_permitted_and_one_more_is_not() -> None:
    verdict = judge(cap(), award(chips=49))
    assert not verdict.holds
    assert verdict.chips_max == 48
    assert verdict.breach.endswith("clause alpha-1/cap caps it at 60 %; 48 chips on these terms would keep it")
    assert "60.50 % of chips" in verdict.breach
    assert judge(cap(), award(chips=48)).holds


def test_nothing_more_is_permitted_where_the_share_is_above_the_cap_already() -> None:
    verdict = judge(cap(), award("alpha", chips=1))
    assert (verdict.holds, verdict.chips_max) == (False, 0)
    assert "would keep it" not in verdict.breach


def test_the_share_counts_only_what_lies_in_the_window() -> None:
    late = award(starts_ms=day(50))
    assert judge(cap(), late).after_part * 2 == judge(cap(), late).before_whole
    assert judge(cap(), award(starts_ms=day(100), chips=10_000)).holds


def test_a_cap_binds_from_its_first_instant_to_its_last() -> None:
    terms = msgspec.structs.replace(cap(), interval=msgspec.structs.replace(cap().interval, start_ms=day(1)))
    facts = book(contract(clauses=[terms]))
    assert verdicts(facts, TYPES, award(), day(1) - 1) == ()
    assert len(verdicts(facts, TYPES, award(), day(1))) == 1
    assert verdicts(facts, TYPES, award(), terms.interval.end_ms) == ()


@pytest.mark.parametrize(
    ("measure", "share"), [(Measure.CHIPS, "50.00 %"), (Measure.SPEND, "75.00 %"), (Measure.POWER, "60.00 %")]
)
def test_each_measure_weighs_in_its_own_way(measure: Measure, share: str) -> None:
    beta = pool("beta", watts_per_chip=1_050)
    facts = book(contract(clauses=[cap(measure=measure, cap_bps=9_000)]), beta)
    verdict = judge(facts, award(rate_micro_usd_per_chip_hour=3 * RATE))
    assert f"would have {share} of {measure.value}" in verdict.text


@pytest.mark.parametrize(
    ("dimension", "of", "holds"),
    [
        (Dimension.PROVIDER, "beta", True),
        (Dimension.REGION, "east", False),
        (Dimension.VENDOR, "NVIDIA", False),
        (Dimension.REGION, "", False),
        (Dimension.REGION, "west", True),
    ],
)
def test_each_dimension_names_its_own(dimension: Dimension, of: str, *, holds: bool) -> None:
    verdict = judge(cap(dimension=dimension, of=of), award())
    assert verdict.holds is holds
    assert verdict.of == (of or "east")


def test_a_cap_on_another_is_not_raised() -> None:
    verdict = judge(cap(of="alpha", cap_bps=1_000), award())
    assert verdict.holds
    assert verdict.chips_max is None
    assert verdict.after_part == verdict.before_part > 0


def test_an_accelerator_that_nobody_described_is_its_own_vendor() -> None:
    verdict = judge(cap(dimension=Dimension.VENDOR), award(accelerator=AcceleratorName("new")))
    assert verdict.of == "new"


def test_a_tranche_that_cites_an_award_counts_in_its_place() -> None:
    cited = tranche(award=Award(awarded_ms=START_MS, award_id=AwardId("A-0")))
    facts = with_awards(book(contract(clauses=[cap()], tranches=[cited])), award("alpha", "A-0", chips=9_999))
    assert judge(facts, award()).before_whole == judge(cap(), award()).before_whole


def test_an_award_on_record_without_a_tranche_counts() -> None:
    facts = with_awards(book(contract(clauses=[cap()])), award("beta", "A-0"))
    verdict = judge(facts, award())
    assert verdict.before_part * 2 == verdict.before_whole
    assert not verdict.holds


def test_the_award_itself_counts_once_when_it_is_on_record() -> None:
    facts = book(contract(clauses=[cap()]), contract("beta", tranches=[]))
    own = tranche("beta-1", pool_id="beta/main", award=Award(awarded_ms=START_MS, award_id=AwardId("A-1")))
    ordered = book(contract(clauses=[cap()]), contract("beta", tranches=[own]))
    before = verdicts(facts, TYPES, award(), START_MS)
    assert verdicts(with_awards(ordered, award()), TYPES, award(), START_MS) == before


def test_what_is_awarded_later_does_not_count_yet() -> None:
    later = tranche("beta-1", pool_id="beta/main", award=Award(awarded_ms=START_MS + 1))
    facts = with_awards(
        book(contract(clauses=[cap()]), contract("beta", tranches=[later])), award("beta", "A-9", awarded_ms=day(2))
    )
    assert judge(facts, award()) == judge(cap(), award())


def test_spend_in_two_currencies_is_not_added() -> None:
    terms = cap(measure=Measure.SPEND)
    verdict = judge(terms, award(currency="EUR"))
    assert verdict.breach == ("clause alpha-1/cap compares spend, and spend in EUR and USD cannot be added")
    assert judge(cap(), award(currency="EUR")).holds


def test_a_cap_of_everything_limits_nothing() -> None:
    verdict = judge(cap(cap_bps=10_000), award(chips=10**9))
    assert (verdict.holds, verdict.chips_max) == (True, None)


def test_a_loss_changes_shares_without_an_award() -> None:
    code, text = on_loss(cap())
    assert code == "binds_awards_only"
    assert (
        text
        == "the cap of 60 % of chips by provider is tested at the next award; a loss moves shares and breaks nothing"
    )


def test_the_most_chips_are_cut_down_to_whole_ones() -> None:
    # x of 32 + x may be 70 %: 74 and two thirds.
    verdict = judge(cap(cap_bps=7_000), award(chips=75))
    assert verdict.chips_max == 74
    assert ", which is too much: clause" in verdict.breach


def test_a_share_that_cannot_be_mended_ends_with_the_cap() -> None:
    assert judge(cap(), award("alpha", chips=1)).breach.endswith("caps it at 60 %")


def test_the_share_before_is_told() -> None:
    verdict = judge(cap(cap_bps=9_000), award("alpha"))
    assert "after 100.00 % without this award" in verdict.text
    nothing = book(contract(clauses=[cap()], tranches=[]), contract("beta", tranches=[]))
    assert "after 0.00 % without this award" in judge(nothing, award()).text


def test_who_has_no_name_is_told_as_such() -> None:
    assert judge(cap(dimension=Dimension.REGION), award(region="")).text.startswith("no region would have 50.00 %")


def test_tranches_after_one_that_does_not_count_do() -> None:
    later = tranche(award=Award(awarded_ms=START_MS + 1))
    facts = book(contract(clauses=[cap()], tranches=[later, tranche(name="t2")]))
    assert judge(facts, award()).before_whole == judge(cap(), award()).before_whole


def test_all_currencies_are_named() -> None:
    terms = cap(measure=Measure.SPEND)
    facts = with_awards(book(contract(clauses=[terms])), award("beta", "A-0", currency="CHF"))
    assert "spend in EUR and CHF, USD cannot be added" in judge(facts, award(currency="EUR")).breach


def test_figures_that_are_not_whole_are_rounded() -> None:
    # One chip for 2 seconds and a half is 1/1,440 of an hour.
    nothing = contract("beta", tranches=[])
    spend = book(contract(clauses=[cap(measure=Measure.SPEND, cap_bps=10_000)], tranches=[]), nothing)
    assert (
        "($0.000694 of $0.000694)"
        in judge(spend, award(chips=1, ends_ms=START_MS + 2_500, rate_micro_usd_per_chip_hour=1_000_000)).text
    )
    power = book(contract(clauses=[cap(measure=Measure.POWER, cap_bps=10_000)], tranches=[]), nothing)
    odd = award(chips=1, ends_ms=START_MS + 10_801)
    assert "(0.002 kWh of 0.002 kWh)" in judge(power, odd).text
