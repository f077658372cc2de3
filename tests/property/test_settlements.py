"""Any history of terms, acceptances, losses and clocks: another road comes to what is settled, once a period."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from multihome.controller.apply import apply, touch
from multihome.controller.state import State
from multihome.domain.clause_terms import ChipStep, ClauseTerms, IndexStep, TierMode
from multihome.domain.commands import AdvanceClock, Apply, DeclareClock, DeclareLost, Install, Restore
from multihome.domain.contracts import Suspension
from multihome.domain.events import ChipTimeMetered, Event, PeriodSettled
from multihome.domain.ids import ContractId
from multihome.domain.workloads import Infra
from multihome.units.calendar import Calendar, Period
from multihome.units.time import MS_PER_DAY, MS_PER_HOUR, Interval
from multihome.views.resettling import Resettling
from tests.builders import ALPHA, contract, day, delivery, take_or_pay, training, tranche, world
from tests.control import Control, replayed
from tests.money_builders import USD, minimum_commitment, price_tiers, ramp

DAYS = st.integers(0, 120)
ZONES = st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata"))


@st.composite
def clauses(draw: st.DrawFn) -> tuple[ClauseTerms, ...]:
    change = day(draw(st.integers(1, 100))) + draw(st.integers(0, 23)) * MS_PER_HOUR
    more: dict[str, Any] = {
        "make_up_periods": draw(st.integers(0, 3)),
        "carry_forward_bps": draw(st.sampled_from((0, 500, 5_000))),
    }
    shares = draw(st.lists(st.integers(0, 10_000), min_size=2, max_size=2))
    period = draw(st.sampled_from(tuple(Period)[:2]))
    found: list[ClauseTerms] = [
        take_or_pay(share_bps=shares[0], interval=Interval(day(0), change), period=period, **more),
        take_or_pay(share_bps=shares[1], interval=Interval(change, day(365)), **more),
    ]
    if draw(st.booleans()):
        found.append(minimum_commitment((0, draw(st.integers(0, 10**5)) * USD), (draw(DAYS) + 1, 7 * USD)))
    if draw(st.booleans()):
        step = IndexStep(from_ms=day(draw(DAYS)), factor_bps=draw(st.integers(1, 30_000)))
        mode = draw(st.sampled_from(tuple(TierMode)))
        found.append(price_tiers((0, 2 * USD), (draw(st.integers(1, 9_000)), 999_999), mode=mode, index=(step,)))
    if draw(st.booleans()):
        steps = (ChipStep(from_ms=day(0), chips=8), ChipStep(from_ms=day(draw(DAYS) + 1), chips=24))
        found.append(ramp(steps=steps))
    return tuple(found)


def begun(terms: tuple[ClauseTerms, ...], zone: str, first_day: int, second: int) -> Control:
    control = Control()
    control.do(Install(installation_id="test"))
    control.do(DeclareClock(start_ms=day(first_day)))
    late = tranche(name="t2", promised_ms=day(20), rate_micro_usd_per_chip_hour=1_234_567, ends_ms=day(300))
    owner = contract(clauses=terms, tranches=(tranche(), late), calendar=Calendar(zone=zone))
    facts = [owner if getattr(one, "id", "") == owner.id else one for one in world()]
    span = Interval(day(second), day(second) + 77 * MS_PER_HOUR)
    flood = Suspension(id="S", contract_id=ContractId("alpha-1"), interval=span, ground="flood", source="test")
    later = delivery("D-9", "alpha-1/t2", domains=1, effective_ms=day(second) + 3 * MS_PER_HOUR)
    control.do(Apply(documents=(*facts, later, flood), workloads=()))
    return control


def reckoned(control: Control) -> list[str]:
    """What another road finds wrong with what was settled."""
    road, found = Resettling(), []
    state = State()
    for step in control.steps:
        for event in step.events:
            if isinstance(event, ChipTimeMetered):
                road.metered(state, event)
            if isinstance(event, PeriodSettled):
                found.extend(road.settled(state, event, step.at))
            apply(state, event, step.at)
        if step.events or step.request is not None:
            touch(state, step.at)
    return found


@settings(max_examples=60)
@given(
    terms=clauses(),
    zone=ZONES,
    first_day=st.integers(0, 40),
    second=DAYS,
    leaps=st.lists(st.integers(1, 60 * 24), min_size=1, max_size=8),
    lost=st.integers(0, 7),
)
def test_what_is_settled_is_what_another_road_comes_to(
    terms: tuple[ClauseTerms, ...], zone: str, first_day: int, second: int, leaps: list[int], lost: int
) -> None:
    control = begun(terms, zone, first_day, second)
    control.running(training(infra=Infra(provider="alpha")))
    at_ms = day(first_day)
    for number, hours in enumerate(leaps):
        at_ms += hours * MS_PER_HOUR
        control.do(AdvanceClock(to_ms=at_ms))
        if number == lost:
            control.do(DeclareLost(provider_id=ALPHA, actor="ann", why="fire"))
        elif number == lost + 1:
            control.do(Restore(provider_id=ALPHA, actor="ann", why="back"))
        for _ in range(2):
            control.wait(1_000)
            control.tick()
    assert reckoned(control) == []
    settled = control.events(PeriodSettled)
    assert len({(one.clause, one.tranche_id, one.period.start_ms) for one in settled}) == len(settled)
    ended = [terms for terms in control.state.contracts[ContractId("alpha-1")].clauses if terms.id == "top"]
    if at_ms >= day(first_day) + 62 * MS_PER_DAY and ended[1].interval.start_ms < day(31):
        assert settled, "two months have passed and nothing was settled"
    assert replayed(control) == control.state


def test_a_settlement_that_is_wrong_by_one_is_told() -> None:
    control = begun((take_or_pay(),), "UTC", 0, 3)
    control.do(AdvanceClock(to_ms=day(31)))
    control.tick()
    assert reckoned(control) == []
    control.steps = [
        msgspec.structs.replace(step, events=tuple(map(_off_by_one, step.events))) for step in control.steps
    ]
    assert reckoned(control)


def _off_by_one(event: Event) -> Event:
    if isinstance(event, PeriodSettled):
        return msgspec.structs.replace(event, under_delivered_chip_ms=event.under_delivered_chip_ms + 1)
    return event
