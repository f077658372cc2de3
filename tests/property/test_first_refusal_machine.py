"""Any history of offers, notices, answers, lapses, losses and awards: nothing in scope is awarded that may not be.

The model beside the controller is an oracle of its own: it keeps what each notice left to others as a list of small
records, and decides by looking at them, never by asking the code under test. A concentration cap binds beside it.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from multihome.controller.invariants import check, check_award
from multihome.domain.clause_terms import Exemption, ExemptionGround, FirstRefusalMode, MaterialChange, Window
from multihome.domain.commands import (
    Accepted,
    AdvanceClock,
    AnswerNotice,
    Apply,
    AwardOffer,
    DeclareClock,
    DeclareLost,
    Install,
    Restore,
    ServeNotice,
)
from multihome.domain.ids import AwardId, ContractId, NoticeId, OfferId, ProviderId
from multihome.domain.procurement import AnswerKind
from multihome.domain.refusals import Refusal, RefusalCode
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR
from tests.awards import cap
from tests.builders import ALPHA, RATE, contract, day, first_refusal, offer, world
from tests.control import Control, replayed

PERSON: dict[str, Any] = {"actor": "ada", "why": "a test"}
CHIPS = st.sampled_from([8, 16, 24, 32])
STARTS = st.sampled_from([40, 41, 43])
KINDS = st.sampled_from([AnswerKind.MATCHED, AnswerKind.MATCHED_IN_PART, AnswerKind.DECLINED])
MODES = st.sampled_from(FirstRefusalMode)
WINDOW_DAYS, WAIVER_DAYS, LOSS_DAYS = 3, 6, 2
CAP_DAYS = 50
"""A cap counts the chips of this many days."""
LOT_CHIPS = 8
"""What offers sell at least, and in steps of which."""
RATES = {"O-1": RATE, "O-2": RATE + 100_000}


class Left(msgspec.Struct):
    """What one notice left to others."""

    chips: int
    rate: int
    starts_ms: int
    served_ms: int
    closes_ms: int
    asked: int | None = None
    from_ms: int | None = None
    until_ms: int = 0
    lapsed: bool = False
    used: bool = False


class Buying(RuleBasedStateMachine):
    """Alpha holds a first refusal; beta makes two offers, one of them dearer."""

    @initialize(
        mode=st.sampled_from(FirstRefusalMode),
        rate_bps=st.sampled_from([0, 400]),
        start_days=st.integers(0, 2),
        cap_bps=st.sampled_from([10_000, 5_500, 6_000]),
    )
    def install(self, mode: FirstRefusalMode, rate_bps: int, start_days: int, cap_bps: int) -> None:
        self.control = Control()
        self.left: dict[NoticeId, Left] = {}
        self.taken = dict.fromkeys(RATES, 0)
        self.awarded: list[tuple[int, int]] = []
        self.cap_bps = cap_bps
        self.lost_ms: int | None = None
        self.mode, self.rate_bps, self.start_days = mode, rate_bps, start_days
        clause = first_refusal(
            notice=Window(days=WINDOW_DAYS),
            waiver_days=WAIVER_DAYS,
            mode=mode,
            material_change=MaterialChange(rate_bps=rate_bps, start_days=start_days),
            exemptions=(Exemption(ground=ExemptionGround.PROVIDER_LOSS, days=LOSS_DAYS),),
        )
        share = cap(cap_bps=cap_bps, window_days=CAP_DAYS)
        offers = (offer(chips_max=64), offer("O-2", rate_micro_usd_per_chip_hour=RATES["O-2"], chips_max=64))
        self.control.do(Install(installation_id="test"))
        self.control.do(DeclareClock(start_ms=day(1)))
        self.control.do(Apply(documents=(*world(), contract(clauses=[clause, share]), *offers), workloads=()))

    @property
    def now_ms(self) -> int:
        return self.control.now.contract_ms

    @rule(hours=st.sampled_from([1, 12, 24, 24 * 3, 24 * 5]), ticks=st.booleans())
    def time(self, hours: int, ticks: bool) -> None:  # noqa: FBT001
        self.control.do(AdvanceClock(to_ms=min(self.now_ms + hours * MS_PER_HOUR, day(39))))
        if ticks:
            self.tick()

    @rule()
    def tick(self) -> None:
        self.control.tick()
        for left in self.left.values():
            if left.from_ms is None and left.closes_ms <= self.now_ms:
                left.from_ms, left.until_ms = left.closes_ms, left.closes_ms + WAIVER_DAYS * MS_PER_DAY
                left.lapsed = True

    @rule(name=st.sampled_from(sorted(RATES)), chips=CHIPS, start=STARTS, back_h=st.sampled_from([0, 0, 30, -1]))
    def serve(self, name: str, chips: int, start: int, back_h: int) -> None:
        served_ms = self.now_ms - back_h * MS_PER_HOUR
        command = ServeNotice(
            contract_id=ContractId("alpha-1"),
            clause_id="rofr",
            offer_id=OfferId(name),
            chips=chips,
            starts_ms=day(start),
            ends_ms=day(140),
            effective_ms=served_ms,
            **PERSON,
        )
        answer = self.control.ask(command)
        if back_h < 0 or served_ms < day(0) or chips > 64 - self.taken[name]:
            assert isinstance(answer, Refusal)
            return
        assert isinstance(answer, Accepted), answer
        closes_ms = (served_ms // MS_PER_DAY + WINDOW_DAYS + 1) * MS_PER_DAY
        self.left[NoticeId(answer.made[0])] = Left(chips, RATES[name], day(start), served_ms, closes_ms)

    @rule(
        pick=st.integers(0, 99),
        kind=KINDS,
        chips=CHIPS,
        dear=st.sampled_from([None, 0, 1, -100_000]),
        back_h=st.sampled_from([0, 0, 12, 100]),
    )
    def answer(self, pick: int, kind: AnswerKind, chips: int, dear: int | None, back_h: int) -> None:
        if not self.left:
            return
        notice_id = list(self.left)[pick % len(self.left)]
        left = self.left[notice_id]
        rate = None if dear is None else left.rate + dear
        said = chips if kind is AnswerKind.MATCHED_IN_PART else None
        answered_ms = self.now_ms - back_h * MS_PER_HOUR
        command = AnswerNotice(
            notice_id=notice_id,
            kind=kind,
            chips=said,
            rate_micro_usd_per_chip_hour=rate,
            effective_ms=answered_ms,
            **PERSON,
        )
        answer = self.control.ask(command)
        is_ended = left.from_ms is not None and (left.used or not left.lapsed)
        if is_ended or answered_ms < left.served_ms:
            assert isinstance(answer, Refusal)
            return
        expected = self.expected_answer(left, kind, chips, dear, answered_ms)
        assert (answer.code if isinstance(answer, Refusal) else None) == expected, answer
        if expected is not None:
            return
        left.from_ms, left.until_ms, left.lapsed = answered_ms, answered_ms + WAIVER_DAYS * MS_PER_DAY, False
        if kind is AnswerKind.MATCHED:
            left.chips = 0
        elif kind is AnswerKind.MATCHED_IN_PART:
            left.chips -= chips
        elif rate is not None:
            left.asked = rate

    def expected_answer(
        self, left: Left, kind: AnswerKind, chips: int, dear: int | None, answered_ms: int
    ) -> RefusalCode | None:
        if answered_ms >= left.closes_ms:
            return RefusalCode.WINDOW_CLOSED
        is_match = kind is not AnswerKind.DECLINED
        if not is_match and dear is not None and self.mode is not FirstRefusalMode.FIRST_OFFER:
            return RefusalCode.BAD_TERMS
        if is_match and self.mode is not FirstRefusalMode.INSUFFICIENT_CAPACITY and (dear or 0) > 0:
            return RefusalCode.NO_MATCH
        if kind is AnswerKind.MATCHED_IN_PART and chips >= left.chips:
            return RefusalCode.NO_MATCH
        return None

    def ceiling(self, left: Left) -> int:
        highest = left.rate * (10_000 + self.rate_bps) // 10_000
        return highest if left.asked is None else min(highest, left.asked)

    @rule(lose=st.booleans())
    def loss(self, lose: bool) -> None:  # noqa: FBT001
        if lose and self.lost_ms is None:
            self.control.do(DeclareLost(provider_id=ALPHA, **PERSON))
            self.lost_ms = self.now_ms
        elif not lose and self.lost_ms is not None:
            self.control.do(Restore(provider_id=ALPHA, **PERSON))
            self.lost_ms = None

    @rule(name=st.sampled_from(sorted(RATES)), chips=CHIPS, start=STARTS, replaces=st.sampled_from([None, None, ALPHA]))
    def award(self, name: str, chips: int, start: int, replaces: ProviderId | None) -> None:
        command = AwardOffer(
            offer_id=OfferId(name),
            chips=chips,
            starts_ms=day(start),
            ends_ms=day(140),
            replaces=replaces,
            **PERSON,
        )
        covering = [left for left in self.left.values() if self.covers(left, name, chips, day(start))]
        is_emergency = (
            replaces is not None and self.lost_ms is not None and self.now_ms < self.lost_ms + LOSS_DAYS * MS_PER_DAY
        )
        answer = self.control.ask(command)
        if chips > 64 - self.taken[name]:
            assert isinstance(answer, Refusal)
            return
        asked = bool(covering) or is_emergency
        fits = self.keeps_cap(chips, day(start))
        assert isinstance(answer, Accepted) == (asked and fits), answer
        if not isinstance(answer, Accepted):
            assert answer.code is RefusalCode.NOT_PERMITTED
            if asked:
                self.check_most(answer.accepted, chips, day(start))
            return
        self.taken[name] += chips
        self.awarded.append((chips, day(start)))
        award = self.control.state.awards[AwardId(answer.made[0])]
        assert list(check_award(self.control.state, award)) == []
        if not is_emergency:
            covering[0].chips -= chips
            covering[0].used = True

    def keeps_cap(self, chips: int, starts_ms: int) -> bool:
        """Alpha and beta have 32 chips each all year; beta has what was awarded besides, from a day on."""
        days = range((self.now_ms - day(0)) // MS_PER_HOUR, (self.now_ms - day(0)) // MS_PER_HOUR + 24 * CAP_DAYS)
        hours = len(days)
        extra = sum(
            count * sum(1 for hour in days if starts <= day(0) + hour * MS_PER_HOUR < day(140))
            for count, starts in (*self.awarded, (chips, starts_ms))
        )
        return (32 * hours + extra) * 10_000 <= self.cap_bps * (64 * hours + extra)

    def check_most(self, said: str, chips: int, starts_ms: int) -> None:
        """The most chips that a refusal names keep the cap, and with one more lot of the offers they do not."""
        most = int(said.split()[2]) if said else 0
        assert most < chips
        assert not most or self.keeps_cap(most, starts_ms)
        assert not self.keeps_cap(most + LOT_CHIPS, starts_ms)

    def covers(self, left: Left, name: str, chips: int, starts_ms: int) -> bool:
        return (
            left.from_ms is not None
            and left.from_ms <= self.now_ms < left.until_ms
            and chips <= left.chips
            and RATES[name] <= self.ceiling(left)
            and abs(starts_ms - left.starts_ms) <= self.start_days * MS_PER_DAY
        )

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "control"):
            assert check(self.control.state, self.control.now) == ()

    def teardown(self) -> None:
        if hasattr(self, "control"):
            assert replayed(self.control) == self.control.state


TestBuying = Buying.TestCase
TestBuying.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        # Whoever decides takes the terms of a notice for whatever is asked: only the dates of a waiver are looked at.
        ("multihome.clauses.waivers._terms_gap", lambda *_: ""),
        # Whoever records an answer does not look at the awards that rest on the lapse.
        ("multihome.controller.procurement._rests_on_lapse", lambda *_: ()),
        # Whoever decides asks no cap.
        ("multihome.procurement.awards.verdicts", lambda *_: ()),
    ],
)
def test_a_planted_fault_is_caught(monkeypatch: pytest.MonkeyPatch, name: str, fault: object) -> None:
    monkeypatch.setattr(name, fault)
    search = settings(
        max_examples=1_000,
        stateful_step_count=20,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Buying, settings=search)
