"""Classes of many gangs from shares: each gives its options about the members that prices leave it undecided between.

Where gangs are alike, all prefer the same option, and to serve them one after the other fills it and leaves others
empty. The shares at which prices settled use every row as it is supplied, but for a little.
"""

import numpy as np

from multihome.scheduling.core.problem import Ints, Problem
from multihome.scheduling.core.rounding import standing
from multihome.scheduling.core.smoothed import Singles
from multihome.scheduling.core.usage import usage_of

_PASSES_MAX = 40
"""What does not fit is halved; after so many times nothing is left of it."""


def apportioned(problem: Problem, share: Singles, held: Ints) -> Ints:
    """Members in options by share, whole gangs within every row; of those held, no more stay than their share."""
    many = np.flatnonzero(problem.members > 1)
    if not len(many):
        return held
    wanted = np.floor(share[:, many].astype(np.float64) * problem.members[many] + 1e-3).astype(np.int64)
    counts = held.copy()
    counts[:, many] = np.minimum(held[:, many], wanted + 1)
    usage = usage_of(problem, counts)
    more = np.maximum(wanted - counts[:, many], 0)
    room = problem.members[many] - counts[:, many].sum(axis=0)
    more = np.diff(np.minimum(np.cumsum(more, axis=0), room), axis=0, prepend=0)
    slot, index = np.nonzero(more)
    copies = more[slot, index]
    for _ in range(_PASSES_MAX):
        if not len(copies):
            break
        chosen = many[index]
        bundle, chips = problem.bundle[slot, chosen], problem.chips[slot, chosen] * copies
        stands = standing(problem, usage, bundle, chips)
        counts[slot[stands], chosen[stands]] += copies[stands]
        usage.add(bundle[stands], chips[stands])
        left = ~stands & (copies > 1)
        slot, index, copies = slot[left], index[left], copies[left] // 2
    return counts
