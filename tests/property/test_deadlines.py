"""A deadline that guaranteed capacity alone could meet is met, whatever becomes of capacity that may be taken back."""

import msgspec
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from multihome.domain.placements import Basis
from multihome.scheduling.options.deadlines import SAFE, Race, allowed_bases

G = Basis.GUARANTEED

races = st.builds(
    lambda work, delay, look, slack: Race(
        began_ms=0, deadline_ms=work + delay + slack, work_ms=work, left_ms=work, delay_ms=delay, look_ms=look
    ),
    work=st.integers(1, 400),
    delay=st.integers(0, 40),
    look=st.integers(1, 40),
    slack=st.integers(0, 400),
)
turns = st.tuples(
    st.integers(1, 40),  # to the next look, cut to the longest
    st.sampled_from([None, *Basis]),  # what the placer would take, if it is allowed
    st.integers(0, 100),  # per cent of the stretch that the cheap capacity really ran
    st.booleans(),  # whether it was taken back in the end
    st.booleans(),  # whether the run saves at the end of the stretch
)


def finished_ms(race: Race, told: Race, story: list[tuple[int, Basis | None, int, bool, bool]]) -> int:
    """When the work is done if the rule believes `told`, the world is `race`, and the adversary goes by the story.

    After the story nothing cheap is to be had, nothing is saved, and looks are as rare as they may be.
    """
    now = saved = live = ready_ms = 0
    on: Basis | None = None
    turn = 0
    while True:
        wait, wish, share, taken_back, saves = (
            story[turn] if turn < len(story) else (race.look_ms, None, 0, True, False)
        )
        turn += 1
        stretch = min(wait, race.look_ms)
        bases = allowed_bases(msgspec.structs.replace(told, left_ms=race.work_ms - saved), on, now).bases
        choice = G if bases == SAFE else wish if wish in bases else None
        if on is not None and choice is None:
            # Somebody took it away, or it was given up.
            choice = on if on is G and G in bases else None
        if choice != on:
            live, on, ready_ms = saved, choice, now + race.delay_ms
        end = now + stretch
        if on is G:
            done = max(0, end - max(now, ready_ms))
            if live + done >= race.work_ms:
                return max(now, ready_ms) + race.work_ms - live
            live += done
        elif on is not None:
            live = min(race.work_ms - 1, live + max(0, end - max(now, ready_ms)) * share // 100)
        now = end
        if on is not None and saves:
            saved = max(saved, live)
        if on is not None and on is not G and taken_back:
            on, live = None, saved
        if now > race.deadline_ms + race.work_ms + race.delay_ms:
            return now


@given(races, st.lists(turns, max_size=60))
@settings(max_examples=500)
def test_a_feasible_deadline_is_never_missed(
    race: Race, story: list[tuple[int, Basis | None, int, bool, bool]]
) -> None:
    assert finished_ms(race, race, story) <= race.deadline_ms


@pytest.mark.parametrize("fault", [{"look_ms": 0}, {"delay_ms": 0}])
def test_a_rule_that_forgets_the_look_or_the_start_is_caught(fault: dict[str, int]) -> None:
    def misses(case: tuple[Race, list[tuple[int, Basis | None, int, bool, bool]]]) -> bool:
        race, story = case
        return finished_ms(race, msgspec.structs.replace(race, **fault), story) > race.deadline_ms

    try:
        find(st.tuples(races, st.lists(turns, max_size=60)), misses, settings=settings(max_examples=2_000))
    except NoSuchExample:
        pytest.fail("the planted fault was not caught")


@given(races, st.integers(0, 800), st.sampled_from([None, *Basis]), st.integers(0, 400))
def test_some_basis_is_always_allowed_and_only_guaranteed_once_nothing_is_to_spare(
    race: Race, now: int, on: Basis | None, left: int
) -> None:
    race = msgspec.structs.replace(race, left_ms=min(left, race.work_ms))
    bases = allowed_bases(race, on, now).bases
    assert bases
    if race.deadline_ms - now - race.left_ms < race.delay_ms + race.look_ms:
        assert bases == SAFE
