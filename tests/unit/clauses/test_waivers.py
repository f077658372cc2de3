"""What a notice that has ended, or a waiver on record, leaves to others, and in which respect it falls short."""

from typing import Any

import msgspec
import pytest

from multihome.clauses.book import awarded_of
from multihome.clauses.scope import Awarded
from multihome.clauses.waivers import (
    matched_chips,
    notice_gap,
    throughput_bps,
    waived_chips,
    waived_rate,
    waiver_gap,
)
from multihome.domain.clause_terms import (
    ClauseRef,
    Equivalence,
    FirstRefusal,
    MatchTest,
    MaterialChange,
    Use,
    Window,
)
from multihome.domain.contracts import WaiverAnswer
from multihome.domain.ids import NoticeId, OfferId
from multihome.domain.procurement import Answer, AnswerKind, Notice, Terms
from multihome.domain.workloads import WorkloadKind
from multihome.units.calendar import Calendar, DayCount
from multihome.units.time import FOREVER_MS, MS_PER_DAY
from tests.builders import H100, TPU, book, contract, day, first_refusal, tranche, waiver

HOLDER = contract()
RATE = 2_000_001
TERMS = Terms(
    accelerator=H100,
    region="east",
    chips=32,
    starts_ms=day(40),
    ends_ms=day(140),
    rate_micro_usd_per_chip_hour=RATE,
)
"""What was noticed, and what is asked for unless a test says otherwise."""
TRAINING = Use(workload_kinds=(WorkloadKind.TRAINING,))


def terms_of(**more: Any) -> Terms:
    return msgspec.structs.replace(TERMS, **more)


def notice(use: Use | None = None, **more: Any) -> Notice:
    """Notice N-1, served on day 10 and open until day 20."""
    return Notice(
        id=NoticeId("N-1"),
        clause=ClauseRef(HOLDER.id, "rofr"),
        offer_id=OfferId("O-1"),
        terms=terms_of(**more),
        use=use or Use(),
        served_ms=day(10),
        closes_ms=day(20),
        served_by="ada",
        sha256="ab" * 32,
    )


def answer(kind: AnswerKind = AnswerKind.DECLINED, **more: Any) -> Answer:
    """On day 15; a decline without a counter-offer unless chips are named."""
    return Answer(
        notice_id=NoticeId("N-1"),
        kind=kind,
        answered_ms=day(15),
        terms=terms_of(**({"chips": 0} | more)),
        actor="ada",
        why="test",
    )


def in_part(chips: int, **more: Any) -> Answer:
    return answer(AnswerKind.MATCHED_IN_PART, chips=chips, **more)


def asked(use: Use | None = None, at_ms: int = day(16), **more: Any) -> Awarded:
    """An award to beta."""
    part = tranche("beta-1", pool_id="beta/main", use=use or Use())
    of = contract("beta", tranches=(part,))
    return msgspec.structs.replace(awarded_of(book(of), of, part), terms=terms_of(**more), awarded_ms=at_ms)


# --- How much, and at which rate ---

BY_AGREEMENT = (
    Equivalence(accelerator=TPU, stands_for=H100, throughput_bps=4_999),
    Equivalence(accelerator=H100, stands_for=TPU, throughput_bps=20_000),
)


def test_a_chip_does_its_own_work_and_others_what_was_agreed_in_that_direction() -> None:
    assert throughput_bps((), H100, H100) == 10_000
    assert throughput_bps(BY_AGREEMENT, TPU, H100) == 4_999
    assert throughput_bps(BY_AGREEMENT, H100, TPU) == 20_000
    assert throughput_bps(BY_AGREEMENT[:1], H100, TPU) is None
    assert throughput_bps((), TPU, H100) is None


def test_a_match_takes_all_a_part_what_it_names_and_the_rest_nothing() -> None:
    terms = first_refusal(match=MatchTest(equivalents=BY_AGREEMENT))
    assert matched_chips(terms, notice(), answer(AnswerKind.MATCHED, chips=5)) == 32
    assert matched_chips(terms, notice(), in_part(5)) == 5
    for kind in (AnswerKind.DECLINED, AnswerKind.LAPSED):
        assert matched_chips(terms, notice(), answer(kind, chips=5)) == 0


def test_a_part_in_other_chips_counts_by_their_work_rounded_down() -> None:
    # 10 TPU at 49.99 % are 4.999 H100.
    terms = first_refusal(match=MatchTest(equivalents=BY_AGREEMENT))
    assert matched_chips(terms, notice(), in_part(10, accelerator=TPU)) == 4
    assert matched_chips(first_refusal(), notice(), in_part(10_000, accelerator=TPU)) == 0


def change(**more: int) -> FirstRefusal:
    return first_refusal(material_change=MaterialChange(**more))


@pytest.mark.parametrize(
    ("kind", "chips", "more_bps", "left"),
    [
        (AnswerKind.MATCHED, 32, 5_000, 0),
        (AnswerKind.MATCHED_IN_PART, 12, 0, 20),
        # A tenth of 20 more; a tenth of 21 is cut down.
        (AnswerKind.MATCHED_IN_PART, 12, 1_000, 22),
        (AnswerKind.MATCHED_IN_PART, 11, 1_000, 23),
        (AnswerKind.DECLINED, 0, 0, 32),
        (AnswerKind.DECLINED, 12, 0, 32),
        (AnswerKind.LAPSED, 0, 312, 32),
        (AnswerKind.LAPSED, 0, 313, 33),
    ],
)
def test_others_are_left_what_the_holder_did_not_take_and_what_may_be_added(
    kind: AnswerKind, chips: int, more_bps: int, left: int
) -> None:
    assert waived_chips(change(chips_bps=more_bps), notice(), answer(kind, chips=chips)) == left


def test_the_rate_may_go_up_by_what_the_clause_allows_rounded_down() -> None:
    # 2,000,001 and five hundredths of it are 2,100,001.05.
    assert waived_rate(change(), notice(), answer()) == RATE
    assert waived_rate(change(rate_bps=500), notice(), answer()) == 2_100_001


def test_a_rate_that_the_holder_asked_for_itself_is_a_ceiling() -> None:
    terms = change(rate_bps=500)
    assert waived_rate(terms, notice(), answer(chips=1, rate_micro_usd_per_chip_hour=2_050_000)) == 2_050_000
    assert waived_rate(terms, notice(), answer(chips=1, rate_micro_usd_per_chip_hour=2_100_002)) == 2_100_001
    # A decline without chips is no counter-offer, and the rate of a match in part is not one for others.
    assert waived_rate(terms, notice(), answer(rate_micro_usd_per_chip_hour=1)) == 2_100_001
    assert waived_rate(terms, notice(), in_part(1, rate_micro_usd_per_chip_hour=1)) == 2_100_001


# --- What a notice lacks ---


def gap(award: Awarded, said: Answer | None, used: int = 0, terms: FirstRefusal | None = None, **of: Any) -> str:
    """What notice N-1 lacks to cover an award to somebody else."""
    return notice_gap(HOLDER, terms or first_refusal(), notice(**of), said, award, used)


def test_an_open_notice_covers_nothing_yet() -> None:
    assert gap(asked(), None) == "notice N-1 is open until 2026-01-21 00:00Z"


def test_a_matched_notice_leaves_nothing() -> None:
    assert gap(asked(), answer(AnswerKind.MATCHED, chips=32)) == "the holder matched notice N-1 in full"


@pytest.mark.parametrize("kind", [AnswerKind.DECLINED, AnswerKind.LAPSED])
def test_an_unmatched_notice_covers_exactly_what_it_was_of(kind: AnswerKind) -> None:
    assert gap(asked(), answer(kind)) == ""


@pytest.mark.parametrize(
    ("at_ms", "missing"),
    [
        (day(15) - 1, "notice N-1 was answered only on 2026-01-16 00:00Z"),
        (day(15), ""),
        (day(75) - 1, ""),
        (day(75), "what notice N-1 left to others ended on 2026-03-17 00:00Z"),
    ],
)
def test_a_notice_covers_awards_from_its_answer_for_so_many_days(at_ms: int, missing: str) -> None:
    assert gap(asked(at_ms=at_ms), answer()) == missing


def test_the_days_after_an_answer_are_those_of_the_holders_calendar() -> None:
    # Sixty days from 2026-03-17, a winter's midnight in Paris being 23:00Z of the day before, end in its summer.
    holder = contract(calendar=Calendar(zone="Europe/Paris"))
    said = msgspec.structs.replace(answer(), answered_ms=day(75))
    ends_ms = day(135) - 3_600_000
    found = [
        notice_gap(holder, first_refusal(), notice(), said, asked(at_ms=at_ms), 0) for at_ms in (ends_ms - 1, ends_ms)
    ]
    assert found == ["", "what notice N-1 left to others ended on 2026-05-15 23:00Z"]


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({"accelerator": TPU}, f"notice N-1 was of accelerator {H100}, not {TPU}"),
        ({"region": "west"}, "notice N-1 was of region east, not west"),
        ({"currency": "EUR"}, "notice N-1 was of currency USD, not EUR"),
        ({"chips": 33}, "notice N-1 leaves 32 chips to others, and 33 are asked"),
        (
            {"rate_micro_usd_per_chip_hour": RATE + 1},
            "$2.000002 per chip-hour is better for the provider than the $2.000001 that notice N-1 covers",
        ),
    ],
)
def test_what_is_asked_must_be_what_was_noticed(more: dict[str, Any], missing: str) -> None:
    assert gap(asked(**more), answer()) == missing


def test_less_than_was_noticed_is_covered() -> None:
    assert gap(asked(chips=31, rate_micro_usd_per_chip_hour=RATE - 1, use=TRAINING), answer()) == ""


def test_a_notice_of_a_narrower_use_does_not_cover_a_wider_one() -> None:
    assert gap(asked(), answer(), use=TRAINING) == "notice N-1 was of a narrower use"
    assert gap(asked(use=TRAINING), answer(), use=TRAINING) == ""


def test_earlier_awards_use_a_notice_up() -> None:
    assert gap(asked(chips=12), in_part(12), used=8) == ""
    assert gap(asked(chips=13), in_part(12), used=8) == "notice N-1 leaves 12 chips to others, and 13 are asked"
    assert gap(asked(chips=1), in_part(12), used=20) == "notice N-1 leaves 0 chips to others, and 1 are asked"
    assert gap(asked(chips=1), in_part(12), used=25) == "notice N-1 leaves 0 chips to others, and 1 are asked"


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({"starts_ms": day(43)}, ""),
        ({"starts_ms": day(37)}, ""),
        ({"starts_ms": day(43) + 1}, "its start lies 4 days from the one in notice N-1; up to 3 are covered"),
        ({"starts_ms": day(37) - 1}, "its start lies 4 days from the one in notice N-1; up to 3 are covered"),
        ({"ends_ms": day(145)}, ""),
        ({"ends_ms": day(135)}, ""),
        ({"ends_ms": day(145) + 1}, "its end lies 6 days from the one in notice N-1; up to 5 are covered"),
        ({"ends_ms": day(135) - 1}, "its end lies 6 days from the one in notice N-1; up to 5 are covered"),
    ],
)
def test_dates_may_move_by_days_begun(more: dict[str, Any], missing: str) -> None:
    assert gap(asked(**more), answer(), terms=change(start_days=3, term_days=5)) == missing


def test_without_leave_to_move_a_date_no_millisecond_may_differ() -> None:
    assert gap(asked(starts_ms=day(40) + 1), answer()).startswith("its start lies 1 days")
    assert gap(asked(ends_ms=day(140) - 1), answer()).startswith("its end lies 1 days")


# --- What a waiver lacks ---


def lacking(award: Awarded, terms: FirstRefusal | None = None, left: int = 32, **of: Any) -> str:
    """What waiver W-1, served on day 10 and declined on day 15, lacks; its rate is the one that is asked."""
    facts: dict[str, Any] = {"rate_micro_usd_per_chip_hour": RATE}
    return waiver_gap(waiver(**(facts | of)), HOLDER, terms or first_refusal(), award, left)


@pytest.mark.parametrize(
    ("at_ms", "missing"),
    [
        (day(15) - 1, "it was awarded on 2026-01-15, before waiver W-1 of 2026-01-16"),
        (day(15), ""),
        (day(75) - 1, ""),
        (day(75), "waiver W-1 had expired on 2026-03-17"),
    ],
)
def test_a_waiver_covers_awards_between_its_answer_and_its_expiry(at_ms: int, missing: str) -> None:
    assert lacking(asked(at_ms=at_ms)) == missing


@pytest.mark.parametrize(
    ("more", "left", "missing"),
    [
        ({"chips": 9}, 9, ""),
        ({"chips": 10}, 9, "waiver W-1 has 9 of 32 chips left, and the tranche has 10"),
        (
            {"rate_micro_usd_per_chip_hour": RATE + 1},
            32,
            "its rate is better for the provider than the one noticed in waiver W-1",
        ),
        ({"rate_micro_usd_per_chip_hour": RATE - 1}, 32, ""),
        ({"accelerator": TPU}, 32, f"waiver W-1 covers {H100}, not {TPU}"),
    ],
)
def test_what_is_awarded_must_be_what_was_waived(more: dict[str, Any], left: int, missing: str) -> None:
    assert lacking(asked(**more), left=left) == missing


def test_all_accelerators_that_a_waiver_covers_are_named() -> None:
    assert lacking(asked(accelerator="A100"), accelerators=(H100, TPU)) == f"waiver W-1 covers {H100}, {TPU}, not A100"
    assert lacking(asked(accelerator=TPU), accelerators=(H100, TPU)) == ""


def test_a_notice_lapses_only_when_its_window_ends() -> None:
    lapsed: dict[str, Any] = {"answer": WaiverAnswer.LAPSED, "served_ms": day(5)}
    # Ten days after the day of serving: to the end of day 15.
    at_ms = day(16)
    assert lacking(asked(at_ms=at_ms), answered_ms=at_ms, **lapsed) == ""
    early = lacking(asked(at_ms=at_ms), answered_ms=at_ms - 1, **lapsed)
    assert early == "waiver W-1 cannot have lapsed before 2026-01-17, when its notice window ends"
    assert lacking(asked(at_ms=at_ms), answered_ms=at_ms - 1, served_ms=day(5)) == ""


def test_the_window_of_a_waiver_counts_the_holders_business_days() -> None:
    # Served on Thursday 1 January 2026; Friday is a holiday, so that two business days end with Tuesday the 6th.
    holder = contract(calendar=Calendar(holidays=("2026-01-02",)))
    terms = first_refusal(notice=Window(days=2, count=DayCount.BUSINESS))
    facts = waiver(answer=WaiverAnswer.LAPSED, served_ms=day(0), answered_ms=day(6), rate_micro_usd_per_chip_hour=RATE)
    early = msgspec.structs.replace(facts, answered_ms=day(6) - 1)
    assert waiver_gap(facts, holder, terms, asked(), 32) == ""
    assert "cannot have lapsed before 2026-01-07" in waiver_gap(early, holder, terms, asked(), 32)


def test_a_window_that_would_close_at_no_instant_is_named() -> None:
    # On 2026-03-29 the clocks of Paris leap from 02:00 to 03:00; ten days before is the 19th, day 77.
    holder = contract(calendar=Calendar(zone="Europe/Paris"))
    terms = first_refusal(notice=Window(days=10, closes_minute=150))
    facts = waiver(served_ms=day(77) + MS_PER_DAY // 2, answered_ms=day(80), expires_ms=FOREVER_MS)
    assert waiver_gap(facts, holder, terms, asked(at_ms=day(90)), 32) == (
        "the window of waiver W-1 would close at 2026-03-29 02:30, which Europe/Paris leaps over"
    )
