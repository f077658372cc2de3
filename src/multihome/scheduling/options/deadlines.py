"""Which bases a workload with a deadline may run on, so that cheap capacity is used and the deadline still met.

The uniform-progress rule with a safety net, after Wu et al., Can't Be Late: Optimizing Spot Instance Savings under
Deadlines (NSDI 2024). Work that counts is what a checkpoint holds. Pure arithmetic on what is left; picks no lot.
"""

from enum import StrEnum

import msgspec

from multihome.domain.placements import Basis
from multihome.units.money import WHOLE_BPS, Rounding, divide
from multihome.units.time import MS_PER_HOUR


class DeadlineRule(StrEnum):
    """Why the bases are as they are."""

    NONE = "none"
    SAFETY = "safety"
    EXPLOIT = "exploit"
    BEHIND = "behind"
    AHEAD = "ahead"
    CATCHING_UP = "catching_up"
    UNKNOWN_RATE = "unknown_rate"


class Race(msgspec.Struct, frozen=True, kw_only=True):
    """A workload against its deadline, in milliseconds.

    `work_ms` is all its work, `left_ms` what no checkpoint holds yet, both on guaranteed capacity. `delay_ms` is from
    the decision to run elsewhere to the first step; `look_ms` the longest time from one look to the next.
    """

    began_ms: int
    deadline_ms: int
    work_ms: int
    left_ms: int
    delay_ms: int
    look_ms: int


class Allowed(msgspec.Struct, frozen=True):
    """The bases a workload may run on now, and the rule that says so."""

    bases: tuple[Basis, ...]
    rule: DeadlineRule


SAFE = (Basis.GUARANTEED,)
GIVEN_BACK = tuple(basis for basis in Basis if basis is not Basis.GUARANTEED)
"""Bases whose chips may be taken back."""
ANY = tuple(Basis)


def allowed_bases(race: Race, on: Basis | None, now_ms: int) -> Allowed:
    """The bases on which a workload may run from `now_ms` to the next look; `on` is what it runs on, None for nothing.

    1. Safety: once less time is to spare than a start and one look, only guaranteed capacity, to the end. What may be
       taken back loses at most the time of one look, so the next look still finds enough to start on guaranteed.
    2. What runs on capacity that may be taken back stays while it has it.
    3. What runs on guaranteed capacity stays until it is ahead of uniform progress by two starts (hysteresis).
    4. What waits takes whatever there is when it is behind uniform progress, and only what is cheap when ahead.
    """
    spare_ms = race.deadline_ms - now_ms - race.left_ms
    if spare_ms < race.delay_ms + race.look_ms:
        return Allowed(SAFE, DeadlineRule.SAFETY)
    if on is not None and on is not Basis.GUARANTEED:
        return Allowed(ANY, DeadlineRule.EXPLOIT)
    if on is Basis.GUARANTEED:
        if is_behind(race, now_ms + 2 * race.delay_ms):
            return Allowed(SAFE, DeadlineRule.CATCHING_UP)
        return Allowed(ANY, DeadlineRule.AHEAD)
    if is_behind(race, now_ms):
        return Allowed(ANY, DeadlineRule.BEHIND)
    return Allowed(GIVEN_BACK, DeadlineRule.AHEAD)


def is_behind(race: Race, at_ms: int) -> bool:
    """Say whether less is done than uniform progress has by then: work × (at − began) ÷ (deadline − began)."""
    span_ms = race.deadline_ms - race.began_ms
    done_ms = race.work_ms - race.left_ms
    return done_ms * span_ms < race.work_ms * (at_ms - race.began_ms)


def needed_bps(race: Race, now_ms: int) -> int:
    """The share of the time left that the work needs on guaranteed capacity, in basis points; a whole where none is."""
    time_ms = race.deadline_ms - now_ms
    if not race.left_ms:
        return 0
    if time_ms <= 0:
        return WHOLE_BPS
    return min(WHOLE_BPS, divide(race.left_ms * WHOLE_BPS, time_ms, Rounding.UP))


def work_ms(steps: int, steps_per_hour_milli: int) -> int:
    """How long so many steps take at a rate, rounded up; the rate is above 0."""
    return divide(steps * 1_000 * MS_PER_HOUR, steps_per_hour_milli, Rounding.UP)
