"""By which policy placement rounds decide: what they are after, what they know, and whether they move what runs."""

from enum import StrEnum

from multihome.domain.fact import Fact
from multihome.units.time import MS_PER_DAY, MS_PER_SECOND

ROUND_MS_MAX = 7 * MS_PER_DAY
"""The longest round, and the longest restart."""


class Objective(StrEnum):
    """What rounds are after: value, a short mean completion time, a short makespan, or equal shares."""

    VALUE = "value"
    COMPLETION = "jct"
    MAKESPAN = "makespan"
    FAIRNESS = "fairness"


class Order(StrEnum):
    """By what rounds serve gangs.

    - `prices`: value for the chips that it takes, guarantees first.
    - `fifo`: the order of submission, and nothing overtakes.
    - `priority`: the higher priority, then the order of submission, and nothing overtakes.
    - `cheapest`: the order of submission, each gang where its work costs least; what does not fit is overtaken.
    - `max-min`: whoever was served least so far, as a share of what its best accelerator would have done.
    """

    PRICES = "prices"
    FIFO = "fifo"
    PRIORITY = "priority"
    CHEAPEST = "cheapest"
    MAX_MIN = "max-min"


class Knowledge(StrEnum):
    """Whether rounds may use the work that a workload says it has to do."""

    BLIND = "blind"
    KNOWN = "known"


class Preemption(StrEnum):
    """What rounds may stop: nothing, borrowed chips that a guarantee needs, or any gang when that is worth more."""

    NEVER = "never"
    RECLAIM = "reclaim"
    ROUNDS = "rounds"


class PlacementPolicy(Fact, frozen=True, kw_only=True):
    """The policy that placement rounds obey.

    `round_ms` is how far rounds that decide anew are apart; 0 decides whenever a round is due. `restart_ms` is what it
    takes a gang to start or to move. `alpha_milli` is the exponent of remaining work, times 1,000, where it is known.
    """

    objective: Objective = Objective.VALUE
    order: Order = Order.PRICES
    knowledge: Knowledge = Knowledge.BLIND
    alpha_milli: int = 1_000
    preemption: Preemption = Preemption.RECLAIM
    round_ms: int = 0
    restart_ms: int = 30 * MS_PER_SECOND

    @property
    def is_by_quota(self) -> bool:
        """Whether rounds are those of `scheduling.place`: quotas, borrowing and reclaim, and nothing else is moved."""
        return self.order is Order.PRICES and self.preemption is Preemption.RECLAIM


BY_QUOTA = PlacementPolicy()
"""What is obeyed where nobody set a policy."""
