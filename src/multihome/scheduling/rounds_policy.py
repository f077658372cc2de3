"""Which gang gets which domain in a round that may decide anew about all of them, and what a gang is worth to it.

Columns in, columns out: an option is a gang in a domain, with its chips and its worth. Worth is a rank without a unit;
only its order and ratios matter. Never knows a run, a contract or an engine.
"""

from collections.abc import Callable, Sequence

import msgspec

from multihome.domain.policy import Knowledge, Objective, Order, PlacementPolicy

STAY = 1.1
"""By how much a gang counts for more where it runs already, where remaining work is known: it damps to and fro."""
SERVED_MS_MIN = 60_000
"""Service of less than a minute counts as a minute, so that a gang that has just arrived is worth no infinity."""
HORIZON_MS_MIN = 60_000
"""A restart is held against the round, and against no less than this."""
SWAPS_OPTIONS_MAX = 512
"""Options up to which exchanges are tried after the first pass; beyond, density alone comes close to the best."""
SWAP_ROUNDS_MAX = 4


class Gang(msgspec.Struct, frozen=True, gc=False):
    """What the worth of a gang rests on. Times are those of its best accelerator; 0 left is unknown.

    `value_milli` weighs it against others, 1,000 being ordinary.
    """

    chips: int
    value_milli: int
    left_ms: int
    served_ms: int


class Option(msgspec.Struct, frozen=True, gc=False):
    """A gang, by its number, in a domain, by its: how many chips that takes, and what it is worth."""

    gang: int
    domain: int
    chips: int
    worth: float


def worth(policy: PlacementPolicy, gang: Gang, share: float, *, runs_here: bool) -> float:
    """What a gang is worth where it does `share` of what its best accelerator does.

    - completion time, blind: share × √√chips, so that of equal shares wide gangs are not crowded out by narrow ones.
    - completion time, known: share ÷ left to the power of alpha: shortest work first (Smith's ratio for 1).
    - makespan, known: share × √left, so that long work begins early.
    - fairness: share ÷ service so far (least attained service, Gavel's max-min in its greedy form).

    A start or a move costs its part of the round.
    """
    knows = policy.knowledge is Knowledge.KNOWN and gang.left_ms > 0
    if policy.order is Order.MAX_MIN or policy.objective is Objective.FAIRNESS:
        found = share * gang.chips / max(SERVED_MS_MIN, gang.served_ms)
    elif policy.objective is Objective.COMPLETION and knows:
        found = share / float(gang.left_ms) ** (policy.alpha_milli / 1_000)
    elif policy.objective is Objective.MAKESPAN and knows:
        found = share * float(gang.left_ms) ** 0.5
    elif policy.objective is Objective.VALUE:
        found = share * gang.chips
    else:
        found = share * float(gang.chips) ** 0.25
    found *= gang.value_milli
    if runs_here:
        return found * STAY if knows and policy.objective is Objective.COMPLETION else found
    return found * (1.0 - min(0.9, policy.restart_ms / max(policy.round_ms, HORIZON_MS_MIN, 1)))


def assign(
    options: Sequence[Option], free_chips: Sequence[int], gangs: int, may_take: Callable[[Option], bool]
) -> list[Option | None]:
    """One option or none for each gang, whole, and no domain beyond its chips.

    By worth a chip, then exchanges that add worth while there are few options. Ties go to the gang and domain of the
    lower number, so that equal columns give equal answers. `may_take` is asked in the order of taking, and by saying
    yes has counted the gang.
    """
    ranked = sorted(options, key=_density)
    left = list(free_chips)
    chosen: list[Option | None] = [None] * gangs
    for option in ranked:
        if chosen[option.gang] is None and option.chips <= left[option.domain] and may_take(option):
            chosen[option.gang] = option
            left[option.domain] -= option.chips
    return chosen


def exchange(options: Sequence[Option], chosen: list[Option | None], free_chips: Sequence[int]) -> list[Option | None]:
    """Improve an assignment by putting one gang in the place of others, as long as that adds worth.

    Not where quotas bind: it asks nobody. Ends, for worth only grows, and after `SWAP_ROUNDS_MAX` passes at the latest.
    """
    if len(options) > SWAPS_OPTIONS_MAX:
        return chosen
    left = list(free_chips)
    inside: list[list[Option]] = [[] for _ in free_chips]
    for option in chosen:
        if option is not None:
            left[option.domain] -= option.chips
            inside[option.domain].append(option)
    ranked = sorted(options, key=_density)
    for _ in range(SWAP_ROUNDS_MAX):
        took = [_try(option, chosen, left, inside) for option in ranked]
        if not any(took):
            break
    return chosen


def _try(option: Option, chosen: list[Option | None], left: list[int], inside: list[list[Option]]) -> bool:
    """Take an option if it is worth more than what it displaces: its gang's own, and the least worth in its domain."""
    own = chosen[option.gang]
    gain = option.worth - (own.worth if own is not None else 0.0)
    if own is option or gain <= 0:
        return False
    missing = option.chips - left[option.domain]
    if own is not None and own.domain == option.domain:
        missing -= own.chips
    displaced: list[Option] = []
    if missing > 0:
        for other in sorted(inside[option.domain], key=_least_worth):
            if other.gang != option.gang and missing > 0:
                displaced.append(other)
                missing -= other.chips
                gain -= other.worth
                if gain <= 0:
                    return False
    if missing > 0:
        return False
    for other in (*displaced, *((own,) if own is not None else ())):
        chosen[other.gang] = None
        inside[other.domain].remove(other)
        left[other.domain] += other.chips
    chosen[option.gang] = option
    inside[option.domain].append(option)
    left[option.domain] -= option.chips
    return True


def _density(option: Option) -> tuple[float, int, int]:
    return -option.worth / option.chips, option.gang, option.domain


def _least_worth(option: Option) -> tuple[float, int]:
    return option.worth, -option.gang
