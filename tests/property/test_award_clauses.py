"""Caps and most-favoured clauses equal an oracle that counts day by day in fractions."""

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.clauses import concentration
from multihome.clauses import most_favoured as most_favoured_clause
from multihome.clauses.book import Book, tranche_chips
from multihome.clauses.concentration import verdicts
from multihome.clauses.most_favoured import consequences
from multihome.domain.clause_terms import (
    ConcentrationCap,
    Dimension,
    Favoured,
    FavouredRemedy,
    Measure,
    MostFavoured,
)
from multihome.domain.contracts import Award, Contract, Tranche
from multihome.domain.ids import AwardId
from multihome.domain.procurement import AwardRecord
from multihome.units.time import Interval
from tests.awards import award, cap, most_favoured
from tests.builders import H100, TPU, accelerator, book, contract, day, pool, tranche

DAYS = 24
TYPES = {H100: accelerator(vendor="NVIDIA"), TPU: accelerator(TPU, vendor="Google")}
PLACES = {
    "alpha": pool("alpha"),
    "beta": pool("beta", region="west", accelerator=TPU, watts_per_chip=333),
    "gamma": pool("gamma", region="west", watts_per_chip=1_001),
}
days = st.integers(0, DAYS)
rates = st.integers(1, 7_000_000)
names = st.sampled_from(sorted(PLACES))


@st.composite
def awards(draw: st.DrawFn, award_id: str) -> AwardRecord:
    provider = draw(names)
    place = PLACES[provider]
    starts = draw(days)
    return award(
        provider,
        award_id,
        accelerator=place.accelerator,
        region=place.region,
        chips=draw(st.integers(1, 90)),
        starts_ms=day(starts),
        ends_ms=day(starts + draw(days)),
        rate_micro_usd_per_chip_hour=draw(rates),
        awarded_ms=day(draw(days)),
    )


@st.composite
def contracts(draw: st.DrawFn, provider: str, tranches_min: int = 0) -> Contract:
    tranches: list[Tranche] = []
    for number in range(draw(st.integers(tranches_min, 3))):
        starts = draw(days)
        tranches.append(
            tranche(
                f"{provider}-1",
                f"t{number}",
                f"{provider}/main",
                domains=draw(st.integers(1, 3)),
                nodes_per_domain=draw(st.integers(1, 3)),
                promised_ms=day(starts),
                ends_ms=day(starts + draw(days)),
                rate_micro_usd_per_chip_hour=draw(rates),
                award=Award(
                    awarded_ms=day(draw(days)),
                    award_id=draw(st.sampled_from([None, AwardId("A-1"), AwardId("A-2"), AwardId("A-3")])),
                ),
            )
        )
    interval = Interval(day(draw(days) // 2), day(DAYS))
    return contract(provider, [draw(caps(interval)), draw(favours(interval))], tranches)


@st.composite
def caps(draw: st.DrawFn, interval: Interval) -> ConcentrationCap:
    return cap(
        interval=interval,
        dimension=draw(st.sampled_from(Dimension)),
        measure=draw(st.sampled_from(Measure)),
        cap_bps=draw(st.integers(0, 10_000)),
        window_days=draw(st.integers(1, DAYS)),
        of=draw(st.sampled_from(["", "", "alpha", "west", "Google"])),
    )


@st.composite
def favours(draw: st.DrawFn, interval: Interval) -> MostFavoured:
    low = draw(st.sampled_from([1, 1, 1, 1, 1, 9]))
    return most_favoured(
        interval=interval,
        favoured=draw(st.sampled_from(Favoured)),
        accelerators=draw(st.sampled_from([(), (), (H100, TPU), (TPU,)])),
        chips_min=low,
        chips_max=low + draw(st.sampled_from([30, 90, 90])),
        look_back_days=draw(st.sampled_from([0, 3, DAYS, DAYS])),
        remedy=draw(st.sampled_from(FavouredRemedy)),
    )


@st.composite
def books(draw: st.DrawFn) -> Book:
    facts = book(*PLACES.values(), *(draw(contracts(name)) for name in sorted(PLACES)))
    on_record = draw(st.lists(st.sampled_from(["A-1", "A-2"]), unique=True))
    return msgspec.structs.replace(facts, awards={AwardId(name): draw(awards(name)) for name in on_record})


Row = tuple[str, Interval, int, int]


def rows(facts: Book, made: AwardRecord, at_ms: int) -> list[Row]:
    """Whose, when, how many chips, at which rate: all but the award, as far as it was awarded by then."""
    found: list[Row] = []
    cited = set()
    for of in facts.contracts.values():
        for part in of.tranches:
            if part.award.awarded_ms > at_ms or part.award.award_id == made.id:
                continue
            cited.add(part.award.award_id)
            term = Interval(part.promised_ms, part.ends_ms)
            found.append((of.provider_id, term, tranche_chips(facts, part), part.rate_micro_usd_per_chip_hour))
    found += [
        row_of(one)
        for one in facts.awards.values()
        if one.awarded_ms <= at_ms and one.id not in cited and one.id != made.id
    ]
    return found


def row_of(made: AwardRecord) -> Row:
    terms = made.terms
    return made.provider_id, Interval(terms.starts_ms, terms.ends_ms), terms.chips, terms.rate_micro_usd_per_chip_hour


def amount(row: Row, measure: Measure, window: range) -> Fraction:
    """US dollars, chip-hours or kilowatt-hours on the days of a window, counted one by one."""
    provider, term, chips, rate = row
    hours = 24 * sum(1 for on in window if term.start_ms <= day(on) < term.end_ms)
    watts = PLACES[provider].watts_per_chip
    factor = {Measure.CHIPS: Fraction(1), Measure.SPEND: Fraction(rate, 10**6), Measure.POWER: Fraction(watts, 1_000)}
    return hours * chips * factor[measure]


def whose(provider: str, dimension: Dimension) -> str:
    place = PLACES[provider]
    return {
        Dimension.PROVIDER: provider,
        Dimension.REGION: place.region,
        Dimension.VENDOR: TYPES[place.accelerator].vendor,
    }[dimension]


def oracle_holds(facts: Book, terms: ConcentrationCap, made: AwardRecord, at: int) -> tuple[bool, Fraction, Fraction]:
    """Whether the cap lets the award pass, and the share before and after."""
    window = range(at, at + terms.window_days)
    of = terms.of or whose(made.provider_id, terms.dimension)
    shares: dict[str, Fraction] = {}
    for row in rows(facts, made, day(at)):
        of_row = whose(row[0], terms.dimension)
        shares[of_row] = shares.get(of_row, Fraction()) + amount(row, terms.measure, window)
    before = shares.get(of, Fraction()) / (sum(shares.values()) or 1)
    added = amount(row_of(made), terms.measure, window)
    of_award = whose(made.provider_id, terms.dimension)
    shares[of_award] = shares.get(of_award, Fraction()) + added
    after = shares.get(of, Fraction()) / (sum(shares.values()) or 1)
    return not (added and of == of_award) or after <= Fraction(terms.cap_bps, 10_000), before, after


def check_caps(facts: Book, made: AwardRecord, at: int) -> None:
    bound = [
        terms
        for of in facts.contracts.values()
        for terms in of.clauses
        if isinstance(terms, ConcentrationCap) and terms.interval.start_ms <= day(at) < terms.interval.end_ms
    ]
    found = verdicts(facts, TYPES, made, day(at))
    assert len(found) == len(bound)
    for terms, verdict in zip(bound, found, strict=True):
        holds, before, after = oracle_holds(facts, terms, made, at)
        assert verdict.holds is holds
        assert Fraction(verdict.before_part, verdict.before_whole or 1) == before
        assert Fraction(verdict.after_part, verdict.after_whole or 1) == after
        if verdict.chips_max is None:
            assert holds
            continue
        for chips, permitted in ((verdict.chips_max, True), (verdict.chips_max + 1, False)):
            terms_with = msgspec.structs.replace(made.terms, chips=chips)
            tried = msgspec.structs.replace(made, terms=terms_with)
            assert oracle_holds(facts, terms, tried, at)[0] is permitted


@given(facts=books(), made=awards("A-3"), at=days)
def test_caps_equal_the_oracle(facts: Book, made: AwardRecord, at: int) -> None:
    check_caps(facts, made, at)


@given(facts=books(), at=days)
def test_an_award_on_record_is_judged_as_before_it(facts: Book, at: int) -> None:
    for made in facts.awards.values():
        check_caps(facts, made, at)


def oracle_due(facts: Book, of: Contract, terms: MostFavoured, made: AwardRecord, at: int) -> dict[str, Fraction]:
    """Micro-USD by tranche that the clause makes due, day by day; tranches with a right to end count 0."""
    others = made.provider_id != of.provider_id
    own = {part.award.award_id for part in of.tranches}
    age = at - (made.awarded_ms - day(0)) // (day(1) - day(0))
    if others is not (terms.favoured is Favoured.PROVIDER) or made.id in own or not 0 <= age <= terms.look_back_days:
        return {}
    due: dict[str, Fraction] = {}
    for part in of.tranches:
        ours, theirs = PLACES[of.provider_id].accelerator, made.terms.accelerator
        like = {ours, theirs} <= set(terms.accelerators) if terms.accelerators else ours == theirs
        band = range(terms.chips_min, terms.chips_max + 1)
        chips = tranche_chips(facts, part)
        alive = part.award.awarded_ms <= day(at) < part.ends_ms
        gap = made.terms.rate_micro_usd_per_chip_hour - part.rate_micro_usd_per_chip_hour
        gap = gap if terms.favoured is Favoured.PROVIDER else -gap
        if not (like and alive and gap > 0 and chips in band and made.terms.chips in band):
            continue
        looked = {
            FavouredRemedy.MATCH_RATE: range(at, 3 * DAYS),
            FavouredRemedy.REFUND: range(at - terms.look_back_days, at),
            FavouredRemedy.TERMINATE: range(0),
        }[terms.remedy]
        counted = sum(
            1
            for on in looked
            if part.promised_ms <= day(on) < part.ends_ms and terms.interval.start_ms <= day(on) < terms.interval.end_ms
        )
        due[part.id] = Fraction(gap * chips * 24 * counted)
    return due


def check_favours(facts: Book, made: AwardRecord, at: int) -> None:
    expected = {}
    for of in facts.contracts.values():
        for terms in of.clauses:
            if isinstance(terms, MostFavoured) and terms.interval.start_ms <= day(at) < terms.interval.end_ms:
                due = oracle_due(facts, of, terms, made, at)
                if due:
                    expected[of.id] = (tuple(due), sum(due.values()))
    found = consequences(facts, TYPES, made, day(at))
    assert {one.clause.contract_id: (one.tranche_ids, one.amount_micro_usd) for one in found} == expected


@settings(max_examples=400)
@given(
    of=contracts("alpha", tranches_min=2), made=awards("A-4"), at=st.integers(4, 18), age=st.integers(0, 12), dear=rates
)
def test_most_favoured_equals_the_oracle(of: Contract, made: AwardRecord, at: int, age: int, dear: int) -> None:
    made = msgspec.structs.replace(made, awarded_ms=day(at - age))
    check_favours(book(*PLACES.values(), of), made, at)
    terms = msgspec.structs.replace(made.terms, accelerator=H100, rate_micro_usd_per_chip_hour=5_000_000 + dear)
    check_favours(book(*PLACES.values(), of), msgspec.structs.replace(made, terms=terms), at)


def without_the_award(cap_bps: int, part: int, whole: int, per_chip: int) -> int | None:
    """A planted fault: the award's own chips are left out of the whole."""
    return max(0, (cap_bps * whole // 10_000 - part) // per_chip) if per_chip and cap_bps < 10_000 else None


def whole_term(_contract: Contract, _terms: MostFavoured, tranche: Tranche, _at_ms: int) -> int:
    """A planted fault: a remedy counts the whole term."""
    return tranche.ends_ms - tranche.promised_ms


@pytest.mark.parametrize(
    ("module", "name", "fault", "test"),
    [
        (concentration, "_chips_max", without_the_award, test_caps_equal_the_oracle),
        (most_favoured_clause, "_counted_ms", whole_term, test_most_favoured_equals_the_oracle),
    ],
)
def test_a_planted_fault_is_caught(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, fault: object, test: Callable[[], None]
) -> None:
    monkeypatch.setattr(module, name, fault)
    with pytest.raises(AssertionError):
        test()
